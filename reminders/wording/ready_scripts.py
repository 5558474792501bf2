"""The scripts of the ready-made campaigns, in English, Spanish and French: the default two, and three more.

They follow the same rules as the default scripts (default_scripts.py). None of them says "today": a step can
be given another day, and its words have to stay true.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db.models.functions import Now

from contacts.models.people import Channel
from reminders.models import Script, ScriptText
from reminders.wording.default_scripts import CALL_SCRIPT, SPOKEN, TEXT_SCRIPT, VOICES, WRITTEN
from reminders.wording.sms_length import find_newest_texts


@dataclass(frozen=True)
class ReadyScript:
    """A script that can be made from here. `texts`: by language, variables not filled in."""

    name: str
    channel: Channel
    texts: Mapping[str, str] = field(hash=False)

    @property
    def is_text(self) -> bool:
        return self.channel == Channel.SMS


REMINDER_CALL = ReadyScript(CALL_SCRIPT, Channel.VOICE, SPOKEN)
REMINDER_TEXT = ReadyScript(TEXT_SCRIPT, Channel.SMS, WRITTEN)
COURTESY_CALL = ReadyScript(
    "We look forward to seeing you, by call",
    Channel.VOICE,
    {
        "en": (
            "This is {PRACTICE}, calling for {FIRST_NAME}. "
            "We look forward to seeing you on {APPT_DATE} at {APPT_TIME} with {PROVIDER}. "
            "If you can't come, please call us at {CALLBACK_NUMBER}. "
            "To confirm, press 1. To ask for another time, press 2. To stop these calls, press 9."
        ),
        "es": (
            "Le llamamos de {PRACTICE} con un mensaje para {FIRST_NAME}. "
            "Le esperamos el {APPT_DATE} a las {APPT_TIME} con {PROVIDER}. "
            "Si no puede venir, llámenos al {CALLBACK_NUMBER}, por favor. "
            "Para confirmar, oprima 1. Para pedir otro horario, oprima 2. "
            "Para no recibir más estas llamadas, oprima 9."
        ),
        "fr": (
            "Ici {PRACTICE}, avec un message pour {FIRST_NAME}. "
            "Nous vous attendons le {APPT_DATE} à {APPT_TIME} avec {PROVIDER}. "
            "Si vous ne pouvez pas venir, merci de nous appeler au {CALLBACK_NUMBER}. "
            "Pour confirmer, appuyez sur le 1. Pour demander un autre horaire, appuyez sur le 2. "
            "Pour ne plus recevoir ces appels, appuyez sur le 9."
        ),
    },
)
# As the default texts: of the GSM alphabet, and one part with long names (product rule 40).
COURTESY_TEXT = ReadyScript(
    "We look forward to seeing you, by text message",
    Channel.SMS,
    {
        "en": (
            "{PRACTICE}: {FIRST_NAME}, see you on {APPT_DATE}, {APPT_TIME}. "
            "Tel {CALLBACK_NUMBER}. Reply 1=confirm, 2=change, STOP=opt out."
        ),
        "es": (
            "{PRACTICE}: {FIRST_NAME}, nos vemos el {APPT_DATE}, {APPT_TIME}. "
            "Tel {CALLBACK_NUMBER}. Responda 1=confirmar, 2=cambiar, STOP=baja."
        ),
        "fr": (
            "{PRACTICE}: {FIRST_NAME}, rappel: {APPT_DATE}, {APPT_TIME}. "
            "Tél {CALLBACK_NUMBER}. Répondez 1=confirmer, 2=changer, STOP=fin."
        ),
    },
)
BOOKED_TEXT = ReadyScript(
    "Your appointment is booked, by text message",
    Channel.SMS,
    {
        "en": (
            "{PRACTICE}: {FIRST_NAME}, booked for {APPT_DATE}, {APPT_TIME}. "
            "Tel {CALLBACK_NUMBER}. Reply 1=confirm, 2=change, STOP=opt out."
        ),
        "es": (
            "{PRACTICE}: {FIRST_NAME}, su cita es el {APPT_DATE}, {APPT_TIME}. "
            "Tel {CALLBACK_NUMBER}. Responda 1=confirmar, 2=cambiar, STOP=baja."
        ),
        "fr": (
            "{PRACTICE}: {FIRST_NAME}, rdv pris: {APPT_DATE}, {APPT_TIME}. "
            "Tél {CALLBACK_NUMBER}. Répondez 1=confirmer, 2=changer, STOP=fin."
        ),
    },
)
READY_SCRIPTS = (REMINDER_CALL, REMINDER_TEXT, COURTESY_CALL, COURTESY_TEXT, BOOKED_TEXT)


def ensure_script(ready: ReadyScript, *, by: User) -> Script:
    """The practice's script with exactly these words, or a new one; what is there already is never changed.

    If a script of the name says something else by now, the new one is called "… (2)". Its texts are
    published, as campaigns can't be previewed without; whether they may go out is judged when a campaign is
    activated (product rule 62). Nobody of the practice wrote them, so anybody's word is that of a second
    person.
    """
    name, number = ready.name, 1
    while True:
        script, is_new = Script.objects.get_or_create(name=name, defaults={"channel": ready.channel})
        if is_new:
            _write_texts(script, ready, by)
        if is_new or _says_the_same(script, ready):
            return script
        number += 1
        name = f"{ready.name} ({number})"


def _says_the_same(script: Script, ready: ReadyScript) -> bool:
    """Whether what is in force says these words in each language; further languages make no difference."""
    in_force = {language: text.text for language, text in find_newest_texts(script).items()}
    is_unchanged = all(in_force.get(language) == words for language, words in ready.texts.items())
    return script.channel == ready.channel and is_unchanged


def _write_texts(script: Script, ready: ReadyScript, by: User) -> None:
    ScriptText.objects.bulk_create(
        ScriptText(
            script=script,
            language=language,
            voice="" if ready.is_text else VOICES[language],
            text=words,
            state=ScriptText.State.PUBLISHED,
            published_by=by,
            published_at=Now(),
        )
        for language, words in ready.texts.items()
    )
