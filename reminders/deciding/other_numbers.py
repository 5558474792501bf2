"""When reminders go to a contact's other number: the one place that decides it.

Then the two numbers change places (sweeps/other_numbers.py), and all that says what becomes of a reminder
goes by the number to call, as ever: preview, page and dispatcher can't disagree about it.

The other number is used only where the contact's record says so, and only because the first can't be
reached. Whoever said no on one of the two is not called on the other: an opt-out of either, of calls or
texts, is in the way, and so is a number without consent. When in doubt nobody is called, and it stands on the
worklist. An opt-out that comes after they changed places counts for both, too (contacts/paired_numbers.py).
"""

from contacts.models import Contact, PhoneNumber
from contacts.models.people import Channel, OtherNumberUse
from reminders.deciding.situations import is_never_dialled


def find_number_instead(contact: Contact) -> PhoneNumber | None:
    """The number to call in place of the first one, or None. The contact with both numbers."""
    first, other = contact.phone, contact.other_phone
    if contact.other_phone_use != OtherNumberUse.UNREACHABLE or first is None or other is None:
        return None
    if first == other or not is_never_dialled(first) or is_never_dialled(other):
        return None
    said_no = any(number.opted_out_at(channel) for number in (first, other) for channel in Channel)
    without_consent = PhoneNumber.ConsentBasis.NONE in (first.consent_basis, other.consent_basis)
    return None if said_no or without_consent else other
