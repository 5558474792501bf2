"""At which times of a day a visit fits (product rule 56)."""

from datetime import UTC, datetime, timedelta

import pytest

from reminders.rules.free_slots import find_free_starts

DAY = datetime(2027, 6, 4, tzinfo=UTC)


def moment(text: str) -> datetime:
    hour, minute = map(int, text.split(":"))
    return DAY + timedelta(hours=hour, minutes=minute)


def read(spans: str) -> list[tuple[datetime, datetime]]:
    """Stretches of a day, such as "9:00-12:00 13:00-17:00"."""
    pairs = (span.split("-") for span in spans.split())
    return [(moment(begin), moment(end)) for begin, end in pairs]


@pytest.mark.parametrize(
    ("opens", "busy", "minutes", "after", "free"),
    [
        ("9:00-11:00", "", 30, "0:00", "9:00 9:30 10:00 10:30"),
        ("9:00-11:00", "9:00-9:30", 30, "0:00", "9:30 10:00 10:30"),
        ("9:00-11:00", "9:10-9:40", 30, "0:00", "9:40 10:00 10:30"),
        ("9:00-11:00", "9:30-9:40 9:35-10:00", 30, "0:00", "9:00 10:00 10:30"),
        ("9:00-11:00", "9:15-9:30", 10, "0:00", "9:00 9:30 9:45 10:00 10:15 10:30 10:45"),
        ("9:00-11:00", "", 60, "0:00", "9:00 9:30 10:00"),
        ("9:00-11:00", "", 30, "9:31", "10:00 10:30"),
        ("9:00-10:00 13:00-14:00", "8:00-9:30", 30, "0:00", "9:30 13:00 13:30"),
        ("9:00-11:00", "8:00-12:00", 30, "0:00", ""),
        ("9:00-9:20", "", 30, "0:00", ""),
        ("", "", 30, "0:00", ""),
    ],
)
def test_a_visit_fits_where_the_location_is_open_and_nothing_is_booked(
    opens: str, busy: str, minutes: int, after: str, free: str
) -> None:
    found = find_free_starts(read(opens), read(busy), timedelta(minutes=minutes), after=moment(after))
    assert found == [moment(start) for start in free.split()]
