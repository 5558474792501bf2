"""Dates and times in lists: what decides, what is asked, what is refused (product rule 46)."""

import time as clock
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.imports.dates import guess_order, is_like_date, read_date
from contacts.imports.problems import CellFault
from contacts.imports.starts import StartTexts, split_start
from contacts.imports.times import (
    ask_about_half,
    is_no_day,
    is_unclear_time,
    read_time,
    split_date_and_time,
)

TODAY = date(2026, 11, 26)
MARCH_4 = date(2027, 3, 4)  # a Thursday

READ = [  # the column, of which the first cell is read; the region; the date
    (["Sat 20/03/2027"], "US", date(2027, 3, 20)),
    (["Thu 04/03/2027"], "US", MARCH_4),
    (["04/03/2027", "Thu 04/03/2027"], "US", MARCH_4),  # one weekday decides for the column
    (["Thu 03/04/2027"], "GB", MARCH_4),
    (["Thursday, March 4, 2027"], "US", MARCH_4),
    (["3/4/2027 (Thu)"], "US", MARCH_4),
    (["04-MAR-27"], "US", MARCH_4),
    (["04-mar-2027"], "US", MARCH_4),
    (["4 Mar 27"], "US", MARCH_4),
    (["04/MAR/2027"], "US", MARCH_4),
    (["Mar 4th, 2027"], "GB", MARCH_4),
    (["3/4/27"], "US", MARCH_4),
    (["04.03.27"], "US", MARCH_4),
    (["26/01/27", "15/01/27"], "GB", date(2027, 1, 26)),  # the second can only have the year at its end
]


@pytest.mark.parametrize(("column", "region", "found"), READ)
def test_a_date_is_read_as_the_column_and_its_weekday_say(
    column: list[str], region: str, found: date
) -> None:
    assert read_date(column[0], guess_order(enumerate(column, 2), region, TODAY)) == found


REFUSED = [
    (["Monday, March 4, 2027"], "March 4, 2027 is a Thursday, but the row says Monday."),
    (["Mon 3/4/2027"], "March 4, 2027 is a Thursday, but the row says Monday."),
    (["2027-03-04 Fri"], "March 4, 2027 is a Thursday, but the row says Friday."),
    (["27-03-04"], "It isn't clear which end of this date is the year."),
    (["27/03/28"], "It isn't clear which end of this date is the year."),
    (["27-MAR-04"], "The year is wrong."),
    (["3/4/2072"], "The year is wrong."),
    (["3/4/2017"], "The year is wrong."),
    (["3/4/72"], "The year is wrong."),
    (["1899-12-30"], "The year is wrong."),
    (["20270304"], "This isn't a date."),
    (["Sunday"], "This isn't a date."),
    (["Sonntag 7.3.2027"], "This isn't a date."),
    (["2027-03-04T"], "This isn't a date."),
    (["2027" + "," * 16_000], "This is too long to be a date."),
]


@pytest.mark.parametrize(("column", "problem"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_date_that_contradicts_itself_or_is_years_away_is_refused(column: list[str], problem: str) -> None:
    with pytest.raises(CellFault) as caught:
        read_date(column[0], guess_order(enumerate(column, 2), "US", TODAY))
    assert caught.value.problem == problem


SPLIT = [
    ("3/4/2027 0:00:00", ("3/4/2027", "0:00:00")),
    ("12/30/1899 14:30:00", ("12/30/1899", "14:30:00")),
    ("3/4/2027 9:00:00 AM", ("3/4/2027", "9:00:00 AM")),
    ("04-MAR-27 09.00.00.000000 AM", ("04-MAR-27", "09.00.00.000000 AM")),
    ("March 4, 2027 9:00 am", ("March 4, 2027", "9:00 am")),
    ("Thu, Mar 4, 2027, 9:00 AM", ("Thursday Mar 4, 2027", "9:00 AM")),
    ("3/4/2027 9:00 AM Thu", ("Thursday 3/4/2027", "9:00 AM")),
    ("4 Mar 27 9:00", ("4 Mar 27", "9:00")),
    ("3/4/2027 at 9 AM", ("3/4/2027", "9 AM")),
    ("Thu 04.03.27", ("Thu 04.03.27", "")),
    ("9:00 AM", ("9:00 AM", "")),
]


@pytest.mark.parametrize(("cell", "parts"), SPLIT)
def test_date_and_time_of_one_cell_are_told_apart(cell: str, parts: tuple[str, str]) -> None:
    assert split_date_and_time(cell) == parts


IN_TWO_CELLS = [  # date, time, weekday; what is read
    (("3/4/2027", "9:00 AM", ""), StartTexts("3/4/2027", "9:00 AM")),
    (("3/4/2027", "9:00 AM", "Thu"), StartTexts("Thu 3/4/2027", "9:00 AM")),
    (("3/4/2027", "9:00 AM", "soon"), StartTexts("3/4/2027", "9:00 AM")),
    (("3/4/2027 0:00:00", "12/30/1899 14:30:00", ""), StartTexts("3/4/2027", "14:30:00")),
    (("2027-03-04", "2027-03-05 09:00:00", ""), StartTexts("2027-03-04", "09:00:00", "2027-03-05")),
    (("3/4/2027 8:12 AM", "9:00 AM", ""), StartTexts("3/4/2027", "9:00 AM", "", "8:12 AM")),
]


@pytest.mark.parametrize(("cells", "found"), IN_TWO_CELLS)
def test_what_stands_twice_in_two_cells_is_compared(cells: tuple[str, str, str], found: StartTexts) -> None:
    assert split_start(cells, {"date": 0, "time": 1, "weekday": 2}) == found


@pytest.mark.parametrize(
    "day", ["12/30/1899", "1899-12-30", "30.12.1899", "1/0/1900", "1970-01-01", "01/01/2000"]
)
def test_the_day_that_databases_write_for_none_is_no_day(day: str) -> None:
    assert is_no_day(day)
    assert not is_no_day("3/4/2027")


HALVES = [  # the times of a file; the key of the question, and what each time is by day and by the clock
    (
        ["9:00", "11:30", "1:15", "4:45"],
        "afternoon",
        {"1:15": ("13:15", "01:15"), "4:45": ("16:45", "04:45")},
    ),
    (["2:30 PM", "1:15", "12:30"], "afternoon", {"1:15": ("13:15", "01:15"), "12:30": ("12:30", "12:30")}),
    (["2:30 PM", "9:15"], "afternoon", {"9:15": ("09:15", "09:15")}),
    (["16:15", "3:00"], "night", {"3:00": ("15:00", "03:00")}),
    (["9:00", "11:30", "12:15"], "", {}),
    (["9:00", "13:30", "16:45"], "", {}),
    (["9:00 AM", "4:45 PM"], "", {}),
    (["0:00", "9:00"], "", {}),
]


@pytest.mark.parametrize(("times", "key", "meant"), HALVES, ids=str)
def test_times_without_am_and_pm_that_may_be_in_the_night_are_asked_about(
    times: list[str], key: str, meant: dict[str, tuple[str, str]]
) -> None:
    am_pm = any(value.endswith("M") for value in times)
    question = ask_about_half(list(enumerate(times, 2)), am_pm=am_pm)
    assert (question.key if question else "") == key
    assert {value for value in times if is_unclear_time(value, am_pm=am_pm)} == meant.keys()
    for value, expected in meant.items():
        with pytest.raises(CellFault, match="AM or PM"):
            read_time(value, am_pm=am_pm, half="reject")
        read = tuple(f"{read_time(value, am_pm=am_pm, half=half):%H:%M}" for half in ("day", "clock"))
        assert read == expected


@pytest.mark.parametrize("value", ["0:00", "00:00:00", "12:00 AM", "12:00:00 am", "00.00"])
@pytest.mark.parametrize("half", ["", "day", "clock"])
def test_midnight_is_no_time(value: str, half: str) -> None:
    with pytest.raises(CellFault, match="0:00 means that the file has no time"):
        read_time(value, am_pm=False, half=half)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a slow machine must not fail it
@given(st.text(alphabet="0123456789/-.:, TtaApPmM\u00e9MarSun", max_size=200), st.booleans())
def test_no_cell_takes_long_or_raises_anything_else(cell: str, am_pm: bool) -> None:
    started = clock.process_time()
    day, time_text = split_date_and_time(cell)
    order = guess_order([(2, cell)], "US", TODAY)
    is_like_date(cell)
    for read in (lambda: read_date(day, order), lambda: read_time(time_text, am_pm=am_pm, half="day")):
        try:
            read()
        except CellFault:
            continue
    assert clock.process_time() - started < 1


@pytest.mark.parametrize("cell", ["2026" + "," * 32_000, "1 " * 16_000, "Thu " * 8_000, "9:00" * 8_000])
def test_a_long_cell_is_passed_over_at_once(cell: str) -> None:
    started = clock.process_time()
    split_start((cell, cell, cell), {"date": 0, "time": 1, "weekday": 2})
    guess_order([(2, cell)], "US", TODAY)
    assert clock.process_time() - started < 1
