"""When a number may be called: tables of moments with reasons, and the search compared with a plain scan.

(product rule 8)

Moments are local wall times with their UTC offset, so that rows can be checked by eye.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.models.practice import USUAL_HOURS
from reminders.rules.calling_hours import OUTER, CallingHours, last_allowed, next_allowed, recipient_zones

NEW_YORK, CHICAGO, LOS_ANGELES = "America/New_York", "America/Chicago", "America/Los_Angeles"
PHOENIX, BERLIN, LORD_HOWE = "America/Phoenix", "Europe/Berlin", "Australia/Lord_Howe"
KIRITIMATI, ADAK, SHANGHAI = "Pacific/Kiritimati", "America/Adak", "Asia/Shanghai"
MINUTE = timedelta(minutes=1)

USUAL = CallingHours(*USUAL_HOURS)
WIDEST = CallingHours(*OUTER)
TWELVE_HOURS = CallingHours(time(8), time(20))
ALL_DAY = CallingHours(time(0), time(23, 59))
INDEPENDENCE = CallingHours(*USUAL_HOURS, frozenset({date(2026, 7, 3), date(2026, 7, 4)}))


def load_zones(*names: str) -> tuple[ZoneInfo, ...]:
    return tuple(ZoneInfo(name) for name in names)


def is_allowed(moment: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]) -> bool:
    """The rule in the simplest form: compares the local time in each zone with the hours."""
    opens, closes = max(hours.opens, OUTER[0]), min(hours.closes, OUTER[1])
    walls = [moment.astimezone(zone) for zone in zones]
    return all(opens <= wall.time() < closes and wall.date() not in hours.closed_dates for wall in walls)


# fmt: off
ALLOWED = [
    ("2026-07-01T09:00-04:00", USUAL, [NEW_YORK], True, "the first moment"),
    ("2026-07-01T08:59:59.999999-04:00", USUAL, [NEW_YORK], False, "just before the first moment"),
    ("2026-07-01T18:59:59.999999-04:00", USUAL, [NEW_YORK], True, "the last moment"),
    ("2026-07-01T19:00-04:00", USUAL, [NEW_YORK], False, "the closing time itself isn't allowed"),
    ("2026-07-01T00:00-04:00", USUAL, [NEW_YORK], False, "midnight"),
    ("2026-07-01T08:00-04:00", ALL_DAY, [NEW_YORK], True, "the outer limit begins"),
    ("2026-07-01T07:59-04:00", ALL_DAY, [NEW_YORK], False, "settings can't extend it"),
    ("2026-07-01T20:59-04:00", ALL_DAY, [NEW_YORK], True, "the outer limit ends at 21:00"),
    ("2026-07-01T21:00-04:00", ALL_DAY, [NEW_YORK], False, "settings can't extend that either"),
    ("2026-07-01T00:00-04:00", ALL_DAY, [NEW_YORK], False, "not even for a call due at midnight"),
    ("2026-07-01T07:40-04:00", ALL_DAY, [LOS_ANGELES], False, "4:40 in the morning for the recipient"),
    ("2026-07-01T10:00-04:00", USUAL, [LOS_ANGELES], False, "10:00 at the clinic is 7:00 on the west coast"),
    ("2026-07-01T12:00-04:00", USUAL, [LOS_ANGELES], True, "noon is 9:00 there"),
    ("2026-07-01T11:59-04:00", USUAL, [NEW_YORK, LOS_ANGELES], False, "allowed in one of two isn't enough"),
    ("2026-07-01T12:00-04:00", USUAL, [NEW_YORK, LOS_ANGELES], True, "allowed in both"),
    ("2026-07-01T19:00-04:00", USUAL, [NEW_YORK, LOS_ANGELES], False, "closed in the east"),
    ("2026-07-01T12:00-04:00", CallingHours(time(12), time(12)), [NEW_YORK], False, "equal times are never"),
    ("2026-07-01T06:30-04:00", CallingHours(time(6), time(7)), [NEW_YORK], False, "outside the outer limit"),
    # Closed dates
    ("2026-07-03T12:00-04:00", INDEPENDENCE, [NEW_YORK], False, "a closed date"),
    ("2026-07-02T12:00-04:00", INDEPENDENCE, [NEW_YORK], True, "the day before it"),
    ("2026-07-02T20:00-04:00", CallingHours(time(8), time(21), frozenset({date(2026, 7, 3)})),
     [NEW_YORK], True, "already the third in UTC, but not for the recipient"),
    ("2026-07-02T12:00-10:00", CallingHours(time(8), time(21), frozenset({date(2026, 7, 3)})),
     ["Pacific/Honolulu", KIRITIMATI], False, "closed in one of the zones"),
    # Switch days
    ("2026-03-08T09:00-04:00", USUAL, [NEW_YORK], True, "the US spring switch day"),
    ("2026-03-08T08:59-04:00", USUAL, [NEW_YORK], False,
     "a minute too early by summer time"),
    ("2026-03-08T09:00-07:00", USUAL, [PHOENIX], True, "Arizona doesn't switch"),
    ("2026-03-08T12:00-04:00", USUAL, [PHOENIX], True, "9:00 there: three hours behind New York from now on"),
    ("2026-03-07T12:00-05:00", USUAL, [PHOENIX], True, "10:00 there: two hours behind the day before"),
    ("2026-03-07T11:00-05:00", USUAL, [PHOENIX], True, "9:00 there, the day before"),
    ("2026-03-08T11:00-04:00", USUAL, [PHOENIX], False, "8:00 there, after the switch"),
    ("2026-11-01T09:00-05:00", USUAL, [NEW_YORK], True, "the US autumn switch day"),
    ("2026-11-01T08:59-05:00", USUAL, [NEW_YORK], False, "9:59 by summer time doesn't count"),
    ("2026-03-29T09:00+02:00", USUAL, [BERLIN], True, "the European spring switch day"),
    ("2026-03-29T08:59+02:00", USUAL, [BERLIN], False, "a minute too early"),
    ("2026-10-25T09:00+01:00", USUAL, [BERLIN], True, "the European autumn switch day"),
    ("2026-10-25T08:59+01:00", USUAL, [BERLIN], False, "a minute too early"),
    ("2026-10-04T09:00+11:00", USUAL, [LORD_HOWE], True, "Lord Howe's half-hour switch"),
    ("2026-10-04T08:45+11:00", USUAL, [LORD_HOWE], False, "a quarter of an hour too early"),
    ("2028-02-29T09:00-05:00", USUAL, [NEW_YORK], True, "the leap day"),
]

NEXT = [
    ("2026-07-01T12:00-04:00", USUAL, [NEW_YORK], "2026-07-01T12:00-04:00", "allowed now"),
    ("2026-07-01T00:00-04:00", USUAL, [NEW_YORK], "2026-07-01T09:00-04:00", "due at midnight: this morning"),
    ("2026-07-01T19:00-04:00", USUAL, [NEW_YORK], "2026-07-02T09:00-04:00", "closed: tomorrow"),
    ("2026-07-01T08:59:59-04:00", USUAL, [NEW_YORK], "2026-07-01T09:00-04:00", "a second early"),
    ("2026-07-01T07:40-04:00", USUAL, [LOS_ANGELES], "2026-07-01T09:00-07:00",
     "4:40 there: waits until 9:00"),
    ("2026-07-01T09:00-04:00", USUAL, [NEW_YORK, CHICAGO, LOS_ANGELES], "2026-07-01T09:00-07:00",
     "the westernmost zone opens last"),
    ("2026-07-01T19:30-04:00", USUAL, [NEW_YORK, LOS_ANGELES], "2026-07-02T09:00-07:00",
     "open in the west, closed in the east: tomorrow in both"),
    ("2026-07-01T23:00-04:00", ALL_DAY, [NEW_YORK], "2026-07-02T08:00-04:00", "the outer limit applies"),
    # Switch days
    ("2026-03-07T19:00-05:00", USUAL, [NEW_YORK], "2026-03-08T09:00-04:00",
     "over the spring night: 13 hours"),
    ("2026-10-31T19:00-04:00", USUAL, [NEW_YORK], "2026-11-01T09:00-05:00",
     "over the autumn night: 15 hours"),
    ("2026-11-01T01:30-05:00", USUAL, [NEW_YORK], "2026-11-01T09:00-05:00", "from the second 01:30"),
    ("2026-03-28T23:00+01:00", USUAL, [BERLIN], "2026-03-29T09:00+02:00", "the European spring night"),
    ("2026-10-24T23:00+02:00", USUAL, [BERLIN], "2026-10-25T09:00+01:00", "the European autumn night"),
    ("2026-03-07T20:00-07:00", USUAL, [PHOENIX], "2026-03-08T09:00-07:00", "an ordinary night in Arizona"),
    ("2026-03-08T09:00-04:00", USUAL, [NEW_YORK, PHOENIX], "2026-03-08T09:00-07:00",
     "the offset between two zones has changed"),
    ("2026-10-03T23:00+10:30", USUAL, [LORD_HOWE], "2026-10-04T09:00+11:00",
     "a night shorter by half an hour"),
    ("2028-02-28T20:00-05:00", USUAL, [NEW_YORK], "2028-02-29T09:00-05:00", "the leap day comes next"),
    ("2026-12-31T20:00-05:00", USUAL, [NEW_YORK], "2027-01-01T09:00-05:00", "over the new year"),
    # Far zones
    ("2026-07-01T12:00-09:00", WIDEST, [ADAK, KIRITIMATI], "2026-07-01T12:00-09:00", "11:00 tomorrow there"),
    ("2026-07-01T08:00-09:00", WIDEST, [ADAK, KIRITIMATI], "2026-07-01T09:00-09:00", "8:00 tomorrow there"),
    ("2026-07-01T22:00+14:00", WIDEST, [ADAK, KIRITIMATI], "2026-07-01T09:00-09:00", "closed there"),
    ("2026-07-01T12:00-04:00", USUAL, [NEW_YORK, "Asia/Tokyo"], None,
     "13 hours apart: hours of 9:00 to 19:00 never overlap"),
    ("2026-07-01T12:00-04:00", WIDEST, [NEW_YORK, "Asia/Tokyo"], "2026-07-01T19:00-04:00",
     "13 hours apart: 8:00 tomorrow there, an overlap of two hours a day"),
    ("2026-07-01T12:00-04:00", TWELVE_HOURS, [NEW_YORK, SHANGHAI], None,
     "12 hours apart: they don't overlap"),
    ("2026-03-01T12:00-05:00", TWELVE_HOURS, [NEW_YORK, SHANGHAI], "2026-03-01T19:00-05:00",
     "13 hours apart in winter: an overlap of one hour a day"),
    ("2026-03-08T12:00-04:00", TWELVE_HOURS, [NEW_YORK, SHANGHAI], None,
     "no overlap after the spring switch"),
    ("2026-10-25T12:00-04:00", TWELVE_HOURS, [NEW_YORK, SHANGHAI], "2026-11-01T19:00-05:00",
     "they overlap again after the autumn switch, a week later"),
    ("2026-10-10T12:00-04:00", TWELVE_HOURS, [NEW_YORK, SHANGHAI], None,
     "three weeks later is beyond the search limit"),
    # Closed dates
    ("2026-07-02T19:00-04:00", INDEPENDENCE, [NEW_YORK], "2026-07-05T09:00-04:00", "over two closed dates"),
    ("2026-07-03T12:00-04:00", INDEPENDENCE, [NEW_YORK], "2026-07-05T09:00-04:00", "on a closed date"),
    ("2026-07-01T12:00-04:00", CallingHours(*USUAL_HOURS, frozenset(date(2026, 7, n) for n in range(1, 20))),
     [NEW_YORK], None, "closed for more than two weeks"),
    ("2026-07-01T12:00-04:00", CallingHours(*USUAL_HOURS, frozenset(date(2026, 7, n) for n in range(1, 15))),
     [NEW_YORK], "2026-07-15T09:00-04:00", "closed for just two weeks"),
    ("2026-07-01T12:00-04:00", CallingHours(time(12), time(12)), [NEW_YORK], None, "equal times are never"),
    ("2026-07-01T12:00-04:00", CallingHours(time(6), time(7)), [NEW_YORK], None, "before the outer limit"),
    ("2026-07-01T12:00-04:00", CallingHours(time(22), time(23)), [NEW_YORK], None, "after the outer limit"),
]
# fmt: on


@pytest.mark.usefixtures("process_zone")
@pytest.mark.parametrize(("now", "hours", "zones", "allowed", "reason"), ALLOWED)
def test_a_call_is_allowed_by_the_recipients_local_time(
    now: str, hours: CallingHours, zones: list[str], allowed: bool, reason: str
) -> None:
    moment = datetime.fromisoformat(now)
    for same in (moment, moment.astimezone(UTC)):
        assert (next_allowed(same, hours, load_zones(*zones)) == same) is allowed, reason
        assert is_allowed(same, hours, load_zones(*zones)) is allowed, reason


@pytest.mark.usefixtures("process_zone")
@pytest.mark.parametrize(("now", "hours", "zones", "expected", "reason"), NEXT)
def test_a_call_waits_for_the_next_allowed_moment(
    now: str, hours: CallingHours, zones: list[str], expected: str | None, reason: str
) -> None:
    found = next_allowed(datetime.fromisoformat(now), hours, load_zones(*zones))
    assert found == (expected and datetime.fromisoformat(expected)), reason
    assert found is None or found.tzinfo is UTC


HALF_AN_HOUR = timedelta(minutes=30)
# fmt: off
LAST = [
    ("2026-07-01T12:00-04:00", USUAL, [NEW_YORK], "2026-07-01T12:00-04:00", "allowed now"),
    ("2026-07-01T18:30-04:00", USUAL, [NEW_YORK], "2026-07-01T18:30-04:00", "just the room that is wanted"),
    ("2026-07-01T18:31-04:00", USUAL, [NEW_YORK], "2026-07-01T18:30-04:00", "too little room after it"),
    ("2026-07-01T06:30-04:00", USUAL, [NEW_YORK], "2026-06-30T18:30-04:00", "the evening before"),
    ("2026-07-01T00:00-04:00", USUAL, [NEW_YORK], "2026-06-30T18:30-04:00", "midnight"),
    ("2026-07-01T23:00-04:00", USUAL, [NEW_YORK], "2026-07-01T18:30-04:00", "the same evening"),
    ("2026-07-01T09:00-04:00", USUAL, [NEW_YORK], "2026-07-01T09:00-04:00", "the opening itself"),
    ("2026-07-01T06:30-04:00", ALL_DAY, [NEW_YORK], "2026-06-30T20:30-04:00", "the outer limit applies"),
    ("2026-07-01T06:30-04:00", CallingHours(time(9), time(9, 10)), [NEW_YORK], "2026-06-30T09:00-04:00",
     "hours shorter than the room: their beginning"),
    ("2026-07-01T06:30-04:00", CallingHours(time(12), time(12)), [NEW_YORK], None, "equal times are never"),
    ("2026-07-01T06:30-04:00", CallingHours(time(6), time(7)), [NEW_YORK], None, "before the outer limit"),
    # Several zones
    ("2026-07-01T06:30-04:00", USUAL, [NEW_YORK, LOS_ANGELES], "2026-06-30T18:30-04:00",
     "the easternmost zone closes first"),
    ("2026-07-01T11:00-04:00", USUAL, [NEW_YORK, LOS_ANGELES], "2026-06-30T18:30-04:00",
     "open in the east, not yet in the west: the evening before in both"),
    ("2026-07-01T06:30-04:00", USUAL, [LOS_ANGELES], "2026-06-30T18:30-07:00", "the recipient's zone counts"),
    ("2026-07-01T12:00-04:00", USUAL, [NEW_YORK, "Asia/Tokyo"], None, "their hours never overlap"),
    # Closed dates
    ("2026-07-05T06:30-04:00", INDEPENDENCE, [NEW_YORK], "2026-07-02T18:30-04:00", "over two closed dates"),
    ("2026-07-04T12:00-04:00", INDEPENDENCE, [NEW_YORK], "2026-07-02T18:30-04:00", "on a closed date"),
    ("2026-07-19T12:00-04:00", CallingHours(*USUAL_HOURS, frozenset(date(2026, 7, n) for n in range(1, 20))),
     [NEW_YORK], None, "closed for more than two weeks"),
    # Switch days
    ("2026-03-08T06:30-04:00", USUAL, [NEW_YORK], "2026-03-07T18:30-05:00", "back over the spring night"),
    ("2026-11-01T06:30-05:00", USUAL, [NEW_YORK], "2026-10-31T18:30-04:00", "back over the autumn night"),
    ("2026-10-04T06:30+11:00", USUAL, [LORD_HOWE], "2026-10-03T18:30+10:30", "Lord Howe's half hour"),
    ("2027-01-01T06:30-05:00", USUAL, [NEW_YORK], "2026-12-31T18:30-05:00", "over the new year"),
]
# fmt: on


@pytest.mark.usefixtures("process_zone")
@pytest.mark.parametrize(("moment", "hours", "zones", "expected", "reason"), LAST)
def test_a_call_is_brought_forward_to_the_last_allowed_moment(
    moment: str, hours: CallingHours, zones: list[str], expected: str | None, reason: str
) -> None:
    """Product rule 31."""
    found = last_allowed(datetime.fromisoformat(moment), hours, load_zones(*zones), HALF_AN_HOUR)
    assert found == (expected and datetime.fromisoformat(expected)), reason
    assert found is None or found.tzinfo is UTC


def test_the_last_allowed_moment_of_a_moment_without_a_zone_or_with_no_room_is_refused() -> None:
    aware = datetime(2026, 7, 1, 12, tzinfo=UTC)
    with pytest.raises(ValueError, match="give an aware datetime"):
        last_allowed(datetime(2026, 7, 1, 12), USUAL, load_zones(NEW_YORK), HALF_AN_HOUR)  # noqa: DTZ001
    with pytest.raises(ValueError, match="at least one time zone"):
        last_allowed(aware, USUAL, (), HALF_AN_HOUR)
    with pytest.raises(ValueError, match="room of more than zero"):
        last_allowed(aware, USUAL, load_zones(NEW_YORK), timedelta(0))


TOLL_FREE = [NEW_YORK, CHICAGO, "America/Denver", LOS_ANGELES, "America/Anchorage", "Pacific/Honolulu"]

ZONES = [
    (BERLIN, NEW_YORK, [LOS_ANGELES], [BERLIN], "the zone that the person stated comes first"),
    ("", NEW_YORK, [NEW_YORK], [NEW_YORK], "a number of the same zone"),
    ("", CHICAGO, TOLL_FREE, [CHICAGO], "a toll-free number could be at the location"),
    ("", NEW_YORK, [], [NEW_YORK], "nothing is known of the number"),
    ("", NEW_YORK, ["Etc/Unknown"], [NEW_YORK], "phonenumbers doesn't know the zone"),
    ("", NEW_YORK, [LOS_ANGELES], [LOS_ANGELES], "the number can't be at the location"),
    ("", PHOENIX, [NEW_YORK, CHICAGO], [NEW_YORK, CHICAGO], "a number with two zones: both"),
    ("", BERLIN, TOLL_FREE, TOLL_FREE, "a toll-free number of another country: all of them"),
    ("", NEW_YORK, ["Etc/Unknown", CHICAGO], [CHICAGO], "the unknown zone is ignored"),
]


@pytest.mark.parametrize(("stated", "location", "number", "zones", "reason"), ZONES)
def test_a_call_must_be_allowed_in_every_zone_where_the_person_may_be(
    stated: str, location: str, number: Sequence[str], zones: list[str], reason: str
) -> None:
    """(product rule 9)"""
    assert recipient_zones(stated, location, number) == load_zones(*zones), reason


@pytest.mark.parametrize("name", ["America/Gotham", "../etc/passwd", "America", "EST7", "Etc/Unknown"])
def test_an_invalid_zone_name_is_refused(name: str) -> None:
    for names in [(name, NEW_YORK, []), ("", name, []), ("", NEW_YORK, [CHICAGO, name + "x"])]:
        with pytest.raises(ValueError, match="isn't a time zone"):
            recipient_zones(*names)


def test_a_location_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="isn't a time zone"):
        recipient_zones("", "", [])


def test_hours_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="end after they begin"):
        CallingHours(time(19), time(9))


def test_hours_with_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        CallingHours(time(9, tzinfo=UTC), time(19))


def test_a_moment_without_a_zone_and_a_call_without_zones_are_refused() -> None:
    with pytest.raises(ValueError, match="give an aware datetime"):
        next_allowed(datetime(2026, 7, 1, 12), USUAL, load_zones(NEW_YORK))  # noqa: DTZ001 - the fault under test
    with pytest.raises(ValueError, match="There is no time zone"):
        next_allowed(datetime(2026, 7, 1, 12, tzinfo=UTC), USUAL, ())


# Moments around every clock change of 2026 in these zones.
SWITCHING_ZONES = [
    NEW_YORK,
    LOS_ANGELES,
    PHOENIX,
    BERLIN,
    LORD_HOWE,
    KIRITIMATI,
    ADAK,
    "Asia/Kathmandu",
    "Pacific/Chatham",
]
SWITCHES = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4), date(2026, 11, 1)]


@st.composite
def near_a_switch(draw: st.DrawFn) -> datetime:
    day = draw(st.sampled_from(SWITCHES)) + timedelta(days=draw(st.integers(-3, 2)))
    return datetime.combine(day, draw(st.times()), tzinfo=UTC)


@st.composite
def calling_hours(draw: st.DrawFn) -> CallingHours:
    opens, closes = sorted(draw(st.tuples(st.times(), st.times())))
    closed = draw(st.frozensets(st.sampled_from([day + timedelta(days=1) for day in SWITCHES]), max_size=3))
    return CallingHours(opens, closes, closed)


@settings(max_examples=60, deadline=None)
@given(
    now=near_a_switch(),
    hours=st.one_of(st.just(USUAL), st.just(WIDEST), calling_hours()),
    zones=st.lists(st.sampled_from(SWITCHING_ZONES), min_size=1, max_size=3, unique=True),
)
def test_next_allowed_finds_the_first_allowed_moment(
    now: datetime, hours: CallingHours, zones: list[str]
) -> None:
    infos = load_zones(*zones)
    found = next_allowed(now, hours, infos)
    end = now + timedelta(days=14) if found is None else found
    if found is not None:
        assert found >= now
        assert is_allowed(found, hours, infos)
        assert found == now or not is_allowed(found - timedelta(microseconds=1), hours, infos)
    assert not any(is_allowed(moment, hours, infos) for moment in each_minute(now, end))


def each_minute(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += MINUTE


def test_no_zone_changes_its_clock_within_the_outer_limit() -> None:
    """The search for the next opening assumes this; checked against the tz database."""
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(366)]
    switching = {
        (name, day)
        for name in available_timezones()
        for zone in [ZoneInfo(name)]
        for day in days
        if offset_at(day, OUTER[0], zone) != offset_at(day, OUTER[1], zone)
    }
    assert switching == set()


def offset_at(day: date, clock: time, zone: ZoneInfo) -> timedelta | None:
    return datetime.combine(day, clock, tzinfo=zone).utcoffset()


def make_zone(rule: str) -> ZoneInfo:
    """A made-up zone from a POSIX rule such as "AAA5BBB,M3.2.0/8,M11.1.0/9"."""
    header = b"TZif2" + bytes(15)
    block = header + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", -5 * 3600, 0, 0) + b"AAA\0"
    return ZoneInfo.from_file(io.BytesIO(block + block + b"\n" + rule.encode() + b"\n"), key="Nowhere")


def test_the_search_ends_if_the_opening_time_occurs_twice() -> None:
    """If a country ever changes its clocks at 9:30 in the morning, the search must still end."""
    zone = make_zone("AAA5BBB,M3.2.0/2,M11.1.0/9:30")
    hours = CallingHours(time(9), time(19))
    second_eight_forty = datetime(2026, 11, 1, 13, 40, tzinfo=UTC)
    assert second_eight_forty.astimezone(zone).fold == 1
    assert next_allowed(second_eight_forty, hours, (zone,)) == second_eight_forty + 20 * MINUTE


@settings(max_examples=30, deadline=None)
@given(
    moment=near_a_switch(),
    hours=st.one_of(st.just(USUAL), st.just(WIDEST), calling_hours()),
    zones=st.lists(st.sampled_from(SWITCHING_ZONES), min_size=1, max_size=3, unique=True),
)
def test_last_allowed_finds_the_last_allowed_minute(
    moment: datetime, hours: CallingHours, zones: list[str]
) -> None:
    """With a minute's room; compared with a scan of every minute after it."""
    infos = load_zones(*zones)
    found = last_allowed(moment, hours, infos, MINUTE)
    begin = moment - timedelta(days=14) if found is None else found + MINUTE
    if found is not None:
        assert found <= moment
        assert is_allowed(found, hours, infos)
    room = MINUTE - timedelta(microseconds=1)
    with_room = (
        is_allowed(later, hours, infos) and is_allowed(later + room, hours, infos)
        for later in each_minute(begin, moment + MINUTE)
        if later <= moment
    )
    assert not any(with_room)
