"""Parse the words of other systems for a status, a language and a length. Pure: no database."""

import re

from contacts.imports.problems import CellFault

BOOKED, ARRIVED, NO_SHOW, CANCELLED = "booked", "arrived", "no_show", "cancelled"  # Appointment.Status

STATUSES = {
    BOOKED: "scheduled booked active confirmed unconfirmed pending new reserved open",
    ARRIVED: "arrived completed complete checkedin checkedout fulfilled kept seen inprogress done",
    NO_SHOW: "noshow missed didnotattend dna failed",
    CANCELLED: "cancelled canceled cancelledbypatient cancelledbypractice canceledbypatient "
    "canceledbypractice latecancel latecancellation",
}  # fmt: skip
STATUS_OF = {word: status for status, words in STATUSES.items() for word in words.split()}

LANGUAGES = {
    "ar": "arabic", "bn": "bengali", "de": "german deutsch", "en": "english eng",
    "es": "spanish español espanol spa",
    "fa": "farsi persian", "fr": "french français francais fra", "hi": "hindi", "hm": "hmong",
    "ht": "haitian creole haitiancreole", "hy": "armenian", "it": "italian italiano", "ja": "japanese",
    "km": "khmer", "ko": "korean", "nl": "dutch", "pl": "polish", "pt": "portuguese português portugues",
    "ru": "russian", "so": "somali", "tl": "tagalog filipino", "tr": "turkish",
    "uk": "ukrainian", "ur": "urdu",
    "vi": "vietnamese", "zh": "chinese mandarin cantonese",
}  # fmt: skip
LANGUAGE_OF = {word: code for code, words in LANGUAGES.items() for word in words.split()}
LANGUAGE_CODE = re.compile(r"([a-z]{2})(?:[-_][a-z0-9]{2,8})*", re.IGNORECASE)

LENGTH = re.compile(r"(\d{1,4})\s*(?:m|mins?|minutes?)?\.?", re.IGNORECASE)
HOURS_AND_MINUTES = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")
LONGEST_MINUTES = 24 * 60


def read_status(value: str) -> str:
    """Return one of Appointment.Status; booked if the cell is empty. Raises CellFault for an unknown word."""
    word = re.sub(r"[^\w]|_", "", value.casefold())
    if not word:
        return BOOKED
    if word not in STATUS_OF:
        raise CellFault(
            "This status is unknown, so it isn't clear whether the patient is expected.",
            "Use Scheduled, Cancelled, Completed or No-show.",
        )
    return STATUS_OF[word]


def read_language(value: str) -> str:
    """Return an ISO 639-1 code, "" if the cell is empty. Raises CellFault for an unknown language."""
    word = value.casefold().replace(" ", "")
    code = LANGUAGE_CODE.fullmatch(word)
    if not word:
        return ""
    if word in LANGUAGE_OF:
        return LANGUAGE_OF[word]
    if code:
        return code[1]
    raise CellFault(
        "This language is unknown.", "Write its English name or its two-letter code, such as Spanish or es."
    )


def read_minutes(value: str) -> int | None:
    """Return a length in minutes, None if the cell is empty. Raises CellFault."""
    if not value:
        return None
    if found := HOURS_AND_MINUTES.fullmatch(value):
        minutes = int(found[1]) * 60 + int(found[2])
    elif found := LENGTH.fullmatch(value):
        minutes = int(found[1])
    else:
        raise CellFault("This isn't a length in minutes.", "Write the number of minutes, such as 45.")
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise CellFault(
            f"The length must be 1 to {LONGEST_MINUTES} minutes.", "Write the number of minutes, such as 45."
        )
    return minutes


def split_full_name(value: str) -> tuple[str, str]:
    """Split "Last, First" or "First Last" into first and last name; a single word is a first name."""
    last, comma, first = value.partition(",")
    if comma:
        return first.strip(), last.strip()
    first, _, last = value.partition(" ")
    return first, last.strip()
