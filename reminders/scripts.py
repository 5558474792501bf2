"""From a script to the exact words: which text, which variables, and what is said.

Dates and times are the location's wall clock, in the language of the text. Nothing of the visit's kind
or reason is a variable: a machine may record what is said.
"""

import re
from collections.abc import Mapping

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format

from contacts.models import Appointment, Location
from contacts.numbers import national_format
from reminders.models import Script, ScriptText

VARIABLE = re.compile(r"\{([A-Z_]+)\}")
KNOWN_VARIABLES = frozenset(
    {"FIRST_NAME", "APPT_DATE", "APPT_TIME", "PRACTICE", "PROVIDER", "CALLBACK_NUMBER"}
)
FALLBACK_LANGUAGE = "en"
# How a day and a time are said aloud, in Django's date format letters; languages not listed use English's.
SPOKEN_DATES = {
    "en": ("l, F jS", "g:i A"),
    "es": (r"l j \d\e F", "H:i"),
    "fr": ("l j F", r"G \h i"),
}


def choose_text(script: Script, language: str) -> ScriptText | None:
    """The newest version in the person's language, else in English, else None."""
    for wanted in (language, FALLBACK_LANGUAGE):
        versions = [text for text in script.texts.all() if text.language == wanted]
        if versions:
            return max(versions, key=lambda text: text.version)
    return None


def fill_variables(appointment: Appointment, language: str) -> dict[str, str]:
    """The values of every variable a script may use, for one appointment, as they are spoken."""
    location = appointment.location
    provider = appointment.provider
    local = appointment.starts_at.astimezone(location.zone)
    day, clock = SPOKEN_DATES.get(language, SPOKEN_DATES[FALLBACK_LANGUAGE])
    with translation.override(language if language in SPOKEN_DATES else FALLBACK_LANGUAGE):
        return {
            "FIRST_NAME": appointment.contact.first_name,
            "APPT_DATE": date_format(local, day),
            "APPT_TIME": date_format(local, clock),
            "PRACTICE": location.spoken_name,
            "PROVIDER": (provider.spoken_name or provider.name) if provider else location.spoken_name,
            "CALLBACK_NUMBER": national_format(location.callback_number),
        }


def used_variables(text: str) -> set[str]:
    """The names of the variables in a text."""
    return set(VARIABLE.findall(text))


def is_sayable(text: str) -> bool:
    """Whether every variable in the text is one we can fill; the others would be read aloud in braces."""
    return used_variables(text) <= KNOWN_VARIABLES


def speak(text: str, variables: Mapping[str, str]) -> str:
    """The text with its variables filled in: exactly what will be said."""
    return VARIABLE.sub(lambda match: variables.get(match[1], match[0]), text)


def caller_id(location: Location) -> str:
    """The number a location calls from, E.164."""
    return location.caller_id or str(settings.ROBOTALKER_FROM_NUMBER)
