"""What an import changes, in words: for pages, the printed report and CSV; and what its button says."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from contacts.clock_habits import write_day_and_clock
from contacts.csv_cells import guard_cell
from contacts.models import Appointment, ImportChange
from contacts.models.people import Preference

What = ImportChange.What
# In the order in which they are shown.
TITLES = {
    What.RENAMED: _("Patients renamed"),
    What.MERGED: _("Patients that the practice system has merged"),
    What.CONTACT_UPDATED: _("Patients updated"),
    What.MOVED: _("Appointments moved"),
    What.CANCELLED: _("Appointments cancelled"),
    What.BOOKED_AGAIN: _("Appointments booked again"),
    What.UPDATED: _("Appointments updated"),
}
FIELDS = {
    "first_name": _("first name"),
    "last_name": _("last name"),
    "language": _("language"),
    "preferred_channel": _("reminded by"),
    "phone": _("number"),
    "other_phone": _("other number"),
    "patient": _("patient"),
    "time": _("time"),
    "location": _("location"),
    "minutes": _("minutes"),
    "provider": _("provider"),
    "kind": _("type"),
    "status": _("status"),
    "external_id": _("id"),
}
VALUES = {"status": dict(Appointment.Status.choices), "preferred_channel": dict(Preference.choices)}


class AnyChange(Protocol):
    """An ImportedChange, or the ImportChange row that stores it."""

    @property
    def line(self) -> int: ...
    @property
    def what(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def old(self) -> dict[str, str]: ...
    @property
    def new(self) -> dict[str, str]: ...


@dataclass(frozen=True)
class ChangedField:
    """One field, as it was and as it is since; texts for people, "" for none."""

    title: str
    old: str
    new: str


@dataclass(frozen=True)
class ImportChangeLine:
    """One change for people."""

    line: int
    about: str
    fields: tuple[ChangedField, ...]


@dataclass(frozen=True)
class ImportChangeGroup:
    """Changes of one kind. `lines`: the ones to show; `more`: the number of others."""

    what: str
    title: str
    lines: tuple[ImportChangeLine, ...]
    more: int

    @property
    def count(self) -> int:
        return len(self.lines) + self.more


def group_changes(
    changes: Iterable[AnyChange],
    most: int | None = None,
    titles: Mapping[What, object] = TITLES,
) -> list[ImportChangeGroup]:
    """Group the changes by kind, patients first. `most`: how many of each kind to show; None for all.

    `titles`: of the kinds to show, in their order.
    """
    counts: Counter[str] = Counter()
    lines: dict[str, list[ImportChangeLine]] = {}
    for each in changes:
        counts[each.what] += 1
        shown = lines.setdefault(each.what, [])
        if most is None or len(shown) < most:
            shown.append(read_change(each))
    return [
        ImportChangeGroup(what, str(title), tuple(lines[what]), counts[what] - len(lines[what]))
        for what, title in titles.items()
        if counts[what]
    ]


def read_change(change: AnyChange) -> ImportChangeLine:
    """One change in words."""
    fields = (
        ChangedField(str(title), _say(name, change.old.get(name, "")), _say(name, change.new[name]))
        for name, title in FIELDS.items()
        if name in change.new
    )
    return ImportChangeLine(change.line, change.about, tuple(fields))


def _say(name: str, value: str) -> str:
    if name == "time" and value:
        return write_day_and_clock(datetime.fromisoformat(value))
    return str(VALUES.get(name, {}).get(value, value))


def describe_deed(counts: Mapping[str, int]) -> str:
    """What importing would do, for its button: “Move 1, cancel 1, update 1”, “Add 235 appointments”; ""
    for nothing. `counts`: see count_outcomes().
    """
    added = counts.get("added", 0)
    others = {
        "moved": _("move %(count)d"),
        "cancelled": _("cancel %(count)d"),
        "booked_again": _("book %(count)d again"),
        "updated": _("update %(count)d"),
    }
    parts = [str(words) % {"count": counts[key]} for key, words in others.items() if counts.get(key)]
    if added and not parts:
        words = ngettext("add %(count)d appointment", "add %(count)d appointments", added)
        parts = [words % {"count": added}]
    elif added:
        parts.insert(0, str(_("add %(count)d")) % {"count": added})
    if patients := counts.get("contacts_updated", 0):
        words = ngettext("change %(count)d patient", "change %(count)d patients", patients)
        parts.append(words % {"count": patients})
    return str(capfirst(", ".join(parts)))


def describe_fields(line: ImportChangeLine) -> str:
    """The fields of a change in one line: “minutes: 30 → 45”."""
    return ", ".join(f"{each.title}: {each.old or '–'} → {each.new}" for each in line.fields)


def changes_as_csv(changes: Iterable[AnyChange]) -> str:
    """All changes as CSV for a spreadsheet, a line per field, in which no cell is run as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(
        [gettext("Line"), gettext("What"), gettext("About"), gettext("Field"), gettext("Old"), gettext("New")]
    )
    for group in group_changes(changes):
        for line in group.lines:
            for each in line.fields:
                cells = [str(line.line), group.title, line.about, each.title, each.old, each.new]
                writer.writerow([guard_cell(cell) for cell in cells])
    return out.getvalue()
