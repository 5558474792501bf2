"""What else the database says of the records of a batch that is to be undone.

Why they must stay, and whether what they had before is there still. One query tells all of it, in rows of the
same columns (Told). reminders/desk/import_undo.py adds what was sent and worked on.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Case, CharField, F, ManyToOneRel, Model, QuerySet, Value, When
from django.db.models.expressions import Combinable

from contacts.database.arrays import is_any, is_any_external_id
from contacts.imports.overwriting import Values
from contacts.imports.three_way import DEFAULTS, read_appointment_values, read_contact_values
from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    ContactMerge,
    KeptByUndo,
    Location,
    PhoneNumber,
    Provider,
    Way,
)
from contacts.models.people import OtherNumberUse
from contacts.undo_records import BatchRecords

What, Why = KeptByUndo.What, KeptByUndo.Why
# Entries of an appointment's history that aren't a person's doing, and those of lists, whose values are
# compared instead.
NOT_A_CHANGE = (
    AppointmentChange.What.ZONE_CORRECTED,
    AppointmentChange.What.RULES_CHANGED,
    AppointmentChange.What.MERGED,
)
BY_LISTS = (Way.IMPORT, Way.UNDO)
ANSWERS = (AppointmentChange.What.CONFIRMED, AppointmentChange.What.WANTS_ANOTHER_TIME)
# Rows that go with an appointment or a contact that is removed; any other reference keeps it.
GOES_WITH_APPOINTMENT = frozenset(
    {
        "contacts.AppointmentChange", "contacts.ImportChange", "contacts.OverwrittenValues",
        "contacts.KeptByUndo", "reminders.Reminder", "reminders.FollowUp",
    }
)  # fmt: skip
GOES_WITH_CONTACT = frozenset(
    {
        "contacts.Appointment", "contacts.ImportChange", "contacts.OverwrittenValues",
        "contacts.KeptByUndo", "reminders.FollowUp",
    }
)  # fmt: skip
# By column of a record, the rows to which it may refer.
REFERRED: dict[str, QuerySet[Any]] = {
    "phone_id": PhoneNumber.objects.filter(erased_at=None),
    "other_phone_id": PhoneNumber.objects.filter(erased_at=None),
    "contact_id": Contact.objects.filter(erased_at=None),
    "location_id": Location.objects.all(),
    "provider_id": Provider.objects.all(),
}
# The columns by which another system knows a record, and what rows of Told about who has them are named.
IDENTITY = frozenset({"source", "external_id"})
HOLDER: dict[str, str] = {
    What.APPOINTMENT: "holder of an appointment's id",
    What.CONTACT: "holder of a patient's id",
}
TellingRows = QuerySet[Any, Any]  # of tell(), as rows of Told


class Told(NamedTuple):
    """What is told of which id, and a word about it. `source`: the system whose id the word is."""

    what: str
    pk: int
    word: str
    source: str


@dataclass(frozen=True)
class Surroundings:
    """What the database says beside the records themselves.

    `reasons`: why an appointment or contact must stay, by What and id. `ids`: what columns may refer to, by
    column. `holders`: who has which source and id, by What. `unused`: locations and providers of the batch
    that none but its own visits have, by What, with their names.
    """

    reasons: Mapping[tuple[str, int], Collection[str]]
    ids: Mapping[str, Collection[int]]
    holders: Mapping[str, Mapping[tuple[str, str], int]]
    unused: Mapping[str, Mapping[int, str]]

    def find_why(self, what: str, pk: int, *reasons: str) -> str:
        """The first of these reasons that holds for the record; "" if none does."""
        return next((why for why in reasons if why in self.reasons.get((what, pk), ())), "")

    def has_all(self, values: Values) -> bool:
        """Whether everything to which these columns refer is there still."""
        return all(values.get(name) is None or values[name] in ids for name, ids in self.ids.items())


def read_surroundings(
    records: BatchRecords,
    visits: Mapping[int, Appointment],
    people: Mapping[int, Contact],
    since_then: Iterable[TellingRows],
) -> Surroundings:
    """Read all of it, with the reasons in `since_then`: one query."""
    parts = [
        *since_then,
        *_list_reasons(records, {*records.contact_ids, *(one.contact_id for one in visits.values())}),
        *_list_present(records),
        _list_holders(What.APPOINTMENT, Appointment, visits, records.appointments),
        _list_holders(What.CONTACT, Contact, people, records.contacts),
        _list_unused(What.LOCATION, Location, "location", records.new_locations, records),
        _list_unused(What.PROVIDER, Provider, "provider", records.new_providers, records),
    ]
    told: dict[str, list[Told]] = defaultdict(list)
    for one in read_told(parts):
        told[one.what].append(one)
    reasons: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one in (*told[What.APPOINTMENT], *told[What.CONTACT]):
        reasons[one.what, one.pk].add(one.word)
    return Surroundings(
        reasons=reasons,
        ids={column: {one.pk for one in told[column]} for column in REFERRED},
        holders={what: {(one.source, one.word): one.pk for one in told[HOLDER[what]]} for what in HOLDER},
        unused={
            what: {one.pk: one.word for one in sorted(told[what], key=lambda one: one.word)}
            for what in (What.LOCATION, What.PROVIDER)
        },
    )


def tell(
    what: str,
    rows: "QuerySet[Any]",
    column: str,
    word: "str | Combinable" = "",
    source: "str | Combinable" = "",
) -> TellingRows:
    """These rows, each as a row of Told about the id in `column`."""
    words = (one if isinstance(one, Combinable) else Value(one, CharField()) for one in (word, source))
    part: TellingRows = rows.order_by().values_list(Value(what, CharField()), F(column), *words)
    return part


def read_told(parts: Iterable[TellingRows]) -> Iterator[Told]:
    """What all of them say, each thing once: one query."""
    first, *others = parts
    return (Told(*row) for row in first.union(*others))


def tell_references(
    what: str, model: type[Model], ids: Collection[int], besides: Collection[str] = ()
) -> Iterator[TellingRows]:
    """Which of these rows another row refers to, in any table of any app but `besides` (labels)."""
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and relation.related_model._meta.label not in besides:
            name = relation.field.name
            rows = relation.related_model._default_manager.filter(is_any(name, ids))
            yield tell(what, rows, name, Why.IN_USE)


def id_of(record: Any, values: Values) -> tuple[str, str]:
    """Source and id that a record has with these columns."""
    return values.get("source", record.source), values.get("external_id", record.external_id)


def _list_reasons(records: BatchRecords, people: Collection[int]) -> Iterator[TellingRows]:
    """What somebody has changed or answered since, whom they merged with another, and what is referred to."""
    entries = (
        AppointmentChange.objects.filter(is_any("appointment", records.appointment_ids), at__gt=records.since)
        .exclude(what__in=NOT_A_CHANGE)
        .exclude(how__in=BY_LISTS)
    )
    latest = entries.order_by("appointment_id", "-at").distinct("appointment_id")
    is_answer = When(what__in=ANSWERS, then=Value(Why.ANSWERED))
    why = Case(is_answer, default=Value(Why.CHANGED), output_field=CharField())
    changes = AppointmentChange.objects.filter(pk__in=latest.values("pk"))
    yield tell(What.APPOINTMENT, changes, "appointment", why)
    merges = ContactMerge.objects.filter(is_any("survivor", people), at__gt=records.since)
    yield tell(What.CONTACT, merges, "survivor", Why.MERGED)
    added = records.added_appointments
    yield from tell_references(What.APPOINTMENT, Appointment, added, GOES_WITH_APPOINTMENT)
    yield from tell_references(What.CONTACT, Contact, records.added_contacts, GOES_WITH_CONTACT)


def _list_present(records: BatchRecords) -> Iterator[TellingRows]:
    """What the former values refer to, as far as it is there still."""
    before = [each for each, _ in (*records.appointments.values(), *records.contacts.values())]
    for column, rows in REFERRED.items():
        ids = {each[column] for each in before if each.get(column)}
        yield tell(column, rows.filter(is_any("pk", ids)), "pk")


def _list_holders(
    what: str,
    model: "type[Appointment] | type[Contact]",
    found: Mapping[int, Any],
    overwritten: Mapping[int, tuple[Values, Values]],
) -> TellingRows:
    """Who has the ids that could be put back."""
    changed = {pk: before for pk, (before, _) in overwritten.items() if IDENTITY & before.keys()}
    ids = {id_of(found[pk], before)[1] for pk, before in changed.items() if pk in found}
    rows = model._default_manager.filter(is_any_external_id(ids - {""}))
    return tell(HOLDER[what], rows, "pk", F("external_id"), F("source"))


def _list_unused(
    what: str,
    model: "type[Location] | type[Provider]",
    column: str,
    ids: Collection[int],
    records: BatchRecords,
) -> TellingRows:
    """Those of these rows that are there still, and that only visits of the batch have, if any."""
    others = Appointment.objects.filter(is_any(column, ids)).exclude(is_any("pk", records.appointment_ids))
    rows = model._default_manager.filter(is_any("pk", ids)).exclude(pk__in=others.values(column))
    return tell(what, rows, "pk", F("name"))


def has_other_details(visit: Appointment, source: str) -> bool:
    """Whether somebody changed the kind or length of a new appointment: its history has no line for that."""
    said = visit.file_values.get(source) or {}
    if read_appointment_values(visit)["minutes"] != (said.get("minutes") or DEFAULTS["minutes"]):
        return True
    return visit.details_at is not None and visit.kind != said.get("kind", "")


def was_edited(person: Contact, source: str) -> bool:
    """Whether a new contact isn't as the file made them: compared with what the file said of them."""
    said = person.file_values.get(source)
    if said is None or person.source != source:
        return True
    held = read_contact_values(person)
    if any(
        held[name] != (value or DEFAULTS.get(name, ""))
        for name, value in said.items()
        if _counts(name, value)
    ):
        return True
    has_more = person.date_of_birth or person.notes or person.time_zone
    return bool(has_more) or person.other_phone_use != OtherNumberUse.NEVER


def _counts(name: str, value: str) -> bool:
    """A name of which letters were lost isn't kept as what the file said."""
    return bool(value) or name not in ("first_name", "last_name")
