"""Two contacts are one person: what a merge would do, and doing it.

The survivor keeps their own values and gets what they lack. Nothing is lost: appointments move over, each
with a line in its story, the other contact's ids stay known (ContactId), and what they had is kept with the
merge. Reminders aren't known here: staff's merge calls it through reminders/desk/merging.py.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ForeignObjectRel, Model
from django.utils.translation import gettext as _

from contacts.appointments import add_change, cancel_appointment
from contacts.audit.trail import record_deed_of_page
from contacts.database.clock import read_database_clock
from contacts.imports.leases import lock_import_writes
from contacts.imports.three_way import (
    SET_SINCE,
    keep_set_since,
    leave_out_report,
    memory_key,
    read_contact_values,
    read_memory,
)
from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    ContactId,
    ContactMerge,
    DistinctPair,
    PhoneNumber,
)
from contacts.models.people import FORBIDDEN_CHANNELS, NOTES_LENGTH, Channel, OtherNumberUse, Preference
from contacts.numbers import national_format
from contacts.paired_numbers import find_paired_number
from contacts.people import lock_people, revise_appointments

# Columns that are kept with the merge as the other contact had them.
KEPT = ("first_name", "last_name", "language", "preferred_channel", "time_zone", "date_of_birth", "notes")
# References to a contact that are moved in a way of their own; all others are given to the survivor.
MOVED_APART = (Appointment, DistinctPair)


class MergeRefused(ValueError):
    """These two can't be merged, or not now. The message is a sentence for staff."""


@dataclass(frozen=True)
class Collision:
    """Two appointments of the one person at one time. `same`: also at one location, so one is a copy.

    `copy` is the one to cancel: not the one that was answered, else not the survivor's.
    """

    kept: Appointment
    copy: Appointment
    same: bool


@dataclass(frozen=True)
class MergePlan:
    """What a merge does. `values`: the survivor's columns afterwards. `moving`: the other's appointments.

    `revised`: booked appointments ahead whose reminders then go to another number. `stricter_for_no`: the
    wish forbids more, since a number that isn't used any more had opted out. `refusal`: why it can't be
    done, or "".
    """

    survivor: Contact
    other: Contact
    values: dict[str, Any]
    moving: tuple[Appointment, ...]
    revised: tuple[Appointment, ...]
    collisions: tuple[Collision, ...]
    more_ids: tuple[tuple[str, str], ...]
    stricter_for_no: bool
    refusal: str

    @property
    def are_strangers(self) -> bool:
        """Whether they have neither the name nor a number in common."""
        numbers = [
            {pk for pk in (one.phone_id, one.other_phone_id) if pk} for one in (self.survivor, self.other)
        ]
        return self.survivor.name_key != self.other.name_key and not numbers[0] & numbers[1]

    @property
    def token(self) -> str:
        """Stands for all of this: what was shown is what is done."""
        ids = [[one.pk for one in group] for group in (self.moving, self.revised)]
        values = sorted((name, str(getattr(value, "pk", value))) for name, value in self.values.items())
        clashes = [(one.kept.pk, one.copy.pk) for one in self.collisions]
        seen = (self.survivor.pk, self.other.pk, values, ids, clashes, self.more_ids)
        return hashlib.sha256(repr((*seen, _values_of(self.other))).encode()).hexdigest()[:16]


def plan_merge(survivor: Contact, other: Contact, now: datetime) -> MergePlan:
    """What merging `other` into `survivor` would do at `now` (aware). Both with their numbers."""
    theirs = Appointment.objects.filter(contact__in=[survivor, other]).select_related("location", "provider")
    visits = list(theirs.order_by("starts_at", "pk"))
    ahead = [one for one in visits if one.status == Appointment.Status.BOOKED and one.starts_at > now]
    values, is_stricter = _find_values(survivor, other)
    phone: PhoneNumber | None = values["phone"]
    held = {survivor.pk: survivor.phone_id, other.pk: other.phone_id}
    return MergePlan(
        survivor=survivor,
        other=other,
        values=values,
        moving=tuple(one for one in visits if one.contact_id == other.pk),
        revised=tuple(one for one in ahead if held[one.contact_id] != (phone.pk if phone else None)),
        collisions=tuple(_find_collisions(ahead, survivor)),
        more_ids=tuple(_find_more_ids(survivor, other)),
        stricter_for_no=is_stricter,
        refusal=_find_refusal(survivor, other),
    )


def _find_refusal(survivor: Contact, other: Contact) -> str:
    if survivor.erased_at or other.erased_at:
        return _("One of them was erased.")
    if survivor.is_demo != other.is_demo:
        return _("One of them is made up, for the demo clinic.")
    born = {survivor.date_of_birth, other.date_of_birth} - {None}
    if len(born) > 1:
        return _("Their dates of birth differ, so they are two people. If one is wrong, correct it first.")
    if len(_find_values(survivor, other)[0]["notes"]) > NOTES_LENGTH:
        return _("Their notes together are too long for one contact. Shorten one of them first.")
    return ""


def _find_values(survivor: Contact, other: Contact) -> tuple[dict[str, Any], bool]:
    """The survivor's columns afterwards, and whether the wish is stricter because of an opt-out."""
    phone, other_phone, rest = _choose_numbers(survivor, other)
    forbidden = _forbidden_by(survivor) | _forbidden_by(other)
    uses = {survivor.other_phone_use, other.other_phone_use}
    use = OtherNumberUse.NEVER if len(uses) > 1 else uses.pop()
    unused = [one for one in (survivor.phone, other.phone) if one and one != phone]
    # a "no" of a pair's other number, which counted until now
    counting = {phone, other_phone} if use == OtherNumberUse.UNREACHABLE else {phone}
    pairs = map(find_paired_number, (survivor, other))
    unused += [one for one in pairs if one and one not in counting]
    refused = {channel for one in unused for channel in Channel if one.opted_out_at(channel)}
    values = {
        "last_name": survivor.last_name or other.last_name,
        "phone": phone,
        "other_phone": other_phone,
        "other_phone_use": use,
        "preferred_channel": _wish_that_forbids(forbidden | refused, survivor.preferred_channel),
        "time_zone": survivor.time_zone or other.time_zone,
        "date_of_birth": survivor.date_of_birth or other.date_of_birth,
        "notes": "\n".join(_join_notes(survivor, other, rest)),
    }
    if not survivor.external_id:
        values |= {"source": other.source, "external_id": other.external_id}
    return values, bool(refused - forbidden)


def _choose_numbers(
    survivor: Contact, other: Contact
) -> tuple[PhoneNumber | None, PhoneNumber | None, list[PhoneNumber]]:
    """The number to call, the other number, and those that there is no place for."""
    firsts = [one for one in (survivor.phone, other.phone) if one]
    usable = [one for one in firsts if one.unusable_since is None and not one.kind_fault]
    others = [one for one in (survivor.other_phone, other.other_phone) if one]
    ordered = list(dict.fromkeys([*usable, *firsts, *others]))
    phone = ordered[0] if firsts else None
    rest = [one for one in ordered if one != phone]
    return phone, rest[0] if rest else None, rest[1:]


def _forbidden_by(contact: Contact) -> frozenset[Channel]:
    return FORBIDDEN_CHANNELS.get(contact.preferred_channel, frozenset())


def _wish_that_forbids(channels: Collection[Channel], otherwise: str) -> str:
    if not channels:
        return otherwise
    if set(channels) == set(Channel):
        return Preference.NEVER
    return Preference.SMS_ONLY if Channel.VOICE in channels else Preference.VOICE_ONLY


def _join_notes(survivor: Contact, other: Contact, numbers: Iterable[PhoneNumber]) -> list[str]:
    lines = [survivor.notes, other.notes if other.notes != survivor.notes else ""]
    if other.full_name.casefold() != survivor.full_name.casefold():
        lines.append(_("Also entered as %(name)s.") % {"name": other.full_name})
    for one in numbers:
        written = national_format(one.e164, settings.PHONE_REGION)
        lines.append(_("Another number: %(number)s.") % {"number": written})
    return [line for line in lines if line]


def _find_more_ids(survivor: Contact, other: Contact) -> list[tuple[str, str]]:
    """The other contact's ids that stay known beside the survivor's own, without those known so already."""
    return [(other.source, other.external_id)] if other.external_id and survivor.external_id else []


def _find_collisions(ahead: Collection[Appointment], survivor: Contact) -> list[Collision]:
    own = [one for one in ahead if one.contact_id == survivor.pk]
    theirs = [one for one in ahead if one.contact_id != survivor.pk]
    found = []
    for mine in own:
        for copy in theirs:
            if mine.starts_at < copy.ends_at and copy.starts_at < mine.ends_at:
                same = (mine.local_start, mine.location_id) == (copy.local_start, copy.location_id)
                swap = bool(copy.current_answer) and not mine.current_answer
                found.append(Collision(copy, mine, same) if swap else Collision(mine, copy, same))
    return found


def lock_pair(survivor_id: int, other_id: int) -> MergePlan:
    """The merge as it would be now, with both contacts, their appointments and all imports locked.

    An import that was planned before may know both contacts. Raises MergeRefused.
    """
    lock_import_writes()
    people = lock_people([survivor_id, other_id])
    if len(people) < 2:
        raise MergeRefused(_("One of them was merged or removed meanwhile."))
    plan = plan_merge(people[survivor_id], people[other_id], read_database_clock())
    if plan.refusal:
        raise MergeRefused(plan.refusal)
    return plan


@transaction.atomic
def merge_contacts(plan: MergePlan, *, cancelled: Collection[int], by: User) -> list[int]:
    """Carry out a merge of lock_pair(), in its transaction; the ids of the booked appointments ahead.

    `cancelled`: ids of the copies to be cancelled.
    """
    survivor, other = plan.survivor, plan.other
    record_deed_of_page(survivor)
    now = read_database_clock()
    copies = {one.copy.pk for one in plan.collisions} & set(cancelled)
    for pk in sorted(copies):
        cancel_appointment(pk, by=by)
    _move_appointments(plan, now, by)
    _move_distinct_pairs(survivor, other)
    _move_references(survivor, other)
    ContactMerge.objects.create(survivor=survivor, merged_id=other.pk, was=_values_of(other), by=by, at=now)
    ContactId.objects.bulk_create(
        [ContactId(contact=survivor, source=source, external_id=pk) for source, pk in plan.more_ids],
        ignore_conflicts=True,  # it was that of an earlier merge already
    )
    Contact.objects.filter(pk=other.pk).delete()
    for name, value in plan.values.items():
        setattr(survivor, name, value)
    if survivor.language != other.language:
        survivor.language_at = now  # for a campaign that is new to the other's appointments by their language
    takes_id = "external_id" in plan.values  # then the files will speak of the other one
    kept = (survivor.file_values, other.file_values)
    survivor.file_values = kept[0] | kept[1] if takes_id else kept[1] | kept[0]
    for source, external_id in plan.more_ids:  # what lists say of that id is compared with what they said
        said = leave_out_report(read_memory(other, source) or read_contact_values(other))
        survivor.file_values[memory_key(source, external_id)] = said
    survivor.save(update_fields=[*plan.values, "file_values", "language_at", "updated_at"])
    revise_appointments([one.pk for one in plan.revised if one.pk not in copies], now)
    booked = survivor.appointments.filter(status=Appointment.Status.BOOKED, starts_at__gt=now)
    return list(booked.values_list("pk", flat=True))


def _move_appointments(plan: MergePlan, now: datetime, by: User) -> None:
    """Give them to the survivor. A campaign that is new to one of them sends nothing due before."""
    moving = Appointment.objects.filter(pk__in=[one.pk for one in plan.moving])
    moving.update(contact=plan.survivor, details_at=now, updated_at=now)
    for appointment in moving.order_by("pk"):
        add_change(appointment, AppointmentChange.What.MERGED, by=by, at=now)


def _move_distinct_pairs(survivor: Contact, other: Contact) -> None:
    """Whoever was said to be somebody else than the other contact, is somebody else than the survivor."""
    pairs = DistinctPair.objects.filter(one=other) | DistinctPair.objects.filter(other=other)
    for pair in pairs:
        third = pair.other_id if pair.one_id == other.pk else pair.one_id
        if third != survivor.pk:
            first, second = sorted([third, survivor.pk])
            DistinctPair.objects.get_or_create(one_id=first, other_id=second, defaults={"by": pair.by})
    pairs.delete()


def list_references() -> list[tuple[type[Model], str]]:
    """Every column of any app that refers to a contact, but those that are moved in a way of their own."""
    return [
        (relation.related_model, relation.field.name)
        for relation in Contact._meta.get_fields(include_hidden=True)
        if isinstance(relation, ForeignObjectRel) and relation.related_model not in MOVED_APART
    ]


def _move_references(survivor: Contact, other: Contact) -> None:
    for model, name in list_references():
        model._default_manager.filter(**{name: other}).update(**{name: survivor})


def take_other_id(contact: Contact, source: str, external_id: str) -> None:
    """Make an id that a contact merged with this one left its own; its own stays known beside it.

    What lists said of either id goes with it. Nothing changes if nobody left that id. To be called with the
    contact locked.
    """
    if not contact.other_ids.filter(source=source, external_id=external_id).delete()[0]:
        return
    values, held = dict(contact.file_values), read_contact_values(contact)
    said = values.pop(memory_key(source, external_id), {})
    if contact.external_id:
        ContactId.objects.create(contact=contact, source=contact.source, external_id=contact.external_id)
        own = leave_out_report(values.pop(contact.source, None) or held)
        set_by_lists = [name for name, value in own.items() if value and value == held.get(name)]
        values[memory_key(contact.source, contact.external_id)] = keep_set_since(own, set_by_lists)
    values[source] = {name: value for name, value in said.items() if name != SET_SINCE}
    contact.source, contact.external_id, contact.file_values = source, external_id, values
    contact.save(update_fields=["source", "external_id", "file_values", "updated_at"])


def _values_of(contact: Contact) -> dict[str, str]:
    """What a contact has, as text, for the record of the merge."""
    numbers = {
        name: number.e164
        for name, number in (("phone", contact.phone), ("other_phone", contact.other_phone))
        if number
    }
    kept = {name: str(getattr(contact, name) or "") for name in (*KEPT, "source", "external_id")}
    return {name: value for name, value in (kept | numbers).items() if value}


def find_survivor(contact_id: int) -> int | None:
    """Into whom a contact who is gone was merged; None if they weren't."""
    merges = ContactMerge.objects.filter(merged_id=contact_id)
    return merges.values_list("survivor_id", flat=True).first()


def has_history(contact: Contact) -> bool:
    """Whether anything of any app refers to the contact."""
    if contact.appointments.exists():
        return True
    return any(model._default_manager.filter(**{name: contact}).exists() for model, name in list_references())
