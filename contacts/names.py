"""Names of people, as files and forms give them. Pure: no database (product rule 49).

Calls greet a person by first name, so titles, suffixes and placeholders must never be one.
"""

import re
import unicodedata
from functools import lru_cache

from django.utils.translation import gettext_noop
from nameparser import HumanName

# Written before a name. Only these are taken off: Judge, Dean, Earl, Royal and the like are first names too.
TITLES = frozenset([
    "dr", "doctor", "doc", "prof", "professor", "mr", "mister", "mrs", "ms", "miss", "mx", "master",
    "mstr", "rev", "revd", "reverend", "fr", "sr", "sra", "srta", "señor", "señora", "señorita", "don",
    "doña", "dra", "mme", "mlle", "monsieur", "madame", "mademoiselle", "herr", "frau", "hr", "hon",
    "sir", "dame",
])  # fmt: skip
# In these languages they are words by themselves; with a full stop they are titles.
TITLES_WITH_A_STOP = frozenset({"fr", "sr", "don", "hon", "hr", "doc", "master", "sir", "dame", "doña"})
BETWEEN_TITLES = frozenset({"&", "and", "und", "et", "y"})  # Mr & Mrs Smith
GENERATIONS = re.compile(r"(?:jr|sr|jnr|snr|junior|senior|ii|iii|iv)\.?", re.IGNORECASE)
CREDENTIALS = re.compile(
    r"(?:m\.?d|d\.?o|d\.?d\.?s|d\.?m\.?d|ph\.?d|r\.?n|n\.?p|pa-?c|esq|d\.?c|d\.?p\.?m|o\.?d)\.?",
    re.IGNORECASE,
)
PLACEHOLDERS = frozenset([
    "na", "notavailable", "notapplicable", "none", "null", "nil", "nan", "undefined", "unknown",
    "unknow", "unkn", "unk", "unnamed", "unidentified", "tbd", "tba", "noname", "nofirstname",
    "nolastname", "firstname", "lastname", "name", "fname", "lname", "first", "last", "blank", "empty",
    "missing", "anonymous", "anon", "nobody", "test", "testing", "tester", "testpatient", "patienttest",
    "demo", "dummy", "sample", "example", "patient", "client", "guest", "newpatient", "walkin",
    "donotuse", "donotbook", "duplicate", "deleted", "void", "cancelled", "canceled", "asdf", "qwerty",
    "xx", "desconocido", "desconocida", "sinnombre", "inconnu", "inconnue", "unbekannt",
])  # fmt: skip
# Somebody's real name when written like a name, and a placeholder otherwise: Na, Nil, Null, None.
REAL_WHEN_CAPITALISED = frozenset({"na", "nil", "null", "nan"})
# These are family names of real people; as first names they are placeholders.
FAMILY_NAMES = frozenset(
    {"test", "tester", "sample", "patient", "guest", "last", "first", "name", "blank", "void"}
)
# Letters and marks that show nothing (besides the categories of control and format characters).
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(c) for c in range(0xFE00, 0xFE10)
}
JOINERS = frozenset("\u200c\u200d")  # needed within words of Arabic, Persian and Indic scripts
FIRST_JOINED_LETTER = 0x0600

SIMPLE_NAME = re.compile(
    r"(?P<first>[^\W\d_]{3,}) (?P<last>[^\W\d_]{3,})|(?P<family>[^\W\d_]{3,}), (?P<given>[^\W\d_]{3,})"
)

NOT_A_NAME = gettext_noop("This is a placeholder, not a name.")
ONLY_A_TITLE = gettext_noop("This is a title, not a first name.")


class NotAName(ValueError):
    """The text is no name that a call could greet somebody by; the message says why, in one sentence."""


def clean_name(text: str) -> str:
    """Return the text in composed form (NFC), with single spaces and without what can't be seen."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    composed = unicodedata.normalize("NFC", text)
    kept = [
        char if _is_seen(composed, at) else " " if char.isspace() else "" for at, char in enumerate(composed)
    ]
    return " ".join("".join(kept).split())


def _is_seen(text: str, at: int) -> bool:
    char = text[at]
    if char in JOINERS:
        beside = text[max(at - 1, 0) : at] + text[at + 1 : at + 2]
        return len(beside) == 2 and all(ord(each) >= FIRST_JOINED_LETTER for each in beside)
    return char not in INVISIBLE and unicodedata.category(char) not in (
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    )


def is_placeholder(name: str, *, is_family_name: bool = False) -> bool:
    """Whether a cleaned name stands for “we have none”: N/A, Unknown, -, xxx, 123."""
    letters = "".join(char for char in name.casefold() if char.isalpha())
    if not letters or name.startswith("#"):
        return bool(name)
    if len(set(letters)) == 1 and len(letters) >= 3:
        return True
    if letters in REAL_WHEN_CAPITALISED and name.isalpha() and name.istitle():
        return False
    return letters in PLACEHOLDERS and not (is_family_name and letters in FAMILY_NAMES)


@lru_cache(maxsize=8192)  # names repeat
def read_first_name(text: str) -> str:
    """Return the first name without titles; "" for an empty text. Raises NotAName."""
    name = clean_name(text)
    words = name.split()
    while words and _is_title(words[0], alone=len(words) == 1):
        words.pop(0)
    if name and not words:
        raise NotAName(ONLY_A_TITLE)
    while len(words) > 1 and _is_suffix(words[-1], name):
        words.pop()
    found = " ".join(words).strip(" ,")
    if GENERATIONS.fullmatch(found) and found[-1] == ".":
        raise NotAName(ONLY_A_TITLE)
    if is_placeholder(found) or (text.strip() and not found):
        raise NotAName(NOT_A_NAME)
    return found


@lru_cache(maxsize=8192)  # names repeat
def read_last_name(text: str) -> str:
    """Return the last name; "" for an empty text. Raises NotAName. A generation (Jr., III) stays part of it:
    a father and a son may share first name and number.
    """
    name = clean_name(text).strip(" ,")
    if is_placeholder(name, is_family_name=True) or (text.strip() and not name):
        raise NotAName(NOT_A_NAME)
    return name


@lru_cache(maxsize=20_000)  # a list is read twice, and names its patients more than once
def split_full_name(text: str) -> tuple[str, str]:
    """Split “Last, First”, “First Last, Jr.” or “Dr. First Last” into first and last name.

    A single word is a first name. Titles and degrees are left out; a generation stays with the last name.
    """
    name = clean_name(text)
    if simple := SIMPLE_NAME.fullmatch(name):  # parsing takes a third of a millisecond, and lists are long
        first, last = simple["first"] or simple["given"], simple["last"] or simple["family"]
        if not any(_is_title(word, alone=False) or _may_be_suffix(word) for word in (first, last)):
            return first, last
    if not name:
        return "", ""
    bare = _without_titles(name)
    is_titled = _is_title(name.split()[0], alone=name == bare)
    if " " not in bare and (is_titled or name.endswith(",")):  # "Dr. Stone", "Stone,"
        return "", bare
    parsed = HumanName(bare)
    first, middle, last = parsed.first, parsed.middle, parsed.last
    if parsed.title and first:  # its titles are more than ours, and many of them are first names
        first, middle = parsed.title, f"{first} {middle}".strip()
    elif not first:
        first, last = (parsed.title, last) if parsed.title else (last, "")
    if "," in bare and not parsed.title:
        first, middle = f"{first} {middle}".strip(), ""
    generation = [each for each in parsed.suffix.replace(",", " ").split() if GENERATIONS.fullmatch(each)]
    return first, " ".join(part for part in (middle, last, *generation) if part)


def _without_titles(name: str) -> str:
    """Take titles off the beginning of the name and of each part between commas."""
    parts = []
    for part in name.split(","):
        words = part.split()
        while words and (_is_title(words[0], alone=len(words) == 1) or words[0] in BETWEEN_TITLES):
            words.pop(0)
        parts.append(" ".join(words))
    return ", ".join(part for part in parts if part)


def _may_be_suffix(word: str) -> bool:
    return GENERATIONS.fullmatch(word) is not None or CREDENTIALS.fullmatch(word) is not None


def _is_suffix(word: str, name: str) -> bool:
    """Whether it is a generation or a degree; Do is a first name, unless it is written DO among others."""
    is_degree = CREDENTIALS.fullmatch(word) is not None and (word.isupper() or "." in word)
    return GENERATIONS.fullmatch(word) is not None or (is_degree and not name.isupper())


def _is_title(word: str, *, alone: bool) -> bool:
    plain = word.casefold().rstrip(".,")
    if plain in TITLES_WITH_A_STOP and not word.endswith("."):
        return False
    return plain in TITLES and (not alone or plain not in TITLES_WITH_A_STOP)
