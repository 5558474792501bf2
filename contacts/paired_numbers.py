"""Two numbers of a contact of which one is called in place of the other: a “no” on one is a “no” on both.

They are a pair where the contact's record says that the other number is used. Which of the two is the first
changes (reminders/sweeps/other_numbers.py), so the rule is the same either way, and whichever way the “no”
came: a key, a text, staff, a file, the API, Robotalker's list. It counts for the channel that it was said
about, even if others share the number and one of them may have said it: when in doubt nobody is called.
Without a pair a number's “no” is the number's alone (product rule 10).
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from contacts.models import Contact, PhoneNumber
from contacts.models.people import Channel, OtherNumberUse

FLAGS_BY_CHANNEL = {Channel.VOICE: "voice_opted_out_at", Channel.SMS: "sms_opted_out_at"}


def find_paired_number(contact: Contact) -> PhoneNumber | None:
    """The other number, where each of the two is called in place of the other. With `other_phone` loaded."""
    is_pair = contact.other_phone_use == OtherNumberUse.UNREACHABLE and contact.phone_id is not None
    return contact.other_phone if is_pair and contact.other_phone_id != contact.phone_id else None


def find_paired_optout(contact: Contact, channel: str) -> datetime | None:
    """Since when (aware UTC) the other number of a pair has opted out of `channel`, or None."""
    other = find_paired_number(contact)
    return other.opted_out_at(channel) if other else None


def find_stopped_by_pairs(number_ids: Collection[int], channel: Channel) -> set[int]:
    """Those of the numbers (ids) of which the other one of a pair, of anybody, has opted out of `channel`."""
    as_first = Q(phone__in=number_ids) & paired_optout(channel)
    as_other = Q(other_phone__in=number_ids, other_phone_use=OtherNumberUse.UNREACHABLE)
    as_other &= Q(**{f"phone__{FLAGS_BY_CHANNEL[channel]}__isnull": False})
    stopped = Contact.objects.filter(as_first | as_other)
    told = stopped.values_list(
        "phone_id",
        "other_phone_id",
        f"phone__{FLAGS_BY_CHANNEL[channel]}",
        f"other_phone__{FLAGS_BY_CHANNEL[channel]}",
    )
    return {
        pk
        for first, other, first_said, other_said in told
        for pk, pair_said in ((first, other_said), (other, first_said))
        if pk in number_ids and pair_said
    }


def paired_optout(channel: Channel, contact: str = "") -> Q:
    """The same as a condition on contacts, or on rows whose contact is at the path `contact`."""
    path = f"{contact}__" if contact else ""
    return Q(
        **{
            f"{path}phone__isnull": False,
            f"{path}other_phone_use": OtherNumberUse.UNREACHABLE,
            f"{path}other_phone__{FLAGS_BY_CHANNEL[channel]}__isnull": False,
        }
    )
