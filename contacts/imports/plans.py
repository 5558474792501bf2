"""What importing a file would change, as planning.py decides it and apply.py writes it. Pure."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from contacts.imports.people import ImportedPerson, PersonKey
from contacts.imports.problems import Problem
from contacts.imports.rows import AppointmentRow, RowResult
from contacts.imports.three_way import (
    Said,
)
from contacts.models import Appointment, Contact

DEFAULT_MINUTES = 30
Status = Appointment.Status
VISIT_RECORDED = (Status.ARRIVED, Status.NO_SHOW)


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


@dataclass
class PlannedContact:
    """A patient of the file and their contact; `contact` is None if it must be created.

    `fields`: changes besides numbers. `kept_wish`: how the patient wants to be reminded by the record here,
    where the file says less; it is kept. `phone`, `other_phone`: the E.164 number to set, None for no change.
    `both`: fields that changed here and in the file, with both values. `said`: what to keep of the file,
    empty for what was kept before.
    """

    person: ImportedPerson
    contact: Contact | None
    fields: dict[str, str] = field(default_factory=dict)
    phone: str | None = None
    other_phone: str | None = None
    kept_wish: str = ""
    both: dict[str, tuple[str, str]] = field(default_factory=dict)
    said: Said = field(default_factory=dict)

    def leave_out(self) -> None:
        """Change nothing after all."""
        self.fields, self.phone, self.other_phone, self.said = {}, None, None, {}

    @property
    def outcome(self) -> RowOutcome:
        if self.contact is None:
            return RowOutcome.ADDED
        return RowOutcome.UPDATED if self.fields or self.phone or self.other_phone else RowOutcome.UNCHANGED


@dataclass
class PlannedRow:
    """A row, its outcome, and its existing appointment (None for a new one).

    `takes`: which of slot, minutes, provider and attendance change; `fields`: changes of kind and ids.
    `merges`: the appointment goes to another record of the patient; `cancels_only`: nothing else of the row
    counts. `said`: what to keep of the file, None for what was kept before. `notes`: problems to report.
    """

    row: AppointmentRow
    outcome: RowOutcome
    appointment: Appointment | None = None
    matched_by: MatchedBy = MatchedBy.NOTHING
    takes: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)
    merges: bool = False
    cancels_only: bool = False
    said: Said | None = None
    notes: list[Problem] = field(default_factory=list)

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
        """Change nothing after all."""
        self.outcome, self.takes, self.fields = RowOutcome.UNCHANGED, set(), {}
        self.merges, self.said = False, None


@dataclass
class RefusedRow:
    """A rejected row that cancels an appointment all the same (product rule 44).

    `file_values`: of the appointment from then on.
    """

    result: RowResult
    appointment: Appointment
    outcome: RowOutcome
    file_values: dict[str, Said]


@dataclass
class Plan:
    """All changes of a file: its rows, the patients who have at least one accepted row, and rejected rows
    that cancel.
    """

    rows: list[PlannedRow]
    contacts: dict[PersonKey, PlannedContact]
    refused: list[RefusedRow] = field(default_factory=list)

    @property
    def known_appointments(self) -> list[Appointment]:
        """Those that rows of the file are about."""
        refused = [each.appointment for each in self.refused]
        return [each.appointment for each in self.rows if each.appointment] + refused

    @property
    def outcomes(self) -> list[RowOutcome]:
        """Of each accepted row, and of each rejected row that cancels."""
        return [each.outcome for each in self.rows] + [each.outcome for each in self.refused]
