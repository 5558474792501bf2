"""Codes and names of the languages that calls and texts can be in, and how practice systems write them."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from babel import Locale
from babel.core import get_global
from django.conf.locale import LANG_INFO
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# Languages that patients of many practices speak and that Django's own list lacks.
MORE_LANGUAGES = {
    "am": _("Amharic"),
    "hmn": _("Hmong"),
    "ht": _("Haitian Creole"),
    "so": _("Somali"),
    "tl": _("Tagalog"),
    "zh": _("Chinese"),
}
# The languages of the shipped scripts: of several in one cell, one of these is taken.
SHIPPED_LANGUAGES = ("en", "es", "fr")
# Names are known in the languages that lists come in, and in the language itself (Django's LANG_INFO).
NAMED_IN = ("en", "es", "fr", "de", "pt", "it", "nl")
# What practice systems write and the tables of babel (Unicode CLDR) don't have.
MORE_NAMES = {
    "castilian": "es", "castellano": "es", "latin american spanish": "es", "hispanic": "es",
    "mandarin": "zh", "mandarin chinese": "zh", "cantonese": "zh", "chinese cantonese": "zh",
    "simplified chinese": "zh", "traditional chinese": "zh", "farsi": "fa", "dari": "fa",
    "filipino": "tl", "pilipino": "tl", "creole": "ht", "haitian": "ht", "haitian french creole": "ht",
    "中文": "zh", "普通话": "zh", "廣東話": "zh", "粵語": "zh",
    "flemish": "nl", "moldavian": "ro", "valencian": "ca", "gaelic": "ga", "hm": "hmn", "portugese": "pt",
}  # fmt: skip
# Codes that mean the same language as far as a script goes.
SAME_AS = {"fil": "tl", "yue": "zh", "cmn": "zh", "prs": "fa", "nb": "no", "nn": "no", "hm": "hmn"}
CODE = re.compile(r"([a-z]{2,3})(?:[-_](?:[a-z]{2}|[a-z]{4}|\d{3}))*", re.IGNORECASE)
IN_BRACKETS = re.compile(r"[(\[][^)\]]*[)\]]?")
NOT_SPOKEN = frozenset({"non", "not", "no", "other", "than", "except", "limited"})  # "non-English speaking"
SEPARATORS = re.compile(r"[/;,&|+\n()\[\]]|\b(?:and|or|y|o|et|ou|und|oder)\b|\s-\s", re.IGNORECASE)


def name_language(code: str) -> str:
    """Return the name of a language code in the reader's language, or the code itself if it is unknown."""
    if code in MORE_LANGUAGES:
        return str(MORE_LANGUAGES[code])
    return gettext(LANG_INFO[code]["name"]) if code in LANG_INFO else code


def list_languages(also: str) -> list[tuple[str, str]]:
    """Return pairs of code and name, sorted by name. `also`: a code to include even if it is unknown."""
    codes = {code for code in LANG_INFO if len(code) == len("en")} | {also, *MORE_LANGUAGES}
    return sorted(((code, name_language(code)) for code in codes), key=lambda language: language[1])


@lru_cache(maxsize=1_000)  # a list of thousands of patients has a few dozen languages
@lru_cache(maxsize=256)  # most rows of a list have one of a few
def read_languages(written: str) -> tuple[str, ...]:
    """The codes of the languages that the text names, in its order, each once; none if it names none.

    A language is written as its name, in one of several languages, or as a code of ISO 639-1 or 639-2, with
    or without a country: "Spanish (Mexico)", "SPANISH; CASTILIAN", "Español", "es-MX", "fre". Parts that
    name no language, such as the country, are passed over.
    """
    # what is in brackets is a country or a dialect, unless nothing else names a language
    for text in (written, IN_BRACKETS.sub(" ", written)):
        if code := _find_code(text):
            return (code,)
    return _read_parts(IN_BRACKETS.sub(" ", written)) or _read_parts(written)


def _read_parts(written: str) -> tuple[str, ...]:
    codes = [_find_code(part) or _find_named(part) for part in SEPARATORS.split(written)]
    return tuple(dict.fromkeys(code for code in codes if code))


def choose_language(codes: Sequence[str]) -> str:
    """The one to call in: the first that the shipped scripts are in, else the first. Raises IndexError."""
    return next((code for code in codes if code in SHIPPED_LANGUAGES), codes[0])


def _find_code(written: str) -> str:
    """The code of one language, or ""."""
    plain = _fold(written)
    if code := _names().get(plain) or _names().get(plain.removesuffix(" language").removeprefix("lang ")):
        return code
    found = CODE.fullmatch(written.strip())
    if found is None:
        return ""
    code = found[1].lower()
    code = get_global("language_aliases").get(code, code).partition("_")[0]
    code = SAME_AS.get(code, code)
    is_known = code in LANG_INFO or code in MORE_LANGUAGES or (len(code) == 2 and code in _english_names())
    return code if is_known else ""


def _find_named(written: str) -> str:
    """The code of the language whose name the text begins or ends with: "español de México", or ""."""
    words = _fold(written).split()
    if NOT_SPOKEN.intersection(words):
        return ""
    beginnings = (words[:count] for count in range(len(words), 0, -1))
    endings = (words[-count:] for count in range(len(words), 0, -1))
    found = (_names().get(" ".join(part)) for part in (*beginnings, *endings))
    return next(filter(None, found), "")


def _english_names() -> dict[str, str]:
    return dict(Locale("en").languages)


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Every name of a language that can be called in, folded, with its code."""
    codes = {code for code in LANG_INFO if "-" not in code} | set(MORE_LANGUAGES)
    names = {_fold(LANG_INFO[code]["name_local"]): code for code in codes if code in LANG_INFO}
    for spoken in NAMED_IN:
        of_all = Locale(spoken).languages
        names |= {_fold(of_all[code]): SAME_AS.get(code, code) for code in codes if code in of_all}
    return names | MORE_NAMES


def _fold(name: str) -> str:
    """Lower case, without marks and punctuation, with single blanks."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.sub(r"[\W_]+", " ", letters).split())
