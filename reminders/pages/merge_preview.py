"""What a merge of two contacts does, line by line, for the page that asks for it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from contacts.languages import name_language
from contacts.merging import MergePlan
from contacts.models import Contact, PhoneNumber
from contacts.numbers import mask, national_format
from contacts.templatetags.people_display import birthday


@dataclass(frozen=True)
class MergeLine:
    """One property: of the one who stays, of the other, and afterwards."""

    title: str
    stays: str
    goes: str
    after: str


def describe_merge(plan: MergePlan, *, in_full: bool) -> list[MergeLine]:
    """A line for each property that at least one of them has. `in_full`: whether numbers are shown so."""
    after = Contact(first_name=plan.survivor.first_name, language=plan.survivor.language)
    after.source, after.external_id = plan.survivor.source, plan.survivor.external_id
    for name, value in plan.values.items():
        setattr(after, name, value)
    lines = [
        MergeLine(title, show(plan.survivor), show(plan.other), show(after))
        for title, show in _properties(in_full).items()
    ]
    more = ", ".join([_show_id(after), *(f"{pk} ({source})" for source, pk in plan.more_ids)])
    ids = MergeLine(_("ID"), _show_id(plan.survivor), _show_id(plan.other), more)
    return [line for line in [*lines, ids] if line.stays or line.goes]


def _properties(in_full: bool) -> dict[str, Callable[[Contact], str]]:
    return {
        _("Name"): lambda contact: contact.full_name,
        _("Date of birth"): lambda contact: birthday(contact.date_of_birth),
        _("Number to call"): lambda contact: _show_number(contact.phone, in_full),
        _("Other number"): lambda contact: _show_number(contact.other_phone, in_full),
        _("Language"): lambda contact: str(name_language(contact.language)),
        _("Reminded by"): lambda contact: str(contact.get_preferred_channel_display()),
        _("Time zone"): lambda contact: contact.time_zone,
        _("Notes"): lambda contact: contact.notes,
    }


def _show_number(number: PhoneNumber | None, in_full: bool) -> str:
    if number is None:
        return ""
    return national_format(number.e164, settings.PHONE_REGION) if in_full else mask(number.e164)


def _show_id(contact: Contact) -> str:
    if not contact.external_id:
        return ""
    return f"{contact.external_id} ({contact.source})" if contact.source else contact.external_id
