"""What is in the database already of a file's people and visits (known_people.py and known_visits.py)."""

from collections import defaultdict
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from contacts.imports.people import ImportedPerson, PersonKey
from contacts.imports.three_way import Said
from contacts.models import Appointment, Contact, ImportBatch

NOBODY: Mapping[PersonKey, ImportedPerson] = MappingProxyType({})
Slot = tuple[int, str]  # contact, and time and place as by say_slot()


@dataclass(frozen=True)
class OtherRows:
    """What matters of the rows of a file that aren't matched now, since rows are matched in blocks.

    `appointment_ids`, `patient_ids`: of all rows of the file; `used`: appointments (ids here) that other rows
    were matched with, but not by their id; `lacks_patient_ids`: some row has none; `batch`: of the file, if
    some of its rows may be written already, such as those of earlier blocks; `taken`: contacts (ids) who get
    another name or number by other rows, or were added by them.
    """

    appointment_ids: Container[str]
    patient_ids: Container[str]
    used: Container[int]
    lacks_patient_ids: bool
    batch: ImportBatch | None = None
    taken: Container[int] = ()

    def have(self, appointment: Appointment, ids: Collection[str], source: str) -> bool:
        """Whether another row is about that appointment. `ids`: of the rows that are matched now."""
        if appointment.source == source and appointment.external_id in ids:
            return False
        is_new = self.batch is not None and appointment.batch_id == self.batch.pk
        has_id = appointment.source == source and appointment.external_id in self.appointment_ids
        return is_new or has_id or appointment.pk in self.used

    def name(self, contact: Contact, source: str) -> bool:
        """Whether a row has the patient id of that contact."""
        return contact.source == source and contact.external_id in self.patient_ids


@dataclass
class Known:
    """What exists already.

    `people`: the file's, without patient ids that turned out to be a household's. `by_id`: by the file's
    appointment id. `by_slot`: appointments not found by id; `by_time`: what is booked or cancelled at the
    wall times of rows that cancel. `conflicts`: contacts whose patient id the file gives to somebody else;
    `relatives`: those whose id it gives to another member of the household, by the key of that member.
    `recalled`: what the file must have said of appointments from before that was kept. `written_anew`: ids of
    the file that are written in another way here, and the ids here. `by_other_id`: people whose id is that of
    a contact who was merged with the one here; `merged`: of these, those whose file has also the id of the
    one here; `memory_keys`: under what is kept what lists say of these ids. `unclear`: new people without an
    id whose name and number several others in the file have; `rivals`: contacts who are taken for another id
    of the file, by the keys of those who might be them too.
    """

    people: dict[PersonKey, ImportedPerson] = field(default_factory=dict)
    by_id: dict[str, Appointment] = field(default_factory=dict)
    by_slot: dict[Slot, list[Appointment]] = field(default_factory=dict)
    by_time: dict[datetime, list[Appointment]] = field(default_factory=lambda: defaultdict(list))
    contacts: dict[PersonKey, Contact] = field(default_factory=dict)
    conflicts: dict[PersonKey, Contact] = field(default_factory=dict)
    relatives: dict[PersonKey, Contact] = field(default_factory=dict)
    recalled: dict[int, Said] = field(default_factory=dict)
    written_anew: dict[str, str] = field(default_factory=dict)
    by_other_id: set[PersonKey] = field(default_factory=set)
    merged: set[PersonKey] = field(default_factory=set)
    memory_keys: dict[PersonKey, str] = field(default_factory=dict)
    rivals: dict[PersonKey, Contact] = field(default_factory=dict)
    unclear: set[PersonKey] = field(default_factory=set)
    unusable: frozenset[str] = frozenset()

    def forget_key(self, key: PersonKey) -> None:
        """Somebody is known by another key."""
        for by_key in (self.contacts, self.relatives, self.memory_keys, self.rivals):
            by_key.pop(key, None)
        for keys in (self.by_other_id, self.merged, self.unclear):
            keys.discard(key)
