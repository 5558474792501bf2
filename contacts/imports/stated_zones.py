"""A time whose zone is stated: by a calendar, by FHIR, by a header that says UTC. Pure: no database.

Such a time is neither AM or PM, nor none because it is 0:00 there. By the location's clock it may be in the
night all the same, since some systems write the times of their own clock as UTC (product rule 46).
"""

from datetime import datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.translation import gettext
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from contacts.clock_habits import write_clock
from contacts.imports.problems import CellFault
from contacts.imports.times import BY_CLOCK, FIRST_HOUR, refuse_midnight
from contacts.zones import find_zone

STATED_KEY = "stated_night"  # of the question whether visits are in the night
UTC = "UTC"


@lru_cache(maxsize=256)
def read_stated_zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA or Windows name, None for an empty one. Raises CellFault."""
    if not name:
        return None
    zone = find_zone(name) or find_zone(WINDOWS_TO_OLSON.get(name, ""))
    if zone is None:
        raise CellFault(
            gettext("This time zone is unknown, so it isn't clear when the visit is."),
            gettext("Write its name like America/New_York, or export the times by the location's clock."),
        )
    return zone


def check_stated_time(wall: datetime, stated: ZoneInfo, here: datetime, answer: str) -> None:
    """Raise CellFault for a visit at midnight, and for one in the night that nobody has confirmed.

    `wall`: naive, in the stated zone; `here`: the same by the location's clock; `answer`: to the question.
    """
    if here.time() == time(0) or (wall.time() == time(0) and str(stated) != UTC):
        raise refuse_midnight()
    if here.hour < FIRST_HOUR and answer != BY_CLOCK:
        raise CellFault(
            gettext("By the location's clock this is %(time)s, in the night.") % {"time": write_clock(here)},
            gettext("Correct it in your practice system, or say that visits are in the night there."),
        )
