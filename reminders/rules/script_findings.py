"""What a script may say: what is wrong with a text, as a list of findings (product rules 11, 13 and 62).

Pure: text in, findings out. What depends on the practice's names is added by wording/script_verdicts.py: how
long it takes to say, and the length of a text message.

- Some texts can't be saved at all, since their braces would be read aloud (UNSAVABLE).
- A text with any other refusal is saved as a draft and can't be published.
- A text with a warning is published only after a second person has read it (WARNINGS).

A text is compared folded: lower case, without accents and invisible letters, full-width letters as usual
ones. A language without tables here is judged by what can be found in any language, and needs a second
person.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.db import models
from django.utils.translation import gettext_lazy as _

from reminders.rules.script_words import (
    AMBIGUOUS_ANSWERS,
    BILLING,
    DIAGNOSIS,
    HARMLESS,
    MARKETING,
    PHRASES,
    SPECIALTY,
    STOP_WORDS,
)

MOST_LETTERS = 1200
MOST_WORDS_BEFORE_NAME = 12  # a greeting, and for whom the call is
KNOWN_VARIABLES = frozenset(
    {"FIRST_NAME", "APPT_DATE", "APPT_TIME", "PRACTICE", "PROVIDER", "CALLBACK_NUMBER"}
)
VARIABLE = re.compile(r"\{([A-Z_]+)\}")
# A variable that lost its braces, or has other ones: "[FIRST_NAME]", "%APPT_DATE%".
BARE_VARIABLE = re.compile(r"\b(?:FIRST_NAME|APPT_DATE|APPT_TIME|CALLBACK_NUMBER)\b")
BRACE = re.compile(r"[{｛][^{}｛｝\s]{0,40}[}｝]?|[}｝]")
AMOUNT = re.compile(r"[$€£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:[$€£]|\b(?:dollars?|dolares?|euros?)\b)")
# Words between "press" and the key: "press the number 1", "oprima la tecla 1", "appuyez sur la touche 1".
BEFORE_A_KEY = (
    r"(?:\W+(?:the|on|key|number|button|or|say|your|phone|digit|el|la|tecla|numero|boton|o|diga"
    r"|sur|le|touche|chiffre|ou|dites))*"
)
VARIABLE_FOLDED = re.compile(r"\{[a-z_]+\}")
NO_KEY = re.compile(r"\{[a-z_]+\}|\d+[:.,\-h]\d+")  # a variable, a time of day, a part of a number
JOINERS = "\u200c\u200d\u200e\u200f"  # needed by some writings and by emoji


class ScriptFault(models.TextChoices):
    """What can be wrong with a text of a script. `%(words)s`: what was found."""

    EMPTY = "empty", _("There is no text yet.")
    TOO_MANY_LETTERS = "too_many_letters", _("The text has more than 1,200 characters. Make it shorter.")
    UNREADABLE = (
        "unreadable",
        _("The text has characters that can't be seen or said (%(words)s). Write this part again."),
    )
    UNKNOWN_VARIABLE = (
        "unknown_variable",
        _("%(words)s is no variable, so it would be read aloud. Insert one of those offered."),
    )
    NO_PRACTICE = "no_practice", _("It doesn't say who is calling. Insert {PRACTICE} at the beginning.")
    NO_DATE = "no_date", _("It doesn't say the day of the visit. Insert {APPT_DATE}.")
    NO_TIME = "no_time", _("It doesn't say the time of the visit. Insert {APPT_TIME}.")
    NO_CALLBACK_NUMBER = (
        "no_callback_number",
        _("It gives no number to call back. Insert {CALLBACK_NUMBER}."),
    )
    PRACTICE_NOT_FIRST = (
        "practice_not_first",
        _(
            "The practice's name has to come first. Put {PRACTICE} before “%(words)s”, such as “This is "
            "{PRACTICE}”."
        ),
    )
    KEYS_TOO_EARLY = (
        "keys_too_early",
        _(
            "The keys have to come last, after who, when and the number to call back: a voicemail may miss "
            "the beginning. Move “%(words)s” to the end."
        ),
    )
    NO_OPTOUT_KEY = (
        "no_optout_key",
        _(
            "It doesn't say how to get no more calls. Add a sentence with key 9, such as “To stop these "
            "calls, press 9.”"
        ),
    )
    NO_OPTOUT_WORD = (
        "no_optout_word",
        _("It doesn't say how to get no more texts. Add STOP or 9, such as “Reply STOP to opt out.”"),
    )
    AMBIGUOUS_ANSWER = (
        "ambiguous_answer",
        _(
            "“%(words)s” as an answer stops all texts, though patients mean the visit. Ask for a digit, such "
            "as 2, instead."
        ),
    )
    OVER_A_MINUTE = (
        "over_a_minute",
        _("It takes about %(words)s seconds to say, and a call has at most 60. Make it shorter."),
    )
    TEXT_TOO_LONG = (
        "text_too_long",
        _("As a text message it has %(words)s characters, and at most 160 are allowed. Make it shorter."),
    )
    DIAGNOSIS = "diagnosis", _("It may reveal an illness, a test or a treatment: %(words)s.")
    SPECIALTY = "specialty", _("It may reveal the specialty or the kind of visit: %(words)s.")
    BILLING = "billing", _("It speaks of money, which doesn't belong in a reminder: %(words)s.")
    MARKETING = "marketing", _("It advertises, which doesn't belong in a reminder: %(words)s.")
    NO_WORD_LIST = (
        "no_word_list",
        _("Callboard can't check the words of this language. Somebody who speaks it has to read the text."),
    )


WARNINGS = frozenset(
    {
        ScriptFault.DIAGNOSIS,
        ScriptFault.SPECIALTY,
        ScriptFault.BILLING,
        ScriptFault.MARKETING,
        ScriptFault.NO_WORD_LIST,
    }
)
UNSAVABLE = frozenset(
    {
        ScriptFault.EMPTY,
        ScriptFault.TOO_MANY_LETTERS,
        ScriptFault.UNREADABLE,
        ScriptFault.UNKNOWN_VARIABLE,
        ScriptFault.NO_PRACTICE,
        ScriptFault.NO_DATE,
        ScriptFault.NO_TIME,
        ScriptFault.NO_CALLBACK_NUMBER,
    }
)
REQUIRED_VARIABLES = {
    "PRACTICE": ScriptFault.NO_PRACTICE,
    "APPT_DATE": ScriptFault.NO_DATE,
    "APPT_TIME": ScriptFault.NO_TIME,
    "CALLBACK_NUMBER": ScriptFault.NO_CALLBACK_NUMBER,
}
WORD_TABLES = {
    ScriptFault.DIAGNOSIS: DIAGNOSIS,
    ScriptFault.SPECIALTY: SPECIALTY,
    ScriptFault.BILLING: BILLING,
    ScriptFault.MARKETING: MARKETING,
}


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong with a text. `words`: what was found, for its sentence."""

    fault: ScriptFault
    words: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, for staff."""
        return str(self.fault.label) % {"words": self.words} if self.words else str(self.fault.label)

    @property
    def is_warning(self) -> bool:
        """Whether it may be published all the same, when a second person has read it."""
        return self.fault in WARNINGS

    @property
    def code(self) -> str:
        """The fault with what was found, as it is stored of an approval."""
        return f"{self.fault.value}: {self.words}" if self.words else self.fault.value


def find_faults(text: str, language: str, *, is_call: bool) -> list[Finding]:
    """All that is wrong with a script's text, variables not filled in. `language`: ISO 639-1.

    `is_call`: said in a call; else sent as a text message. The lengths are not judged here.
    """
    found = find_unsavable(text)
    if any(finding.fault in (ScriptFault.EMPTY, ScriptFault.TOO_MANY_LETTERS) for finding in found):
        return found  # the rest would be noise, or take long
    folded = fold_text(text)
    found += _find_before_name(folded, language)
    if is_call:
        found += _find_early_keys(folded, language)
        if not names_optout_key(folded, language):
            found.append(Finding(ScriptFault.NO_OPTOUT_KEY))
    else:
        if not _names_stop(text, language) and not names_optout_key(folded, language):
            found.append(Finding(ScriptFault.NO_OPTOUT_WORD))
        found += _find_ambiguous_answers(folded, language)
    return found + find_sensitive_words(text, language)


def find_unsavable(text: str) -> list[Finding]:
    """Why a text can't even be a draft: nothing to read, unknown variables, or missing ones."""
    if not fold_text(text[: 2 * MOST_LETTERS]).strip():
        return [Finding(ScriptFault.EMPTY)]
    if len(text) > MOST_LETTERS:
        return [Finding(ScriptFault.TOO_MANY_LETTERS)]
    names = VARIABLE.findall(text)
    unknown = [f"{{{name}}}" for name in names if name not in KNOWN_VARIABLES]
    rest = VARIABLE.sub(" ", text)
    unknown += BRACE.findall(rest) + BARE_VARIABLE.findall(rest)
    found = [Finding(ScriptFault.UNKNOWN_VARIABLE, one) for one in dict.fromkeys(unknown)]
    if unseen := dict.fromkeys(_name_character(char) for char in text if _is_unreadable(char)):
        found.append(Finding(ScriptFault.UNREADABLE, ", ".join(unseen)))
    return found + [Finding(fault) for name, fault in REQUIRED_VARIABLES.items() if name not in names]


def find_sensitive_words(text: str, language: str) -> list[Finding]:
    """Words of illness, specialty, billing and marketing in a text, each kind once with all its words."""
    folded = fold_text(text)
    languages = [language] if language in PHRASES else list(PHRASES)
    found = []
    for fault in WORD_TABLES:
        words = [word for one in languages for word in _find_words(folded, fault, one)]
        if fault == ScriptFault.BILLING:
            words += [match.strip() for match in AMOUNT.findall(folded)]
        if words:
            found.append(Finding(fault, ", ".join(dict.fromkeys(words))))
    if language not in PHRASES:
        found.append(Finding(ScriptFault.NO_WORD_LIST))
    return found


@lru_cache(maxsize=1024)
def fold_text(text: str) -> str:
    """Lower case, without accents and invisible letters, full-width letters as usual ones."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = (char for char in decomposed if not unicodedata.combining(char))
    return "".join(char for char in letters if unicodedata.category(char) not in ("Cf", "Cs") or char == "\n")


def names_optout_key(folded: str, language: str) -> bool:
    """Whether a sentence says that key 9 means no more calls or texts.

    Of several keys in a sentence the one beside the words counts: "press 1 to confirm or 9 to stop".
    """
    phrases = PHRASES.get(language)
    if phrases is None:  # the words aren't known, so only the key can be looked for
        return bool(re.search(r"(?<![\d.,:\-])9(?![\d:\-]|[.,]\d)", folded))
    stop = re.compile(rf"\b(?:{phrases.stop})(?!\w)")
    digit = re.compile(rf"(?<![\w.,:\-])(?:\d(?![\w:\-]|[.,]\d)|(?:{phrases.digits})\b)")
    for sentence in re.split(r"[.!?;\n]+", NO_KEY.sub(" ", folded)):
        clauses = re.split(rf",|:|{phrases.split}", sentence)
        for place, clause in enumerate(clauses):
            if stop.search(clause) and re.fullmatch(phrases.nine, _find_key_of(clauses, place, digit)):
                return True
    return False


def _find_key_of(clauses: list[str], place: int, digit: re.Pattern[str]) -> str:
    """The key that belongs to a clause: in it, else the first after it, else the last before it; or ""."""
    for clause in clauses[place:]:
        if key := digit.search(clause):
            return key[0]
    for clause in reversed(clauses[:place]):
        if keys := digit.findall(clause):
            return str(keys[-1])
    return ""


def _find_before_name(folded: str, language: str) -> Iterator[Finding]:
    """What is said before the practice's name, though it must not be."""
    place = folded.find("{practice}")
    if place < 0:
        return
    before = folded[:place]
    about = [r"\{appt_date\}|\{appt_time\}|\{provider\}"]
    about += [rf"\b(?:{PHRASES[one].visit})\b" for one in ([language] if language in PHRASES else PHRASES)]
    if found := re.search("|".join(about), before):
        yield Finding(ScriptFault.PRACTICE_NOT_FIRST, _show(found[0]))
    elif len(words := before.split()) > MOST_WORDS_BEFORE_NAME:
        yield Finding(ScriptFault.PRACTICE_NOT_FIRST, _show(" ".join(words[:4])) + " …")


def _find_early_keys(folded: str, language: str) -> Iterator[Finding]:
    """The first key, if who, when or the callback number comes after it (product rule 13)."""
    places = [folded.find(f"{{{name.lower()}}}") for name in REQUIRED_VARIABLES]
    first = _find_first_key(folded, language)
    if first and any(place > first.start() for place in places):
        yield Finding(ScriptFault.KEYS_TOO_EARLY, _show(first[0]))


def names_a_key(sentence: str, language: str) -> bool:
    """Whether a sentence, variables filled in or not, asks to press a key."""
    return _find_first_key(fold_text(sentence), language) is not None


def _find_first_key(folded: str, language: str) -> re.Match[str] | None:
    languages = [language] if language in PHRASES else list(PHRASES)
    keys = [found for one in languages if (found := _press_pattern(one).search(folded))]
    return min(keys, key=lambda found: found.start(), default=None)


@lru_cache
def _press_pattern(language: str) -> re.Pattern[str]:
    phrases = PHRASES[language]
    return re.compile(
        rf"\b(?:{phrases.press}){BEFORE_A_KEY}\W+(?:\d(?![\w\-]|[.,]\d)|(?:{phrases.digits})\b)"
    )


def _names_stop(text: str, language: str) -> bool:
    """Whether a word that stops texts is named in capitals, or as an answer."""
    words = "|".join(STOP_WORDS.get(language, ("STOP",)))
    composed = unicodedata.normalize("NFKC", text)
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", composed) if not unicodedata.combining(char)
    )
    if re.search(rf"\b(?:{words})\b", plain):
        return True
    reply = "|".join(phrases.reply for phrases in PHRASES.values())
    return bool(re.search(rf"\b(?:{reply})\W+(?:\w+\W+)?(?:{words.lower()})\b", fold_text(text)))


def _find_ambiguous_answers(folded: str, language: str) -> Iterator[Finding]:
    phrases = PHRASES.get(language)
    reply = phrases.reply if phrases else "|".join(one.reply for one in PHRASES.values())
    if found := re.search(rf"\b(?:{reply})\W+(?:with\W+|con\W+|par\W+)?({AMBIGUOUS_ANSWERS})\b", folded):
        yield Finding(ScriptFault.AMBIGUOUS_ANSWER, found[1].upper())


def _find_words(folded: str, fault: ScriptFault, language: str) -> list[str]:
    harmless = _compile(HARMLESS[language])
    return [
        " ".join(found.split())
        for found in _table_pattern(fault, language).findall(harmless.sub("·", folded))
    ]


@lru_cache
def _table_pattern(fault: ScriptFault, language: str) -> re.Pattern[str]:
    return _compile(WORD_TABLES[fault][language])


@lru_cache
def _compile(phrases: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(phrases, key=len, reverse=True)
    patterns = (re.escape(one).replace(r"\*", r"\w*").replace(r"\ ", r"[\s'’\-]+") for one in longest_first)
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)")


def _show(words: str) -> str:
    """Folded words as they are shown: variables in capitals again."""
    return VARIABLE_FOLDED.sub(lambda found: found[0].upper(), words).strip()


def _is_unreadable(char: str) -> bool:
    category = unicodedata.category(char)
    return (category in ("Cc", "Cs", "Co", "Cn") and char not in "\n\r\t") or (
        category == "Cf" and char not in JOINERS
    )


def _name_character(char: str) -> str:
    return unicodedata.name(char, f"U+{ord(char):04X}").lower().replace("<", "").replace(">", "")
