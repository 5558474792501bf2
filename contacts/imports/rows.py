"""Turn one raw row into an appointment or into the problems with it. Pure: no database.

A row is rejected if a correct reminder couldn't be made from it: no first name, no valid date or time, no
location with a time zone, an unknown status, too many cells, or a name or id that is too long. An error in
any other cell is noted and the cell ignored, so that the appointment isn't lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import phonenumbers

from contacts.imports.columns import Columns
from contacts.imports.dates import (
    DateOrder,
    is_odd_date,
    is_odd_time,
    place_in_zone,
    read_date,
    read_time,
    split_date_and_time,
)
from contacts.imports.files import RawRow
from contacts.imports.problems import NOTE, REJECTED, CellFault, Problem, clip
from contacts.imports.words import (
    CANCELLED,
    combine_wishes,
    read_language,
    read_minutes,
    read_preference,
    read_status,
    read_yes_or_no,
    split_full_name,
)
from contacts.languages import name_language, read_languages
from contacts.numbers import NotANumber, ParsedNumber, parse_number

T = TypeVar("T")

LONGEST = {  # characters; the lengths of the database columns
    "appointment_id": 120, "patient_id": 120, "first_name": 120, "last_name": 120,
    "location": 120, "provider": 120, "kind": 80,
}  # fmt: skip
NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)  # placeholder in a row that is rejected anyway
LONGEST_NUMBER = 60  # characters, including punctuation
CORRECT_NUMBER = "Correct the number in your practice system and export again."
EXTENSION = "An automated call can't dial an extension."
NO_FIRST_NAME = "The first name is missing. Calls greet the patient by first name."
QUOTE_COMMAS = "Put quotation marks around the cell that contains an extra comma."
FILL_IN = "Enter it in your practice system and export again."


@dataclass(frozen=True)
class ImportedLocation:
    """A location's time zone (None if not known yet) and the country of its numbers (ISO 3166)."""

    zone: ZoneInfo | None
    region: str


@dataclass
class Reading:
    """What is needed to read a row. `locations`: by location_key(); `region`: for a location not in it."""

    columns: Columns
    order: DateOrder
    am_pm: bool
    locations: Mapping[str, ImportedLocation]
    region: str
    numbers: dict[tuple[str, str], ParsedNumber | CellFault] = field(default_factory=dict)


@dataclass(frozen=True)
class NumberFault:
    """A number that can't be called. Which number is used instead depends on the patient's other rows."""

    column: str
    value: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class AppointmentRow:
    """A row that can be imported. `minutes`: None if the cell is empty.

    `local_start`: the wall time in the row, naive, by which rows are compared with appointments; `starts_at`:
    the moment (aware UTC) that it is in the location's zone.

    Texts are "" if the cell is empty; `language` is a code, `preference` a models.people.Preference.
    `has_status`: whether the file says a status at all; `damaged`: fields whose cells lost letters.
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


@dataclass(frozen=True)
class RowResult:
    """The result of reading one row: `row` is None if it was rejected, and `problems` says why.

    `appointment_id` is set even then, so that the appointment isn't reported as missing from the file.
    `cancels`: a rejected row says that its appointment is cancelled, which counts all the same (product rule
    44); `partial`: what could be read of a rejected row, if its time could.
    """

    line: int
    appointment_id: str
    row: AppointmentRow | None
    problems: tuple[Problem, ...]
    cancels: bool = False
    partial: AppointmentRow | None = None


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
        row = self._read_fields() if self._has_its_cells() else None
        rejected = any(problem.weight == REJECTED for problem in self.problems)
        shown = [problem for problem in self.problems if problem.weight == REJECTED or not rejected]
        appointment_id = clip(self._value("appointment_id"), 120)
        if not rejected:
            return RowResult(self.raw.line, appointment_id, row, tuple(shown))
        return RowResult(
            self.raw.line, appointment_id, None, tuple(shown), cancels=self._is_cancelled(), partial=row
        )

    def _is_cancelled(self) -> bool:
        try:
            return read_status(self._value("status")) == CANCELLED
        except CellFault:
            return False

    def _read_fields(self) -> AppointmentRow | None:
        first_name, last_name = self._read_names()
        location = self._take("location", _read_location, "")
        starts_at = self._read_start(location)
        region = self._region_of(location)
        mobile, home = self._read_number("mobile", region), self._read_number("home", region)
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
            status=self._take("status", read_status, ""),
            has_status=bool(self._value("status")),
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
        headers = self.reading.columns.headers
        extra = self.raw.cells[len(headers) :]
        if any(extra):
            problem = f"The row has {len(self.raw.cells)} cells, but the header has {len(headers)}."
            value = clip(", ".join(extra))
            self.problems.append(Problem(self.raw.line, "Row", value, problem, QUOTE_COMMAS, REJECTED))
        return not any(extra)

    def _read_appointment_id(self) -> str:
        if "appointment_id" in self.reading.columns.positions and not self._value("appointment_id"):
            self._add(
                "appointment_id",
                "The appointment has no id, so it is matched by patient, time and location.",
                "Enter an id in your practice system, so that a later change of time is recognised.",
                NOTE,
            )
        return self._text("appointment_id")

    def _read_names(self) -> tuple[str, str]:
        if "first_name" not in self.reading.columns.positions:
            first, last = split_full_name(self._text("full_name"))
            where = "full_name"
        else:
            first, last, where = self._text("first_name"), self._text("last_name"), "last_name"
        name = "first_name" if where == "last_name" else where
        if not first and not self._is_reported(name):
            self._add(name, NO_FIRST_NAME, FILL_IN, REJECTED)
        elif first and not last and where in self.reading.columns.positions and not self._is_reported(where):
            self._add(where, "The last name is missing.", FILL_IN, NOTE)
        return first, last

    def _read_language(self) -> str:
        language = self._take("language", read_language, "", NOTE)
        if len(read_languages(self._value("language"))) > 1:
            self._add(
                "language",
                f"Several languages are given. Reminders to this patient are in {name_language(language)}.",
                "If they would rather have another, choose it on the patient's page.",
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
        day_text, time_text = self._value("date"), self._value("time")
        time_name = "time"
        if "time" not in self.reading.columns.positions:
            day_text, time_text = split_date_and_time(day_text)
            time_name = "date"
        day = self._take("date", lambda _: read_date(day_text, self.reading.order), None)
        clock = self._take(time_name, lambda _: read_time(time_text, am_pm=self.reading.am_pm), None)
        zone = self._zone_of(location)
        if day is None or clock is None or zone is None:
            return None
        wall = datetime.combine(day, clock)
        if is_odd_date(day_text, self.reading.order):
            self._note_different_format("date", f"{wall:%d %B %Y}")
        if is_odd_time(time_text, am_pm=self.reading.am_pm):
            self._note_different_format(time_name, f"{wall:%H:%M}")
        return self._take(time_name, lambda _: self._place(wall, zone, time_name), None)

    def _note_different_format(self, name: str, meant: str) -> None:
        problem = f"This is written differently from the other rows. It is read as {meant}."
        self._add(name, problem, "Check that this is right.", NOTE)

    def _place(self, wall: datetime, zone: ZoneInfo, time_name: str) -> datetime:
        moment, occurs_twice = place_in_zone(wall, zone)
        if occurs_twice:
            self._add(
                time_name,
                "The clocks go back that night, so this time occurs twice. The earlier one is used.",
                "Check the time with the patient.",
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
                "This location is new and has no time zone yet.",
                "Choose its time zone, then import the file again.",
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
            self.reading.numbers[key] = _parse_callable(value, region)
        return self.reading.numbers[key]

    def _note_if_foreign(self, name: str, number: ParsedNumber, region: str) -> None:
        if not is_of_region(number.e164, region):
            self._add(
                name,
                "This is a number of another country, so it is called only in calling hours there too.",
                "If the patient isn't in that country, ask for a local number.",
                NOTE,
            )


def _check_length(name: str, value: str) -> None:
    longest = LONGEST.get(name, 300)
    if len(value) > longest:
        raise CellFault(f"This is longer than {longest} characters.", "Shorten it and export again.")


def _read_location(value: str) -> str:
    if not value:
        raise CellFault("The location is missing.", FILL_IN)
    return value


def _parse_callable(value: str, region: str) -> ParsedNumber | CellFault:
    """Return the number, or why it can't be called. NotANumber's text is the problem, then the remedy."""
    if len(value) > LONGEST_NUMBER:
        return CellFault("This is too long to be a phone number.", CORRECT_NUMBER)
    try:
        number = parse_number(value, region)
    except NotANumber as error:
        problem, _, remedy = str(error).partition(". ")
        return CellFault(f"{problem.rstrip('.')}.", remedy or CORRECT_NUMBER)
    return (
        CellFault(EXTENSION, "Enter a number that reaches the patient directly.")
        if number.extension
        else number
    )


def is_of_region(e164: str, region: str) -> bool:
    """Whether the number has the country code of `region` (ISO 3166)."""
    return e164.startswith(f"+{phonenumbers.country_code_for_region(region)}")
