"""What undoing an import takes back and what stays, in groups for the page."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from contacts.imports.change_words import ImportChangeLine, group_changes
from contacts.imports.changes import describe_appointment
from contacts.models import ImportChange
from contacts.undo_plans import UndoPlan

What = ImportChange.What
# What becomes of each kind of change, in the order in which it is shown.
UNDONE = {
    What.RENAMED: _("Patients get their former names back"),
    What.CONTACT_UPDATED: _("Patients are put back"),
    What.MOVED: _("Appointments are moved back"),
    What.CANCELLED: _("Appointments are booked again"),
    What.BOOKED_AGAIN: _("Appointments are cancelled again"),
    What.UPDATED: _("Appointments are put back"),
}


@dataclass(frozen=True)
class UndoGroup:
    """What an undo does of one kind. `lines`: the ones to show; `more`: the number of others."""

    title: str
    lines: tuple[ImportChangeLine, ...]
    more: int

    @property
    def count(self) -> int:
        return len(self.lines) + self.more


def group_undone(plan: UndoPlan, most: int) -> list[UndoGroup]:
    """Everything that goes back, by name, grouped as the report of the import groups it."""
    back = [UndoGroup(one.title, one.lines, one.more) for one in group_changes(plan.changes, most, UNDONE)]
    visits = [describe_appointment(one) for one in plan.removed_appointments]
    people = [one.full_name for one in plan.removed_contacts]
    removed = [
        _group(str(_("Appointments are removed")), visits, most),
        _group(str(_("Patients are removed")), people, most),
    ]
    return [one for one in (*back, *removed) if one.count]


def _group(title: str, names: list[str], most: int) -> UndoGroup:
    return UndoGroup(title, tuple(_as_lines(names[:most])), len(names[most:]))


def _as_lines(names: Iterable[str]) -> Iterable[ImportChangeLine]:
    return (ImportChangeLine(0, name, ()) for name in names)
