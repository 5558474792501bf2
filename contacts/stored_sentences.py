"""Sentences that workers have stored, in the language of who reads them.

What an import found is stored as English sentences, whoever asked for it, so that everybody reads the same
facts. A page shows them translated: the message that a sentence was made of is found among all that are
translated, and its values are put into the translation. What isn't found stays as it is stored.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from babel.messages.mofile import read_mo
from django.conf import settings
from django.utils.translation import get_language

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z“])")
FEWEST_LETTERS = 8  # beside its placeholders: "%(a)s: %(b)s" could be anything


class StoredMessage(NamedTuple):
    """A message with its translation. `begins`: its words before the first value."""

    begins: str
    pattern: re.Pattern[str]
    translation: str

    def translate(self, sentence: str) -> str | None:
        """The sentence in the other language; None if it isn't made of this message."""
        found = self.pattern.fullmatch(sentence) if sentence.startswith(self.begins) else None
        return self.translation % found.groupdict() if found else None


def translate_stored(text: str) -> str:
    """The text, of one or more sentences, in the language of the page, as far as it is translated."""
    language = get_language() or settings.LANGUAGE_CODE
    if language == settings.LANGUAGE_CODE or not text:
        return text
    parts, translated = SENTENCE_END.split(text), []
    while parts:
        for taken in range(len(parts), 0, -1):  # a message may have several sentences
            found = _translate(" ".join(parts[:taken]), language)
            if found is not None:
                break
        translated.append(parts[0] if found is None else found)
        del parts[:taken]
    return " ".join(translated)


def _translate(sentence: str, language: str) -> str | None:
    exact, patterns = _read_messages(language)
    if sentence in exact:
        return exact[sentence]
    return next((found for one in patterns if (found := one.translate(sentence)) is not None), None)


@cache
def _read_messages(language: str) -> tuple[dict[str, str], list[StoredMessage]]:
    """The messages without values, and those with some, the ones with most words of their own first."""
    exact: dict[str, str] = {}
    patterns: list[tuple[int, StoredMessage]] = []
    for english, words in _list_messages(language):
        translation = PLACEHOLDER.sub(r"%(\1)s", words)  # all values are text here
        begins, *_rest = PLACEHOLDER.split(english)
        if not set(PLACEHOLDER.findall(translation)) <= set(PLACEHOLDER.findall(english)):
            continue  # a singular in which the number is said only in the translation
        if "%" not in english:
            exact[english] = translation
        elif (own := len(re.sub(r"\W", "", PLACEHOLDER.sub("", english)))) >= FEWEST_LETTERS:
            message = StoredMessage(begins.replace("%%", "%"), _make_pattern(english), translation)
            patterns.append((own, message))
    return exact, [message for _own, message in sorted(patterns, key=lambda pair: -pair[0])]


def _list_messages(language: str) -> Iterator[tuple[str, str]]:
    for folder in settings.LOCALE_PATHS:
        file = folder / language / "LC_MESSAGES" / "django.mo"
        if not file.exists():
            continue
        with file.open("rb") as opened:
            for message in read_mo(opened):
                if message.id and message.string and not message.context:
                    ids = [message.id] if isinstance(message.id, str) else message.id
                    strings = [message.string] if isinstance(message.string, str) else message.string
                    yield from zip(ids, strings, strict=False)


def _make_pattern(english: str) -> re.Pattern[str]:
    pattern, seen = "", set()
    for place, part in enumerate(PLACEHOLDER.split(english)):
        if not place % 2:
            pattern += re.escape(part.replace("%%", "%"))
        else:
            pattern += f"(?P={part})" if part in seen else f"(?P<{part}>.+?)"
            seen.add(part)
    return re.compile(pattern, re.DOTALL)
