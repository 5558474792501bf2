"""What tells a contact from others: as recorded, and as lists said last; staff may have corrected either."""

from collections.abc import Mapping

from contacts.imports.identity import Identity, identify
from contacts.imports.three_way import read_memory, read_other_memories
from contacts.models import Contact


def describe_contact(contact: Contact) -> Identity:
    """What tells a contact from others."""
    numbers = (contact.phone, contact.other_phone)
    return identify(contact.first_name, contact.last_name, *(each.e164 for each in numbers if each))


def describe_merged(was: Mapping[str, str]) -> Identity:
    """A contact who was merged with another, as they were (ContactMerge.was)."""
    return identify(
        was.get("first_name", ""), was.get("last_name", ""), was.get("phone"), was.get("other_phone")
    )


def describe_as_said(contact: Contact, key: str) -> Identity | None:
    """The same as the files of a source (see memory_key) said it last; None if they didn't."""
    said = read_memory(contact, key)
    if not said or not said.get("first_name"):
        return None
    numbers = (said.get("phone"), said.get("other_phone"))
    return identify(said["first_name"], said.get("last_name", ""), *numbers)


def describe_contact_and_said(contact: Contact, source: str) -> list[Identity]:
    """A contact as recorded, and as the files of a source said of each of their ids last."""
    keys = [source, *read_other_memories(contact, source)]
    return [describe_contact(contact), *filter(None, (describe_as_said(contact, one) for one in keys))]


def has_own_id(contact: Contact, source: str, external_id: str) -> bool:
    """Whether that is the contact's own id, and not one left by a contact who was merged with them."""
    return (contact.source, contact.external_id) == (source, external_id)
