"""Whether letters can be a name: what tells a right decoding from a wrong one. Pure: no database.

Detectors of encodings (chardet) need sentences; of a short list of names they say Hungarian.
A name has other rules: its letters are of one script and one language, a capital stands at its start, and
neither `PeÑa`, `Jos‚` nor `Hernßndez` is one.
"""

import re
import unicodedata
from functools import lru_cache

IMPOSSIBLE = 6  # points of a word that can't be a name
FOREIGN = 2  # its letters aren't of one language, or stand where that language never has them
RARE = 1
ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "áéíóúüñ",  # Spanish
        "àâæçèéêëîïôœùûüÿ",  # French
        "äöüßéè",  # German
        "áâãàçéêíóôõúü",  # Portuguese
        "àèéìíòóù",  # Italian
        "àçèéíïòóúü",  # Catalan
        "áäåæéöøüèò",  # Danish, Norwegian, Swedish, Finnish
        "áàéèëêïíóöüúî",  # Dutch
        "áéíóú",  # Irish
        "àáâäèéêëìíîïòóôöùúûüŵŷ",  # Welsh
        "áéíóöőúüű",  # Hungarian
        "ąćęłńóśźż",  # Polish
        "áäčďéěíĺľňóôŕřšťúůýž",  # Czech, Slovak
        "čćđšž",  # Croatian, Bosnian, Serbian, Slovenian
        "ăâîșțşţ",  # Romanian
        "çğıöşüâîûi̇",  # Turkish
        "āčēģīķļņōŗšūž",  # Latvian
        "ąčęėįšųūž",  # Lithuanian
        "äöõüšž",  # Estonian
        "áðéíóúýþæö",  # Icelandic
        "çë",  # Albanian
        "āēīōū",  # Maori, Hawaiian
        "ăâđêôơưáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ",  # Vietnamese
    )
)
ODD_LETTERS = frozenset("ªºµƒſŉĸˆ")
SCRIPTS_OF_ONE_TEXT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK", "FULLWIDTH": "CJK"}
VOWELS = "aeiouyäæœøåı"
# Where a letter never, or hardly ever, stands in the languages that have it; each with its points.
NEVER = tuple(
    (re.compile(pattern), points)
    for pattern, points in (
        (r"ñ(?![aeiouáéíóú])|[^aeiouáéíóúü]ñ", FOREIGN),  # between vowels, or at the start
        (r"ń[aeiouyąęó]", FOREIGN),  # before a vowel Polish writes ni
        (r"ì(?!$)|ò(?!$|[^aeiou]*o?$)|ù(?!$)", RARE),  # Italian accents stand on the last letter
        (r"è(?:$|[aeiouyà-ÿ])|è[^e]*[aouáíóú]", RARE),  # è stands before a consonant and e
        (r"ê[^aeiouyt]{2}|õ(?!e)|ã(?!$|[oeisn])|ă[aeiou]", RARE),
        (r"ï$|û$|[aeiou]å|å[aeiou]", RARE),
        (r"[ðþý]|æ[^aeiouylr][^aeiouy]", RARE),
        (r"^ß|ß[^aeiouylmnst]|[^aeiouäöü]ß", FOREIGN),
        (r"ÿ", RARE),
    )
)  # fmt: skip
# What may stand before a capital within a name: McÉwan, DeÁvila.
PREFIX = re.compile(r"(?:Mc|Mac|Fitz|De|Di|Da|Del|Della|Des|Du|La|Le|Lo|Van|Von|St|O|D|L|Al|El)?$")
APOSTROPHE = re.compile(r"(?<=^[A-Za-z])[’‘](?=\w)|(?<=^[A-Za-z]{2})[’‘](?=\w)|’s$|(?<=s)’$|’(?=[A-Z])")
OPENING, CLOSING = "“‘„«‚¿¡", "”’»…™®"
ALONE = frozenset("–—•·…°½¼¾€£¥©®™№§«»“”‘’")


@lru_cache(maxsize=50_000)
def rate_word(word: str) -> int:
    """Points against it: 0 can well be a name, RARE and FOREIGN are unusual, IMPOSSIBLE is none.

    `word`: letters, apostrophes, hyphens and other characters beyond ASCII, without spaces.
    """
    if all(char in ALONE for char in word):
        return 0 if word in ("–", "—", "…", "•", "’") else RARE
    core = APOSTROPHE.sub("'", word.lstrip(OPENING).rstrip(CLOSING))
    if not core:
        return RARE
    if "\xa0" in core:
        return _rate_spaced(core)
    if any(not _is_letter(char) for char in core):
        return IMPOSSIBLE
    scripts = {
        _script_of(char) for char in core if char not in "'-–" and unicodedata.category(char)[0] == "L"
    }
    if len(scripts) > 1:
        return IMPOSSIBLE
    points = sum(_rate_part(part) for part in re.split("['–-]", core) if part)
    return min(points, IMPOSSIBLE)


def _rate_spaced(core: str) -> int:
    """Rate a word with non-breaking spaces in it: between two words, never between small letters."""
    if re.search(r"[^\W\d_]\xa0[a-z]", core):
        return FOREIGN + RARE
    return max((rate_word(part) for part in core.split("\xa0") if part and not part.isascii()), default=0)


def _is_letter(char: str) -> bool:
    if char.isascii():
        return char.isalpha() or char in "'-"
    if char == "–":
        return True
    return unicodedata.category(char) in ("Ll", "Lu", "Lo", "Lt", "Mn", "Mc") and char not in ODD_LETTERS


def _script_of(char: str) -> str:
    name = unicodedata.name(char, "UNKNOWN").partition(" ")[0]
    return SCRIPTS_OF_ONE_TEXT.get(name, name)


def _rate_part(part: str) -> int:
    if not _has_case_of_a_name(part):
        return IMPOSSIBLE
    if part.isascii() or _script_of(part[-1]) != "LATIN":
        return 0
    small = part.lower()
    points = sum(cost for pattern, cost in NEVER if pattern.search(small))
    strange = {char for char in small if not char.isascii()}
    if not any(strange <= alphabet for alphabet in ALPHABETS):
        points += FOREIGN
    return points + _rate_sounds(small)


def _has_case_of_a_name(part: str) -> bool:
    if part.islower() or part.isupper() or not re.search(r"[^\W\d_]", part):
        return True
    if not any(char.isupper() or char.islower() for char in part):  # a script without capitals
        return True
    at = max(index for index, char in enumerate(part) if char.isupper() or char.istitle())  # ǅ is no capital
    rest = part[at + 1 :]
    return (not rest or rest.islower()) and (at == 0 or PREFIX.match(part[:at]) is not None) and bool(rest)


def _rate_sounds(small: str) -> int:
    """Rate runs of three vowels, or four consonants, that contain a letter beyond ASCII."""
    sounds = "".join(_sound_of(char) for char in small)
    runs = [match.span() for match in re.finditer("v{3,}|c{3,}", sounds)]
    return sum(RARE for start, end in runs if not small[start:end].isascii())


def _sound_of(char: str) -> str:
    base = unicodedata.normalize("NFD", char)[0]
    return "v" if base in VOWELS else "c"
