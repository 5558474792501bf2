"""What was due before somebody was meant is not sent: a table (product rules 5, 6 and 29)."""

from datetime import UTC, datetime

import pytest

from reminders.rules.reaching_back import MeantSince, find_reaching_back


def day(number: int) -> datetime:
    return datetime(2026, 7, number, 10, tzinfo=UTC)


ROWS = [
    (5, MeantSince(None, day(1)), "before_activation", "a draft means nobody"),
    (5, MeantSince(day(6), day(1)), "before_activation", "due before the activation"),
    (6, MeantSince(day(6), day(1)), None, "due at the moment of the activation"),
    (5, MeantSince(day(1), day(6)), "before_step", "due before the step was added"),
    (6, MeantSince(day(1), day(6)), None, "due at the moment at which it was added"),
    (5, MeantSince(day(1), day(1), day(6)), "before_filters", "due before the filters were changed"),
    (6, MeantSince(day(1), day(1), day(6)), None, "due at the moment at which they were changed"),
    (5, MeantSince(day(1), day(1), None), None, "the appointment isn't new to them"),
    (5, MeantSince(day(6), day(7), day(8)), "before_activation", "of several, the widest is named"),
    (5, MeantSince(day(1), day(7), day(8)), "before_step", "a new step before new filters"),
]


@pytest.mark.parametrize(("owed_from", "since", "reason", "why"), ROWS)
def test_what_came_to_be_owed_before_somebody_was_meant_has_a_reason_not_to_be_sent(
    owed_from: int, since: MeantSince, reason: str | None, why: str
) -> None:
    assert find_reaching_back(day(owed_from), since) == reason, why


def test_the_latest_of_the_three_moments_limits_how_far_a_reminder_is_brought_forward() -> None:
    assert MeantSince(day(1), day(3), day(2)).latest == day(3)
    assert MeantSince(day(1), day(2), day(3)).latest == day(3)
    assert MeantSince(day(4), day(2)).latest == day(4)
    assert MeantSince(None, day(2)).latest is None
