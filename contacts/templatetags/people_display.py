"""Filters to show languages and numbers of contacts."""

from django import template
from django.conf import settings

from contacts.languages import name_language
from contacts.models import PhoneNumber
from contacts.numbers import national_format

register = template.Library()
register.filter("language_name", name_language)


@register.filter
def written_out(number: PhoneNumber) -> str:
    """The whole number, in the format of the practice's country."""
    return national_format(number.e164, settings.PHONE_REGION)
