"""What an edit changes in a contact, for the audit trail."""

from typing import Any

from django.contrib.auth.models import AnonymousUser, User

from contacts.audit.trail import record_deed
from contacts.models import Contact

# Of a number, the key of its row: an erasure takes the number itself, and the trail needs no change then.
COMPARED = (
    "first_name",
    "last_name",
    "date_of_birth",
    "phone_id",
    "other_phone_id",
    "other_phone_use",
    "language",
    "preferred_channel",
    "time_zone",
    "notes",
    "source",
    "external_id",
)


def read_contact_details(contact_id: int | None) -> dict[str, Any]:
    """What is stored of a contact now; {} for one who isn't there yet."""
    return Contact.objects.filter(pk=contact_id).values(*COMPARED).first() or {} if contact_id else {}


def record_contact_edit(contact: Contact, was: dict[str, Any], *, by: User | AnonymousUser | None) -> None:
    """Record what an edit of a contact, or adding one, has changed since read_contact_details()."""
    now = read_contact_details(contact.pk)
    changes = {name: (was.get(name), value) for name, value in now.items() if was.get(name) != value}
    if changes:
        what = "contact_changed" if was else "add_contact"
        record_deed(what, by=by, about=contact, contact=contact.pk, changes=changes if was else None)
