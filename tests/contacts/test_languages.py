"""Languages as practice systems write them."""

import pytest

from contacts.languages import (
    SHIPPED_LANGUAGES,
    choose_language,
    list_languages,
    name_language,
    read_languages,
)
from reminders.wording.default_scripts import SPOKEN

# as written, the codes in its order
WRITTEN = [
    ("English", "en"),
    ("ENGLISH", "en"),
    ("eng", "en"),
    ("en-US", "en"),
    ("English (UK)", "en"),
    ("English only", "en"),
    ("Inglés", "en"),
    ("Spanish", "es"),
    ("Spanish (Mexico)", "es"),
    ("Spanish(Latin America)", "es"),
    ("Spanish - Mexico", "es"),
    ("SPANISH; CASTILIAN", "es"),
    ("Spanish speaking", "es"),
    ("es-MX", "es"),
    ("es_419", "es"),
    ("spa", "es"),
    ("Español", "es"),
    ("español de México", "es"),
    ("espagnol", "es"),
    ("Latin American Spanish", "es"),
    ("Other (Spanish)", "es"),
    ("fre", "fr"),
    ("fra", "fr"),
    ("français canadien", "fr"),
    ("Canadian French", "fr"),
    ("Mandarin", "zh"),
    ("Chinese (Mandarin)", "zh"),
    ("Chinese - Cantonese", "zh"),
    ("yue", "zh"),
    ("zh_Hant_TW", "zh"),
    ("中文", "zh"),
    ("Portuguese (BR)", "pt"),  # not Breton
    ("Tagalog (Filipino)", "tl"),
    ("fil", "tl"),
    ("Farsi; Persian", "fa"),
    ("Haitian; Haitian Creole", "ht"),
    ("Creole, Haitian", "ht"),
    ("Hmong", "hmn"),
    ("Русский", "ru"),
    ("Deutsch", "de"),
    ("ger", "de"),
    ("English/Spanish", "en es"),
    ("Spanish and English", "es en"),
    ("Hmong/English", "hmn en"),
    ("Spanish, English", "es en"),
    ("", ""),
    ("Unknown", ""),
    ("Declined", ""),
    ("Other", ""),
    ("Klingon", ""),
    ("xx", ""),
    ("American Sign Language", ""),
    ("Non-English speaking", ""),
    ("Limited English", ""),
    ("N/A", ""),
]


@pytest.mark.parametrize(("written", "codes"), WRITTEN)
def test_a_language_is_understood_as_practice_systems_write_it(written: str, codes: str) -> None:
    assert " ".join(read_languages(written)) == codes


def test_of_several_languages_the_first_that_we_speak_is_taken() -> None:
    assert choose_language(["hmn", "en"]) == "en"
    assert choose_language(["es", "en"]) == "es"
    assert choose_language(["hmn", "zh"]) == "hmn"


def test_the_languages_that_we_speak_are_those_of_the_shipped_scripts() -> None:
    assert set(SHIPPED_LANGUAGES) == set(SPOKEN)


@pytest.mark.parametrize("code", sorted({code for _, codes in WRITTEN for code in codes.split()}))
def test_every_language_that_is_understood_has_a_name_and_can_be_chosen(code: str) -> None:
    assert name_language(code) != code
    assert code in dict(list_languages("en"))
