"""Wall times and their moments: pure, by tables (product rule 27)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from contacts.models.local_times import LocalDateTimeField
from contacts.wall_times import find_moment, is_skipped, read_clock

ZONES = ["America/New_York", "America/Vancouver", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
# Wall time, fold, zone, and the moment in UTC.
MOMENTS = [
    ("2026-12-15T09:00", 0, "America/New_York", "2026-12-15T14:00"),
    ("2026-12-15T09:00", 0, "America/Los_Angeles", "2026-12-15T17:00"),
    ("2026-12-15T09:00", 0, "America/Vancouver", "2026-12-15T16:00"),
    ("2026-12-15T09:00", 1, "America/New_York", "2026-12-15T14:00"),  # occurs once
    ("2026-11-01T01:30", 0, "America/New_York", "2026-11-01T05:30"),  # the first of two
    ("2026-11-01T01:30", 1, "America/New_York", "2026-11-01T06:30"),  # the second
    ("2026-03-08T02:30", 0, "America/New_York", "2026-03-08T07:30"),  # skipped: 3:30
    ("2026-04-05T01:45", 0, "Australia/Lord_Howe", "2026-04-04T14:45"),  # goes back by half an hour
    ("2026-04-05T01:45", 1, "Australia/Lord_Howe", "2026-04-04T15:15"),
    ("2026-03-08T00:30", 0, "America/Havana", "2026-03-08T05:30"),  # midnight is skipped
    ("2011-12-30T09:00", 0, "Pacific/Apia", "2011-12-30T19:00"),  # a day that Samoa skipped
]


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("local", "fold", "zone", "moment"), MOMENTS)
def test_a_wall_time_is_a_moment(local: str, fold: int, zone: str, moment: str) -> None:
    assert find_moment(wall(local), zone, fold) == wall(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(("local", "fold", "zone", "moment"), MOMENTS)
def test_a_wall_time_given_in_its_zone_is_read_as_it_is(
    local: str, fold: int, zone: str, moment: str
) -> None:
    given_time = wall(local).replace(tzinfo=ZoneInfo(zone), fold=fold)
    assert read_clock(given_time, zone) == (wall(local), fold)


@given(
    moment=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(ZONES),
)
def test_what_a_clock_shows_at_a_moment_stands_for_that_moment(moment: datetime, zone: str) -> None:
    local, fold = read_clock(moment, zone)
    assert (find_moment(local, zone, fold), local.tzinfo, local.fold) == (moment, None, 0)


@pytest.mark.parametrize(
    ("local", "zone", "skipped"),
    [
        ("2026-03-08T02:30", "America/New_York", True),
        ("2026-03-08T03:00", "America/New_York", False),
        ("2026-11-01T01:30", "America/New_York", False),
        ("2026-03-08T02:30", "America/Phoenix", False),
        ("2026-03-08T00:30", "America/Havana", True),
    ],
)
def test_a_time_that_the_clocks_never_show_is_known(local: str, zone: str, skipped: bool) -> None:
    assert is_skipped(wall(local), zone) == skipped


@pytest.mark.parametrize("value", [datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T09:00Z", 5, timedelta(1)])
def test_the_column_refuses_what_is_not_a_plain_date_and_time(value: object) -> None:
    with pytest.raises(ValidationError):
        LocalDateTimeField().to_python(value)


def test_the_column_reads_what_it_wrote_as_text() -> None:
    assert LocalDateTimeField().to_python("2026-01-01T09:00:00") == wall("2026-01-01T09:00")
    assert LocalDateTimeField().to_python(None) is None
