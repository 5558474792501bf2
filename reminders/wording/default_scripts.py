"""The scripts of a new practice, in English, Spanish and French.

A call first says who is calling, then for whom, when, and the number to call back; the keys come last, so
that a voicemail that starts recording late still has what matters. The kind of appointment is never said,
because a machine may record it. Answers by text message are digits, since CANCEL, END and QUIT mean "stop" to
a carrier.
"""

from dataclasses import dataclass

from django.db.models.functions import Now

from contacts.models.people import Channel
from reminders.models import Script, ScriptText

CALL_SCRIPT = "Appointment reminder, by call"
TEXT_SCRIPT = "Appointment reminder, by text message"

VOICES = {"en": "en-US-Neural-F", "es": "es-US-Neural-F", "fr": "fr-FR-Neural-F"}

SPOKEN = {
    "en": (
        "This is {PRACTICE}, calling for {FIRST_NAME}. "
        "You have an appointment on {APPT_DATE} at {APPT_TIME} with {PROVIDER}. "
        "To reach us, call {CALLBACK_NUMBER}. "
        "To confirm, press 1. To ask for another time, press 2. To stop these calls, press 9."
    ),
    "es": (
        "Le llamamos de {PRACTICE} con un mensaje para {FIRST_NAME}. "
        "Tiene una cita el {APPT_DATE} a las {APPT_TIME} con {PROVIDER}. "
        "Para comunicarse con nosotros, llame al {CALLBACK_NUMBER}. "
        "Para confirmar, oprima 1. Para pedir otro horario, oprima 2. "
        "Para no recibir más estas llamadas, oprima 9."
    ),
    "fr": (
        "Ici {PRACTICE}, avec un message pour {FIRST_NAME}. "
        "Vous avez rendez-vous le {APPT_DATE} à {APPT_TIME} avec {PROVIDER}. "
        "Pour nous joindre, composez le {CALLBACK_NUMBER}. "
        "Pour confirmer, appuyez sur le 1. Pour demander un autre horaire, appuyez sur le 2. "
        "Pour ne plus recevoir ces appels, appuyez sur le 9."
    ),
}

# Of the GSM alphabet, without á or û, and short: one part with a first name of 20 letters and a practice's
# name of 40, whatever their letters, if these have a plain form (product rule 40).
WRITTEN = {
    "en": (
        "{PRACTICE}: {FIRST_NAME}, appointment {APPT_DATE}, {APPT_TIME}. "
        "Tel {CALLBACK_NUMBER}. Reply 1=confirm, 2=change, STOP=opt out."
    ),
    "es": (
        "{PRACTICE}: {FIRST_NAME}, tiene cita el {APPT_DATE}, {APPT_TIME}. "
        "Tel {CALLBACK_NUMBER}. Responda 1=confirmar, 2=cambiar, STOP=baja."
    ),
    "fr": (
        "{PRACTICE}: {FIRST_NAME}, rendez-vous {APPT_DATE}, {APPT_TIME}. "
        "Tél {CALLBACK_NUMBER}. Répondez 1=confirmer, 2=changer, STOP=fin."
    ),
}


@dataclass(frozen=True)
class DefaultScripts:
    """The two scripts of a new practice, one for each channel."""

    call: Script
    text: Script


def ensure_default_scripts() -> DefaultScripts:
    """Create what is missing. Texts that a practice has changed stay as they are."""
    return DefaultScripts(
        call=_ensure_script(CALL_SCRIPT, Channel.VOICE, SPOKEN, VOICES),
        text=_ensure_script(TEXT_SCRIPT, Channel.SMS, WRITTEN, dict.fromkeys(WRITTEN, "")),
    )


def _ensure_script(name: str, channel: Channel, words: dict[str, str], voices: dict[str, str]) -> Script:
    script, _ = Script.objects.get_or_create(name=name, defaults={"channel": channel})
    existing = set(script.texts.values_list("language", flat=True))
    ScriptText.objects.bulk_create(
        ScriptText(
            script=script,
            language=language,
            voice=voices[language],
            text=text,
            state=ScriptText.State.PUBLISHED,
            published_at=Now(),
        )
        for language, text in words.items()
        if language not in existing
    )
    return script
