"""How long a text takes to say (product rule 62: at most 60 seconds), and how abbreviations are said."""

import pytest

from reminders.rules.say_as import apply_say_as
from reminders.rules.speech_time import estimate_seconds

DR = {"Dr.": "Doctor", "Ste": "Suite", "Ave": "Avenue", "St": "Street", "St. Mary": "Saint Mary"}


@pytest.mark.parametrize(
    ("text", "language", "least", "most"),
    [
        ("", "en", 0, 0),
        ("word " * 150, "en", 60, 60),
        ("word " * 151, "en", 60.1, 61),
        ("hasta " * 156, "es", 60, 60),
        ("(202) 555-0199", "en", 4, 4),  # digit by digit
        ("3:15 PM", "en", 1, 2),
        ("a" * 10_000, "en", 700, 720),  # one word without an end
        ("王" * 150, "zh", 60, 70),  # no blanks between words
        ("😀" * 100, "en", 80, 80),  # "grinning face"
        ("Yes. No. Yes.", "en", 2.4, 2.4),  # with pauses
        ("don't", "en", 0.4, 0.4),
    ],
)
def test_the_time_to_say_a_text_is_estimated(text: str, language: str, least: float, most: float) -> None:
    assert least - 0.001 <= estimate_seconds(text, language) <= most + 0.001


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Dr. S. Chen", "Doctor S. Chen"),
        ("Dr S. Chen", "Doctor S. Chen"),
        ("DR. CHEN", "Doctor CHEN"),
        ("Drake Steven Avery", "Drake Steven Avery"),
        ("12 Elm Ave, Ste. 5", "12 Elm Avenue, Suite 5"),
        ("Clinic on Main St.", "Clinic on Main Street"),
        ("St. Mary Clinic", "Saint Mary Clinic"),
        ("", ""),
        ("{Dr}", "{Doctor}"),
    ],
)
def test_whole_abbreviations_are_said_in_full(name: str, said: str) -> None:
    assert apply_say_as(name, DR) == said
    assert apply_say_as(name, {}) == name


@pytest.mark.parametrize("table", [{"(a+)+$": "x"}, {"\\": "y"}, {"": "z"}, {".": "z"}])
def test_odd_entries_do_no_harm(table: dict[str, str]) -> None:
    assert apply_say_as("Dr. Chen aaaa", table) == "Dr. Chen aaaa"
