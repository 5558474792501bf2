"""What has changed on a day's list since a page was sent: rows in place, counts, and the line of now.

A page tells what it has by a short text: when that was read, two digests (of the counts and of the line of
now), and each row's id with a digest of the row, such as "1784049600000~9wQE~b2Xs~1c.kP0f~1d.0aZ_". So
nothing is kept on the server, and a row that the filter keeps no more is known to be on the page.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b

from django.utils.http import base36_to_int, int_to_base36

from reminders.pages.day import DayList, Group, Row

GONE = "gone"
LONGEST = 7000  # characters of a header; a longer list is sent as a whole


@dataclass(frozen=True)
class SeenDay:
    """What a page has. `text`: as it says so; `rows`: the digest of each row, by the appointment's id."""

    text: str
    at: datetime
    counts: str
    nows: str
    rows: Mapping[int, str]


@dataclass(frozen=True)
class DayChanges:
    """What to send. `gone`: appointments that were moved to another day; `added`: how many rows are new.

    `seen`: what the page has afterwards.
    """

    rows: tuple[Row, ...]
    gone: tuple[int, ...]
    added: int
    counts: bool
    nows: tuple[Group, ...]
    seen: str

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.gone or self.counts or self.nows)


def digest_rows(rows: Iterable[Row]) -> dict[int, str]:
    """The digest of each row, by the appointment's id; a page that shows the row has it."""
    return {row.pk: _digest(row) for row in rows}


def write_seen(day: DayList, at: datetime, digests: Mapping[int, str]) -> str:
    """What a page has that shows the whole list, read at `at` (aware). `digests`: of all the day's rows."""
    shown = {row.pk: digests[row.pk] for row in _shown(day)}
    return _write(at, _digest_counts(day, 0), _digest(day_nows(day)), shown)


def read_seen(text: str) -> SeenDay | None:
    """None for a text that no page was given."""
    parts = text.split("~")
    if len(parts) < 3:
        return None
    moment, counts, nows, *rows = parts
    try:
        pairs = dict(row.split(".", 1) for row in rows)
        at = datetime.fromtimestamp(int(moment) / 1000, UTC)
        return SeenDay(text, at, counts, nows, {base36_to_int(pk): digest for pk, digest in pairs.items()})
    except (ValueError, OverflowError, OSError):
        return None


def find_changes(day: DayList, seen: SeenDay, at: datetime, digests: Mapping[int, str]) -> DayChanges:
    """What a page that has `seen` needs, to show the day as read at `at`; each row stays where it is.

    `digests`: of all the day's rows, worked out once for all pages that ask.
    """
    shown = {row.pk: row for row in _shown(day)}
    hidden = {row.pk: row for row in day.rows if row.pk not in shown}
    rows: list[Row] = []
    gone: list[int] = []
    now: dict[int, str] = {}
    for pk, digest in seen.rows.items():
        row = shown.get(pk) or (replace(hidden[pk], is_leaving=True) if pk in hidden else None)
        now[pk] = GONE if row is None else digests[pk] if pk in shown else _digest(row)
        if now[pk] == digest:
            continue
        if row:
            rows.append(row)
        else:
            gone.append(pk)
    added = len(shown.keys() - seen.rows.keys())
    counts, nows = _digest_counts(day, added), _digest(day_nows(day))
    is_as_seen = not rows and not gone and (counts, nows) == (seen.counts, seen.nows)
    return DayChanges(
        rows=tuple(rows),
        gone=tuple(gone),
        added=added,
        counts=counts != seen.counts,
        nows=tuple(group for group in day.groups if group.now) if nows != seen.nows else (),
        seen=seen.text if is_as_seen else _write(at, counts, nows, now),
    )


def day_nows(day: DayList) -> tuple[tuple[str, int | None], ...]:
    """The line of now of each group: its time, and the row that it stands before."""
    return tuple((group.now, group.next_pk) for group in day.groups)


def _shown(day: DayList) -> Iterable[Row]:
    return (row for group in day.groups for row in (*group.past, *group.rows))


def _digest_counts(day: DayList, added: int) -> str:
    return _digest((day.total, day.counts, added))


def _digest(value: object) -> str:
    digest = blake2b(repr(value).encode(), digest_size=3).digest()
    return urlsafe_b64encode(digest).decode()


def _write(at: datetime, counts: str, nows: str, rows: Mapping[int, str]) -> str:
    moment = str(int(at.timestamp() * 1000))
    return "~".join([moment, counts, nows, *(f"{int_to_base36(pk)}.{digest}" for pk, digest in rows.items())])
