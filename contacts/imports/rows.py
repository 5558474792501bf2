"""Turn one raw row into an appointment or into the problems with it. Pure: no database.

A row is rejected if a correct reminder couldn't be made from it: no first name, no valid date or time, no
location with a time zone, an unknown status, too many or too few cells, or a name or id that is too long. An
error in any other cell is noted and the cell ignored, so that the appointment isn't lost. Whether the row
cancels its appointment is known even then.
"""

import copyreg
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import lru_cache, partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, gettext_noop

from contacts.clock_habits import write_birthday, write_clock
from contacts.imports.column_values import LINK
from contacts.imports.columns import Columns
from contacts.imports.dates import DateOrder, is_odd_date
from contacts.imports.files import RawRow
from contacts.imports.packed_lists import reduce_to_fields
from contacts.imports.problems import NOTE, REJECTED, CellFault, Problem, clip
from contacts.imports.row_names import FILL_IN, read_patient_name, says_cancelled
from contacts.imports.row_numbers import NumberFault, is_of_region, parse_callable
from contacts.imports.starts import StartTexts, read_one_day, read_one_time, split_start
from contacts.imports.stated_zones import STATED_KEY, check_stated_time, read_stated_zone
from contacts.imports.status_words import CANCELLED, NO_SHOW, find_status
from contacts.imports.times import (
    NOT_ENTERED,
    Spans,
    is_odd_time,
    place_in_zone,
    read_stated_time,
    read_time,
)
from contacts.imports.words import (
    combine_wishes,
    read_answered_status,
    read_language,
    read_minutes,
    read_preference,
    read_status,
    read_yes_or_no,
)
from contacts.languages import name_language, read_languages
from contacts.numbers import ParsedNumber

T = TypeVar("T")
copyreg.pickle(ParsedNumber, reduce_to_fields)  # rows are packed with their numbers

LONGEST = {  # characters; the lengths of the database columns
    "appointment_id": 120, "patient_id": 120, "first_name": 120, "last_name": 120, "preferred_name": 120,
    "location": 120, "provider": 120, "kind": 80,
}  # fmt: skip
MOST_NUMBERS_KEPT = 10_000  # that were read, since many rows have the same
NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)  # placeholder in a row that is rejected anyway
HALF_A_ROW = gettext_noop(
    "Part of the row is missing, perhaps after a line break in a cell. Export the list again."
)
A_LINK = gettext_noop("This is the link of a meeting, not a location.")
QUOTE_COMMAS = gettext_noop("Put quotation marks around the cell that contains an extra comma.")
NAME_COLUMNS = ("preferred_name", "first_name", "last_name", "full_name")


@dataclass(frozen=True)
class ImportedLocation:
    """A location's time zone (None if not known yet) and the country of its numbers (ISO 3166).

    `spoken_name`, `callback_number` (E.164): what calls say, given for a new location; "" if not.
    """

    zone: ZoneInfo | None
    region: str
    spoken_name: str = ""
    callback_number: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether calls for a new location say what somebody entered for it."""
        return bool(self.spoken_name and self.callback_number)


@dataclass
class Reading:
    """What is needed to read a row. `locations`: by location_key(); `region`: for a location not in it.

    `half`: the answer when times without AM and PM are; `only_location`: the name of the one location of all
    rows, if the file has no column for it; `answers`: to all questions; `header_zone`: the time zone that the
    header states, "" for none; `hours`: when locations are open, by location_key() and day of the week;
    `own_numbers`: those of the practice, in E.164.
    """

    columns: Columns
    order: DateOrder
    am_pm: bool
    locations: Mapping[str, ImportedLocation]
    region: str
    half: str = ""
    only_location: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    header_zone: str = ""
    hours: Mapping[str, Mapping[int, Spans]] = field(default_factory=dict)
    own_numbers: Collection[str] = ()
    numbers: dict[tuple[str, str], ParsedNumber | CellFault] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """A row that can be imported. `minutes`: None if the cell is empty.

    `local_start`: the wall time in the row, naive, by which rows are compared with appointments; `starts_at`:
    the moment (aware UTC) that it is in the location's zone.

    Texts are "" if the cell is empty; `language` is a code, `preference` a models.people.Preference.
    `has_status`: whether the file says a status at all; `damaged`: fields whose cells lost letters;
    `version`: see reading/entry_versions.py; `same_as`: the patient of other rows whom this one is about, if
    its own id, name and number don't tell that (one_person.py).
    """

    line: int
    appointment_id: str
    patient_id: str
    first_name: str
    last_name: str
    language: str
    preference: str
    mobile: ParsedNumber | None
    home: ParsedNumber | None
    faults: tuple[NumberFault, ...]
    starts_at: datetime
    local_start: datetime
    minutes: int | None
    location: str
    provider: str
    kind: str
    status: str
    has_status: bool = True
    damaged: frozenset[str] = frozenset()
    version: str = ""
    same_as: tuple[str, ...] = ()
    __reduce__ = reduce_to_fields


@dataclass(frozen=True, slots=True)
class RowResult:
    """The result of reading one row: `row` is None if it was rejected, and `problems` says why.

    `appointment_id` is set even then, so that the appointment isn't reported as missing from the file.
    `cancels`: its status, or another column, says that the appointment is cancelled, which counts even then
    (product rule 44), unless cells are missing or too many, so that it isn't clear which cell is the status.
    `partial`: what could be read of a rejected row, if its time could. `version`: as of the row. `beside`:
    the appointment id of the row with which this one is written, both or none.
    """

    line: int
    appointment_id: str
    row: AppointmentRow | None
    problems: tuple[Problem, ...]
    cancels: bool = False
    partial: AppointmentRow | None = None
    version: str = ""
    beside: str = ""
    __reduce__ = reduce_to_fields


@lru_cache(maxsize=1024)  # most rows of a list have one of a few
def location_key(name: str) -> str:
    """Return the name in lower case with single spaces, to compare locations and providers by."""
    return " ".join(name.split()).casefold()


def read_row(raw: RawRow, reading: Reading) -> RowResult:
    """Read one row. Never raises because of a cell's content."""
    return _RowReader(raw, reading).read()


class _RowReader:
    """Reads the cells of one row and collects the problems with them."""

    def __init__(self, raw: RawRow, reading: Reading) -> None:
        self.raw = raw
        self.reading = reading
        self.problems: list[Problem] = []
        self.faults: list[NumberFault] = []

    def read(self) -> RowResult:
        is_whole = self._has_its_cells()
        row = self._read_fields() if is_whole else None
        rejected = any(problem.weight == REJECTED for problem in self.problems)
        shown = [problem for problem in self.problems if problem.weight == REJECTED or not rejected]
        appointment_id = clip(self._value("appointment_id"), 120)
        cancels = is_whole and self._find_stated_status() == CANCELLED
        version = clip(self._value("version"))
        if not rejected:
            return RowResult(self.raw.line, appointment_id, row, tuple(shown), cancels, version=version)
        return RowResult(
            self.raw.line, appointment_id, None, tuple(shown), cancels, partial=row, version=version
        )

    def _read_fields(self) -> AppointmentRow | None:
        first_name, last_name = self._read_names()
        location = self.reading.only_location or self._take("location", _read_location, "")
        starts_at = self._read_start(location)
        region = self._region_of(location)
        mobile, home = self._read_number("mobile", region), self._read_number("home", region)
        home = home or self._read_number("work", region)
        row = AppointmentRow(
            line=self.raw.line,
            appointment_id=self._read_appointment_id(),
            patient_id=self._text("patient_id"),
            first_name=first_name,
            last_name=last_name,
            language=self._read_language(),
            preference=self._read_preference(),
            mobile=mobile,
            home=home,
            faults=tuple(self.faults),
            starts_at=starts_at or NO_MOMENT,
            local_start=self._read_clock(starts_at or NO_MOMENT, location),
            minutes=self._take("duration", read_minutes, None, NOTE),
            location=location,
            provider=self._text("provider"),
            kind=self._text("kind"),
            status=self._read_status(),
            has_status=bool(self._find_stated_status()),
            version=clip(self._value("version")),
        )
        return row if starts_at else None

    def _value(self, name: str) -> str:
        position = self.reading.columns.positions.get(name)
        if position is None or position >= len(self.raw.cells):
            return ""
        return self.raw.cells[position]

    def _add(self, name: str, problem: str, remedy: str, weight: str) -> None:
        column, value = self.reading.columns.header_of(name), clip(self._value(name))
        self.problems.append(Problem(self.raw.line, column, value, clip(problem), clip(remedy), weight))

    def _take(self, name: str, read: Callable[[str], T], otherwise: T, weight: str = REJECTED) -> T:
        try:
            _check_length(name, self._value(name))
            return read(self._value(name))
        except CellFault as fault:
            self._add(name, fault.problem, fault.remedy, weight)
            return otherwise

    def _text(self, name: str) -> str:
        return self._take(name, str, "")

    def _has_its_cells(self) -> bool:
        """Whether the row has a cell for each header. Of fewer, the last may be cut off (product rule 48)."""
        headers, cells = self.reading.columns.headers, self.raw.cells
        extra = cells[len(headers) :]
        if any(extra) or (len(cells) < len(headers) and any(headers[len(cells) :])):
            counts = {"cells": len(cells), "columns": len(headers)}
            problem = gettext("The row has %(cells)d cells, but the header has %(columns)d.") % counts
            value = clip(", ".join(extra) if any(extra) else cells[-1] if cells else "")
            remedy = gettext(QUOTE_COMMAS if any(extra) else HALF_A_ROW)
            self.problems.append(Problem(self.raw.line, gettext("Row"), value, problem, remedy, REJECTED))
            return False
        return True

    def _find_stated_status(self) -> str:
        """The status that the row states, "" for none; a column that takes appointments off decides."""
        off = {each.status for each in self.reading.columns.cancelling if each.is_set(self.raw.cells)}
        value = self._value("status")
        stated = find_status(value) or read_answered_status(value, self.reading.answers)
        if CANCELLED in (*off, stated) or says_cancelled(map(self._value, NAME_COLUMNS)):
            return CANCELLED
        return NO_SHOW if NO_SHOW in off else stated

    def _read_status(self) -> str:
        return self._find_stated_status() or self._take(
            "status", lambda value: read_status(value, self.reading.answers), ""
        )

    def _read_appointment_id(self) -> str:
        if "appointment_id" in self.reading.columns.positions and not self._value("appointment_id"):
            self._add(
                "appointment_id",
                gettext("The appointment has no id, so it is matched by patient, time and location."),
                gettext("Enter an id in your practice system, so that a later change of time is recognised."),
                NOTE,
            )
        return self._text("appointment_id")

    def _read_names(self) -> tuple[str, str]:
        columns = self.reading.columns.positions
        name = read_patient_name({each: self._text(each) for each in NAME_COLUMNS if each in columns})
        for fault in name.faults:
            if not self._is_reported(fault.field) and (fault.field in columns or fault.weight == REJECTED):
                self._add(fault.field, fault.problem, gettext(FILL_IN), fault.weight)
        for part, text in (("first_name", name.first), ("last_name", name.last)):  # of a full name
            self._take("full_name", partial(_check_part, part, text), None)
        return name.first, name.last

    def _read_language(self) -> str:
        if not self._value("language"):
            return ""
        language = self._take("language", read_language, "", NOTE)
        if len(read_languages(self._value("language"))) > 1:
            self._add(
                "language",
                gettext("Several languages are given. Reminders to this patient are in %(language)s.")
                % {"language": name_language(language)},
                gettext("If they would rather have another, choose it on the patient's page."),
                NOTE,
            )
        return language

    def _read_preference(self) -> str:
        return combine_wishes(
            self._take("prefers", read_preference, "", NOTE),
            no_contact=bool(self._take("no_contact", read_yes_or_no, None, NOTE)),
            no_calls=bool(self._take("no_calls", read_yes_or_no, None, NOTE)),
            texts_ok=self._take("texts_ok", read_yes_or_no, None, NOTE),
        )

    def _is_reported(self, name: str) -> bool:
        return any(problem.column == self.reading.columns.header_of(name) for problem in self.problems)

    def _read_start(self, location: str) -> datetime | None:
        texts = split_start(self.raw.cells, self.reading.columns.positions)
        time_name = "time" if "time" in self.reading.columns.positions else "date"
        day = self._take("date", lambda _: read_one_day(texts, self.reading.order), None)
        stated = self._take("zone", lambda value: read_stated_zone(value or self.reading.header_zone), None)
        spans = self._find_spans(location, day)
        clock = self._take(time_name, lambda _: self._read_time(texts, spans, is_stated=bool(stated)), None)
        zone = self._zone_of(location)
        if day is None or clock is None or zone is None:
            return None
        wall = datetime.combine(day, clock)
        if is_odd_date(texts.day, self.reading.order):
            self._note_different_format("date", write_birthday(wall))
        if is_odd_time(texts.time, am_pm=self.reading.am_pm):
            self._note_different_format(time_name, write_clock(wall))
        return self._take(time_name, lambda _: self._place(wall, zone, stated, time_name), None)

    def _find_spans(self, location: str, day: date | None) -> Spans:
        hours = self.reading.hours.get(location_key(location), {})
        return hours.get(day.weekday(), NOT_ENTERED) if day else NOT_ENTERED

    def _read_time(self, texts: StartTexts, spans: Spans, *, is_stated: bool) -> time:
        am_pm = self.reading.am_pm
        if is_stated and not am_pm:
            return read_one_time(texts, read_stated_time)
        return read_one_time(texts, partial(read_time, am_pm=am_pm, half=self.reading.half, spans=spans))

    def _note_different_format(self, name: str, meant: str) -> None:
        problem = gettext("This is written differently from the other rows. It is read as %(meant)s.") % {
            "meant": meant
        }
        self._add(name, problem, gettext("Check that this is right."), NOTE)

    def _place(self, wall: datetime, zone: ZoneInfo, stated: ZoneInfo | None, time_name: str) -> datetime:
        moment, occurs_twice = place_in_zone(wall, stated or zone)
        if stated:
            here = moment.astimezone(zone)
            check_stated_time(wall, stated, here, self.reading.answers.get(STATED_KEY, ""))
        if occurs_twice:
            self._add(
                time_name,
                gettext("The clocks go back that night, so this time occurs twice. The earlier one is used."),
                gettext("Check the time with the patient."),
                NOTE,
            )
        return moment

    def _read_clock(self, moment: datetime, location: str) -> datetime:
        known = self.reading.locations.get(location_key(location))
        return moment.astimezone(known.zone if known and known.zone else UTC).replace(tzinfo=None, fold=0)

    def _zone_of(self, location: str) -> ZoneInfo | None:
        known = self.reading.locations.get(location_key(location))
        if location and (known is None or known.zone is None):
            self._add(
                "location",
                gettext("This location is new and has no time zone yet."),
                gettext("Choose its time zone, then import the file again."),
                REJECTED,
            )
        return known.zone if known else None

    def _region_of(self, location: str) -> str:
        known = self.reading.locations.get(location_key(location))
        return known.region if known else self.reading.region

    def _read_number(self, name: str, region: str) -> ParsedNumber | None:
        value = self._value(name)
        if not value:
            return None
        found = self._parse_once(value, region)
        if isinstance(found, ParsedNumber):
            self._note_if_foreign(name, found, region)
            return found
        header = self.reading.columns.header_of(name)
        self.faults.append(NumberFault(header, clip(value), found.problem, found.remedy))
        return None

    def _parse_once(self, value: str, region: str) -> ParsedNumber | CellFault:
        key = (value, region)
        if key not in self.reading.numbers:
            if len(self.reading.numbers) >= MOST_NUMBERS_KEPT:
                self.reading.numbers.clear()
            self.reading.numbers[key] = parse_callable(value, region, self.reading.own_numbers)
        return self.reading.numbers[key]

    def _note_if_foreign(self, name: str, number: ParsedNumber, region: str) -> None:
        if not is_of_region(number.e164, region):
            self._add(
                name,
                gettext(
                    "This is a number of another country, so it is called only in calling hours there too."
                ),
                gettext("If the patient isn't in that country, ask for a local number."),
                NOTE,
            )


def _check_length(name: str, value: str) -> None:
    longest = LONGEST.get(name, 300)
    if len(value) > longest:
        raise CellFault(
            gettext("This is longer than %(longest)d characters.") % {"longest": longest},
            gettext("Shorten it and export again."),
        )


def _check_part(part: str, text: str, _: str) -> None:
    _check_length(part, text)


def _read_location(value: str) -> str:
    if not value:
        raise CellFault(gettext("The location is missing."), gettext(FILL_IN))
    if LINK.fullmatch(value):
        raise CellFault(
            gettext(A_LINK),
            gettext("Name the location in your practice system, or choose another column for it."),
        )
    return value
