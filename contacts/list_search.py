"""Whether the text of a list names a person: quickly, since an erasure holds locks meanwhile.

Nearly all text names nobody of that name, number or id. That is seen without regular expressions, a megabyte
in some hundredths of a second; the pattern of contacts/mentions.py is tried only around what may be it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import phonenumbers

from contacts.mentions import BETWEEN_DIGITS, SHORTEST_WORD, PersonWords

AROUND = 600  # letters around a place that may name the person; a name and a number are shorter
MOST_PLACES = 20_000  # more of them are no chance: then the list counts as naming the person
MARKS = bytes(code for code in range(128) if not chr(code).isalnum())


class ListSearch:
    """Looks for one person in texts: by number or id, or by both names in one line."""

    def __init__(self, words: PersonWords) -> None:
        """`words`: by what the person is found."""
        names = frozenset((one.casefold(), two.casefold()) for one, two in words.names)
        folded = replace(words, names=names, ids=frozenset(one.casefold() for one in words.ids))
        pattern = folded.make_pattern(of_list=True)
        self._pattern = re.compile(pattern, re.IGNORECASE) if pattern else None
        self._pairs = folded.list_long_names()
        lone = {one or two for one, two in names if not (one and two)}
        self._words = {word for word in lone | folded.ids if len(word) >= SHORTEST_WORD}
        self._words |= {max(two.split(), key=len, default="") for _one, two in self._pairs} - {""}
        self._digits = {str(phonenumbers.parse(number).national_number).encode() for number in words.numbers}

    def is_in(self, text: str) -> bool:
        """Whether the person is named in this text of lines."""
        folded = text.casefold()
        if self._matches(folded):
            return True
        pairs = [(one, two) for one, two in self._pairs if one in folded and two in folded]
        return any(one in line and two in line for one, two in pairs for line in folded.splitlines())

    def is_in_line(self, pieces: Iterable[str]) -> bool:
        """The same of one line in pieces, each beginning with the last AROUND letters of the one before."""
        seen: set[str] = set()
        every = {name for pair in self._pairs for name in pair}
        for piece in pieces:
            folded = piece.casefold()
            if self._matches(folded):
                return True
            seen |= {name for name in every - seen if name in folded}
            if any(seen.issuperset(pair) for pair in self._pairs):
                return True
        return False

    def _matches(self, folded: str) -> bool:
        for count, place in enumerate(self._find_places(folded)):
            begin, end = max(place - AROUND, 0), place + AROUND
            if count >= MOST_PLACES or (self._pattern and self._pattern.search(folded, begin, end)):
                return True
        return False

    def _find_places(self, folded: str) -> Iterator[int]:
        """Where the pattern is worth a try."""
        for word in self._words:
            place = folded.find(word)
            while place >= 0:
                yield place
                place = folded.find(word, place + len(word))
        squeezed = folded.encode("ascii", "ignore").translate(None, MARKS) if self._digits else b""
        for digits in self._digits:
            if digits in squeezed:
                written = BETWEEN_DIGITS.join(digits.decode())
                yield from (found.start() for found in re.finditer(written, folded))
