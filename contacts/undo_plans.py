"""What undoing an import takes back, and what stays and why. Changes nothing; contacts/undoing.py does it.

Each contact and appointment is one thing: it goes back as a whole, or it stays as it is and is listed. What
was sent, answered or worked on isn't known here: reminders/desk/import_undo.py says it (SinceThen).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contacts.database.arrays import is_any
from contacts.imports.changes import describe_appointment
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
    find_left_alone,
    find_merged_since,
    find_said_again,
    find_taken_times,
    find_touched,
    has_other_details,
    id_of,
    read_present_rows,
    was_edited,
)

What, Why = KeptByUndo.What, KeptByUndo.Why


@dataclass(frozen=True)
class SinceThen:
    """What reminders know of it: why appointments (ids) must stay, and patients to whom something was sent,
    or for whom something stands on the worklist that doesn't go with their appointments.
    """

    appointments: Mapping[int, str] = field(default_factory=dict)
    contacts: Mapping[int, str] = field(default_factory=dict)


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
    changes: tuple[ImportChange, ...]
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


def plan_undo(records: BatchRecords, since_then: SinceThen) -> UndoPlan:
    """Decide on each contact and appointment of the batch. The same number of queries for any batch."""
    return _UndoPlanner(records, since_then).plan()


class _UndoPlanner:
    def __init__(self, records: BatchRecords, since_then: SinceThen) -> None:
        self.records, self.since_then = records, since_then
        visits = Appointment.objects.select_related("contact", "location", "provider")
        self.visits = {one.pk: one for one in visits.filter(is_any("pk", records.appointment_ids))}
        people = Contact.objects.select_related("phone", "other_phone").defer("search_text")
        self.people = {one.pk: one for one in people.filter(is_any("pk", records.contact_ids))}
        self.merged = find_merged_since(self.people, records.since)
        self.again = find_said_again(records)
        self.touched = find_touched(records)
        self.left_alone = find_left_alone(records, self.visits)
        self.taken_times = find_taken_times(records, self.visits)
        self.present = read_present_rows(records)
        self.lines: dict[tuple[str, int], list[ImportChange]] = {}
        for change in records.batch.changes.all():
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
        for pk in self.records.added_contacts:
            if pk in self.people:
                self._keep(What.CONTACT_ADDED, pk, self._find_why_new_person_stays(self.people[pk]))
        self._keep_whose_visits_stay()
        self._keep_whose_places_are_taken()
        removed = [
            self.visits[pk] for pk in self.records.added_appointments if self._goes(What.APPOINTMENT, pk)
        ]
        people = [
            self.people[pk]
            for pk in self.records.added_contacts
            if pk in self.people and self._goes(What.CONTACT_ADDED, pk)
        ]
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
        if why := self.since_then.appointments.get(visit.pk):
            return why
        if visit.answered_at and visit.answered_at >= self.records.since:
            return Why.ANSWERED
        if why := self.touched.get(visit.pk) or self.left_alone.get(visit.pk):
            return why
        if visit.pk in self.again.appointments or self._is_reported(visit):
            return Why.SAID_AGAIN
        if visit.pk in self.records.appointments:
            return self._compare(visit, *self.records.appointments[visit.pk])
        return Why.CHANGED if has_other_details(visit, self.records.batch.source) else ""

    def _find_why_person_stays(self, pk: int) -> str:
        person = self.people.get(pk)
        if person is None or person.erased_at:
            return Why.ERASED
        if pk in self.merged:
            return Why.MERGED
        if why := self.since_then.contacts.get(pk):
            return why
        if pk in self.again.contacts or self._is_reported(person):
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
        if person.pk in self.merged:
            return Why.MERGED
        if person.pk in self.again.contacts or self._is_reported(person):
            return Why.SAID_AGAIN
        if was_edited(person, self.records.batch.source):
            return Why.CHANGED
        if FORBIDDEN_CHANNELS.get(person.preferred_channel):
            return Why.SAYS_NO
        if person.pk in self.present.referred_contacts or person.pk in self.since_then.contacts:
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
        return "" if self.present.has_all(before) else Why.ERASED

    def _keep_whose_visits_stay(self) -> None:
        """A new patient stays with a visit; a visit that other rows refer to stays too."""
        for pk in self.records.added_appointments:
            if pk in self.present.referred_appointments:
                self.why.setdefault((What.APPOINTMENT, pk), Why.IN_USE)
        for pk, owner in self.present.visits_of_added:
            before = self.records.appointments.get(pk, ({}, {}))[0]
            goes = pk in self.records.added_appointments or before.get("contact_id", owner) != owner
            if not (goes and self._goes(What.APPOINTMENT, pk)):
                self.why.setdefault((What.CONTACT_ADDED, owner), Why.IN_USE)

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
        holders = self.present.holders[what]
        for pk, (before, _) in overwritten.items():
            if not self._goes(what, pk) or not {"source", "external_id"} & before.keys():
                continue
            record = found[pk]
            wanted = id_of(record, before)
            holder = holders.get(wanted) if wanted[1] else None
            if holder is None or holder == pk:
                continue
            added = What.APPOINTMENT if what == What.APPOINTMENT else What.CONTACT_ADDED
            is_removed = holder in self.present.added[what] and self._goes(added, holder)
            theirs = overwritten.get(holder, ({}, {}))[0]
            gives_it_up = (
                self._goes(what, holder)
                and {"source", "external_id"} & theirs.keys()
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

    def _list_changes(self, visits: Mapping[int, Values], people: Mapping[int, Values]) -> list[ImportChange]:
        """The changes that go back, each as the report of the import lists it, with old and new exchanged."""
        back: list[ImportChange] = []
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
                        change.old, change.new = (
                            {name: change.new[name] for name in names},
                            {name: change.old.get(name, "") for name in names},
                        )
                        back.append(change)
        return back

    def _list_kept(self) -> Iterable[Kept]:
        for (what, pk), why in self.why.items():
            if what == What.APPOINTMENT:
                is_new = pk in self.records.added_appointments
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
        for what, rows, column in (
            (What.LOCATION, self.present.new_locations, "location_id"),
            (What.PROVIDER, self.present.new_providers, "provider_id"),
        ):
            for pk, name, visits in rows:
                going = set(self.records.added_appointments) | {
                    visit
                    for visit, (before, _) in self.records.appointments.items()
                    if before.get(column, pk) != pk
                }
                leaving = {visit for visit in going if self._goes(What.APPOINTMENT, visit)}
                if not set(visits) - leaving:
                    yield Kept(what, Why.UNUSED, clip(name))
