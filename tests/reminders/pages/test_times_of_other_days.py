"""A time that belongs to another day than the one beside which it stands says so (product rule 55)."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reminders.pages.standings import describe_moment

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 25, 10, tzinfo=NEW_YORK)  # a Wednesday
WEDNESDAY, THURSDAY = date(2026, 11, 25), date(2026, 11, 26)

# month, day and hour of the moment; the day beside it; as the US and as the UK write it
MOMENTS = [
    ((11, 25, 9), None, "9:00 am", "9:00"),
    ((11, 25, 9), WEDNESDAY, "9:00 am", "9:00"),
    ((11, 25, 9), THURSDAY, "today 9:00 am", "today 9:00"),
    ((11, 25, 0), THURSDAY, "today 12:00 am", "today 0:00"),
    ((11, 26, 8), None, "Thu 8:00 am", "Thu 8:00"),
    ((11, 26, 8), THURSDAY, "Thu 8:00 am", "Thu 8:00"),
    ((11, 20, 15), WEDNESDAY, "Fri 3:00 pm", "Fri 15:00"),
    ((12, 3, 8), None, "Thu, Dec 3", "Thu 3 Dec"),
]


@pytest.mark.parametrize(("moment", "beside", "in_the_us", "in_the_uk"), MOMENTS)
def test_a_time_of_another_day_names_the_day(
    settings: Any, moment: tuple[int, int, int], beside: date | None, in_the_us: str, in_the_uk: str
) -> None:
    at = datetime(2026, *moment, tzinfo=NEW_YORK).astimezone(UTC)
    for settings.PHONE_REGION, words in (("US", in_the_us), ("GB", in_the_uk)):
        assert describe_moment(at, NEW_YORK, NOW, beside=beside) == words


def test_no_moment_is_no_words() -> None:
    assert describe_moment(None, NEW_YORK, NOW) == ""
