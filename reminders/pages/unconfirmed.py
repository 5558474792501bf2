"""Who comes on the next day with visits, hasn't answered, and gets nothing more: to be called by hand."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from contacts.models import Appointment, Location
from reminders.deciding.shared_settings import SharedSettings
from reminders.models import SendingSwitch
from reminders.pages.day_printing import PrintedLine, print_visits
from reminders.pages.day_reading import VisitOfDay, read_visits_of_day, today_at
from reminders.rules.reasons import Reason

LOOKED_AHEAD = 4  # days: on a Friday, to Monday and the holiday after it
# Visits with these states have an answer, or something is under way or will be said in a minute.
ANSWERED = ("confirmed", "wants_another_time", "arrived", "no_show", "cancelled")
UNDER_WAY = ("calling", "submitting", "unknown", "being_planned", "will_call", "will_text", "would_call")
TAKEN_CARE_OF = frozenset((*ANSWERED, *UNDER_WAY))
# What is paused goes out when it is resumed; a banner on every page says so.
PAUSED = frozenset((Reason.SENDING_PAUSED, Reason.LOCATION_PAUSED))


@dataclass(frozen=True)
class Unconfirmed:
    """The visits of `day`, which is the day after today if `is_tomorrow`."""

    day: date | None
    is_tomorrow: bool
    lines: tuple[PrintedLine, ...]


def read_unconfirmed(
    locations: Collection[Location],
    now: datetime,
    practice: SharedSettings | None = None,
    switch: SendingSwitch | None = None,
) -> Unconfirmed:
    """The visits of the next day within LOOKED_AHEAD that has any; a constant number of queries.

    `practice`, `switch`: as read_visits_of_day() takes them.
    """
    today = min((today_at(location, now) for location in locations), default=now.date())
    day = _find_next_day(locations, today)
    if day is None:
        return Unconfirmed(None, False, ())
    visits = read_visits_of_day(locations, day, now, practice, switch)
    waiting = [one for one in visits if is_left_alone(one)]
    return Unconfirmed(day, day == today + timedelta(days=1), tuple(print_visits(waiting, now)))


def is_left_alone(visit: VisitOfDay) -> bool:
    """Whether the patient hasn't answered and nothing more will go out, as far as is known now."""
    coming = visit.facts.coming
    follows = coming is not None and (
        coming.moment is not None or coming.would_be_at is not None or coming.reason in PAUSED
    )
    return visit.standing.code not in TAKEN_CARE_OF and not follows


def _find_next_day(locations: Collection[Location], today: date) -> date | None:
    begin = datetime.combine(today + timedelta(days=1), time.min)
    first = (
        Appointment.objects.filter(
            location__in=locations,
            status=Appointment.Status.BOOKED,
            local_start__gte=begin,
            local_start__lt=begin + timedelta(days=LOOKED_AHEAD),
        )
        .order_by("local_start")
        .values_list("local_start", flat=True)
        .first()
    )
    return first.date() if first else None
