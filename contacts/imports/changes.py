"""What an import changes, one by one, with each field old and new (product rule 42). Pure: no database."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contacts.clock_habits import write_day_and_clock
from contacts.imports.plans import Plan, PlannedContact, PlannedRow, RowOutcome
from contacts.imports.problems import clip
from contacts.models import Appointment, Contact, ImportChange

What = ImportChange.What
WHAT_OF_ROW = {
    RowOutcome.MOVED: What.MOVED,
    RowOutcome.CANCELLED: What.CANCELLED,
    RowOutcome.BOOKED_AGAIN: What.BOOKED_AGAIN,
    RowOutcome.UPDATED: What.UPDATED,
}
Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class ImportedChange:
    """One contact or appointment that changes. `what`: an ImportChange.What; `about`: name, and for an
    appointment time and place; `old`, `new`: values of the fields that change, by name.
    """

    line: int
    what: str
    about: str
    old: Fields
    new: Fields
    appointment_id: int | None = None
    contact_id: int | None = None


def list_changes(plan: Plan) -> list[ImportedChange]:
    """Everything that the plan changes in what is here already, in the order of the file's lines.

    To be called before it is written.
    """
    changes = [*_list_of_rows(plan), *_list_of_merged(plan), *_list_of_contacts(plan)]
    return sorted(changes, key=lambda each: each.line)


def describe_appointment(appointment: Appointment) -> str:
    """Time, patient and place of an appointment."""
    when = write_day_and_clock(appointment.local_start)
    return f"{when}, {appointment.contact.full_name}, {appointment.location.name}"


def _list_of_rows(plan: Plan) -> Iterator[ImportedChange]:
    for planned in plan.rows:
        if planned.appointment and planned.outcome in WHAT_OF_ROW:
            old, new = _compare_row(planned, planned.appointment)
            what = WHAT_OF_ROW[planned.outcome]
            yield _of_appointment(planned.row.line, what, planned.appointment, old, new)
    for refused in plan.refused:
        if refused.outcome == RowOutcome.CANCELLED:
            status = {"status": str(refused.appointment.status)}, {"status": str(RowOutcome.CANCELLED)}
            yield _of_appointment(refused.result.line, What.CANCELLED, refused.appointment, *status)


def _of_appointment(
    line: int, what: str, appointment: Appointment, old: Fields, new: Fields
) -> ImportedChange:
    about = clip(describe_appointment(appointment))
    return ImportedChange(line, what, about, old, new, appointment.pk, appointment.contact_id)


def _compare_row(planned: PlannedRow, appointment: Appointment) -> tuple[Fields, Fields]:
    """The fields of an appointment that a row changes."""
    row = planned.row
    pairs: dict[str, tuple[Any, Any]] = {}
    if "slot" in planned.takes:
        pairs["time"] = (f"{appointment.local_start:%Y-%m-%d %H:%M}", f"{row.local_start:%Y-%m-%d %H:%M}")
        pairs["location"] = (appointment.location.name, row.location)
    if planned.takes & {"slot", "minutes"}:
        minutes = [int(each.total_seconds() // 60) for each in (_length(appointment), planned.length)]
        pairs["minutes"] = (minutes[0], minutes[1])
    if "provider" in planned.takes:
        pairs["provider"] = (appointment.provider.name if appointment.provider else "", row.provider)
    if planned.outcome == RowOutcome.CANCELLED:
        pairs["status"] = (appointment.status, RowOutcome.CANCELLED)
    elif "attendance" in planned.takes:
        pairs["status"] = (appointment.status, row.status)
    elif planned.outcome == RowOutcome.BOOKED_AGAIN:
        pairs["status"] = (appointment.status, Appointment.Status.BOOKED)
    if planned.merges:
        here = appointment.contact
        pairs["patient"] = (_name_with_id(here.full_name, here.external_id), _name_of_row(planned))
    pairs |= {name: (getattr(appointment, name), value) for name, value in planned.fields.items()}
    return _split(pairs)


def _length(appointment: Appointment) -> Any:
    return appointment.ends_at - appointment.starts_at


def _name_of_row(planned: PlannedRow) -> str:
    row = planned.row
    return _name_with_id(f"{row.first_name} {row.last_name}".strip(), row.patient_id)


def _name_with_id(name: str, external_id: str) -> str:
    return f"{name} ({external_id})" if external_id else name


def _list_of_merged(plan: Plan) -> Iterator[ImportedChange]:
    """Each patient whose appointments go to another record of the same patient, once."""
    seen: set[tuple[int, str]] = set()
    for planned in plan.rows:
        if planned.appointment and planned.merges and planned.outcome != RowOutcome.REJECTED:
            contact, target = planned.appointment.contact, _name_of_row(planned)
            if (contact.pk, target) not in seen:
                seen.add((contact.pk, target))
                old = {"patient": _name_with_id(contact.full_name, contact.external_id)}
                about = clip(contact.full_name)
                yield ImportedChange(
                    planned.row.line, What.MERGED, about, old, {"patient": target}, contact_id=contact.pk
                )


def _list_of_contacts(plan: Plan) -> Iterator[ImportedChange]:
    for planned in plan.contacts.values():
        if planned.contact and planned.outcome == RowOutcome.UPDATED:
            old, new = _compare_contact(planned, planned.contact)
            what = What.RENAMED if {"first_name", "last_name"} & new.keys() else What.CONTACT_UPDATED
            line, name = planned.person.rows[-1].line, clip(planned.contact.full_name)
            yield ImportedChange(line, what, name, old, new, contact_id=planned.contact.pk)


def _compare_contact(planned: PlannedContact, contact: Contact) -> tuple[Fields, Fields]:
    pairs: dict[str, tuple[Any, Any]] = {
        name: (getattr(contact, name), value) for name, value in planned.fields.items()
    }
    for name, number in (("phone", planned.phone), ("other_phone", planned.other_phone)):
        if number:
            held = getattr(contact, name)
            pairs[name] = (held.e164 if held else "", number)
    return _split(pairs)


def _split(pairs: dict[str, tuple[Any, Any]]) -> tuple[Fields, Fields]:
    changed = {name: (str(old), str(new)) for name, (old, new) in pairs.items() if str(old) != str(new)}
    return {name: old for name, (old, _) in changed.items()}, {
        name: new for name, (_, new) in changed.items()
    }
