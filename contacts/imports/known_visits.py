"""Find the visits of a file that are here already: by their id, or by their time."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from django.db.models import Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from contacts.database.arrays import is_among, is_any, is_any_external_id
from contacts.imports.described_contacts import describe_contact
from contacts.imports.identity import has_same_name, shares_number
from contacts.imports.known import Known, Slot
from contacts.imports.people import describe_row
from contacts.imports.respelled_ids import match_respelled_ids
from contacts.imports.rows import AppointmentRow
from contacts.imports.three_way import Said, read_memory, say_slot
from contacts.models import Appointment, AppointmentChange, Way
from contacts.models.local_times import LocalDateTimeField

What = AppointmentChange.What


def _appointments() -> QuerySet[Appointment]:
    return Appointment.objects.select_related(
        "contact__phone", "contact__other_phone", "location", "provider"
    )


def find_visits_by_id(
    known: Known, ids: Collection[str], source: str, renamed: Mapping[str, str], ids_beside: Collection[str]
) -> None:
    """Find by id, or the one that it had before, and where none is the same, by one that is written in
    another way (product rule 51). `ids_beside`: of other rows of the block.
    """
    of_source = _appointments().filter(source=source)
    known.by_id = {each.external_id: each for each in of_source.filter(is_any_external_id(ids))}
    before = {renamed[each]: each for each in ids if each in renamed and each not in known.by_id}
    if before:
        for visit in of_source.filter(is_any_external_id(before)):
            known.by_id[before[visit.external_id]] = visit
    for given, found in match_respelled_ids(ids, known.by_id, of_source, ids_beside).items():
        known.by_id[given] = found
        known.written_anew[given] = found.external_id


def drop_guesses_at_others(known: Known, rows: Iterable[AppointmentRow]) -> None:
    """An id that is written in another way is a guess: it needs the name or the number of the patient."""
    for row in rows:
        if row.appointment_id in known.written_anew:
            person = describe_row(row)
            contact = describe_contact(known.by_id[row.appointment_id].contact)
            if not has_same_name(person, contact) and not shares_number(person, contact):
                del known.by_id[row.appointment_id], known.written_anew[row.appointment_id]


def find_visits_by_slot(
    known: Known,
    rows: Sequence[AppointmentRow],
    source: str,
    is_of_others: Callable[[Appointment], bool],
) -> None:
    """Find the appointments of the file's people, and of the contacts who might be them, that start when a
    row does, or did by the last file: one that staff moved is found at the time where the file had it.
    """
    open_rows = [row for row in rows if row.appointment_id not in known.by_id]
    people = {contact.pk for contact in (*known.contacts.values(), *known.rivals.values())}
    taken = {each.pk for each in known.by_id.values()}
    by_slot: dict[Slot, list[Appointment]] = defaultdict(list)
    # Appointments without an id come first, because one with another id is less likely to be the same.
    found = find_visits_at(open_rows, people, source).order_by("external_id", "pk")
    for each in found if open_rows and people else ():
        if each.pk not in taken and not is_of_others(each):
            for slot in list_said_slots(each, source):
                by_slot[each.contact_id, slot].append(each)
    known.by_slot = by_slot


def find_visits_at(
    rows: Collection[AppointmentRow], contacts: Collection[int], source: str
) -> QuerySet[Appointment]:
    """The visits of these contacts (ids) that start when a row does, or did by the last file."""
    starts = {row.local_start for row in rows}
    slots = {say_slot(row.local_start, row.location) for row in rows}
    said_slot = KeyTextTransform("slot", KeyTransform(source, "file_values"))
    is_now = is_among("local_start", starts, LocalDateTimeField())
    now_or_then = Q(is_now) | Q(is_among("said_slot", slots, TextField()))
    return (
        _appointments().annotate(said_slot=said_slot).filter(is_any("contact", contacts)).filter(now_or_then)
    )


def list_said_slots(visit: Appointment, source: str) -> set[str]:
    """Where and when it is, and was by the last file (see say_slot)."""
    now = say_slot(visit.local_start, visit.location.name)
    return {(read_memory(visit, source) or {}).get("slot") or now, now}


def find_visits_by_time(
    known: Known, rows: Iterable[AppointmentRow], is_of_others: Callable[[Appointment], bool]
) -> None:
    """Find what is booked or cancelled at the time of each cancelling row without an id, whoever it belongs
    to.
    """
    times = {row.local_start for row in rows if row.appointment_id not in known.by_id}
    if times:
        found = _appointments().filter(status__in=[Appointment.Status.BOOKED, Appointment.Status.CANCELLED])
        for each in found.filter(is_among("local_start", times, LocalDateTimeField())).order_by("pk"):
            if not is_of_others(each):
                known.by_time[each.local_start].append(each)


def recall_said(appointment_ids: Collection[int]) -> dict[int, Said]:
    """What the file must have said last of appointments from before that was kept, by their history.

    Only of what staff changed since: the time before they moved it, or the state before they cancelled it or
    booked it again. What came by the API its source said itself. All else counts as not known, so the file
    decides.
    """
    recalled: dict[int, Said] = {}
    if not appointment_ids:
        return recalled
    changes = AppointmentChange.objects.filter(
        is_any("appointment", appointment_ids), what__in=[What.MOVED, What.CANCELLED, What.REINSTATED]
    ).select_related("appointment__location")
    for change in changes.order_by("pk"):
        said = recalled.setdefault(change.appointment_id, {})
        by_hand = change.how not in (Way.IMPORT, Way.API)
        if change.what == What.MOVED:
            if not by_hand:
                said.pop("slot", None)
            elif change.local_before:
                said.setdefault("slot", say_slot(change.local_before, change.appointment.location.name))
        elif not by_hand:
            said["status"] = "booked" if change.what == What.REINSTATED else "cancelled"
        elif change.what == What.CANCELLED:
            said.setdefault("status", "booked")
    return recalled
