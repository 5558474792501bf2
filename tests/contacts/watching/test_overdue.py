"""A list that usually comes and doesn't is noticed; a table of usual practices."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contacts.watching.overdue import KEPT, add_arrival, is_overdue

ZONE = ZoneInfo("America/New_York")
MONDAY = datetime(2027, 3, 1, 22, 30, tzinfo=ZONE)


def on(*days: float) -> list[datetime]:
    """Moments so many days after that Monday night."""
    return [MONDAY + timedelta(days=day) for day in days]


@pytest.mark.parametrize(
    ("came", "now", "expected"),
    [
        ((), 30, False),
        ((0,), 30, False),
        ((0, 1), 30, False),  # too few to know
        ((0, 1, 2), 3.5, False),
        ((0, 1, 2), 4.1, True),  # two nights without one
        ((0, 1, 2, 3, 4), 6.9, False),  # from Friday night to Sunday: lists never come on a weekend
        ((0, 1, 2, 3, 4), 7.1, False),  # Monday's is an hour late
        ((0, 1, 2, 3, 4), 9.2, True),  # none on Monday, Tuesday and Wednesday
        ((0, 1, 2, 3, 4, 5, 6), 7.9, False),
        ((0, 1, 2, 3, 4, 5, 6), 8.1, True),  # here they come on weekends too
        ((0, 7, 14), 27, False),  # weekly
        ((0, 7, 14), 29, True),
        ((0, 0.1, 0.2), 1.9, False),  # several times a day: two days have to pass
        ((0, 0.1, 0.2), 2.5, True),
        ((2, 3, 4), 1, False),  # the clock was set back
    ],
)
def test_a_list_is_overdue_after_twice_its_usual_interval(
    came: tuple[float, ...], now: float, expected: bool
) -> None:
    assert is_overdue(on(*came), MONDAY + timedelta(days=now), ZONE) is expected


def test_of_the_lists_of_one_day_the_last_counts() -> None:
    arrivals: list[datetime] = []
    for moment in on(0, 0.02, 1, 1.01, 2):
        arrivals = add_arrival(arrivals, moment, ZONE)
    assert arrivals == on(0.02, 1.01, 2)


def test_only_the_last_arrivals_are_kept() -> None:
    arrivals: list[datetime] = []
    for day in range(KEPT + 5):
        arrivals = add_arrival(arrivals, MONDAY + timedelta(days=day), ZONE)
    assert len(arrivals) == KEPT
    assert arrivals[-1] == MONDAY + timedelta(days=KEPT + 4)
