"""Filters to show languages and numbers of contacts."""

from datetime import date

from django import template
from django.conf import settings
from django.utils.translation import gettext as _

from contacts.clock_habits import write_birthday
from contacts.languages import name_language
from contacts.models import PhoneNumber
from contacts.numbers import national_format
from contacts.stored_sentences import translate_stored

register = template.Library()
register.filter("language_name", name_language)
register.filter("as_read", translate_stored)


@register.filter
def birthday(born: date | None) -> str:
    """A date of birth, such as "July 14, 1987" or "14 July 1987"; "" for none."""
    return write_birthday(born) if born else ""


@register.simple_tag
def what_a_no_stops() -> str:
    """What is stopped when a patient says "no", as OPT_OUT_SCOPE has it."""
    if settings.OPT_OUT_SCOPE == "channel":
        return _("Key 9 in a call stops calls; a “no” by text message stops text messages.")
    return _("A “no” by key 9 or by text message stops both calls and text messages.")


@register.filter
def written_out(number: PhoneNumber) -> str:
    """The whole number, in the format of the practice's country."""
    return national_format(number.e164, settings.PHONE_REGION)
