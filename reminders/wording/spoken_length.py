"""How long a call's message takes to say: an estimate, for previews."""

import math
import re

# Letters that a synthetic voice says in a second, by language; others as English.
LETTERS_PER_SECOND = {"en": 15.0, "es": 16.0, "fr": 15.5}
SECONDS_PER_DIGIT = 0.4  # numbers are said digit by digit
PAUSE = 0.35  # seconds, after a sentence
FALLBACK = "en"
SENTENCE_END = re.compile(r"[.!?:;]+(?:\s|$)")


def estimate_seconds(text: str, language: str) -> int:
    """The seconds that it takes to say a filled-in message in this language (ISO 639-1), rounded up."""
    digits = sum(character.isdigit() for character in text)
    spoken = len(text) - digits
    pace = LETTERS_PER_SECOND.get(language, LETTERS_PER_SECOND[FALLBACK])
    return math.ceil(spoken / pace + digits * SECONDS_PER_DIGIT + len(SENTENCE_END.findall(text)) * PAUSE)
