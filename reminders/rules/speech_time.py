"""How long a text takes to say, estimated from its words (product rule 62: at most 60 seconds).

Pure. The rates are those of a voice that is meant to be understood at once, a little slower than people talk.
Each digit counts as a word, because a telephone number is read digit by digit; so does each sign of a writing
without blanks between words, such as Chinese. A very long word takes the time of its letters.
"""

import re
import unicodedata

MOST_SECONDS = 60
WORDS_A_SECOND = {"en": 2.5, "es": 2.6, "fr": 2.6}
USUAL_RATE = 2.3  # of other languages: rather too long than too short
LETTERS_A_SECOND = 14
SECONDS_A_SENTENCE = 0.4  # the pause after it
WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*|\d")
SENTENCE_END = re.compile(r"[.!?…。！？]+(?:\s|$)")
# Chinese and Japanese signs, Korean syllables, Thai, Lao, Khmer and Burmese: no blanks between words.
WITHOUT_BLANKS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)


def estimate_seconds(text: str, language: str) -> float:
    """The seconds that a voice needs for a text with its variables filled in. `language`: ISO 639-1."""
    signs = len(WITHOUT_BLANKS.findall(text))
    spaced = WITHOUT_BLANKS.sub(" ", text)
    pictures = sum(unicodedata.category(char) == "So" for char in spaced)  # an emoji is read by its name
    words = WORD.findall(spaced)
    counted = len(words) + signs + 2 * pictures
    by_words = counted / WORDS_A_SECOND.get(language, USUAL_RATE)
    by_letters = (sum(map(len, words)) + signs) / LETTERS_A_SECOND
    return max(by_words, by_letters) + SECONDS_A_SENTENCE * len(SENTENCE_END.findall(text))
