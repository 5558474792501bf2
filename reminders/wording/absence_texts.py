"""What patients are written when a provider's day is cancelled or moved: the first words, and filled in.

The variables are those of scripts, and NEW_DATE, NEW_TIME and NEW_PROVIDER for what comes instead.
"""

from collections.abc import Mapping
from datetime import datetime

from contacts.languages import SHIPPED_LANGUAGES
from contacts.models import Appointment
from contacts.templatetags.display import clock, day
from reminders.models import Absence
from reminders.rules.script_findings import KNOWN_VARIABLES, VARIABLE
from reminders.wording.dates import FALLBACK_LANGUAGE
from reminders.wording.scripts import choose_letters, fill_variables, speak

NEW_VARIABLES = frozenset({"NEW_DATE", "NEW_TIME", "NEW_PROVIDER"})
VARIABLES = KNOWN_VARIABLES | NEW_VARIABLES
Deed = Absence.Deed

WORDS: Mapping[str, Mapping[str, str]] = {
    Deed.CANCEL: {
        "en": "{PRACTICE}: {PROVIDER} is away, so your visit on {APPT_DATE} at {APPT_TIME} is cancelled. "
        "Please call {CALLBACK_NUMBER}.",
        "es": "{PRACTICE}: {PROVIDER} no puede atender. Su cita del {APPT_DATE}, {APPT_TIME}, se cancela. "
        "Llame al {CALLBACK_NUMBER}.",
        "fr": "{PRACTICE} : {PROVIDER} est absent. Rendez-vous du {APPT_DATE} à {APPT_TIME} annulé. "
        "Appelez le {CALLBACK_NUMBER}.",
    },
    Deed.OTHER_PROVIDER: {
        "en": "{PRACTICE}: your visit on {APPT_DATE} at {APPT_TIME} will be with {NEW_PROVIDER}. "
        "Questions: {CALLBACK_NUMBER}.",
        "es": "{PRACTICE}: su cita del {APPT_DATE} a las {APPT_TIME} es ahora con {NEW_PROVIDER}. "
        "Preguntas: {CALLBACK_NUMBER}.",
        "fr": "{PRACTICE} : votre rendez-vous du {APPT_DATE} à {APPT_TIME} sera avec {NEW_PROVIDER}. "
        "Questions : {CALLBACK_NUMBER}.",
    },
    Deed.OTHER_DAY: {
        "en": "{PRACTICE}: your visit of {APPT_DATE}, {APPT_TIME} is now on {NEW_DATE} at {NEW_TIME}. "
        "If that does not suit you call {CALLBACK_NUMBER}.",
        "es": "{PRACTICE}: su cita del {APPT_DATE}, {APPT_TIME} pasa al {NEW_DATE} a las {NEW_TIME}. "
        "Si no puede, llame al {CALLBACK_NUMBER}.",
        "fr": "{PRACTICE} : votre rendez-vous du {APPT_DATE}, {APPT_TIME} est reporté au {NEW_DATE} à "
        "{NEW_TIME}. Sinon appelez le {CALLBACK_NUMBER}.",
    },
}


def choose_text_language(language: str) -> str:
    """The language in which a patient of this language is written."""
    return language if language in SHIPPED_LANGUAGES else FALLBACK_LANGUAGE


def find_unknown_variables(words: str) -> list[str]:
    """The names in braces that can't be filled in, in their order."""
    return [name for name in VARIABLE.findall(words) if name not in VARIABLES]


def fill_absence_text(words: str, before: Appointment, after: Appointment) -> str:
    """The exact text for one patient. `after`: the visit as it will be; the same where it is cancelled."""
    language = choose_text_language(before.contact.language)
    said, new = (fill_variables(visit, language, is_text=True) for visit in (before, after))
    values = said | {
        "NEW_DATE": new["APPT_DATE"],
        "NEW_TIME": new["APPT_TIME"],
        "NEW_PROVIDER": new["PROVIDER"],
    }
    return speak(words, choose_letters(words, values))


def say_change(before: datetime, after: datetime, provider: str) -> str:
    """To what a visit changes, for staff; times by the location's clock, `provider` "" if it stays."""
    parts = []
    if before != after:
        parts.append(f"{day(after)}, {clock(after)}")
    return " · ".join([*parts, provider] if provider else parts)
