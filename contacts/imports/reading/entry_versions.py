"""Which version of an entry of a calendar or FHIR file a row is, so that an older file changes nothing. Pure.

Calendars number the versions of an event (SEQUENCE), and say when it was changed (LAST-MODIFIED) and when
the file was written (DTSTAMP); FHIR has the latter two. A row has them as text: `sequence=2
modified=20270301T120000Z written=20270302T080000Z series`. `series`: the version is that of a whole series;
`alone` before it: of one visit of a series that isn't in the file itself.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

HEADER = "version of the entry"
STAMPS = ("modified", "written")
OF_SERIES, ALONE = "series", "alone"
PART = re.compile(r"(sequence|modified|written)=([0-9TZ]{1,20})")
CLOCKS_DIFFER_BY = timedelta(days=1)  # a stamp that is later than this from now is of a wrong clock


def write_version(
    now: datetime,
    *,
    sequence: int | None = None,
    modified: date | None = None,
    written: date | None = None,
    of_series: bool = False,
) -> str:
    """Return the version as a row has it; "" if the file says nothing of it. `now`: aware."""
    parts = [] if sequence is None or sequence < 0 else [f"sequence={sequence}"]
    for name, moment in zip(STAMPS, (modified, written), strict=True):
        if isinstance(moment, datetime):
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
            if moment <= now + CLOCKS_DIFFER_BY:
                parts.append(f"{name}={moment:%Y%m%dT%H%M%SZ}")
    return " ".join([*parts, OF_SERIES] if parts and of_series else parts)


def mark_alone(version: str) -> str:
    """The version of one visit of a series that isn't in the file: what else it has isn't known."""
    return f"{ALONE} {version}".strip()


def is_alone(version: str) -> bool:
    """Whether the file has no more of the visit's series than single visits."""
    return version.startswith(ALONE)


def leave_out_alone(version: str) -> str:
    """The version to be kept: what a file has besides isn't a part of it."""
    return version.removeprefix(ALONE).strip()


def leave_out_sequence(version: str) -> str:
    """The version without its number, which can't be compared with that of another event."""
    return " ".join(part for part in version.split() if not part.startswith("sequence="))


def is_older(version: str, known: str) -> bool:
    """Whether a version is older than one that was imported before.

    The sequence decides before the stamps. That of a series and that of one of its visits aren't the same
    count: between these only stamps tell.
    """
    one, other = _read(version), _read(known)
    if _is_of_series(version) != _is_of_series(known):
        return _has_older_stamps(one, other)
    for name in ("sequence", *STAMPS):
        if name in one and name in other and one[name] != other[name]:
            return one[name] < other[name]
    return False


def is_surely_older(version: str, known: str) -> bool:
    """The same of a cancellation, which counts in doubt: the stamps must say so, and no sequence deny it."""
    one, other = _read(version), _read(known)
    is_later = _is_of_series(version) == _is_of_series(known) and _sequence(one) > _sequence(other)
    return _has_older_stamps(one, other) and not is_later


def is_same_state(version: str, known: str) -> bool:
    """Whether they differ at most by when the file was written."""
    one, other = _read(version), _read(known)
    return one | {"written": ""} == other | {"written": ""} and _is_of_series(version) == _is_of_series(known)


def _read(version: str) -> dict[str, str]:
    """The parts, so that they can be compared as text."""
    found = dict(PART.findall(version))
    if "sequence" in found:
        found["sequence"] = found["sequence"].zfill(20)
    return found


def _sequence(parts: Mapping[str, str]) -> str:
    return parts.get("sequence", "").zfill(20)


def _is_of_series(version: str) -> bool:
    return version.endswith(OF_SERIES)


def _has_older_stamps(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    pairs = [(one[name], other[name]) for name in STAMPS if name in one and name in other]
    return any(mine < theirs for mine, theirs in pairs) and all(mine <= theirs for mine, theirs in pairs)
