"""The text that confirms an opt-out: that no more come, from whom, and how they can come back.

It fits one part of the alphabet that it is sent in (product rule 40): a practice's name that is too long for
that is cut short. It is of the GSM alphabet, so the Spanish words have no á or í.
"""

from contacts.models import ConsentEntry
from reminders.wording.dates import FALLBACK_LANGUAGE
from reminders.wording.scripts import choose_letters, speak
from reminders.wording.sms_alphabet import measure_text

# What stops, and that START brings back only texts: contacts/optouts.py, record_optin_by_text.
STOPPED_ALL = {
    "en": "{PRACTICE}: You get no more texts or calls. Reply START for texts.",
    "es": "{PRACTICE}: Ya no recibe SMS ni llamadas. Responda START para SMS.",
    "fr": "{PRACTICE} : plus de SMS ni d'appels. Répondez START pour les SMS.",
}
STOPPED_TEXTS = {
    "en": "{PRACTICE}: You get no more texts. Reply START for texts.",
    "es": "{PRACTICE}: Ya no recibe SMS. Responda START para SMS.",
    "fr": "{PRACTICE} : plus de SMS. Répondez START pour les SMS.",
}


def write_confirmation(practice: str, languages: list[str], *, scope: str) -> str:
    """The exact text, in the first of these languages that there is, else in English. One part.

    `practice`: its spoken name. `scope`: a ConsentEntry.Scope, SMS or ALL.
    """
    table = STOPPED_TEXTS if scope == ConsentEntry.Scope.SMS else STOPPED_ALL
    language = next((one for one in languages if one in table), FALLBACK_LANGUAGE)
    name = " ".join(practice.split())
    while True:
        text = speak(table[language], choose_letters(table[language], {"PRACTICE": name}))
        if len(name) <= 1 or measure_text(text).segments == 1:
            return text
        name = name[:-1].rstrip(" ,.;:-")
