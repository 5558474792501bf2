"""The default scripts follow the rules for what a message may say; a text is one part (product rule 40)."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from contacts.models import Appointment, Contact, Location, Provider
from reminders.models import ScriptText
from reminders.wording.default_scripts import CALL_SCRIPT, SPOKEN, VOICES, WRITTEN, ensure_default_scripts
from reminders.wording.scripts import choose_letters, fill_variables, is_sayable, speak, used_variables
from reminders.wording.sms_alphabet import measure_text
from tests.people import make_script

WORDS_A_SECOND = 2.5
EVERY_VARIABLE = {"PRACTICE", "FIRST_NAME", "APPT_DATE", "APPT_TIME", "CALLBACK_NUMBER"}
# Words that mean "stop" to a carrier, and words that reveal the kind of appointment.
NEVER = re.compile(r"\b(cancel|end|quit|unsubscribe|check-?up|exam|vaccin\w*|dental|doctor)\b", re.IGNORECASE)
LANGUAGES = sorted(SPOKEN)
EVERY_TEXT = [*SPOKEN.values(), *WRITTEN.values()]


# Names of 20 letters, and practices of 40: plain ones, and ones with letters outside the alphabet of a text.
FIRST_NAMES = ["Maximiliana-Carlotta", "Zoë-Łukasz-Françoise", "Anne-Zoé-Ángela-Inés"]
PRACTICES = ["Harbor View Family Clinic of North Salem", "Clínica Familiar São João do Rio Tâmega "]


def fill_each_day(
    language: str, first_name: str, practice: str, *, is_text: bool = False
) -> Iterator[dict[str, str]]:
    """The variables for each day of a year, and a late time."""
    appointment = Appointment(
        contact=Contact(first_name=first_name),
        location=Location(spoken_name=practice, time_zone="America/Chicago", callback_number="+12025550199"),
        provider=Provider(name="Alexandrina Montgomery"),
    )
    for day in range(365):
        appointment.local_start = datetime(2026, 1, 1, 10, 45) + timedelta(days=day)  # noqa: DTZ001
        yield fill_variables(appointment, language, is_text=is_text)


def count_spoken_words(text: str) -> int:
    """The number of words; each digit counts as one."""
    return len(re.findall(r"[^\W\d]+|\d", text))


def test_the_scripts_and_voices_exist_in_three_languages() -> None:
    assert set(SPOKEN) == set(WRITTEN) == set(VOICES) == {"en", "es", "fr"}


@pytest.mark.parametrize("text", EVERY_TEXT)
def test_each_text_uses_all_required_variables_and_no_unknown_ones(text: str) -> None:
    assert is_sayable(text)
    assert used_variables(text) >= EVERY_VARIABLE


@pytest.mark.parametrize("text", EVERY_TEXT)
def test_each_text_names_the_practice_first_and_the_keys_last(text: str) -> None:
    """(product rule 13)"""
    assert text.index("{PRACTICE}") == text.index("{")
    assert text.index(" 1") > text.index("{APPT_TIME}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_call_gives_the_callback_number_before_the_keys_and_the_opt_out_key_last(language: str) -> None:
    """(product rule 13)"""
    keys = [SPOKEN[language].index(f" {key}") for key in "129"]
    assert [SPOKEN[language].index("{CALLBACK_NUMBER}"), *keys] == sorted(
        [SPOKEN[language].index("{CALLBACK_NUMBER}"), *keys]
    )
    assert SPOKEN[language].endswith("9.")


@pytest.mark.parametrize("text", EVERY_TEXT)
def test_no_text_names_the_kind_of_appointment_or_has_a_word_that_means_stop(text: str) -> None:
    """(product rule 11)"""
    assert not NEVER.search(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_call_takes_less_than_a_minute(language: str) -> None:
    for values in fill_each_day(language, "Maximiliana-Carlotta", "Harbor View Clinic Eastside"):
        assert count_spoken_words(speak(SPOKEN[language], values)) / WORDS_A_SECOND <= 60


@pytest.mark.parametrize("practice", PRACTICES)
@pytest.mark.parametrize("first_name", FIRST_NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_message_is_one_part_on_every_day_and_names_stop(
    language: str, first_name: str, practice: str
) -> None:
    for values in fill_each_day(language, first_name, practice, is_text=True):
        said = speak(WRITTEN[language], choose_letters(WRITTEN[language], values))
        length = measure_text(said)
        assert (length.segments, length.letters) == (1, ()), said
        assert "STOP" in said


@pytest.mark.django_db
def test_texts_that_a_practice_has_changed_stay() -> None:
    script = make_script("Our own words.", name=CALL_SCRIPT)
    ensure_default_scripts()
    assert script.texts.get(language="en").text == "Our own words."
    assert ScriptText.objects.count() == 6
