"""What undoing an import takes back, and what stays and why. Changes nothing; contacts/undoing.py does it.

Each contact and appointment is one thing: it goes back as a whole, or it stays as it is and is listed. What
was sent or worked on isn't known here: reminders/desk/import_undo.py tells it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q

from contacts.database.arrays import is_any
from contacts.imports.changes import ImportedChange, describe_appointment
from contacts.imports.overwriting import ANSWER, Values, read_record_values
from contacts.imports.problems import clip
from contacts.imports.three_way import REPORTED
from contacts.models import (
    Appointment,
    Contact,
    ImportBatch,
    ImportChange,
    KeptByUndo,
)
from contacts.models.people import FORBIDDEN_CHANNELS
from contacts.undo_records import BatchRecords
from contacts.undo_surroundings import (
    IDENTITY,
    TellingRows,
    has_other_details,
    id_of,
    read_surroundings,
    was_edited,
)
from contacts.undo_times import (
    find_former_slots,
    find_left_alone,
    find_taken_times,
    read_visits_beside,
)

What, Why = KeptByUndo.What, KeptByUndo.Why


@dataclass(frozen=True)
class Kept:
    """One thing that stays. `what`, `why`: codes of KeptByUndo."""

    what: str
    why: str
    about: str
    appointment_id: int | None = None
    contact_id: int | None = None

    @property
    def reason(self) -> str:
        """Why, as a sentence."""
        return str(Why(self.why).label)


@dataclass(frozen=True)
class UndoPlan:
    """What an undo does now. `appointments`, `contacts`: id -> the columns to put back."""

    records: BatchRecords
    removed_appointments: tuple[Appointment, ...]
    removed_contacts: tuple[Contact, ...]
    appointments: Mapping[int, Values]
    contacts: Mapping[int, Values]
    changes: tuple[ImportedChange, ...]
    kept: tuple[Kept, ...]

    @property
    def batch(self) -> ImportBatch:
        return self.records.batch

    @property
    def does_something(self) -> bool:
        """Whether anything that a person would see goes back."""
        return bool(self.removed_appointments or self.removed_contacts or self.changes)

    @property
    def token(self) -> str:
        """Stands for all of this: what was shown is what is done."""
        gone = [[one.pk for one in some] for some in (self.removed_appointments, self.removed_contacts)]
        back = [sorted(some.items()) for some in (self.appointments, self.contacts)]
        kept = sorted((one.what, one.why, one.about) for one in self.kept)
        seen = json.dumps([self.batch.pk, gone, back, kept], sort_keys=True, default=str)
        return hashlib.sha256(seen.encode()).hexdigest()[:16]


def plan_undo(records: BatchRecords, since_then: Iterable[TellingRows]) -> UndoPlan:
    """Decide on each contact and appointment of the batch. At most four queries for any batch.

    `since_then`: what reminders know of it: why appointments must stay, and patients to whom something was
    sent, or for whom something stands on the worklist that doesn't go with their appointments.
    """
    return _UndoPlanner(records, since_then).plan()


class _UndoPlanner:
    def __init__(self, records: BatchRecords, since_then: Iterable[TellingRows]) -> None:
        self.records = records
        ours = set(records.appointment_ids)
        visits = Appointment.objects.select_related("contact", "location", "provider").filter(
            Q(is_any("pk", ours)) | Q(is_any("contact", records.added_contacts))
        )
        by_id = {one.pk: one for one in visits}
        self.visits = {pk: one for pk, one in by_id.items() if pk in ours}
        people = Contact.objects.select_related("phone", "other_phone").defer("search_text")
        self.people = {one.pk: one for one in people.filter(is_any("pk", records.contact_ids))}
        new = set(records.added_contacts)
        self.new_people = {pk: one for pk, one in self.people.items() if pk in new}
        self.visits_of_new_people = [by_id[pk] for pk in sorted(by_id) if by_id[pk].contact_id in new]
        self.surroundings = read_surroundings(records, self.visits, self.people, since_then)
        former = find_former_slots(records, self.visits)
        beside = read_visits_beside(records, self.visits, former)
        self.left_alone = find_left_alone(records, self.visits, beside)
        self.taken_times = find_taken_times(former, beside)
        self.added: dict[str, set[int]] = {
            What.APPOINTMENT: set(records.added_appointments),
            What.CONTACT: new,
        }
        self.lines: dict[tuple[str, int], list[ImportedChange]] = {}
        for change in records.changes:
            if change.appointment_id:
                self.lines.setdefault(("appointment", change.appointment_id), []).append(change)
            elif change.contact_id:
                self.lines.setdefault(("contact", change.contact_id), []).append(change)
        self.why: dict[tuple[str, int], str] = {}  # what stays

    def plan(self) -> UndoPlan:
        for pk, visit in self.visits.items():
            self._keep(What.APPOINTMENT, pk, self._find_why_visit_stays(visit))
        for pk in self.records.contacts:
            self._keep(What.CONTACT, pk, self._find_why_person_stays(pk))
        for pk, person in self.new_people.items():
            self._keep(What.CONTACT_ADDED, pk, self._find_why_new_person_stays(person))
        self._keep_whose_visits_stay()
        self._keep_whose_places_are_taken()
        removed = [
            self.visits[pk] for pk in self.records.added_appointments if self._goes(What.APPOINTMENT, pk)
        ]
        people = [one for pk, one in self.new_people.items() if self._goes(What.CONTACT_ADDED, pk)]
        appointments = {
            pk: before
            for pk, (before, _) in self.records.appointments.items()
            if self._goes(What.APPOINTMENT, pk)
        }
        contacts = {
            pk: self._without_wish(pk, before)
            for pk, (before, _after) in self.records.contacts.items()
            if self._goes(What.CONTACT, pk)
        }
        return UndoPlan(
            records=self.records,
            removed_appointments=tuple(removed),
            removed_contacts=tuple(people),
            appointments=appointments,
            contacts=contacts,
            changes=tuple(self._list_changes(appointments, contacts)),
            kept=(*self._list_kept(), *self._list_unused()),
        )

    def _keep(self, what: str, pk: int, why: str) -> None:
        if why:
            self.why[what, pk] = why

    def _goes(self, what: str, pk: int) -> bool:
        return (what, pk) not in self.why and pk in (self.visits if what == What.APPOINTMENT else self.people)

    def _find_why_visit_stays(self, visit: Appointment) -> str:
        if why := self.surroundings.find_why(What.APPOINTMENT, visit.pk, Why.SENT, Why.WORKED_ON):
            return why
        if visit.answered_at and visit.answered_at >= self.records.since:
            return Why.ANSWERED
        if why := self.surroundings.find_why(What.APPOINTMENT, visit.pk, Why.ANSWERED, Why.CHANGED):
            return why
        if visit.pk in self.left_alone:
            return self.surroundings.find_why(What.CONTACT, visit.contact_id, Why.MERGED) or Why.CHANGED
        if visit.pk in self.records.said_again.appointments or self._is_reported(visit):
            return Why.SAID_AGAIN
        if visit.pk in self.records.appointments:
            return self._compare(visit, *self.records.appointments[visit.pk])
        return Why.CHANGED if has_other_details(visit, self.records.batch.source) else ""

    def _find_why_person_stays(self, pk: int) -> str:
        person = self.people.get(pk)
        if person is None or person.erased_at:
            return Why.ERASED
        if why := self.surroundings.find_why(What.CONTACT, pk, Why.MERGED, Why.WORKED_ON, Why.SENT):
            return why
        if pk in self.records.said_again.contacts or self._is_reported(person):
            return Why.SAID_AGAIN
        if self._said_no_by_new_number(person):
            return Why.SAYS_NO
        before, after = self.records.contacts[pk]
        if "external_id" in before and person.source != self.records.batch.source:
            return Why.CHANGED  # the id is one of another system now
        return self._compare(person, before, after)

    def _said_no_by_new_number(self, person: Contact) -> bool:
        """Whether a number that the import gave them has opted out since: the former one hasn't."""
        before = self.records.contacts[person.pk][0]
        given = [
            number
            for column, number in (("phone_id", person.phone), ("other_phone_id", person.other_phone))
            if column in before and number
        ]
        moments = [each for one in given for each in (one.voice_opted_out_at, one.sms_opted_out_at) if each]
        return any(moment >= self.records.since for moment in moments)

    def _find_why_new_person_stays(self, person: Contact) -> str:
        if person.erased_at:
            return Why.ERASED
        if why := self.surroundings.find_why(What.CONTACT, person.pk, Why.MERGED):
            return why
        if person.pk in self.records.said_again.contacts or self._is_reported(person):
            return Why.SAID_AGAIN
        if was_edited(person, self.records.batch.source):
            return Why.CHANGED
        if FORBIDDEN_CHANNELS.get(person.preferred_channel):
            return Why.SAYS_NO
        if self.surroundings.find_why(What.CONTACT, person.pk, Why.IN_USE, Why.WORKED_ON, Why.SENT):
            return Why.IN_USE
        return ""

    def _is_reported(self, record: Appointment | Contact) -> bool:
        """Whether the API has reported it since the list: each list takes that mark off what it speaks of."""
        return REPORTED in (record.file_values.get(self.records.batch.source) or {})

    def _compare(self, record: Appointment | Contact, before: Values, after: Values) -> str:
        """Why it stays: it isn't as the import left it, or what it had is gone; "" if neither."""
        now = read_record_values(record, self.records.batch.source)
        if any(now[name] != value for name, value in after.items() if name != ANSWER):
            return Why.CHANGED
        return "" if self.surroundings.has_all(before) else Why.ERASED

    def _keep_whose_visits_stay(self) -> None:
        """A new patient stays with a visit; a visit that other rows refer to stays too."""
        for pk in self.records.added_appointments:
            if self.surroundings.find_why(What.APPOINTMENT, pk, Why.IN_USE):
                self.why.setdefault((What.APPOINTMENT, pk), Why.IN_USE)
        for visit in self.visits_of_new_people:
            if self._find_afterwards(visit, "contact_id") == visit.contact_id:
                self.why.setdefault((What.CONTACT_ADDED, visit.contact_id), Why.IN_USE)

    def _find_afterwards(self, visit: Appointment, column: str) -> Any:
        """What the visit has in this column after the undo; None if the visit goes."""
        held = getattr(visit, column)
        if not self._goes(What.APPOINTMENT, visit.pk):
            return held
        if visit.pk in self.added[What.APPOINTMENT]:
            return None
        return self.records.appointments[visit.pk][0].get(column, held)

    def _keep_whose_places_are_taken(self) -> None:
        """What can't have its former id or time back, since a record that stays has it now, stays as well."""
        visits, people = self.records.appointments, self.records.contacts
        while taken := [
            *((What.APPOINTMENT, pk, Why.CHANGED) for pk in self._find_without_time()),
            *(
                (What.APPOINTMENT, pk, Why.ID_TAKEN)
                for pk in self._find_without_id(visits, self.visits, What.APPOINTMENT)
            ),
            *(
                (What.CONTACT, pk, Why.ID_TAKEN)
                for pk in self._find_without_id(people, self.people, What.CONTACT)
            ),
        ]:
            for what, pk, why in taken:
                self._keep(what, pk, why)
            self._keep_whose_visits_stay()

    def _find_without_time(self) -> Iterable[int]:
        for pk, others in self.taken_times.items():
            stay = any(not self._goes(What.APPOINTMENT, other) for other in others)
            if stay and self._goes(What.APPOINTMENT, pk):
                yield pk

    def _find_without_id(
        self,
        overwritten: Mapping[int, tuple[Values, Values]],
        found: Mapping[int, Any],
        what: str,
    ) -> Iterable[int]:
        holders = self.surroundings.holders[what]
        for pk, (before, _) in overwritten.items():
            if not self._goes(what, pk) or not IDENTITY & before.keys():
                continue
            record = found[pk]
            wanted = id_of(record, before)
            holder = holders.get(wanted) if wanted[1] else None
            if holder is None or holder == pk:
                continue
            added = What.APPOINTMENT if what == What.APPOINTMENT else What.CONTACT_ADDED
            is_removed = holder in self.added[what] and self._goes(added, holder)
            theirs = overwritten.get(holder, ({}, {}))[0]
            gives_it_up = (
                self._goes(what, holder)
                and IDENTITY & theirs.keys()
                and id_of(found[holder], theirs) != wanted
            )
            if not (is_removed or gives_it_up):
                yield pk

    def _without_wish(self, pk: int, before: Values) -> Values:
        """The columns to put back, without a wish that would forbid less than the one that came."""
        if not self._keeps_wish(pk):
            return before
        return {name: value for name, value in before.items() if name != "preferred_channel"}

    def _keeps_wish(self, pk: int) -> bool:
        before, after = self.records.contacts[pk]
        old, new = (
            FORBIDDEN_CHANNELS.get(each.get("preferred_channel", ""), frozenset()) for each in (before, after)
        )
        return bool(new - old)

    def _list_changes(
        self, visits: Mapping[int, Values], people: Mapping[int, Values]
    ) -> list[ImportedChange]:
        """The changes that go back, each as the report of the import lists it, with old and new exchanged."""
        back: list[ImportedChange] = []
        for kind, ids in (("contact", people), ("appointment", visits)):
            for pk in ids:
                for change in self.lines.get((kind, pk), ()):
                    if change.what in (ImportChange.What.CONTACT_ADDED, ImportChange.What.MERGED):
                        continue
                    names = [
                        name
                        for name in change.new
                        if not (name == "preferred_channel" and kind == "contact" and self._keeps_wish(pk))
                    ]
                    if names:
                        old = {name: change.new[name] for name in names}
                        new = {name: change.old.get(name, "") for name in names}
                        back.append(replace(change, old=old, new=new))
        return back

    def _list_kept(self) -> Iterable[Kept]:
        for (what, pk), why in self.why.items():
            if what == What.APPOINTMENT:
                is_new = pk in self.added[What.APPOINTMENT]
                shown = what if not is_new else What.APPOINTMENT_ADDED
                if not is_new and not self.lines.get(("appointment", pk)):
                    continue  # only what the file said of it is kept otherwise, which nobody sees
                yield Kept(shown, why, clip(describe_appointment(self.visits[pk])), appointment_id=pk)
            elif what == What.CONTACT_ADDED or self.lines.get(("contact", pk)):
                person = self.people.get(pk)
                yield Kept(
                    what,
                    why,
                    clip(person.full_name) if person else "–",
                    contact_id=pk if person else None,
                )
        for pk in self.records.contacts:
            if self._goes(What.CONTACT, pk) and self._keeps_wish(pk):
                yield Kept(What.CONTACT, Why.SAYS_NO, clip(self.people[pk].full_name), contact_id=pk)

    def _list_unused(self) -> Iterable[Kept]:
        """Locations and providers of the batch that nothing would use afterwards."""
        for what, column in ((What.LOCATION, "location_id"), (What.PROVIDER, "provider_id")):
            used = {self._find_afterwards(visit, column) for visit in self.visits.values()}
            for pk, name in self.surroundings.unused[what].items():
                if pk not in used:
                    yield Kept(what, Why.UNUSED, clip(name))
