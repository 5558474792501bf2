"""What another system says of a patient, beside what it said before and what is recorded (product rule 45).

Kept where lists keep it, as that of visits is (reminders/desk/reported_values.py).
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext_lazy as _

from contacts.imports.three_way import CONTACT_VALUES, REPORTED, Said, read_contact_values, read_memory
from contacts.imports.words import is_as_strict
from contacts.models import Contact
from contacts.names import NotAName, read_first_name, read_last_name

WISH = "preferred_channel"
IDS = frozenset({"source", "external_id"})
NAMES = {"first_name": read_first_name, "last_name": read_last_name}
KEPT_HERE = _("Staff changed this here. Your system says what it said before, or would allow more.")


class ContactReport:
    """The values that a request names of a contact whose row is locked, or new. Source: the contact's own."""

    def __init__(self, contact: Contact, body: Mapping[str, Any]) -> None:
        self.contact = contact
        self.names_ids = bool(IDS & body.keys())
        self.said: Said = {name: _read(name, body[name]) for name in CONTACT_VALUES if name in body}

    def find_corrections(self) -> list[str]:
        """The fields in which staff's value stays: said as before, or a wish that would be weakened.

        A wish such as "text only" is never weakened by another system, as by no list.
        """
        before = read_memory(self.contact, self.contact.source) or {}
        held = read_contact_values(self.contact)
        return [
            name
            for name, new in self.said.items()
            if new != held[name]
            and (new == before.get(name) or (name == WISH and not is_as_strict(new, held[name])))
        ]

    def remember(self) -> None:
        """Keep what was said, under the source that the contact has now; one that was added here has none.

        Also that it spoke at all, if it named nothing but the contact's ids.
        """
        contact = self.contact
        if not (contact.source and (self.said or self.names_ids)):
            return
        said = {**(read_memory(contact, contact.source) or {}), **self.said, REPORTED: "yes"}
        contact.file_values = {**contact.file_values, contact.source: said}
        Contact.objects.filter(pk=contact.pk).update(file_values=contact.file_values)


def _read(name: str, value: Any) -> str:
    """The value as lists keep it: a name as it is read of a list, "" for none."""
    text = value or ""
    with suppress(NotAName):  # it is refused where it is saved
        text = NAMES[name](text) if name in NAMES and text else text
    return str(text)
