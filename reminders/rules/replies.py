"""What a text message from a patient means, by tables of words for each language (product rules 11, 32).

Pure: text in, a Reply out.

A "no" is heard in any words: as the whole text, as a sentence, or as a word within one. It counts before
anything else in the same text. Where the words may have meant something else ("I'll stop by at 9"), the "no"
counts all the same, and the reply is `doubtful`, so that a person looks at it. A "yes" is never guessed:
every word of the text must belong to it.

All languages are looked for in every text, since people answer in another language than the one they are
written to. The tables are in reply_words.py.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from reminders.rules.keys import ANOTHER_TIME, CONFIRM, OPT_OUT
from reminders.rules.reply_words import (
    ABOUT_A_KEY,
    ABOUT_THE_APPOINTMENT,
    ABOUT_THE_MESSAGES,
    BETWEEN_A_NO,
    CALL_WORDS,
    DIGITS,
    LANGUAGES,
    MAY_BE_A_TIME,
    NEGATIONS,
    NO_SLIPS,
    NOT_MEANT,
    OF_A_TIME,
    POLITE,
    UNSPACED,
)


class ReplyMeaning(StrEnum):
    """What a reply asks for."""

    CONFIRM = "confirm"
    ANOTHER_TIME = "another_time"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Reply:
    """The meaning of a text. The flags belong to OPT_OUT, and the first two need a person.

    `doubtful`: the words may have meant something else. `cancel`: they may have meant the appointment.
    `names_calls`: the words speak of calls, so they mean not only texts.
    """

    meaning: ReplyMeaning
    doubtful: bool = False
    cancel: bool = False
    names_calls: bool = False


# The key that a reply stands for.
KEY_BY_MEANING = {
    ReplyMeaning.CONFIRM: CONFIRM,
    ReplyMeaning.ANOTHER_TIME: ANOTHER_TIME,
    ReplyMeaning.OPT_OUT: OPT_OUT,
}
UNCLEAR = Reply(ReplyMeaning.UNCLEAR)

_STOP_SIGN = "\N{OCTAGONAL SIGN}"
# A sentence ends here. A mark before a digit ends none, as in 9.30 or 1,9.
_SENTENCE_END = re.compile(r"(?:\n|[.!?;,…。！？、，؟،]+(?!\d))+")
_SIGNATURE = re.compile(
    r"^[^\S\n]*(?:--|sent (?:from|via)|get outlook|envoy[ée] de|enviado d|von meinem|inviato da)",
    re.IGNORECASE | re.MULTILINE,
)
# What phones send when somebody puts a reaction on a message: the words in quotes are our own.
_REACTION = re.compile(
    r"\s*(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted .{1,40} to"
    r"|removed an? .{1,40} from|le (?:gustó|encantó|disgustó)|no le gustó|se rió (?:de|con)|enfatizó"
    r"|cuestionó|a (?:aimé|adoré|ri de)|n[’']a pas aimé|réagi .{1,40} à)\s+[“\"„«].{30,}",
    re.IGNORECASE | re.DOTALL,
)


@lru_cache(maxsize=64)  # the text of one event is read several times
def read_reply(text: str) -> Reply:
    """What a text means. Never raises; a text without a meaning is UNCLEAR."""
    if _REACTION.fullmatch(text):
        return UNCLEAR
    spellings = list(_spell(text))
    for sentences in spellings:
        if refusal := _find_refusal(sentences):
            return replace(refusal, names_calls=bool(_CALL_WORDS.search(" ".join(sentences))))
    if "?" in text and any(letter.isalpha() for letter in text):
        return UNCLEAR  # a question is no answer
    for sentences in _spell(_SIGNATURE.split(text)[0]):
        words = " ".join(sentences)
        for meaning in (ReplyMeaning.CONFIRM, ReplyMeaning.ANOTHER_TIME, ReplyMeaning.OPT_IN):
            if _says_only(words, meaning):
                return Reply(meaning)
    return UNCLEAR


def fold(text: str) -> str:
    """A text as the tables have it: lower case, no accents, digits as 0 to 9, words apart by one space.

    Sentences are apart by line breaks.
    """
    return "\n".join(next(_spell(text)))


def _spell(text: str) -> Iterator[list[str]]:
    """The folded sentences of a text; with invisible characters once more, with those taken as spaces."""
    seen: list[list[str]] = []
    for invisible in ("", " "):
        folded = "".join(_fold_character(letter, invisible) for letter in _normalize(text))
        sentences = [
            _join_letters(re.sub(r"[^\w ]", " ", sentence)) for sentence in _SENTENCE_END.split(folded)
        ]
        found = [sentence for sentence in sentences if sentence]
        if found and all(len(sentence) == 1 for sentence in found):
            found = [_join_letters(" ".join(found))]  # S.T.O.P.
        if found not in seen:
            seen.append(found)
            yield found


def _normalize(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text.replace(_STOP_SIGN, " stop ? ")).casefold()
    return unicodedata.normalize("NFKD", plain)


def _fold_character(letter: str, invisible: str) -> str:
    category = unicodedata.category(letter)
    if letter in "\r\n\v\f\u2028\u2029":
        return "\n"
    if category in ("Mn", "Me"):  # accents, and the frame of an emoji keycap
        return ""
    if category in ("Cf", "Cs") or (category == "Cc" and letter != "\t"):
        return invisible
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    if category[0] in "LN" or category == "Mc" or _SENTENCE_END.match(letter):
        return letter
    return " "


def _join_letters(sentence: str) -> str:
    """The sentence with its words apart by one space, and "s t o p" as one word."""
    words = sentence.split()
    spelled = len(words) > 3 and all(len(word) == 1 and word.isalpha() for word in words)
    return ("" if spelled else " ").join(words)


def _merge(*fields: str, unspaced: bool = False) -> tuple[str, ...]:
    """The folded words and phrases of all languages in these fields, the longest first."""
    found = {
        fold(phrase).replace("\n", " ")
        for code, language in LANGUAGES.items()
        if (code in UNSPACED) == unspaced
        for name in fields
        for phrase in getattr(language, name).split("|")
    }
    return tuple(sorted(found - {""}, key=lambda phrase: (-len(phrase), phrase)))


def _fold_words(words: str) -> frozenset[str]:
    return frozenset(fold(words).split())


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Finds any of the phrases, the longest first, as whole words."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))})(?!\w)")


_POLITE = _fold_words(POLITE)
_MESSAGES = _POLITE | _fold_words(ABOUT_THE_MESSAGES)
_APPOINTMENT = _POLITE | _fold_words(ABOUT_THE_APPOINTMENT)
_KEY = (_POLITE | _fold_words(ABOUT_A_KEY)) - {"am"}  # of "ma'am"
_KEY_WITHOUT_DOUBT = _KEY - _fold_words(MAY_BE_A_TIME)
_OF_A_TIME = _fold_words(OF_A_TIME)
_DIGITS = _fold_words(DIGITS)
_BETWEEN_A_NO = _fold_words(BETWEEN_A_NO)
_NEGATIONS = _fold_words(NEGATIONS)
_NO_SLIPS = _fold_words(NO_SLIPS)
_NOT_MEANT = _pattern(fold(phrase) for phrase in NOT_MEANT.split("|"))
_SURE = _pattern(_merge("sure"))
_STOP = _pattern(_merge("stop"))
_DOUBTFUL = _pattern(_merge("doubtful"))
_CANCEL = _pattern(_merge("cancel"))
_ALONE = frozenset(_merge("alone"))
_SENTENCES = frozenset(_merge("stop", "sure"))
_NINE = frozenset(_merge("nine"))
_CALL_WORDS = re.compile("|".join(rf"\b{word}" for word in fold(CALL_WORDS).split()))
_SQUEEZED = {re.sub(r"(.)\1+", r"\1", word): word for word in _merge("stop", "cancel") if len(word) > 3}
_YES = {
    ReplyMeaning.CONFIRM: (_pattern(_merge("confirm")), _APPOINTMENT),
    ReplyMeaning.ANOTHER_TIME: (_pattern(_merge("another_time")), _APPOINTMENT),
    ReplyMeaning.OPT_IN: (_pattern(_merge("start")), _MESSAGES),
}
_UNSPACED_SURE = _merge("sure", "stop", unspaced=True)
_UNSPACED_CANCEL = _merge("cancel", unspaced=True)
_UNSPACED_YES = {
    ReplyMeaning.CONFIRM: frozenset(_merge("confirm", unspaced=True)),
    ReplyMeaning.ANOTHER_TIME: frozenset(_merge("another_time", unspaced=True)),
    ReplyMeaning.OPT_IN: frozenset(_merge("start", unspaced=True)),
}
_STOP_AND_DIGIT = re.compile(r"stop\d")  # STOP2END, as some senders ask for
_LONG_NEAR, _SHORTENED_STOP = "unsubscribe", "stp"  # the latter is "please" in French, beside other words
_NEAR = ("stop", "cancel", "unsubscribe", "stopall", "optout")  # whose slips of the finger are heard


def _find_refusal(sentences: list[str]) -> Reply | None:
    """The "no" in these sentences: that of the whole text if one is sure."""
    found = [refusal for sentence in sentences if (refusal := _read_refusal(sentence))]
    if not found:
        return _find_nine(sentences) or _find_slip(sentences)
    cancel = any(refusal.cancel for refusal in found)
    return Reply(ReplyMeaning.OPT_OUT, doubtful=all(refusal.doubtful for refusal in found), cancel=cancel)


def _read_refusal(sentence: str) -> Reply | None:
    """The "no" in one folded sentence, except a 9 and slips of the finger."""
    words = _unrepeat(_NOT_MEANT.sub(" ", sentence)).split()
    joined = " ".join(words)
    compact = "".join(words)
    if _CANCEL.search(joined) or any(word in compact for word in _UNSPACED_CANCEL):
        return Reply(ReplyMeaning.OPT_OUT, doubtful=_is_negated(joined, _CANCEL), cancel=True)
    said = " ".join(dict.fromkeys(word for word in words if word not in _POLITE))  # "stop stop" as "stop"
    about_messages = " ".join(word for word in said.split() if word not in _MESSAGES)
    by_itself = said in _ALONE or {said, about_messages} & _SENTENCES
    if by_itself or any(word in compact for word in _UNSPACED_SURE):
        return Reply(ReplyMeaning.OPT_OUT)
    if _SURE.search(joined):
        return Reply(ReplyMeaning.OPT_OUT, doubtful=_is_negated(joined, _SURE))
    if _SURE.search(" ".join(word for word in words if word not in _BETWEEN_A_NO)):
        return Reply(ReplyMeaning.OPT_OUT)
    if any(_STOP_AND_DIGIT.match(word) for word in words):
        return Reply(ReplyMeaning.OPT_OUT, doubtful=True)
    if _STOP.search(joined) or _DOUBTFUL.search(joined):
        return Reply(ReplyMeaning.OPT_OUT, doubtful=True)
    return None


def _unrepeat(sentence: str) -> str:
    """The sentence with "stooop" as "stop", and so for every word of the tables."""
    return " ".join(_SQUEEZED.get(re.sub(r"(.)\1+", r"\1", word), word) for word in sentence.split())


def _is_negated(sentence: str, pattern: re.Pattern[str]) -> bool:
    """Whether each find stands behind a negation, as in "don't unsubscribe me"."""
    befores = (sentence[: found.start()].rsplit(maxsplit=2) for found in pattern.finditer(sentence))
    negated = [bool(set(words[-2:]) & _NEGATIONS) for words in befores]
    return bool(negated) and all(negated)


def _find_nine(sentences: list[str]) -> Reply | None:
    """A 9 by itself is sure; beside other answers, or repeated in one number, it is doubtful."""
    doubtful = False
    for sentence in sentences:
        words = [word for word in sentence.split() if word not in _KEY - {"to"}]  # "move to 9"
        if words and _NINE.issuperset(words):
            if not (set(sentence.split()) - _NINE) - _KEY_WITHOUT_DOUBT:
                return Reply(ReplyMeaning.OPT_OUT)
            doubtful = True
        rest = " ".join(words)
        for meaning in (ReplyMeaning.CONFIRM, ReplyMeaning.ANOTHER_TIME):
            rest = _YES[meaning][0].sub(" ", rest)
        doubtful |= bool(rest.split()) and all(set(word) == {OPT_OUT} for word in rest.split())
    return Reply(ReplyMeaning.OPT_OUT, doubtful=True) if doubtful else None


def _find_slip(sentences: list[str]) -> Reply | None:
    """A text of one word, or any long word, that is one slip of the finger away from a "no"."""
    every = [word for sentence in sentences for word in sentence.split()]
    if every == [_SHORTENED_STOP] or any(is_one_slip_away(word, _LONG_NEAR) for word in every):
        return Reply(ReplyMeaning.OPT_OUT, doubtful=True)
    words = [word for word in every if word not in _MESSAGES]
    if len(words) != 1 or words[0] in _NO_SLIPS:
        return None
    for meant in _NEAR:
        if is_one_slip_away(words[0], meant):
            return Reply(ReplyMeaning.OPT_OUT, doubtful=True, cancel=meant == "cancel")
    return None


def is_one_slip_away(word: str, meant: str) -> bool:
    """Whether one letter is missing, added, wrong, or two neighbours are swapped."""
    start = 0
    while start < min(len(word), len(meant)) and word[start] == meant[start]:
        start += 1
    left, right = word[start:], meant[start:]
    return word != meant and (
        left[1:] == right[1:]
        or left == right[1:]
        or left[1:] == right
        or (left[:2] == right[:2][::-1] and left[2:] == right[2:])
    )


def _says_only(words: str, meaning: ReplyMeaning) -> bool:
    """Whether the text says this and nothing else.

    A digit alone counts as a key only beside words about keys: "9 am", "for 1" and "2 kids" are no answers.
    """
    if words.replace(" ", "") in _UNSPACED_YES[meaning]:
        return True
    pattern, filler = _YES[meaning]
    found = [match[0] for match in pattern.finditer(words)]
    rest = set(pattern.sub(" ", words).split())
    if not found or not filler.issuperset(rest):
        return False
    digits = _DIGITS.intersection(found)
    if not digits:
        return "number" not in rest  # "change my number"
    return _KEY.issuperset(rest) if digits.issuperset(found) else _OF_A_TIME.isdisjoint(rest)
