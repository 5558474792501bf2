"""Masking of phone numbers."""

import pytest

from reminders.robotalker.masking import mask_number, mask_numbers_in


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+12025550123", "•••• 23"),
        ("(202) 555-0123", "•••• 23"),
        ("", "••••"),
        ("12345", "••••"),
        ("no number", "••••"),
    ],
)
def test_only_the_last_two_digits_of_a_number_are_shown(number: str, shown: str) -> None:
    assert mask_number(number) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call +12025550123 now", "call •••• 23 now"),
        ("call +1 (202) 555-0123, then +442079460000.", "call •••• 23, then •••• 00."),
        ("error 4012 in cal_9x7k2m4p", "error 4012 in cal_9x7k2m4p"),
        ("/api/v1/contacts?to=+12025550123", "/api/v1/contacts?to=•••• 23"),
    ],
)
def test_numbers_in_a_text_are_masked(text: str, shown: str) -> None:
    assert mask_numbers_in(text) == shown
