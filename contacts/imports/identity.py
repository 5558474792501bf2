"""Who a row is about: which ids are none, and whether two descriptions are of one person. Pure: no database.

Product rule 42: the same id with another name and another number is a conflict that a person settles.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

# What people and systems write where an id is missing, folded as by fold_letters().
NO_ID_WORDS = """
    new newpatient newpt newclient na none null nil nan tbd tba tbc unknown unk undefined missing blank empty
    noid nonumber notassigned unassigned notavailable notapplicable pending temp temporary tmp test guest
    walkin default dummy placeholder various multiple same seeabove x xx xxx xxxx true false yes no
    nuevo nueva ninguno desconocido sinid aucun inconnu nouveau nouvelle neu unbekannt keine
"""
NO_IDS = frozenset(NO_ID_WORDS.split())
ERRORS_OF_CELLS = ("na", "ref", "value", "name", "div0", "num", "null", "spill", "calc")  # behind "#"
SHORTENED_BY_SPREADSHEET = re.compile(r"\d+(?:[.,]\d+)?e\+\d+|\d+[.,]\d+e\d+", re.IGNORECASE)
AS_A_FLOAT = re.compile(r"(?<=\d)\.0{1,2}$", re.ASCII)  # 7.0
# UTF-8 that was read as Windows-1252, the sign for bytes that were no letter, a "?" beside a letter.
MISREAD = r"[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€"
DAMAGE = re.compile(rf"\ufffd|{MISREAD}|\w\?|\?\w")
# What may stand for one lost letter in a damaged name; of accented letters it isn't sure which they were.
DOUBTFUL = re.compile(rf"\ufffd|{MISREAD}.?|\?|[\u00c0-\u024f]")
LOST = "\ufffd"  # in place of each of them
LETTERS_AS_TWO = frozenset(("ae", "oe", "ue", "ss"))  # ways to write one letter: Jürgen, Juergen
LETTERS_WITHOUT_FORM = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
)


class Sameness(StrEnum):
    """How a person of the file and a contact with the same id belong together."""

    SAME = "same"
    OTHER_MEMBER = "other_member"  # of the family that shares the id
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells people apart: folded names, "" if unknown, and all numbers (E.164).

    `remains`: what is left of a first name that is damaged, with LOST for each letter that is missing.
    """

    first: str
    last: str
    last_parts: frozenset[str]
    numbers: frozenset[str]
    remains: str = ""


@lru_cache(maxsize=8192)  # names repeat
def fold_letters(text: str) -> str:
    """The letters and digits in lower case without accents, so that O’Brien is OBRIEN; to compare by."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(LETTERS_WITHOUT_FORM))
    return "".join(char for char in plain if char.isalnum()) or text.casefold().strip()


@lru_cache(maxsize=8192)  # names repeat
def fold_name_words(text: str) -> frozenset[str]:
    """The words of a name, each as by fold_letters()."""
    return frozenset(filter(None, (fold_letters(part) for part in re.split(r"[\s\-–/]+", text) if part)))


def identify(
    first_name: str, last_name: str, *numbers: str | None, is_first_damaged: bool = False
) -> Identity:
    """Describe somebody to be compared. A last name with damaged letters counts as unknown; of such a first
    name what is left is compared. `is_first_damaged`: it is, though its letters may not show it.
    """
    last = "" if is_damaged(last_name) else last_name
    has_doubts = is_first_damaged or is_damaged(first_name)
    first = DOUBTFUL.sub(LOST, first_name) if has_doubts else first_name
    # Spaces and hyphens stay between the words of a first name: Mary Ann may be Mary, but not Mary Beth.
    folded = " ".join(_fold_remains(part) for part in re.split(r"[\s\-–]+", first.strip()) if part)
    known, remains = ("", folded) if LOST in folded else (folded, "")
    if not remains.replace(LOST, "").strip():
        remains = ""
    numbers_known = frozenset(filter(None, numbers))
    return Identity(known, fold_letters(last), fold_name_words(last), numbers_known, remains)


def _fold_remains(word: str) -> str:
    """The letters of a word, folded; LOST stays where it is."""
    return LOST.join(fold_letters(part) for part in word.split(LOST))


def is_no_id(value: str) -> bool:
    """Whether an id's cell holds a placeholder, a spreadsheet's error, or a number it has shortened."""
    word = fold_letters(value)
    if not value or value.startswith("#"):
        return not value or word in ERRORS_OF_CELLS or not any(char.isalnum() for char in value)
    if SHORTENED_BY_SPREADSHEET.fullmatch(value.strip()) or value.strip() == "-1":
        return True
    return word in NO_IDS or not any(char.isalnum() and char != "0" for char in value)


def plain_id(value: str) -> str:
    """An id without what spreadsheets and systems change of it: capitals, leading zeros, an added .0."""
    text = AS_A_FLOAT.sub("", value)
    return text.lstrip("0") if text.isascii() and text.isdigit() else text.casefold()


def spell_id(value: str) -> frozenset[str]:
    """Other ways to write the same id, but for leading zeros."""
    plain = plain_id(value)
    if plain.isdigit():
        return frozenset([plain, f"{plain}.0"])
    return frozenset([value.upper(), value.lower(), value.capitalize(), value.title()]) - {value}


def fold_written_name(name: str) -> str:
    """A name to look others up by. One with damaged letters is like no other: Ren?e isn't Rene."""
    return name.casefold() if is_damaged(name) else fold_letters(name)


@lru_cache(maxsize=8192)  # names repeat
def is_damaged(name: str) -> bool:
    """Whether letters of a name were lost or replaced on the way (product rule 52)."""
    return bool(DAMAGE.search(name))


def has_same_first(one: Identity, other: Identity) -> bool:
    """Whether the first names are one: the same, a first word or initial of the other, or unknown.

    Of a damaged one the letters that are left are compared.
    """
    if one.remains or other.remains:
        return _may_have_same_first(one, other)
    if not one.first or not other.first or one.first.replace(" ", "") == other.first.replace(" ", ""):
        return True
    if one.first == other.last and one.last == other.first:  # first and last name in each other's column
        return True
    short, long = sorted((one.first, other.first), key=len)
    return long.split(" ")[0] == short or (len(short) == 1 and long.startswith(short))


def _may_have_same_first(one: Identity, other: Identity) -> bool:
    """The same, where letters of one or both are lost."""
    if one.remains and other.remains:
        short, long = sorted((one.remains, other.remains), key=len)
        if long.split(" ")[0] == short:
            return True
        starts = sorted((one.remains.split(LOST)[0], other.remains.split(LOST)[0]), key=len)
        ends = sorted((one.remains.split(LOST)[-1], other.remains.split(LOST)[-1]), key=len)
        return starts[1].startswith(starts[0]) and ends[1].endswith(ends[0])
    damaged, whole = (one, other) if one.remains else (other, one)
    if not whole.first or _fits_remains(damaged.remains, whole.first):
        return True
    if damaged.last and damaged.last == whole.first and _fits_remains(damaged.remains, whole.last):
        return True
    if len(whole.first) == 1:
        return damaged.remains[0] in (LOST, whole.first)
    words, whole_words = damaged.remains.split(" "), whole.first.split(" ")
    is_one_word = len(words) == 1 or len(whole_words) == 1
    return is_one_word and _fits_remains(words[0], whole_words[0])


def _fits_remains(remains: str, name: str) -> bool:
    """Whether a damaged name can be that one: a letter of it, two that are one, or none for each LOST."""
    remains, name = remains.replace(" ", ""), name.replace(" ", "")
    ends = 1  # a bit for each number of letters of the name that what was read so far can be
    single = (1 << len(name)) - 1
    double = sum(1 << at for at in range(len(name) - 1) if name[at : at + 2] in LETTERS_AS_TWO)
    for char in remains:
        if char == LOST:
            ends |= (ends & single) << 1 | (ends & double) << 2
        else:
            ends = (ends & sum(1 << at for at, letter in enumerate(name) if letter == char)) << 1
    return bool(ends >> len(name) & 1)


def has_same_last(one: Identity, other: Identity) -> bool:
    """Whether the last names are known and one, or one is a part of the other: Okafor, Okafor-Brown."""
    if not one.last or not other.last:
        return False
    if one.last == other.last or (one.last == other.first and one.first == other.last):
        return True
    return one.last_parts <= other.last_parts or other.last_parts <= one.last_parts


def has_same_name(one: Identity, other: Identity) -> bool:
    """Whether first and last name are one; an unknown last name is no difference."""
    may_be_same_last = not one.last or not other.last or has_same_last(one, other)
    return has_same_first(one, other) and may_be_same_last


def shares_number(one: Identity, other: Identity) -> bool:
    return bool(one.numbers & other.numbers)


def is_related(one: Identity, other: Identity) -> bool:
    """Whether two people may be of one family: by last name or number."""
    return has_same_last(one, other) or shares_number(one, other)


def may_be_the_patient(person: Identity, contact: Identity) -> bool:
    """Whether an appointment's contact can be the person whom its row names: a new last name or number
    is no other person, both together are.
    """
    return has_same_name(person, contact) or (has_same_first(person, contact) and is_related(person, contact))


def _differs_in_all_else(one: Identity, other: Identity) -> bool:
    """Whether last names and numbers are known, and neither is one."""
    is_known = one.last and other.last and one.numbers and other.numbers
    return bool(is_known) and not is_related(one, other)


def compare_by_id(person: Identity, contact: Identity, *, linked: bool, household: bool) -> Sameness:
    """Compare a person of the file with the contact who has the same patient id (product rule 42).

    `linked`: a row of the person is about an appointment of that contact; `household`: the column's header
    names an account, not a person. The same first name with another last name or number is one person; with
    both it is only if `linked`, since many people are called Maria, and ids are given out again.
    """
    if has_same_first(person, contact):
        is_stranger = not linked and _differs_in_all_else(person, contact)
        return Sameness.CONFLICT if is_stranger else Sameness.SAME
    if not is_related(person, contact):
        return Sameness.CONFLICT
    if linked and not household:
        return Sameness.SAME if shares_number(person, contact) else Sameness.CONFLICT
    return Sameness.OTHER_MEMBER
