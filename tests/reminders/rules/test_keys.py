"""Which of several keys counts (product rules 23 and 38)."""

import pytest

from reminders.robotalker.fields import parse_keys
from reminders.rules.keys import find_answer, find_counting_keys

PRESSED = [
    # in the event, the keys pressed, those that count, the one shown as the answer
    ("1", "1", "1", "1"),
    ("21", "21", "1", "1"),
    ("12", "12", "2", "2"),
    ("1,2", "12", "2", "2"),
    ("1 2", "12", "2", "2"),
    ("2w1", "21", "1", "1"),
    ("2p1", "21", "1", "1"),
    ("['2', '1']", "21", "1", "1"),
    ("1#", "1#", "1", "1"),
    ("*1", "*1", "1", "1"),
    ("15", "15", "1", "1"),
    ("51", "51", "1", "1"),
    ("19", "19", "9", "9"),
    ("91", "91", "91", "1"),
    ("929", "929", "9", "9"),
    ("33", "33", "3", "3"),
    ("35", "35", "35", "5"),
    ("#", "#", "#", "#"),
    ("1" * 33, "1" * 33, "1", "1"),
    ("3" * 32 + "9", "3" * 32 + "9", "9", "9"),
    ("9" + "1" * 33, "9" + "1" * 33, "91", "1"),
    ("１", "1", "1", "1"),
    ("9" + "3" * 5000, "9", "9", "9"),
    ("key 9", "9", "9", "9"),
    ("pressed: 9", "9", "9", "9"),
    ("", "", "", ""),
    ("timeout", "", "", ""),
    ("3" * 5000, "", "", ""),
    ("one", "", "", ""),
    ("19th", "", "", ""),
    ("-1", "", "", ""),
]


@pytest.mark.parametrize(("sent", "pressed", "counting", "answer"), PRESSED)
def test_the_last_key_with_a_meaning_counts_and_a_9_wherever_it_is(
    sent: str, pressed: str, counting: str, answer: str
) -> None:
    found = parse_keys(sent)
    assert found.pressed == pressed
    assert set(find_counting_keys(found.pressed)) == set(counting)
    assert find_answer(list(found.pressed)) == answer


@pytest.mark.parametrize(
    ("sent", "unread", "says_none"),
    [
        ("one", "one", False),
        ("key 9", "key 9", False),
        ("-1", "-1", False),
        ("A", "A", False),
        ("1; DROP", "1; DROP", False),
        ("3" * 70, "3" * 60, False),
        ("a" * 16_000, "a" * 60, False),
        ("timeout", "", True),
        ("No Input", "", True),
        ("none", "", True),
        ("--", "", True),
        ("", "", False),
        ("12", "", False),
    ],
)
def test_what_are_no_keys_is_kept_to_be_shown(sent: str, unread: str, says_none: bool) -> None:
    found = parse_keys(sent)
    assert (found.unread, found.says_none) == (unread, says_none)
