"""What importing a file would change, as planning.py decides it and apply.py writes it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from contacts.imports.people import ImportedPerson, PersonKey
from contacts.imports.problems import Problem
from contacts.imports.rows import AppointmentRow, RowResult
from contacts.imports.three_way import Said, keep_version, read_person_values, read_row_values
from contacts.models import Appointment, Contact

DEFAULT_MINUTES = 30
Status = Appointment.Status
VISIT_RECORDED = (Status.ARRIVED, Status.NO_SHOW)
# A file has as many plans as rows: what most of them don't have is one object for all.
NO_FIELDS: Mapping[str, str] = MappingProxyType({})
NOTHING_BESIDE: frozenset[int] = frozenset()
NOTHING_IN_BOTH: Mapping[str, tuple[str, str]] = MappingProxyType({})


class RowOutcome(StrEnum):
    """The result of importing a row; every row of a file has exactly one."""

    ADDED = "added"
    MOVED = "moved"
    CANCELLED = "cancelled"
    BOOKED_AGAIN = "booked_again"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class MatchedBy(StrEnum):
    """How the existing appointment of a row was found."""

    ID = "id"
    SLOT = "patient, time and location"
    NOTHING = "nothing"


@dataclass(slots=True)
class PlannedContact:
    """A patient of the file and their contact; `contact` is None if it must be created.

    `fields`: changes besides numbers. `kept_wish`: how the patient, or the `rival`, wants to be reminded by
    the record here, where the file says less; it is kept. `phone`, `other_phone`: the E.164 number to set,
    None for no change. `both`: fields that changed here and in the file, with both values. `kept`: what is
    kept of the file for a known contact, empty for what was kept before; `kept_under`: its key
    (three_way.py: memory_key).
    `rival`: for a new one, a contact who is taken for another id of the file, though it might be this one.
    """

    person: ImportedPerson
    contact: Contact | None
    fields: Mapping[str, str] = field(default_factory=lambda: NO_FIELDS)
    phone: str | None = None
    other_phone: str | None = None
    kept_wish: str = ""
    both: Mapping[str, tuple[str, str]] = field(default_factory=lambda: NOTHING_IN_BOTH)
    kept: Mapping[str, str] = field(default_factory=lambda: NO_FIELDS)
    kept_under: str = ""
    rival: Contact | None = None

    @property
    def said(self) -> Mapping[str, str]:
        """What to keep of the file, empty for what was kept before; of a new contact all that it says."""
        return read_person_values(self.person) if self.contact is None else self.kept

    def keep_only_wish(self) -> None:
        """Change nothing but a wish, which the file can only make stricter."""
        wish = self.fields.get("preferred_channel", "")
        self.leave_out()
        self.fields = {"preferred_channel": wish} if wish else NO_FIELDS

    def leave_out(self) -> None:
        """Change nothing after all."""
        self.fields, self.phone, self.other_phone, self.kept = NO_FIELDS, None, None, NO_FIELDS

    @property
    def outcome(self) -> RowOutcome:
        if self.contact is None:
            return RowOutcome.ADDED
        return RowOutcome.UPDATED if self.fields or self.phone or self.other_phone else RowOutcome.UNCHANGED


@dataclass(slots=True)
class PlannedRow:
    """A row, its outcome, and its existing appointment (None for a new one).

    `takes`: which of slot, minutes, provider and attendance change; `fields`: changes of kind and ids.
    `merges`: the appointment goes to another record of the patient; `cancels_only`: nothing else of the row
    counts. `kept`: what is kept of the file for a known appointment, None for what was kept before. `notes`:
    problems to report. `beside`: of a row that adds an appointment, the ids of those that the patient had at
    that time and location when it was planned. `is_outdated`: the file is older than what is known of it.
    """

    row: AppointmentRow
    outcome: RowOutcome
    appointment: Appointment | None = None
    matched_by: MatchedBy = MatchedBy.NOTHING
    takes: frozenset[str] = frozenset()
    fields: Mapping[str, str] = field(default_factory=lambda: NO_FIELDS)
    merges: bool = False
    cancels_only: bool = False
    kept: Said | None = None
    notes: tuple[Problem, ...] = ()
    beside: frozenset[int] = NOTHING_BESIDE
    is_outdated: bool = False

    @property
    def said(self) -> Said | None:
        """What to keep of the file, None for what was kept before; of a new appointment all that it says."""
        if self.outcome != RowOutcome.ADDED:
            return self.kept
        return keep_version(read_row_values(self.row), self.row.version, {})

    @property
    def starts_at(self) -> datetime:
        """The row's moment if it counts; else, or if it is at the wall time that is booked, exactly that one,
        even if it occurs twice.
        """
        booked = self.appointment
        if booked and ("slot" not in self.takes or self.row.local_start == booked.local_start):
            return booked.wall_start
        return self.row.starts_at

    @property
    def length(self) -> timedelta:
        """The length in the file if it counts, else the current length, else DEFAULT_MINUTES."""
        if self.appointment and ("minutes" not in self.takes or self.row.minutes is None):
            return self.appointment.ends_at - self.appointment.starts_at
        return timedelta(minutes=DEFAULT_MINUTES if self.row.minutes is None else self.row.minutes)

    @property
    def ends_at(self) -> datetime:
        """Aware UTC."""
        return self.starts_at.astimezone(UTC) + self.length

    def leave_out(self) -> None:
        """Change nothing after all: the row isn't imported."""
        self.outcome, self.takes, self.fields = RowOutcome.REJECTED, frozenset(), NO_FIELDS
        self.merges, self.kept, self.notes = False, None, ()


@dataclass(slots=True)
class RefusedRow:
    """A rejected row that cancels an appointment all the same (product rule 44).

    `kept`: what is kept of the file; `cancelled_note`: the problem that says of the row that it cancels;
    `is_outdated`: as of PlannedRow, so it doesn't.
    """

    result: RowResult
    appointment: Appointment
    outcome: RowOutcome
    kept: Said
    cancelled_note: Problem | None = None
    is_outdated: bool = False


@dataclass
class Plan:
    """All changes of a file: its rows, the patients who have at least one accepted row, and rejected rows
    that cancel. `is_fresh`: some lines of a file, planned anew just before they are written.
    """

    rows: list[PlannedRow]
    contacts: dict[PersonKey, PlannedContact]
    refused: list[RefusedRow] = field(default_factory=list)
    is_fresh: bool = False

    @property
    def known_appointments(self) -> list[Appointment]:
        """Those that rows of the file are about."""
        refused = [each.appointment for each in self.refused]
        return [each.appointment for each in self.rows if each.appointment] + refused

    @property
    def known_contacts(self) -> list[int]:
        """The ids of the patients of its rows who are here."""
        return [each.contact.pk for each in self.contacts.values() if each.contact]

    @property
    def outcomes(self) -> list[RowOutcome]:
        """Of each accepted row, and of each rejected row that cancels."""
        return [each.outcome for each in self.rows] + [each.outcome for each in self.refused]
