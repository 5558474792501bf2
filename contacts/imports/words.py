"""Parse the words of other systems for a status, a language and a length. Pure: no database."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from django.utils.translation import gettext, ngettext

from contacts.imports.problems import CellFault, clip
from contacts.imports.questions import Choice, Question
from contacts.imports.status_words import (
    ARRIVED,
    BOOKED,
    CANCELLED,
    NO_SHOW,
    STATUSES,
    find_status,
    fold_status,
)
from contacts.languages import choose_language, read_languages
from contacts.models.people import FORBIDDEN_CHANNELS, Preference

REJECT = "reject"  # the answer about an unknown status that leaves its rows out
MOST_STATUSES_ASKED, MOST_LINES_NAMED = 20, 5

# How a patient wants to be reminded.
VOICE, SMS = Preference.VOICE.value, Preference.SMS.value
VOICE_ONLY, SMS_ONLY, NEVER = Preference.VOICE_ONLY.value, Preference.SMS_ONLY.value, Preference.NEVER.value
PREFERENCES = {
    VOICE: "call calls phone voice phonecall telephone telephonecall voicecall automatedcall home homephone "
    "work workphone landline cell cellphone mobile mobilephone mobilecall c p v "
    "llamada llamadas llamar teléfono telefono voz appel appels téléphone anruf telefon",
    SMS: "text texts sms textmessage textmessages texting txt message mobiletext textsms smstext t "
    "mensaje mensajes mensajedetexto texto textos message messagetexte nachricht textnachricht",
    VOICE_ONLY: "callonly callsonly phoneonly voiceonly notext notexts nosms donottext solollamadas "
    "appelseulement pasdesms",
    SMS_ONLY: "textonly textsonly smsonly textmessageonly donotcall dontcall nocalls nocall nevercall "
    "nophonecalls sólotexto solotexto nollamar smsseulement nepasappeler",
    NEVER: "never none donotcontact dontcontact nocontact donotremind noreminders noreminder optout optedout "
    "nocommunication nunca ninguno nocontactar jamais aucun nepascontacter nie keine",
}
PREFERENCE_OF = {word: wish for wish, words in PREFERENCES.items() for word in words.split()}
YES = frozenset(["yes", "y", "true", "t", "1", "x", "ok", "on", "sí", "si", "s", "oui", "o", "ja", "wahr"])
NO = frozenset(["no", "n", "false", "f", "0", "off", "non", "nein"])

LENGTH = re.compile(r"(\d{1,4})(?:\.0+)?\s*(?:m|mins?|minutes?)?\.?", re.IGNORECASE)
HOURS_AND_MINUTES = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")
LONGEST_MINUTES = 24 * 60


def read_status(value: str, answers: Mapping[str, str] | None = None) -> str:
    """Return one of Appointment.Status; booked if the cell is empty.

    `answers`: what staff said about unknown statuses, by status_key(). Raises CellFault for an unknown word,
    also for a symbol: it isn't clear whether the patient is expected.
    """
    if not value.strip():
        return BOOKED
    found = find_status(value) or read_answered_status(value, answers or {})
    if not found:
        raise CellFault(
            gettext("This status is unknown, so it isn't clear whether the patient is expected."),
            gettext("Use Scheduled, Cancelled, Completed or No-show."),
        )
    return found


def read_answered_status(value: str, answers: Mapping[str, str]) -> str:
    """Return the status that staff said a cell means, "" if they didn't say, or said that it isn't clear."""
    said = answers.get(status_key(value), "") if value.strip() else ""
    return said if said in STATUSES else ""


def status_key(value: str) -> str:
    """The key of the question what an unknown status means."""
    return f"status:{clip(fold_status(value), 60)}"


def ask_about_statuses(cells: Iterable[tuple[int, str]]) -> list[Question]:
    """A question for each unknown status, the most frequent first; `cells`: line and cell of each row.

    Nobody has to answer: without an answer the rows of that status are rejected.
    """
    counts: Counter[str] = Counter()
    first: dict[str, list[tuple[int, str]]] = {}
    for line, cell in cells:
        if cell.strip() and not find_status(cell):
            key = status_key(cell)
            counts[key] += 1
            if len(seen := first.setdefault(key, [])) < MOST_LINES_NAMED:
                seen.append((line, cell))
    return [
        _ask_about_status(key, count, first[key]) for key, count in counts.most_common(MOST_STATUSES_ASKED)
    ]


def _ask_about_status(key: str, count: int, first: list[tuple[int, str]]) -> Question:
    text = ngettext(
        "What does the status “%(status)s” mean? It stands in %(count)d row.",
        "What does the status “%(status)s” mean? It stands in %(count)d rows.",
        count,
    )
    return Question(
        key=key,
        text=text % {"status": clip(first[0][1], 60), "count": count},
        choices=(
            Choice(REJECT, gettext("It isn't clear: leave these rows out")),
            Choice(BOOKED, gettext("The patient is expected")),
            Choice(CANCELLED, gettext("The appointment is cancelled")),
            Choice(ARRIVED, gettext("The patient arrived")),
            Choice(NO_SHOW, gettext("The patient didn't come")),
        ),
        lines=tuple(line for line, _ in first),
        standard=REJECT,
    )


def read_language(value: str) -> str:
    """Return a language's code, "" if the cell is empty. Raises CellFault for a cell that names none."""
    codes = read_languages(value)
    if not codes and value.strip():
        raise CellFault(
            gettext("This language is unknown."),
            gettext("Write its English name or its two-letter code, such as Spanish or es."),
        )
    return choose_language(codes) if codes else ""


def read_preference(value: str) -> str:
    """Return how a patient wants to be reminded, "" if the cell is empty. Raises CellFault."""
    word = re.sub(r"[^\w]|_", "", value.casefold())
    if word and word not in PREFERENCE_OF:
        raise CellFault(
            gettext("This isn't a way in which reminders are sent, so it is ignored."),
            gettext("Write call, text, text only, call only, or never."),
        )
    return PREFERENCE_OF.get(word, "")


def read_yes_or_no(value: str) -> bool | None:
    """Return True or False, None if the cell is empty. Raises CellFault for anything else."""
    word = re.sub(r"[^\w]|_", "", value.casefold())
    if word and word not in YES | NO:
        raise CellFault(gettext("This is neither yes nor no, so it is ignored."), gettext("Write yes or no."))
    return (word in YES) if word else None


def combine_wishes(prefers: str, *, no_contact: bool, no_calls: bool, texts_ok: bool | None) -> str:
    """Return one preference from the four columns that can state it, "" if none does.

    What forbids more counts. Somebody who must not be called, of whom nobody wrote that texts are all right,
    is never contacted.
    """
    no_calls = no_calls or prefers == SMS_ONLY
    no_texts = texts_ok is False or prefers == VOICE_ONLY
    allows_texts = texts_ok or prefers in (SMS, SMS_ONLY)
    if no_contact or prefers == NEVER or (no_calls and (no_texts or not allows_texts)):
        return NEVER
    if no_calls:
        return SMS_ONLY
    return VOICE_ONLY if no_texts else prefers


def is_as_strict(wish: str, held: str) -> bool:
    """Whether a preference forbids at least all that another one does."""
    return FORBIDDEN_CHANNELS.get(wish, frozenset()) >= FORBIDDEN_CHANNELS.get(held, frozenset())


def join_wishes(wish: str, held: str) -> str:
    """The preference that forbids what either of the two does: `wish`, unless `held` forbids more."""
    if is_as_strict(wish, held):
        return wish
    return held if is_as_strict(held, wish) else NEVER


def read_minutes(value: str) -> int | None:
    """Return a length in minutes, None if the cell is empty. Raises CellFault."""
    if not value:
        return None
    if found := HOURS_AND_MINUTES.fullmatch(value):
        minutes = int(found[1]) * 60 + int(found[2])
    elif found := LENGTH.fullmatch(value):
        minutes = int(found[1])
    else:
        raise CellFault(
            gettext("This isn't a length in minutes."), gettext("Write the number of minutes, such as 45.")
        )
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise CellFault(
            gettext("The length must be 1 to %(longest)d minutes.") % {"longest": LONGEST_MINUTES},
            gettext("Write the number of minutes, such as 45."),
        )
    return minutes
