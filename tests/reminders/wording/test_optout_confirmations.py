"""The text that confirms an opt-out: one part, in the patient's language (product rules 32 and 40)."""

import pytest

from reminders.rules.replies import ReplyMeaning, read_reply
from reminders.wording.optout_confirmations import STOPPED_ALL, STOPPED_TEXTS, write_confirmation
from reminders.wording.sms_alphabet import measure_text

NAMES = [
    "Harbor Clinic, Downtown",
    "Clínica Señora de la Ñ",
    "Клиника на Неве",
    "Zahnarzt {Mitte} [Süd]",
    "🦷" * 40,
    "X" * 160,
]


@pytest.mark.parametrize("language", STOPPED_ALL)
@pytest.mark.parametrize("scope", ["all", "sms"])
@pytest.mark.parametrize("name", NAMES)
def test_it_fits_one_part_whatever_the_practice_is_called(language: str, scope: str, name: str) -> None:
    text = write_confirmation(name, [language], scope=scope)
    assert measure_text(text).segments == 1
    assert "START" in text
    assert text.startswith(name[:4].replace("í", "i"))


@pytest.mark.parametrize("name", NAMES[:4])
def test_names_of_usual_length_are_not_cut(name: str) -> None:
    for language in STOPPED_TEXTS:
        assert write_confirmation(name, [language], scope="sms").startswith(name.replace("í", "i")), language


@pytest.mark.parametrize("table", [STOPPED_ALL, STOPPED_TEXTS])
def test_its_own_words_are_of_the_gsm_alphabet(table: dict[str, str]) -> None:
    assert {language: measure_text(text).letters for language, text in table.items()} == dict.fromkeys(
        table, ()
    )


@pytest.mark.parametrize(
    ("languages", "begins"),
    [
        (["es", "en"], "Harbor: Ya no recibe SMS ni llamadas"),
        (["pl", "fr"], "Harbor : plus de SMS ni d'appels"),
        (["pl", "en"], "Harbor: You get no more texts or calls"),
        ([], "Harbor: You get no more texts or calls"),
    ],
)
def test_it_is_in_the_patients_language_or_the_scripts(languages: list[str], begins: str) -> None:
    assert write_confirmation("Harbor", languages, scope="all").startswith(begins)


def test_it_promises_no_end_of_calls_when_only_texts_stop() -> None:
    for language, word in (("en", "call"), ("es", "llamada"), ("fr", "appel")):
        assert word not in write_confirmation("Harbor", [language], scope="sms"), language
        assert word in write_confirmation("Harbor", [language], scope="all"), language


def test_the_word_that_it_names_is_heard() -> None:
    assert read_reply("START").meaning == ReplyMeaning.OPT_IN
