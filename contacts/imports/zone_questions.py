"""Which rows state the zone of their times, and the question about those in the night. Pure: no database."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from contacts.clock_habits import write_clock
from contacts.imports.columns import Columns
from contacts.imports.dates import DateOrder, read_date
from contacts.imports.files import RawRow, Table
from contacts.imports.problems import CellFault, Problem
from contacts.imports.questions import Choice, Question
from contacts.imports.rows import ImportedLocation, location_key
from contacts.imports.starts import split_start
from contacts.imports.stated_zones import STATED_KEY, UTC, read_stated_zone
from contacts.imports.times import (
    BY_CLOCK,
    FIRST_HOUR,
    REJECTED_TIMES,
    Spans,
    place_in_zone,
    read_stated_time,
)

UTC_WITHIN = re.compile(  # also in start_utc and StartTimeUTC
    r"(?<![^\W\d_])(?:[Uu][Tt][Cc]|[Gg][Mm][Tt])(?![^\W\d_])|(?<=[a-z])(?:UTC|Utc|GMT|Gmt)(?![a-z])"
)
GMT_REGIONS = frozenset(["GB", "IE", "PT", "IM", "GG", "JE"])
MOST_SAMPLED = 50


def find_header_zone(columns: Columns, region: str) -> str:
    """UTC if the header of the date or the time says so, else "". `region`: ISO 3166.

    Where clocks show GMT in winter, people write GMT for the time of their own clock.
    """
    headers = [columns.headers[at] for name, at in columns.positions.items() if name in ("date", "time")]
    said = {found[0].upper() for header in headers for found in UTC_WITHIN.finditer(header)}
    return UTC if UTC in said or (said and region not in GMT_REGIONS) else ""


@dataclass(frozen=True)
class ZonesOfRows:
    """Which zone a row states for its time, and which its location has. `header_zone`: of the whole file."""

    columns: Columns
    described: Mapping[str, ImportedLocation]
    only_location: str
    header_zone: str

    @property
    def are_stated(self) -> bool:
        """Whether any row can state one."""
        return bool(self.header_zone) or "zone" in self.columns.positions

    def name_stated(self, row: RawRow) -> str:
        """The name in the row, else the header's; "" if its time is by the location's clock."""
        return self._cell(row, "zone") or self.header_zone

    def find_location(self, row: RawRow) -> str:
        """Its location, by location_key()."""
        return location_key(self.only_location or self._cell(row, "location"))

    def find_local(self, row: RawRow) -> ZoneInfo | None:
        """The zone of its location, None if it isn't known yet."""
        known = self.described.get(self.find_location(row))
        return known.zone if known else None

    def _cell(self, row: RawRow, name: str) -> str:
        at = self.columns.positions.get(name)
        return row.cells[at] if at is not None and at < len(row.cells) else ""


def find_open_spans(
    rows: Iterable[RawRow],
    zones: ZonesOfRows,
    order: DateOrder,
    hours: Mapping[str, Mapping[int, Spans]],
) -> dict[int, Spans]:
    """Line -> when its location is open on its day, of the rows whose location has hours entered for it."""
    found = {}
    for row in rows if hours else ():
        entered = hours.get(zones.find_location(row))
        if not entered:
            continue
        try:
            day = read_date(split_start(row.cells, zones.columns.positions).day, order)
        except CellFault:
            continue
        if day.weekday() in entered:
            found[row.line] = entered[day.weekday()]
    return found


def note_header_zone(table: Table, columns: Columns, zone: str) -> list[Problem]:
    """A note that the times of a list are read in the zone that its header states."""
    if not zone:
        return []
    problem = gettext("The header says UTC, so these times are read as UTC, not by the location's clock.")
    name = "time" if "time" in columns.positions else "date"
    remedy = gettext("Check that this is right.")
    return [Problem(max(1, table.understood.header_line), columns.header_of(name), zone, problem, remedy)]


def ask_about_night(rows: Iterable[RawRow], zones: ZonesOfRows, order: DateOrder) -> Question | None:
    """The question whether visits are in the night, if times in stated zones are so at the location."""
    count, lines = 0, list[int]()
    samples: dict[str, None] = {}
    for row in rows if zones.are_stated else ():
        if (here := _find_local_time(row, zones, order)) and here.hour < FIRST_HOUR:
            count += 1
            if len(lines) < MOST_SAMPLED:
                lines.append(row.line)
                texts = split_start(row.cells, zones.columns.positions)
                said = {"written": f"{texts.time} {zones.name_stated(row)}", "meant": write_clock(here)}
                samples[gettext("%(written)s is %(meant)s") % said] = None
    if not count:
        return None
    text = ngettext(
        "%(count)d time is in the night by the clock of its location: %(samples)s. Is that right?",
        "%(count)d times are in the night by the clock of their location: %(samples)s. Is that right?",
        count,
    )
    return Question(
        key=STATED_KEY,
        text=text % {"count": count, "samples": ", ".join(samples)[:120]},
        choices=(
            Choice(BY_CLOCK, gettext("Yes, these visits are in the night")),
            Choice(REJECTED_TIMES, gettext("It isn't clear: leave these rows out")),
        ),
        lines=tuple(lines[:5]),
    )


def _find_local_time(row: RawRow, zones: ZonesOfRows, order: DateOrder) -> time | None:
    """The time of a row by its location's clock; None if it states no zone, or has no time there."""
    texts, local = split_start(row.cells, zones.columns.positions), zones.find_local(row)
    try:
        stated = read_stated_zone(zones.name_stated(row))
        if stated is None or local is None:
            return None
        wall = datetime.combine(read_date(texts.day, order), read_stated_time(texts.time))
        here = place_in_zone(wall, stated)[0].astimezone(local).time()
    except CellFault:
        return None
    return here if here != time(0) else None
