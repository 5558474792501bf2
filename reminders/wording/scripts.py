"""From a script to the exact message: which text, the values of its variables, and the text filled in.

Dates and times are those that were booked, by the location's clock (product rule 27), in the language of the
text. The kind and reason of the
appointment are not variables, because a machine may record the message.

In a text message dates are short, and values are written with plain letters where that makes the whole text
one of the GSM alphabet (product rule 40): "Zoë" is greeted as "Zoe", "Łukasz" as "Lukasz", "sábado" is "sab",
because a text of 70 letters can't name the practice, the time, its number and the way out, and one of three
parts costs three times as much and may arrive in pieces. "José" and "Peña" stay, as é and ñ are in the
alphabet. Where plain letters wouldn't help ("Мария", or a script with an emoji), nothing is changed. The
script's own words are always sent as they were written. SMS_PLAIN_LETTERS=false keeps every letter of names.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from contacts.models import Appointment, Location
from contacts.models.people import Channel, Preference
from contacts.numbers import national_format
from reminders.models import CallRecord, Reminder, Script, ScriptText, Step
from reminders.models.campaigns import StepChannel
from reminders.rules.reasons import Reason
from reminders.rules.say_as import NOTHING_TO_SAY_AS, SayAs, apply_say_as
from reminders.rules.script_findings import KNOWN_VARIABLES, VARIABLE
from reminders.wording.dates import FALLBACK_LANGUAGE, say_time
from reminders.wording.sms_alphabet import measure_text, write_plainly

FOR_ALL = "FOR_ALL"  # the sentence that one answer counts for several appointments; not for use in scripts
SPANISH_E = re.compile(r"h?i(?!e)", re.IGNORECASE)  # "Ana e Inés", not "Ana y Inés"


@dataclass(frozen=True)
class JoiningWords:
    """The phrases for a message about several people's appointments; `text_...` are short forms for SMS."""

    conjunction: str
    time_of: str
    counts_for_two: str
    counts_for_more: str
    text_counts_for_two: str
    text_counts_for_more: str


# As with the dates, languages not listed use the English ones.
JOINING_WORDS = {
    "en": JoiningWords(
        conjunction="and",
        time_of="{time} for {name}",
        counts_for_two="Your answer counts for both appointments.",
        counts_for_more="Your answer counts for all {count} appointments.",
        text_counts_for_two="Reply counts for both.",
        text_counts_for_more="Reply counts for all {count}.",
    ),
    "es": JoiningWords(
        conjunction="y",
        time_of="{time} para {name}",
        counts_for_two="Su respuesta vale para las dos citas.",
        counts_for_more="Su respuesta vale para las {count} citas.",
        text_counts_for_two="Vale para las dos.",
        text_counts_for_more="Vale para las {count}.",
    ),
    "fr": JoiningWords(
        conjunction="et",
        time_of="{time} pour {name}",
        counts_for_two="Votre réponse vaut pour les deux rendez-vous.",
        counts_for_more="Votre réponse vaut pour les {count} rendez-vous.",
        text_counts_for_two="Vaut pour les deux.",
        text_counts_for_more="Vaut pour les {count}.",
    ),
}


PREFERS_TEXTS = (Preference.SMS, Preference.SMS_ONLY)  # those for whom a step "as they prefer" is a text


def channel_of(reminder: Reminder) -> Channel:
    """By which channel its next try goes: as the step says now, unless its text follows the calls."""
    return Channel(reminder.channel) if reminder.channel else step_channel_of(reminder)


def step_channel_of(reminder: Reminder) -> Channel:
    """By which channel its step goes to this patient, without regard to a text that follows the calls."""
    return choose_channel(reminder.step.channel, reminder.appointment.contact.preferred_channel)


def choose_channel(step_channel: str, preference: str) -> Channel:
    """A step's channel for a patient of this Preference (product rule 41)."""
    if step_channel != StepChannel.PREFERRED:
        return Channel(step_channel)
    return Channel.SMS if preference in PREFERS_TEXTS else Channel.VOICE


def find_refusal(channel: str, preference: str) -> Reason | None:
    """Why a patient of this Preference wants nothing by this channel, or None (product rule 41)."""
    if preference == Preference.NEVER:
        return Reason.WANTS_NO_REMINDERS
    if preference == Preference.SMS_ONLY and channel == Channel.VOICE:
        return Reason.WANTS_NO_CALLS
    if preference == Preference.VOICE_ONLY and channel == Channel.SMS:
        return Reason.WANTS_NO_TEXTS
    return None


def is_fallback(reminder: Reminder) -> bool:
    """Whether its next try is the step's text, sent after its calls have reached nobody."""
    return reminder.channel == Channel.SMS


def text_of(reminder: Reminder) -> ScriptText | None:
    """The text of its next try in the person's language; None also when the step no longer has its script."""
    language, channel = reminder.appointment.contact.language, channel_of(reminder)
    return find_text(reminder.step, channel, language, follows_calls=is_fallback(reminder))


def find_text(step: Step, channel: Channel, language: str, *, follows_calls: bool) -> ScriptText | None:
    """The same for a step and a channel; `follows_calls`: a text after its calls have reached nobody."""
    script: Script | None
    if follows_calls:
        script = step.fallback_script
    elif step.channel == StepChannel.PREFERRED and channel == Channel.SMS:
        script = step.text_script
    else:
        script = step.script
    return choose_text(script, language) if script else None


def choose_text(script: Script, language: str) -> ScriptText | None:
    """The newest published version in the person's language, else in English, else None; never a draft."""
    for wanted in (language, FALLBACK_LANGUAGE):
        published = (text for text in script.texts.all() if text.state == ScriptText.State.PUBLISHED)
        versions = [text for text in published if text.language == wanted]
        if versions:
            return max(versions, key=lambda text: text.version)
    return None


def find_missing_language(text: ScriptText, language: str) -> str:
    """The person's language if the text chosen for it is in another, else ""."""
    return language if text.language != language else ""


def fill_variables(
    appointment: Appointment, language: str, *, is_text: bool = False, say_as: SayAs = NOTHING_TO_SAY_AS
) -> dict[str, str]:
    """The values of all variables a script may use, for one appointment, as spoken.

    `is_text`: for a text message, where the date is short. `say_as`: how abbreviations in names are said in
    this language; not used for a text message.
    """
    location = appointment.location
    day, clock = say_time(appointment.local_start, language, is_text=is_text)
    said, provider = NOTHING_TO_SAY_AS if is_text else say_as, name_provider(appointment)
    return {
        "FIRST_NAME": appointment.contact.first_name,
        "APPT_DATE": day,
        "APPT_TIME": clock,
        "PRACTICE": apply_say_as(location.spoken_name, said) if said else location.spoken_name,
        "PROVIDER": apply_say_as(provider, said) if said else provider,
        "CALLBACK_NUMBER": _speak_number(location.callback_number),
    }


def name_provider(appointment: Appointment) -> str:
    """The provider as spoken; without one, the location."""
    provider = appointment.provider
    return (provider.spoken_name or provider.name) if provider else appointment.location.spoken_name


_speak_number = lru_cache(maxsize=256)(national_format)


def fill_for_all(
    appointments: Sequence[Appointment],
    language: str,
    *,
    is_text: bool,
    say_as: SayAs = NOTHING_TO_SAY_AS,
) -> dict[str, str]:
    """The values for one message about these appointments, on one day at one location, in the order given.

    Of several they include FOR_ALL, the closing sentence. `is_text`, `say_as`: as for fill_variables().
    """
    each = [
        fill_variables(appointment, language, is_text=is_text, say_as=say_as) for appointment in appointments
    ]
    if len(each) == 1:
        return each[0]
    words = JOINING_WORDS.get(language, JOINING_WORDS[FALLBACK_LANGUAGE])
    return each[0] | {
        "FIRST_NAME": _join((values["FIRST_NAME"] for values in each), words),
        "APPT_TIME": _join_times(each, words),
        "PROVIDER": _join((values["PROVIDER"] for values in each), words),
        FOR_ALL: _say_it_counts(len(each), words, is_text=is_text),
    }


def _join(items: Iterable[str], words: JoiningWords) -> str:
    """The distinct items as a list: "Anna and Ben", "Anna, Ben and Carl"."""
    distinct = list(dict.fromkeys(items))
    is_spanish_e = words.conjunction == "y" and SPANISH_E.match(distinct[-1])
    *others, last = distinct  # not by get_text_list: its comma would be that of who reads the page
    last_word = "e" if is_spanish_e else words.conjunction
    return f"{', '.join(others)} {last_word} {last}" if others else last


def _join_times(each: Sequence[Mapping[str, str]], words: JoiningWords) -> str:
    """Each time with its name, "9:00 AM for Anna and 9:30 AM for Ben", unless all share a time or a name."""
    names, times = ({values[name] for values in each} for name in ("FIRST_NAME", "APPT_TIME"))
    if len(times) == 1 or len(names) == 1:
        return _join((values["APPT_TIME"] for values in each), words)
    phrases = (words.time_of.format(time=values["APPT_TIME"], name=values["FIRST_NAME"]) for values in each)
    return _join(phrases, words)


def _say_it_counts(count: int, words: JoiningWords, *, is_text: bool) -> str:
    for_two, for_more = (
        (words.text_counts_for_two, words.text_counts_for_more)
        if is_text
        else (words.counts_for_two, words.counts_for_more)
    )
    return for_two if count == 2 else for_more.format(count=count)


@lru_cache(maxsize=1024)
def used_variables(text: str) -> frozenset[str]:
    """The names of the variables in a text."""
    return frozenset(VARIABLE.findall(text))


def is_sayable(text: str) -> bool:
    """Whether we can fill every variable in the text; the others would be read aloud in braces."""
    return used_variables(text) <= KNOWN_VARIABLES


def fill_message(text: str, values: Mapping[str, str], *, is_text: bool) -> tuple[dict[str, str], str]:
    """The variables of a message, which are those of `values` that it uses, and exactly what is said.

    `text`: a script's. With FOR_ALL among the values the message ends with that sentence.
    """
    used = used_variables(text) | {FOR_ALL}
    variables = {name: values[name] for name in sorted(used) if name in values}
    unfilled = with_closing(text, variables)
    if is_text:
        variables = choose_letters(unfilled, variables)
    return variables, speak(unfilled, variables)


def speak(text: str, variables: Mapping[str, str]) -> str:
    """The text with its variables filled in: the exact message."""
    return VARIABLE.sub(lambda match: variables.get(match[1], match[0]), text)


def choose_letters(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a text message, in plain letters if the whole text is then one of the GSM alphabet."""
    plain = {name: write_plainly(value) for name, value in variables.items()}
    helps = settings.SMS_PLAIN_LETTERS and not measure_text(speak(text, plain)).letters
    return plain if helps else dict(variables)


def caller_id(location: Location) -> str:
    """The number a location calls from, E.164."""
    return location.caller_id or str(settings.ROBOTALKER_FROM_NUMBER)


def message_of(call: CallRecord) -> str:
    """The message to POST, variables not filled in. Filled in with `call.variables` it is `call.text`."""
    return with_closing(call.script_text.text, call.variables)


def with_closing(text: str, variables: Mapping[str, str]) -> str:
    """The text, unfilled, with the sentence that closes a message for several appointments, if it is one."""
    return f"{text.rstrip()} {{{FOR_ALL}}}" if FOR_ALL in variables else text
