"""The ids that appointments get from a calendar: of its events, and of each visit of a series. Pure."""

import hashlib
import re
from datetime import UTC, datetime

LONGEST_ID, KEPT_OF_ID = 120, 80  # characters
OF_A_SERIES = r"/\d{8}(T\d{6}Z?)?$|~[0-9a-f]{24}$"  # how the ids of its visits end


def name_event(uid: str, recurrence: str = "") -> str:
    """Return the UID, with the occurrence of a series; longer ones are cut, with a hash of the whole.

    Of a visit of a series the UID is cut first, so that the id of the whole series tells those of its visits.
    """
    return _cut_long(f"{_cut_long(uid)}/{recurrence}" if recurrence else uid)


def _cut_long(name: str) -> str:
    if len(name) <= LONGEST_ID:
        return name
    return f"{name[:KEPT_OF_ID]}~{hashlib.sha256(name.encode()).hexdigest()[:24]}"


# Where only the later visits of a series were moved, Google makes a series of them with such a UID.
LATER_PART = re.compile(r"_R\d{8}(?:T\d{6}Z?)?(?=@|$)")


def is_cut(visit_id: str) -> bool:
    """Whether it is the beginning of a longer id, with a hash."""
    return "~" in visit_id[KEPT_OF_ID:]


def find_beginning(visit_id: str) -> str:
    """What the ids of all visits in its series have in common: the UID, or the first characters of it."""
    return visit_id[:KEPT_OF_ID] if is_cut(visit_id) else visit_id.rpartition("/")[0]


def is_of_series(visit_id: str, uid: str, starts_at: datetime) -> bool:
    """Whether that is the id of a visit in the series with this UID, or this id of the whole.

    `starts_at`: of the visit, aware. Where the id was cut, a visit that was moved is not recognised, since
    only the hash tells which series it is of.
    """
    if not is_cut(visit_id):
        return visit_id.startswith(f"{uid}/")
    moments = (f"{starts_at.astimezone(UTC):%Y%m%dT%H%M%SZ}", f"{starts_at:%Y%m%dT%H%M%S}")
    return visit_id in [name_event(uid, moment) for moment in moments]


def is_on_day(visit_id: str, occurrence: str, starts_at: datetime) -> bool:
    """Whether a visit is the occurrence of a day: UID/20270304. `starts_at`: of the visit, aware."""
    uid, _, day = occurrence.rpartition("/")
    if not (re.fullmatch(r"\d{8}", day) and visit_id.startswith(f"{uid}/")):
        return False
    moment = visit_id[len(uid) + 1 :]
    if not re.fullmatch(r"\d{8}T\d{6}Z", moment):
        return moment[:8] == day
    return f"{datetime.fromisoformat(moment).astimezone(starts_at.tzinfo):%Y%m%d}" == day


def name_of_event(visit_id: str) -> str:
    """What the ids of an event have in common, be it alone, a series, or cut into several series.

    Of an id that was cut, what is left of it, which other events may have as well: see is_cut().
    """
    return LATER_PART.sub("", find_uid(visit_id))


def find_uid(visit_id: str) -> str:
    """The UID of which a visit has its id; of an id that was cut, the first characters."""
    return find_beginning(visit_id) if re.search(OF_A_SERIES, visit_id) else visit_id


def may_be_of_one_event(one: str, other: str) -> bool:
    """Whether two visits, by their ids, are of one event; of ids that were cut only the beginning tells."""
    longest = KEPT_OF_ID if is_cut(one) or is_cut(other) else None
    return name_of_event(one)[:longest] == name_of_event(other)[:longest]


def has_other_uid(one: str, other: str) -> bool:
    """Whether two visits are of entries with different UIDs, as far as ids that were cut tell it."""
    longest = KEPT_OF_ID if is_cut(one) or is_cut(other) else None
    return find_uid(one)[:longest] != find_uid(other)[:longest]
