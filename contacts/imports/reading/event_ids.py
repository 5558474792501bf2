"""The ids that appointments get from a calendar: of its events, and of each visit of a series. Pure."""

import hashlib
from datetime import UTC, datetime

LONGEST_ID, KEPT_OF_ID = 120, 80  # characters
OF_A_SERIES = r"/\d{8}(T\d{6}Z?)?$|~[0-9a-f]{24}$"  # how the ids of its visits end


def name_event(uid: str, recurrence: str = "") -> str:
    """Return the UID, with the occurrence of a series; longer ones are cut, with a hash of the whole."""
    name = f"{uid}/{recurrence}" if recurrence else uid
    if len(name) <= LONGEST_ID:
        return name
    return f"{name[:KEPT_OF_ID]}~{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def find_beginning(visit_id: str) -> str:
    """What the ids of all visits in its series have in common: the UID, or the first characters of it."""
    return visit_id[:KEPT_OF_ID] if "~" in visit_id[KEPT_OF_ID:] else visit_id.rpartition("/")[0]


def is_of_series(visit_id: str, uid: str, starts_at: datetime) -> bool:
    """Whether that is the id of a visit in the series with this UID.

    `starts_at`: of the visit, aware. Where the id was cut, a visit that was moved is not recognised, since
    only the hash tells which series it is of.
    """
    if "~" not in visit_id[KEPT_OF_ID:]:
        return visit_id.startswith(f"{uid}/")
    moments = (f"{starts_at.astimezone(UTC):%Y%m%dT%H%M%SZ}", f"{starts_at:%Y%m%dT%H%M%S}")
    return visit_id in [name_event(uid, moment) for moment in moments]
