"""When a step falls due: a table of timing, start and expected moment, each row with its reason.

(product rule 7)

Starts and expected moments are local wall times with their UTC offset, so that rows can be checked by eye.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.rules.schedule import OpenDays, Timing, TimingKind, describe, first_moment_at, moment_due

NEW_YORK, PHOENIX = "America/New_York", "America/Phoenix"
BERLIN, LORD_HOWE = "Europe/Berlin", "Australia/Lord_Howe"
WORKDAYS = OpenDays(frozenset(range(5)), frozenset())
EVERY_DAY = OpenDays(frozenset(range(7)), frozenset())


def days(count: int, at: str) -> Timing:
    return Timing(TimingKind.DAYS_BEFORE, days=count, at=time.fromisoformat(at))


def open_days(count: int, at: str) -> Timing:
    return Timing(TimingKind.OPEN_DAYS_BEFORE, days=count, at=time.fromisoformat(at))


def hours(count: float) -> Timing:
    return Timing(TimingKind.ELAPSED_BEFORE, elapsed=timedelta(hours=count))


# fmt: off
DUE = [
    # Plain days
    (days(2, "10:00"), NEW_YORK, "2026-07-15T15:15-04:00", "2026-07-13T10:00-04:00",
     "an ordinary summer day"),
    (days(0, "08:00"), NEW_YORK, "2026-07-15T15:15-04:00", "2026-07-15T08:00-04:00", "on the day itself"),
    (days(1, "10:00"), NEW_YORK, "2026-07-15T23:30-04:00", "2026-07-14T10:00-04:00",
     "late evening is the next day in UTC; the local date counts"),
    (days(1, "10:00"), NEW_YORK, "2026-07-15T00:00-04:00", "2026-07-14T10:00-04:00",
     "midnight belongs to the day it begins"),
    (days(1, "00:00"), NEW_YORK, "2026-07-15T09:00-04:00", "2026-07-14T00:00-04:00", "due at midnight"),
    (days(1, "23:59"), NEW_YORK, "2026-07-15T00:00-04:00", "2026-07-14T23:59-04:00",
     "a minute before midnight"),
    (days(1, "10:00"), NEW_YORK, "2027-01-01T09:00-05:00", "2026-12-31T10:00-05:00", "over the new year"),
    (hours(3), NEW_YORK, "2026-07-15T15:15-04:00", "2026-07-15T12:15-04:00", "three hours on any day"),
    # Switch days in the US
    (days(1, "10:00"), NEW_YORK, "2026-03-08T15:00-04:00", "2026-03-07T10:00-05:00",
     "the day before the spring switch keeps winter time"),
    (days(1, "10:00"), NEW_YORK, "2026-03-09T09:00-04:00", "2026-03-08T10:00-04:00",
     "on the day of the switch, after it: summer time"),
    (hours(24), NEW_YORK, "2026-03-08T15:00-04:00", "2026-03-07T14:00-05:00",
     "24 real hours: the wall clock shows one less"),
    (hours(3), NEW_YORK, "2026-03-08T04:00-04:00", "2026-03-08T00:00-05:00", "across the missing hour"),
    (days(0, "02:30"), NEW_YORK, "2026-03-08T15:00-04:00", "2026-03-08T03:00-04:00",
     "02:30 doesn't exist: the first moment after the gap"),
    (days(0, "02:00"), NEW_YORK, "2026-03-08T15:00-04:00", "2026-03-08T03:00-04:00",
     "02:00 doesn't exist either"),
    (days(0, "03:00"), NEW_YORK, "2026-03-08T15:00-04:00", "2026-03-08T03:00-04:00", "03:00 exists"),
    (days(0, "01:59"), NEW_YORK, "2026-03-08T15:00-04:00", "2026-03-08T01:59-05:00", "01:59 exists"),
    (days(1, "10:00"), NEW_YORK, "2026-11-01T15:00-05:00", "2026-10-31T10:00-04:00",
     "the day before the autumn switch keeps summer time"),
    (days(1, "10:00"), NEW_YORK, "2026-11-02T09:00-05:00", "2026-11-01T10:00-05:00", "on the switch day"),
    (hours(24), NEW_YORK, "2026-11-01T15:00-05:00", "2026-10-31T16:00-04:00",
     "24 real hours: the wall clock shows one more"),
    (hours(3), NEW_YORK, "2026-11-01T03:00-05:00", "2026-11-01T01:00-04:00", "across the repeated hour"),
    (days(0, "01:30"), NEW_YORK, "2026-11-01T15:00-05:00", "2026-11-01T01:30-04:00",
     "01:30 happens twice: the first"),
    (days(0, "02:00"), NEW_YORK, "2026-11-01T15:00-05:00", "2026-11-01T02:00-05:00", "02:00 happens once"),
    # Switch days in Europe
    (days(1, "10:00"), BERLIN, "2026-03-29T15:00+02:00", "2026-03-28T10:00+01:00",
     "a day before, winter time"),
    (days(1, "10:00"), BERLIN, "2026-03-30T09:00+02:00", "2026-03-29T10:00+02:00",
     "on the spring switch day"),
    (days(0, "02:30"), BERLIN, "2026-03-29T15:00+02:00", "2026-03-29T03:00+02:00", "the missing hour"),
    (hours(24), BERLIN, "2026-03-29T15:00+02:00", "2026-03-28T14:00+01:00", "24 real hours"),
    (days(1, "10:00"), BERLIN, "2026-10-25T15:00+01:00", "2026-10-24T10:00+02:00",
     "a day before, summer time"),
    (days(1, "10:00"), BERLIN, "2026-10-26T09:00+01:00", "2026-10-25T10:00+01:00",
     "on the autumn switch day"),
    (days(0, "02:30"), BERLIN, "2026-10-25T15:00+01:00", "2026-10-25T02:30+02:00", "the repeated hour"),
    (hours(24), BERLIN, "2026-10-25T15:00+01:00", "2026-10-24T16:00+02:00", "24 real hours"),
    (days(14, "10:00"), NEW_YORK, "2026-04-02T10:00-04:00", "2026-03-19T10:00-04:00",
     "America has switched, Europe hasn't yet"),
    # Zones with unusual offsets or switches
    (days(1, "10:00"), PHOENIX, "2026-03-08T15:00-07:00", "2026-03-07T10:00-07:00", "Arizona doesn't switch"),
    (days(0, "02:30"), PHOENIX, "2026-03-08T15:00-07:00", "2026-03-08T02:30-07:00", "so 02:30 exists there"),
    (hours(24), PHOENIX, "2026-11-01T15:00-07:00", "2026-10-31T15:00-07:00", "24 hours are a day there"),
    (days(1, "10:00"), LORD_HOWE, "2026-10-04T15:00+11:00", "2026-10-03T10:00+10:30",
     "a switch of half an hour"),
    (days(0, "02:15"), LORD_HOWE, "2026-10-04T15:00+11:00", "2026-10-04T02:30+11:00",
     "its gap is 02:00 to 02:30, and the first moment after it is 02:30"),
    (days(0, "02:30"), LORD_HOWE, "2026-10-04T15:00+11:00", "2026-10-04T02:30+11:00", "02:30 exists"),
    (days(0, "01:45"), LORD_HOWE, "2026-04-05T15:00+10:30", "2026-04-05T01:45+11:00",
     "the repeated half hour"),
    (hours(24), LORD_HOWE, "2026-04-05T15:00+10:30", "2026-04-04T15:30+11:00",
     "24 real hours: the wall clock shows half an hour more"),
    (days(0, "00:00"), "Africa/Cairo", "2026-04-24T10:00+03:00", "2026-04-24T01:00+03:00",
     "a missing midnight: the day begins at 01:00"),
    (days(1, "10:00"), "Pacific/Kiritimati", "2026-07-15T09:00+14:00", "2026-07-14T10:00+14:00",
     "the zone where a day begins first"),
    (days(1, "10:00"), "America/Adak", "2026-07-15T09:00-09:00", "2026-07-14T10:00-09:00",
     "one of the last zones where a day begins"),
    (days(1, "10:00"), "Asia/Kathmandu", "2026-07-15T03:00+05:45", "2026-07-14T10:00+05:45", "quarter hours"),
    (days(1, "10:00"), "Pacific/Apia", "2011-12-31T09:00+14:00", "2011-12-31T00:00+14:00",
     "Samoa skipped 30 December 2011 entirely"),
    # The leap day
    (days(1, "10:00"), NEW_YORK, "2028-03-01T09:00-05:00", "2028-02-29T10:00-05:00", "a day before 1 March"),
    (days(2, "10:00"), NEW_YORK, "2028-03-01T09:00-05:00", "2028-02-28T10:00-05:00", "two days before it"),
    (days(1, "10:00"), NEW_YORK, "2027-03-01T09:00-05:00", "2027-02-28T10:00-05:00", "not a leap year"),
    (days(365, "10:00"), NEW_YORK, "2028-02-29T09:00-05:00", "2027-03-01T10:00-05:00",
     "365 days before a leap day"),
    (hours(24), NEW_YORK, "2028-03-01T09:00-05:00", "2028-02-29T09:00-05:00", "24 hours before 1 March"),
]
# fmt: on


@pytest.mark.usefixtures("process_zone")
@pytest.mark.parametrize(("timing", "zone", "starts_at", "due", "reason"), DUE)
def test_a_step_falls_due_at_the_moment_of_its_timing(
    timing: Timing, zone: str, starts_at: str, due: str, reason: str
) -> None:
    start = check_is_wall_time(starts_at, zone)
    found = moment_due(timing, start.astimezone(UTC), ZoneInfo(zone), EVERY_DAY)
    assert found.tzinfo is UTC
    assert found == check_is_wall_time(due, zone), reason


def check_is_wall_time(text: str, zone: str) -> datetime:
    """The moment in a row. Fails if its offset isn't the zone's: then the row itself is wrong."""
    moment = datetime.fromisoformat(text)
    assert moment.astimezone(ZoneInfo(zone)).utcoffset() == moment.utcoffset(), f"{text} isn't {zone} time"
    return moment


THANKSGIVING = frozenset({date(2026, 11, 26), date(2026, 11, 27)})
ONLY_TUESDAYS = OpenDays(frozenset({1}), frozenset())

# 2026-07-13 is a Monday.
OPEN = [
    (1, "2026-07-15", WORKDAYS, "2026-07-14", "the day before is open"),
    (1, "2026-07-13", WORKDAYS, "2026-07-10", "Monday: the Friday before"),
    (2, "2026-07-13", WORKDAYS, "2026-07-09", "two open days before Monday: Thursday"),
    (5, "2026-07-15", WORKDAYS, "2026-07-08", "five open days are a week"),
    (1, "2026-07-12", WORKDAYS, "2026-07-10", "an appointment on a closed Sunday"),
    (1, "2026-11-30", OpenDays(frozenset(range(5)), THANKSGIVING), "2026-11-25", "a long closed weekend"),
    (2, "2026-11-30", OpenDays(frozenset(range(5)), THANKSGIVING), "2026-11-24", "one open day more"),
    (
        1,
        "2026-11-27",
        OpenDays(frozenset(range(5)), THANKSGIVING),
        "2026-11-25",
        "an appointment on a closed date",
    ),
    (3, "2026-07-15", ONLY_TUESDAYS, "2026-06-30", "open on Tuesdays only"),
    (1, "2026-07-14", ONLY_TUESDAYS, "2026-07-07", "the day itself isn't counted"),
    (1, "2028-03-01", WORKDAYS, "2028-02-29", "the leap day is a Tuesday"),
    (1, "2026-03-09", EVERY_DAY, "2026-03-08", "a day with a clock change is an open day"),
    (365, "2026-07-14", ONLY_TUESDAYS, "2019-07-16", "the most open days allowed"),
]


@pytest.mark.usefixtures("process_zone")
@pytest.mark.parametrize(("count", "day", "opening", "due", "reason"), OPEN)
def test_only_open_days_are_counted(count: int, day: str, opening: OpenDays, due: str, reason: str) -> None:
    zone = ZoneInfo(NEW_YORK)
    start = datetime.combine(date.fromisoformat(day), time(23, 30), tzinfo=zone)
    found = moment_due(open_days(count, "16:30"), start, zone, opening).astimezone(zone)
    assert found.replace(tzinfo=None) == datetime.fromisoformat(f"{due}T16:30"), reason


def test_a_location_with_no_open_weekday_is_refused_and_does_not_loop() -> None:
    never = OpenDays(frozenset(), frozenset())
    with pytest.raises(ValueError, match="No weekday is open"):
        moment_due(open_days(1, "10:00"), datetime(2026, 7, 15, tzinfo=UTC), ZoneInfo(NEW_YORK), never)


def test_a_location_closed_for_years_is_refused_and_does_not_loop() -> None:
    closed = frozenset(date(2026, 7, 15) - timedelta(days=back) for back in range(1500))
    with pytest.raises(ValueError, match="closed for more than a year"):
        moment_due(
            open_days(1, "10:00"),
            datetime(2026, 7, 15, 12, tzinfo=UTC),
            ZoneInfo(NEW_YORK),
            OpenDays(frozenset(range(7)), closed),
        )


def test_public_holidays_are_closed_days_of_their_year() -> None:
    holidays = {2026: frozenset({date(2026, 12, 25)}), 2027: frozenset({date(2027, 1, 1)})}
    opening = OpenDays(frozenset(range(5)), frozenset(), lambda year: holidays.get(year, frozenset()))
    zone, start = ZoneInfo(NEW_YORK), datetime(2027, 1, 4, 15, tzinfo=UTC)
    due = [moment_due(open_days(count, "10:00"), start, zone, opening) for count in (1, 6)]
    assert [moment.date().isoformat() for moment in due] == ["2026-12-31", "2026-12-23"]


@pytest.mark.parametrize("booked", ["2026-03-08T06:45+00:00", "2026-03-08T01:45-05:00"])
def test_after_booking_counts_on_from_the_booking_whatever_the_clocks_do(booked: str) -> None:
    timing = Timing(TimingKind.AFTER_BOOKING, elapsed=timedelta(minutes=30))
    booked_at = datetime.fromisoformat(booked)  # New York's clocks go forward a quarter of an hour later
    start, zone = datetime(2026, 4, 1, 15, tzinfo=UTC), ZoneInfo(NEW_YORK)
    assert moment_due(timing, start, zone, EVERY_DAY, booked_at) == datetime(2026, 3, 8, 7, 15, tzinfo=UTC)
    with pytest.raises(ValueError, match="when the appointment was booked"):
        moment_due(timing, start, zone, EVERY_DAY)


def test_closed_days_do_not_affect_a_timing_in_plain_days() -> None:
    never = OpenDays(frozenset(), frozenset())
    due = moment_due(days(1, "10:00"), datetime(2026, 7, 15, 12, tzinfo=UTC), ZoneInfo(NEW_YORK), never)
    assert due == datetime(2026, 7, 14, 14, tzinfo=UTC)


def test_a_start_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 7, 15, 12)  # noqa: DTZ001 - the fault under test
    with pytest.raises(ValueError, match="needs a time zone"):
        moment_due(days(1, "10:00"), naive, ZoneInfo(NEW_YORK), EVERY_DAY)


def test_the_time_zone_of_the_start_makes_no_difference() -> None:
    start = datetime(2026, 3, 8, 19, tzinfo=UTC)
    for zone in (NEW_YORK, BERLIN, "Pacific/Kiritimati"):
        for timing in (hours(24), days(1, "10:00")):
            assert moment_due(
                timing, start.astimezone(ZoneInfo(zone)), ZoneInfo(NEW_YORK), EVERY_DAY
            ) == moment_due(timing, start, ZoneInfo(NEW_YORK), EVERY_DAY)


GAPS = [NEW_YORK, BERLIN, LORD_HOWE, "Africa/Cairo", "America/Adak", "Pacific/Chatham", PHOENIX]


@given(
    wall=st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)),  # noqa: DTZ001 - wall times
    zone=st.sampled_from(GAPS).map(ZoneInfo),
)
def test_the_first_moment_shows_the_wall_time_or_is_the_end_of_the_gap(
    wall: datetime, zone: ZoneInfo
) -> None:
    moment = first_moment_at(wall, zone)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    a_moment_ago = (moment - timedelta(microseconds=1)).astimezone(zone).replace(tzinfo=None)
    assert shown == wall or a_moment_ago < wall < shown


@pytest.mark.parametrize("wall", ["02:00", "02:00:00.000001", "02:29:59.999999", "02:59:59.999999"])
def test_the_end_of_a_gap_is_exact_to_the_microsecond(wall: str) -> None:
    skipped = datetime.combine(date(2026, 3, 8), time.fromisoformat(wall))
    assert first_moment_at(skipped, ZoneInfo(NEW_YORK)) == datetime(2026, 3, 8, 7, tzinfo=UTC)


REFUSED = [
    ({"kind": TimingKind.DAYS_BEFORE, "days": 2}, "needs a time of day"),
    ({"kind": TimingKind.OPEN_DAYS_BEFORE, "days": 2}, "needs a time of day"),
    ({"kind": TimingKind.DAYS_BEFORE, "days": -1, "at": time(10)}, "from 0 to 365"),
    ({"kind": TimingKind.DAYS_BEFORE, "days": 366, "at": time(10)}, "from 0 to 365"),
    ({"kind": TimingKind.OPEN_DAYS_BEFORE, "days": 0, "at": time(10)}, "from 1 to 365"),
    ({"kind": TimingKind.DAYS_BEFORE, "days": 1, "at": time(10, tzinfo=UTC)}, "without a time zone"),
    ({"kind": TimingKind.DAYS_BEFORE, "days": 1, "at": time(10, 0, 30)}, "whole minutes"),
    ({"kind": TimingKind.DAYS_BEFORE, "at": time(10), "elapsed": timedelta(hours=1)}, "no elapsed time"),
    ({"kind": TimingKind.ELAPSED_BEFORE}, "more than 0"),
    ({"kind": TimingKind.ELAPSED_BEFORE, "elapsed": timedelta(hours=-1)}, "more than 0"),
    ({"kind": TimingKind.ELAPSED_BEFORE, "elapsed": timedelta(days=366)}, "at most 365 days"),
    ({"kind": TimingKind.ELAPSED_BEFORE, "elapsed": timedelta(seconds=90)}, "whole minutes"),
    ({"kind": TimingKind.ELAPSED_BEFORE, "elapsed": timedelta(hours=1), "days": 1}, "neither days"),
    ({"kind": TimingKind.ELAPSED_BEFORE, "elapsed": timedelta(hours=1), "at": time(10)}, "neither days"),
    ({"kind": TimingKind.AFTER_BOOKING, "elapsed": timedelta(minutes=-1)}, "from 0 to 7 days"),
    ({"kind": TimingKind.AFTER_BOOKING, "elapsed": timedelta(days=7, minutes=1)}, "from 0 to 7 days"),
    ({"kind": TimingKind.AFTER_BOOKING, "elapsed": timedelta(seconds=30)}, "whole minutes"),
    ({"kind": TimingKind.AFTER_BOOKING, "days": 1}, "neither days"),
    ({"kind": "weeks_before", "days": 1, "at": time(10)}, "isn't a kind of timing"),
]


@pytest.mark.parametrize(("given_values", "says"), REFUSED)
def test_an_invalid_timing_is_refused(given_values: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Timing(**given_values)  # type: ignore[arg-type]


def test_invalid_weekdays_are_refused() -> None:
    with pytest.raises(ValueError, match="0 \\(Monday\\)"):
        OpenDays(frozenset({7}), frozenset())


IN_WORDS = [
    (days(2, "10:00"), "2 days before at 10:00"),
    (days(1, "08:05"), "1 day before at 08:05"),
    (days(0, "08:00"), "on the day at 08:00"),
    (open_days(1, "16:30"), "1 open day before at 16:30"),
    (open_days(3, "09:00"), "3 open days before at 09:00"),
    (hours(3), "3 hours before"),
    (hours(1), "1 hour before"),
    (hours(1.5), "1 hour 30 minutes before"),
    (hours(0.75), "45 minutes before"),
    (hours(24), "24 hours before"),
    (Timing(TimingKind.AFTER_BOOKING), "right after booking"),
    (Timing(TimingKind.AFTER_BOOKING, elapsed=timedelta(minutes=30)), "30 minutes after booking"),
    (Timing(TimingKind.AFTER_BOOKING, elapsed=timedelta(hours=25)), "25 hours after booking"),
]


@pytest.mark.parametrize(("timing", "words"), IN_WORDS)
def test_a_timing_is_described_in_words(timing: Timing, words: str) -> None:
    assert describe(timing, "{:%H:%M}".format) == words
