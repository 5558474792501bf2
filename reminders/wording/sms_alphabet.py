"""How a text message is counted: by the GSM 7-bit alphabet if all its letters are in it, else by UCS-2.

3GPP TS 23.038, sections 6.2.1 (default alphabet) and 6.2.1.1 (extension table): a text of the default
alphabet has up to 160 septets in one part, or 153 in each of several; a letter of the extension table takes
two septets. One letter outside both makes the whole text UCS-2, with 70 units of 16 bits in one part or 67
in each of several; an emoji takes two units. (Product rule 40.)

The table is here and not from a library: those on PyPI are codecs of one person each, and it hasn't changed
since 1998. National shift tables aren't used, since nobody can tell whether the way to a phone has them.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION_TABLE = frozenset("\f^{}\\[~]|€")
GSM_ALONE, GSM_EACH = 160, 153  # septets in a single part, and in each of several
UCS2_ALONE, UCS2_EACH = 70, 67  # units of 16 bits
# Letters and marks that Unicode doesn't decompose, as they are usually written without their sign.
PLAIN_LETTERS = str.maketrans(
    {
        **dict(zip("łŁđĐðħĦıŧŦŀĿ", "lLdDdhHitTlL", strict=True)),
        "œ": "oe",
        "Œ": "OE",
        "þ": "th",
        "Þ": "Th",
        "ẞ": "SS",
        "ĸ": "k",
        "ŋ": "n",
        "Ŋ": "N",
        **dict.fromkeys("‘’‚‛′ʼʻ`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
        "…": "...",
        "\t": " ",
    }
)


@dataclass(frozen=True)
class TextLength:
    """How long a text is as it is sent.

    `units`: septets, or units of 16 bits if `letters` isn't empty. `segments`: the parts it is sent and paid
    in. `letters`: those that aren't in the alphabet, each once; `doubled`: those that count as two.
    """

    units: int
    segments: int
    letters: tuple[str, ...]
    doubled: tuple[str, ...]

    @property
    def most_units(self) -> int:
        """How many units would fit in one part."""
        return UCS2_ALONE if self.letters else GSM_ALONE


def measure_text(text: str) -> TextLength:
    """Count a text as it is sent, with its variables filled in."""
    letters = _list_once(char for char in text if char not in DEFAULT_ALPHABET | EXTENSION_TABLE)
    if letters:
        sizes = [2 if ord(char) > 0xFFFF else 1 for char in text]  # a pair of surrogates
        doubled = _list_once(char for char in text if ord(char) > 0xFFFF)
        return TextLength(sum(sizes), _count_parts(sizes, UCS2_ALONE, UCS2_EACH), letters, doubled)
    sizes = [2 if char in EXTENSION_TABLE else 1 for char in text]
    doubled = _list_once(char for char in text if char in EXTENSION_TABLE)
    return TextLength(sum(sizes), _count_parts(sizes, GSM_ALONE, GSM_EACH), (), doubled)


def write_plainly(text: str) -> str:
    """The text with each letter outside the alphabet as its plain one: "Zoë" as "Zoe", "Łukasz" as "Lukasz".

    Letters of the alphabet, such as é and ñ, and those without a plain Latin letter stay as they are.
    """
    composed = unicodedata.normalize("NFC", text)
    return "".join(char if _is_in_alphabet(char) else _find_plain_letters(char) for char in composed)


def _find_plain_letters(char: str) -> str:
    plain = "".join(
        part
        for part in unicodedata.normalize("NFKD", char.translate(PLAIN_LETTERS))
        if not unicodedata.combining(part)
    )
    plain = plain.translate(PLAIN_LETTERS)
    return plain if all(map(_is_in_alphabet, plain)) else char


def _is_in_alphabet(char: str) -> bool:
    return char in DEFAULT_ALPHABET or char in EXTENSION_TABLE


def _count_parts(sizes: list[int], alone: int, each: int) -> int:
    """The parts needed; what takes two units is never split between two parts."""
    if sum(sizes) <= alone:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > each:
            parts, used = parts + 1, 0
        used += size
    return parts


def _list_once(letters: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(letters))
