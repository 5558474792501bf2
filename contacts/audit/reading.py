"""Reading the audit trail: what is asked for, a page of it, and its file.

Pages follow the ids of the entries (`before`), so that one in the middle of millions costs no more than the
first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from contacts.audit.words import describe_what, name_model
from contacts.csv_cells import write_lines
from contacts.models import AuditEntry, Contact, ContactMerge, PhoneNumber
from contacts.numbers import mask

PAGE = 100  # entries
NUMBERS = ("phone_id", "other_phone_id")  # changes that hold keys of numbers
CONTACT = "contacts.Contact"
SWITCH = "reminders.SendingSwitch"  # there is one only


@dataclass(frozen=True)
class AuditScope:
    """What is asked for: keys of a user and a contact, a kind, days (both included) by `zone`'s clock."""

    zone: tzinfo
    person: int | None = None
    contact: int | None = None
    kind: str = ""
    what: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class AuditChange:
    """One value before and after, in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class AuditLine:
    """An entry as it is shown. `contact_name`: "" if it concerns none, or an erased one, or one who is gone;
    `about`: what it was done to, where that is no contact.
    """

    entry: AuditEntry
    at: datetime
    who: str
    what: str
    contact_name: str
    about: str
    changes: list[AuditChange] = field(default_factory=list)


def read_audit_page(scope: AuditScope, before: int | None) -> tuple[list[AuditLine], int | None]:
    """The newest entries older than `before` (an entry's id), and the id after which the next page begins."""
    rows = find_entries(scope)
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    more = found[PAGE - 1].pk if len(found) > PAGE else None
    return _describe(found[:PAGE], scope.zone), more


def find_entries(scope: AuditScope) -> QuerySet[AuditEntry]:
    """The entries that are asked for, newest first."""
    whose = Contact.objects.filter(pk=OuterRef("contact_key"))
    names = whose.values_list(Concat("first_name", Value(" "), "last_name"))
    rows = AuditEntry.objects.select_related("by").annotate(contact_name=Subquery(names)).order_by("-pk")
    if scope.person:
        rows = rows.filter(by=scope.person)
    if scope.contact:
        merged = ContactMerge.objects.filter(survivor=scope.contact).values_list("merged_id", flat=True)
        rows = rows.filter(contact_key__in=[scope.contact, *merged])
    if scope.kind:
        rows = rows.filter(kind=scope.kind)
    if scope.what:
        rows = rows.filter(what__in=scope.what.split(","))
    if scope.since:
        rows = rows.filter(at__gte=_begin(scope.since, scope.zone))
    if scope.until:
        rows = rows.filter(at__lt=_begin(scope.until + timedelta(days=1), scope.zone))
    return rows


def write_audit_file(scope: AuditScope) -> Iterator[str]:
    """The entries that are asked for as CSV, newest first; a few queries for each PAGE of them."""
    return write_lines(_list_cells(scope))


def _list_cells(scope: AuditScope) -> Iterator[list[object]]:
    yield [
        *(_("When"), _("Who"), _("What"), _("Contact"), _("About"), _("Changes"), _("Why"), _("Address")),
        *("id", "kind", "code", "contact_id"),
    ]
    before: int | None = None
    while True:
        lines, before = read_audit_page(scope, before)
        for line in lines:
            entry = line.entry
            changes = "; ".join(f"{one.name}: {one.before} → {one.after}" for one in line.changes)
            at = line.at.isoformat(timespec="seconds")
            yield [
                *(at, line.who, line.what, line.contact_name, line.about, changes),
                *(entry.note, entry.address, entry.pk, entry.kind, entry.what, entry.contact_key),
            ]
        if before is None:
            return


def _begin(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def _describe(entries: Sequence[AuditEntry], zone: tzinfo) -> list[AuditLine]:
    numbers = PhoneNumber.objects.in_bulk(set(_list_numbers(entries)))
    masks = {pk: mask(number.e164) for pk, number in numbers.items()}
    return [_describe_entry(entry, zone, masks) for entry in entries]


def _list_numbers(entries: Iterable[AuditEntry]) -> Iterator[int]:
    for entry in entries:
        if entry.about == "contacts.PhoneNumber" and entry.about_id:
            yield entry.about_id
        for name in NUMBERS:
            yield from (key for key in entry.changes.get(name, ()) if key)


def _describe_entry(entry: AuditEntry, zone: tzinfo, masks: dict[int, str]) -> AuditLine:
    named = (entry.by.get_full_name() or entry.by_name) if entry.by else _("Callboard")
    who = f"{named} ({entry.by_name})" if entry.by and named != entry.by_name else named
    about = ""
    if entry.about == "contacts.PhoneNumber":
        about = masks.get(entry.about_id or 0, "")
    elif entry.about and entry.about not in (CONTACT, SWITCH):
        about = f"{name_model(entry.about)} {entry.about_id}"
    return AuditLine(
        entry=entry,
        at=entry.at.astimezone(zone),
        who=who,
        what=describe_what(entry.what, entry.kind),
        contact_name=(getattr(entry, "contact_name", "") or "").strip(),
        about=about,
        changes=[_describe_change(entry.about, name, pair, masks) for name, pair in entry.changes.items()],
    )


def _describe_change(label: str, name: str, pair: list[Any], masks: dict[int, str]) -> AuditChange:
    """`label`: of the model; `name`: of its field, or of what else was changed; `pair`: before and after."""
    before, after = [masks.get(value, "") if name in NUMBERS and value else value for value in pair]
    try:
        column: Any = apps.get_model(label)._meta.get_field(name.removesuffix("_id"))
    except (LookupError, ValueError, FieldDoesNotExist):
        return AuditChange(name, _write_value(before), _write_value(after))
    words = {value: word for value, word in getattr(column, "flatchoices", ()) if value}
    before, after = [
        words.get(value, value) if isinstance(value, str) else value for value in (before, after)
    ]
    return AuditChange(str(getattr(column, "verbose_name", name)), _write_value(before), _write_value(after))


def _write_value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value in (None, "") else str(value)
