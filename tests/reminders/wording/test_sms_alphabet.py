"""A text message is counted in the alphabet that it needs, and names are written in letters of it.

The alphabet and the parts: 3GPP TS 23.038. (product rule 40)
"""

import pytest

from reminders.wording.sms_alphabet import (
    DEFAULT_ALPHABET,
    EXTENSION_TABLE,
    measure_text,
    write_plainly,
)

# text, units, parts, letters that aren't in the alphabet
COUNTED = [
    ("", 0, 1, ""),
    ("x" * 160, 160, 1, ""),
    ("x" * 161, 161, 2, ""),
    ("x" * 306, 306, 2, ""),
    ("x" * 307, 307, 3, ""),
    ("éèùìòÇØøÅåÆæßÉÄÖÑÜ§äöñüà¿¡£¥€", 30, 1, ""),  # all in the alphabet, the euro sign counts twice
    ("[" * 80, 160, 1, ""),
    ("[" * 81, 162, 2, ""),
    ("x" * 152 + "[" * 2 + "x" * 151, 307, 3, ""),  # the 153rd is the first half of a bracket
    ("á" + "x" * 69, 70, 1, "á"),
    ("á" + "x" * 70, 71, 2, "á"),
    ("á" + "x" * 133, 134, 2, "á"),
    ("á" + "x" * 134, 135, 3, "á"),
    ("ç", 1, 1, "ç"),  # only the capital letter is in the alphabet
    ("û ë ’ – …", 9, 1, "ûë’–…"),
    ("😀" * 35, 70, 1, "😀"),
    ("😀" * 36, 72, 2, "😀"),
    ("😀" * 60, 120, 2, "😀"),
    ("á" + "😀" * 67, 135, 3, "á😀"),  # a pair of units is never split: 33 emoji in each part
    ("Мария", 5, 1, "Мария"),
    ("e\u0301", 2, 1, "\u0301"),  # decomposed, as it stands
    ("\u00a0", 1, 1, "\u00a0"),
]


@pytest.mark.parametrize(("text", "units", "parts", "letters"), COUNTED)
def test_a_text_is_counted_by_the_alphabet_that_it_needs(
    text: str, units: int, parts: int, letters: str
) -> None:
    length = measure_text(text)
    assert (length.units, length.segments) == (units, parts)
    assert "".join(length.letters) == "".join(dict.fromkeys(letters))


def test_the_alphabet_has_127_letters_and_the_extension_table_ten() -> None:
    assert len(DEFAULT_ALPHABET) == 127  # 128 with the escape
    assert len(EXTENSION_TABLE) == 10
    assert not DEFAULT_ALPHABET & EXTENSION_TABLE


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Zoë", "Zoe"),
        ("Łukasz", "Lukasz"),
        ("François", "Francois"),
        ("José Peña", "José Peña"),  # é and ñ are in the alphabet
        ("Jose\u0301", "José"),
        ("Ángel", "Angel"),
        ("Ağaoğlu İnci Yıldız", "Agaoglu Inci Yildiz"),
        ("Nguyễn Thị Ánh", "Nguyen Thi Anh"),
        ("Đặng", "Dang"),
        ("Siân O’Rourke", "Sian O'Rourke"),
        ("Þór", "Thor"),
        ("Œuvre", "OEuvre"),
        ("Dvořák – Škoda", "Dvorak - Skoda"),
        ("Anne\u00a0Marie\u200b", "Anne Marie"),
        ("Мария", "Мария"),
        ("王芳", "王芳"),
        ("Zoë 😀", "Zoe 😀"),
    ],
)
def test_letters_outside_the_alphabet_become_their_plain_ones(name: str, written: str) -> None:
    assert write_plainly(name) == written
