"""Forgetting a person (product rule 64): what an erasure takes, what it leaves, and doing it.

Names, numbers, dates, notes, ids, messages and the words of calls go. Rows that are counted stay:
appointments, reminders, calls, follow-ups. So do the ledger's rows, without their evidence. Of a number the
row stays, with a mark in place of the number; its “no” is kept under a digest (contacts/erased_numbers.py). A
number that somebody else has stays as it is. Staff's erasure calls it through reminders/desk/erasing.py,
which knows of calls.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contacts.audit.trail import record_deed_of_page
from contacts.consent_ledger import ledger_open
from contacts.database.clock import read_database_clock
from contacts.erased_numbers import keep_no
from contacts.imports.leases import lock_import_writes
from contacts.kept_mentions import drop_files_naming, forget_searches
from contacts.mentions import MENTION_COLUMNS, SHORTEST_WORD, erase_mentions, read_words
from contacts.models import (
    Appointment,
    ConsentEntry,
    Contact,
    ContactLogEntry,
    ImportBatch,
    PhoneNumber,
)
from contacts.models.people import ERASED, FORBIDDEN_CHANNELS, Channel, Preference
from contacts.own_numbers import read_own_numbers
from contacts.paired_numbers import find_paired_number
from contacts.people import lock_people
from contacts.person_tables import NUMBER_COLUMN, PERSON_TABLES

FIRST_LOCKED = "webhooks.WebhookEvent"


class ErasureRefused(ValueError):
    """The person can't be erased now. The message is a sentence for staff."""


@dataclass(frozen=True)
class ErasurePlan:
    """What an erasure does. `going`: numbers that are erased; `staying`: those that somebody else has.

    `keeps_no`: a “no” is kept, of a number or by the person's wish; `loses_wish`: the wish can't be kept,
    since the number belongs to others too. `appointments`: how many stay, without a name. `refusal`: why it
    can't be done, or "".
    """

    contact: Contact
    going: tuple[PhoneNumber, ...]
    staying: tuple[PhoneNumber, ...]
    keeps_no: bool
    loses_wish: bool
    appointments: int
    refusal: str


def plan_erasure(contact: Contact) -> ErasurePlan:
    """What erasing this contact would do now. Changes nothing."""
    going, staying = _sort_numbers(contact)
    forbidden = FORBIDDEN_CHANNELS.get(contact.preferred_channel, frozenset())
    has_no = any(forbidden or _says_no(number) or _find_pair_noes(contact, number) for number in going)
    return ErasurePlan(
        contact=contact,
        going=tuple(going),
        staying=tuple(staying),
        keeps_no=has_no,
        loses_wish=bool(forbidden) and bool(staying),
        appointments=contact.appointments.count(),
        refusal=_find_refusal(contact),
    )


def _find_refusal(contact: Contact) -> str:
    if contact.erased_at:
        return _("This person was erased already.")
    now = read_database_clock()
    if contact.appointments.filter(status=Appointment.Status.BOOKED, starts_at__gt=now).exists():
        return _("They have appointments ahead. Cancel these first.")
    if ImportBatch.objects.filter(state=ImportBatch.State.RUNNING).exists():  # it may write of them again
        return _("A list is being imported. Try again when it has ended.")
    return ""


def _says_no(number: PhoneNumber) -> bool:
    none = PhoneNumber.ConsentBasis.NONE
    return bool(number.voice_opted_out_at or number.sms_opted_out_at or number.consent_basis == none)


def _find_pair_noes(contact: Contact, number: PhoneNumber) -> dict[Channel, datetime]:
    """What the other number of a pair has opted out of, and since when: it counts for this one too."""
    held = (contact.phone, contact.other_phone)
    if find_paired_number(contact) is None or number not in held:
        return {}
    [other] = [one for one in held if one and one != number]
    return {channel: at for channel in Channel if (at := other.opted_out_at(channel))}


def _sort_numbers(contact: Contact) -> tuple[list[PhoneNumber], list[PhoneNumber]]:
    """The numbers of the contact and of calls about them: those to erase, and those that others have.

    A number of the practice, or one that a member of staff has verified, is theirs.
    """
    calls = next(table for table in PERSON_TABLES if table.label == "reminders.CallRecord")
    called = calls.find_rows(contact.pk).order_by().values("number")
    held = Q(contacts=contact) | Q(other_contacts=contact)
    numbers = PhoneNumber.objects.filter(held | Q(pk__in=called), erased_at=None).distinct().order_by("pk")
    own = read_own_numbers()
    going: list[PhoneNumber] = []
    staying: list[PhoneNumber] = []
    for number in numbers:
        others = Contact.objects.filter(Q(phone=number) | Q(other_phone=number)).exclude(pk=contact.pk)
        is_others = number.verified_at or number.e164 in own or others.exists()
        (staying if is_others else going).append(number)
    return going, staying


def lock_erasure(contact_id: int) -> ErasurePlan:
    """The erasure as it would be now, with all that it changes locked. Raises ErasureRefused."""
    lock_import_writes()
    events = next(table for table in PERSON_TABLES if table.label == FIRST_LOCKED)
    list(events.find_rows(contact_id).select_for_update().values_list("pk"))
    contact = lock_people([contact_id]).get(contact_id)
    if contact is None:
        raise ErasureRefused(_("This contact was merged or removed meanwhile."))
    going, staying = _sort_numbers(contact)
    ids = [number.pk for number in (*going, *staying)]
    # not NO KEY: whoever gives one of them to a contact just now is waited for, and then seen
    list(PhoneNumber.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
    plan = plan_erasure(contact)
    if plan.refusal:
        raise ErasureRefused(plan.refusal)
    return plan


@transaction.atomic
def erase_contact(plan: ErasurePlan, *, by: User) -> None:
    """Carry out an erasure of lock_erasure(), in its transaction."""
    contact, numbers = plan.contact, [number.pk for number in plan.going]
    words = read_words(contact, [number.e164 for number in plan.going])
    drop_files_naming(words)
    forget_searches(words)
    with ledger_open():
        erase_mentions(words)
        _blank_named(contact, plan.staying)
        _blank_admin_log(contact)
        for table in PERSON_TABLES:
            rows = table.find_rows(contact.pk)
            if table.by_number:
                rows = table.model._default_manager.filter(**{f"{NUMBER_COLUMN[table.label]}__in": numbers})
            if table.deleted:
                rows.delete()
            elif table.blanked:
                rows.update(**table.blanked)
    _erase_numbers(contact, plan.going)
    ContactLogEntry.objects.create(contact=contact, what=ContactLogEntry.What.ERASED, by=by)
    record_deed_of_page(contact)
    now = read_database_clock()
    Contact.objects.filter(pk=contact.pk).update(
        first_name="",
        last_name="",
        date_of_birth=None,
        notes="",
        file_values={},
        phone=None,
        other_phone=None,
        preferred_channel=Preference.NEVER,
        time_zone="",
        source="",
        external_id="",
        erased_at=now,
        updated_at=now,
    )


def _erase_numbers(contact: Contact, numbers: Collection[PhoneNumber]) -> None:
    """Put a mark in place of each, and keep its “no”, and the person's own, under a digest."""
    now = read_database_clock()
    forbidden = FORBIDDEN_CHANNELS.get(contact.preferred_channel, frozenset())
    for number in numbers:
        of_pair = _find_pair_noes(contact, number)
        since = {channel: number.opted_out_at(channel) or of_pair.get(channel) for channel in Channel}
        since |= {channel: since[channel] or now for channel in forbidden}
        keep_no(
            number.e164,
            voice_at=since[Channel.VOICE],
            sms_at=since[Channel.SMS],
            without_consent=number.consent_basis == PhoneNumber.ConsentBasis.NONE,
        )
        PhoneNumber.objects.filter(pk=number.pk).update(
            e164=f"{ERASED}{number.pk}", erased_at=now, time_zones=[], unusable_detail=""
        )


def _blank_named(contact: Contact, staying: Collection[PhoneNumber]) -> None:
    """Of a number that others have, take out the texts and the evidence that name this person.

    A first name is enough, and in evidence a last name: texts to others in the family have that, too.
    """
    for table in PERSON_TABLES:
        if not table.by_number or table.deleted:
            continue
        is_ledger = table.model is ConsentEntry
        names = [contact.first_name, contact.last_name] if is_ledger else [contact.first_name]
        words = [rf"\m{re.escape(name)}\M" for name in names if len(name) >= SHORTEST_WORD]
        for column in MENTION_COLUMNS[table.label] if words else ():
            if isinstance(table.blanked[column], str):
                found = {f"{NUMBER_COLUMN[table.label]}__in": staying, f"{column}__iregex": "|".join(words)}
                table.model._default_manager.filter(**found).update(**{column: table.blanked[column]})


def _blank_admin_log(contact: Contact) -> None:
    """The admin's log names an object as it was called; a name of one word is no mention by itself."""
    log = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Contact))
    log.filter(object_id=str(contact.pk)).update(object_repr=f"contact {contact.pk}")
