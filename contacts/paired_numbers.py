"""Two numbers of a contact of which one is called in place of the other: a “no” on one is a “no” on both.

They are a pair where the contact's record says that the other number is used. Which of the two is the first
changes (reminders/sweeps/other_numbers.py), so the rule is the same either way, and whichever way the “no”
came: a key, a text, staff, a file, the API, Robotalker's list. It counts for the channel that it was said
about, even if others share the number and one of them may have said it: when in doubt nobody is called.
Without a pair a number's “no” is the number's alone (product rule 10).
"""

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


def is_stopped_by_pair(number: PhoneNumber, channel: Channel) -> bool:
    """Whether the other number of a pair, of anybody who has this one, has opted out of `channel`."""
    as_first = Q(phone=number) & paired_optout(channel)
    as_other = Q(other_phone=number, other_phone_use=OtherNumberUse.UNREACHABLE)
    as_other &= Q(**{f"phone__{FLAGS_BY_CHANNEL[channel]}__isnull": False})
    return Contact.objects.filter(as_first | as_other).exists()


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
