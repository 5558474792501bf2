# ruff: noqa: E501 - a table
"""The rules in one table, to be read: what is given, where, when, and what follows from it.

Each row is: the product rule (docs/rules.md), what is given, the time zones, the moment, what is expected,
and the reason why the row is here. Moments are wall times with their offset from UTC, so that a row can be
checked by eye; those that are expected are by the clock of the first zone. test_rule_table.py asks the
functions of reminders/rules/ for what is expected. The clocks of these places change at night on

    New York, Chicago, Denver   14 March and 7 November 2027; in Phoenix never
    Berlin, London, Dublin      28 March and 31 October 2027
    Lord Howe, by half an hour  4 April (back) and 3 October 2027 (forward)
"""

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any

from reminders.rules.calling_hours import CallingHours
from reminders.rules.reasons import Reason
from reminders.rules.retries import RetryRule
from reminders.rules.schedule import OpenDays

Row = tuple[int, Any, str, str, str, str]

NEW_YORK, CHICAGO, DENVER = "America/New_York", "America/Chicago", "America/Denver"
PHOENIX, LOS_ANGELES, ANCHORAGE = "America/Phoenix", "America/Los_Angeles", "America/Anchorage"
HALIFAX, ST_JOHNS, HAVANA = "America/Halifax", "America/St_Johns", "America/Havana"
SANTIAGO, HONOLULU, TROLL = "America/Santiago", "Pacific/Honolulu", "Antarctica/Troll"
BERLIN, LONDON, DUBLIN = "Europe/Berlin", "Europe/London", "Europe/Dublin"
LORD_HOWE, CHATHAM, KOLKATA, TOKYO = "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kolkata", "Asia/Tokyo"


def both(*zones: str) -> str:
    return ", ".join(zones)


# fmt: off
# Given a step, and the start of the appointment: when is the step due?
DUE: list[Row] = [
    # the spring and the autumn switch
    (7, "2 days before at 10:00", CHICAGO, "2027-03-15 09:30-05:00", "2027-03-13 10:00-06:00", "the spring switch lies between: ten o'clock all the same"),
    (7, "1 day before at 10:00", CHICAGO, "2027-03-15 09:30-05:00", "2027-03-14 10:00-05:00", "on the day of the spring switch"),
    (7, "48 hours before", CHICAGO, "2027-03-15 09:30-05:00", "2027-03-13 08:30-06:00", "elapsed time: an hour earlier by the clock"),
    (7, "2 days before at 10:00", CHICAGO, "2027-11-08 09:30-06:00", "2027-11-06 10:00-05:00", "the autumn switch lies between: ten o'clock all the same"),
    (7, "1 day before at 10:00", CHICAGO, "2027-11-08 09:30-06:00", "2027-11-07 10:00-06:00", "on the day of the autumn switch"),
    (7, "48 hours before", CHICAGO, "2027-11-08 09:30-06:00", "2027-11-06 10:30-05:00", "elapsed time: an hour later by the clock"),
    (7, "1 day before at 10:00", BERLIN, "2027-03-29 09:00+02:00", "2027-03-28 10:00+02:00", "Europe switches two weeks after America"),
    (7, "14 days before at 10:00", BERLIN, "2027-04-05 09:00+02:00", "2027-03-22 10:00+01:00", "over the switch, from summer back into winter time"),
    (7, "1 day before at 10:00", DUBLIN, "2027-11-01 09:00+00:00", "2027-10-31 10:00+00:00", "Ireland's winter time is the exception in the tz database, not its summer time"),
    # a time that does not exist, and one that exists twice
    (7, "on the day at 02:15", CHICAGO, "2027-03-14 13:00-05:00", "2027-03-14 03:00-05:00", "2:15 does not exist: the first moment after the gap"),
    (7, "on the day at 01:15", CHICAGO, "2027-11-07 13:00-06:00", "2027-11-07 01:15-05:00", "1:15 exists twice: the first"),
    (7, "1 hour before", CHICAGO, "2027-11-07 01:30-06:00", "2027-11-07 01:30-05:00", "an hour before the second 1:30 is the first 1:30"),
    (7, "30 minutes before", CHICAGO, "2027-03-14 03:00-05:00", "2027-03-14 01:30-06:00", "half an hour before 3:00 is 1:30"),
    (7, "on the day at 00:30", SANTIAGO, "2027-09-05 10:00-03:00", "2027-09-05 01:00-03:00", "Chile's gap begins at midnight"),
    (7, "1 day before at 00:00", HAVANA, "2028-03-13 10:00-04:00", "2028-03-12 01:00-04:00", "a day without midnight begins at 1:00"),
    (7, "on the day at 00:30", HAVANA, "2027-11-07 10:00-05:00", "2027-11-07 00:30-04:00", "half past midnight exists twice: the first"),
    (7, "on the day at 03:00", CHATHAM, "2027-09-26 12:00+13:45", "2027-09-26 03:45+13:45", "a gap from 2:45 to 3:45"),
    (7, "on the day at 01:30", TROLL, "2027-03-28 12:00+02:00", "2027-03-28 03:00+02:00", "a gap of two hours, from 1:00 to 3:00"),
    # Arizona, and Lord Howe
    (7, "2 days before at 10:00", PHOENIX, "2027-03-15 09:30-07:00", "2027-03-13 10:00-07:00", "Arizona doesn't switch"),
    (7, "48 hours before", PHOENIX, "2027-03-15 09:30-07:00", "2027-03-13 09:30-07:00", "so 48 hours are two days there"),
    (7, "on the day at 02:15", PHOENIX, "2027-03-14 13:00-07:00", "2027-03-14 02:15-07:00", "2:15 exists there"),
    (7, "on the day at 01:15", PHOENIX, "2027-11-07 13:00-07:00", "2027-11-07 01:15-07:00", "1:15 exists once there"),
    (7, "1 day before at 10:00", DENVER, "2027-03-15 09:30-06:00", "2027-03-14 10:00-06:00", "the Navajo Nation, in Arizona, does switch"),
    (7, "1 day before at 02:15", LORD_HOWE, "2027-10-04 09:00+11:00", "2027-10-03 02:30+11:00", "its gap is half an hour, from 2:00 to 2:30"),
    (7, "24 hours before", LORD_HOWE, "2027-10-03 10:00+11:00", "2027-10-02 09:30+10:30", "24 hours are half an hour more by the clock"),
    (7, "1 day before at 01:45", LORD_HOWE, "2027-04-05 09:00+10:30", "2027-04-04 01:45+11:00", "1:45 exists twice: the first"),
    (7, "24 hours before", LORD_HOWE, "2027-04-04 10:00+10:30", "2027-04-03 10:30+11:00", "24 hours are half an hour less by the clock"),
    (7, "on the day at 02:00", LORD_HOWE, "2027-04-04 15:00+10:30", "2027-04-04 02:00+10:30", "2:00 exists once, after the repeated half hour"),
    # other days
    (7, "on the day at 08:00", ST_JOHNS, "2027-07-01 11:00-02:30", "2027-07-01 08:00-02:30", "an offset of half an hour"),
    (7, "3 days before at 18:00", CHICAGO, "2027-01-02 09:00-06:00", "2026-12-30 18:00-06:00", "over the new year"),
    (7, "365 days before at 09:00", CHICAGO, "2029-02-28 10:00-06:00", "2028-02-29 09:00-06:00", "a year before lies the leap day"),
    (31, "on the day at 18:00", CHICAGO, "2027-07-01 09:00-05:00", "2027-07-01 18:00-05:00", "after the appointment: planning then skips it or brings it forward"),
]

WEEKDAYS = OpenDays(frozenset(range(5)), frozenset())
DAILY = OpenDays(frozenset(range(7)), frozenset())
TUESDAY_TO_SATURDAY = OpenDays(frozenset({1, 2, 3, 4, 5}), frozenset())
# Independence Day 2027 is a Sunday, so the Monday after it is a holiday.
INDEPENDENCE = OpenDays(frozenset(range(5)), frozenset({date(2027, 7, 4), date(2027, 7, 5)}))
CHRISTMAS = OpenDays(frozenset(range(5)), frozenset(date(2027, 12, day) for day in range(24, 32)))
LEAP_DAY = OpenDays(frozenset(range(5)), frozenset({date(2028, 2, 29)}))

# Given a step in open days, and the location's: when is it due?
DUE_ON_OPEN_DAYS: list[Row] = [
    (7, ("1 open day before at 16:30", WEEKDAYS), CHICAGO, "2027-11-08 09:00-06:00", "2027-11-05 16:30-05:00", "a Monday after the autumn switch: Friday, by summer time"),
    (7, ("1 open day before at 16:30", WEEKDAYS), CHICAGO, "2027-03-15 09:00-05:00", "2027-03-12 16:30-06:00", "a Monday after the spring switch: Friday, by winter time"),
    (7, ("1 open day before at 02:30", DAILY), CHICAGO, "2027-03-15 09:00-05:00", "2027-03-14 03:00-05:00", "an open Sunday on which 2:30 does not exist"),
    (7, ("1 open day before at 10:00", WEEKDAYS), LORD_HOWE, "2027-10-04 09:00+11:00", "2027-10-01 10:00+10:30", "over Lord Howe's switch"),
    (7, ("1 open day before at 10:00", TUESDAY_TO_SATURDAY), PHOENIX, "2027-07-06 09:00-07:00", "2027-07-03 10:00-07:00", "closed on Sunday and Monday: Saturday"),
    (7, ("1 open day before at 10:00", INDEPENDENCE), CHICAGO, "2027-07-06 09:00-05:00", "2027-07-02 10:00-05:00", "a weekend and a closed Monday"),
    (7, ("2 open days before at 10:00", INDEPENDENCE), CHICAGO, "2027-07-06 09:00-05:00", "2027-07-01 10:00-05:00", "a closed date on a closed weekday counts once"),
    (7, ("1 open day before at 10:00", INDEPENDENCE), CHICAGO, "2027-07-05 09:00-05:00", "2027-07-02 10:00-05:00", "the appointment itself is on a closed date"),
    (7, ("1 open day before at 10:00", CHRISTMAS), CHICAGO, "2028-01-03 09:00-06:00", "2027-12-23 10:00-06:00", "closed between the years"),
    (7, ("1 open day before at 10:00", LEAP_DAY), CHICAGO, "2028-03-01 09:00-06:00", "2028-02-28 10:00-06:00", "closed on the leap day"),
]

USUAL, WIDEST = CallingHours(time(9), time(19)), CallingHours(time(8), time(21))
ALL_DAY, EVENINGS = CallingHours(time(0), time(23, 59)), CallingHours(time(17), time(22))
THANKSGIVING = CallingHours(time(9), time(19), frozenset({date(2027, 11, 25), date(2027, 11, 26)}))
FIFTH_OF_JULY = CallingHours(time(9), time(19), frozenset({date(2027, 7, 5)}))

# Given calling hours and a moment: when is the first moment at which the number may be called?
CALLING_HOURS: list[Row] = [
    (8, USUAL, ANCHORAGE, "2027-07-01 08:40-04:00", "2027-07-01 09:00-08:00", "4:40 in the morning for the person called"),
    (8, USUAL, HONOLULU, "2027-07-02 00:59-04:00", "2027-07-01 18:59-10:00", "long after closing at the clinic, and still allowed there"),
    (8, USUAL, HONOLULU, "2027-07-02 01:00-04:00", "2027-07-02 09:00-10:00", "19:00 there is too late"),
    # the outer limit
    (8, ALL_DAY, CHICAGO, "2027-07-01 07:59-05:00", "2027-07-01 08:00-05:00", "no setting allows a call before 8:00"),
    (8, ALL_DAY, CHICAGO, "2027-07-01 20:59-05:00", "2027-07-01 20:59-05:00", "the last minute before 21:00"),
    (8, ALL_DAY, CHICAGO, "2027-07-01 21:00-05:00", "2027-07-02 08:00-05:00", "no setting allows a call at 21:00"),
    (8, EVENINGS, CHICAGO, "2027-07-01 21:30-05:00", "2027-07-02 17:00-05:00", "hours until 22:00 end at 21:00"),
    (8, ALL_DAY, CHICAGO, "2027-03-14 07:59-05:00", "2027-03-14 08:00-05:00", "on the day of the spring switch too"),
    (8, ALL_DAY, CHICAGO, "2027-11-07 20:59-06:00", "2027-11-07 20:59-06:00", "and on that of the autumn switch"),
    # switch days
    (8, USUAL, CHICAGO, "2027-03-13 20:00-06:00", "2027-03-14 09:00-05:00", "a night of 12 hours instead of 13"),
    (8, USUAL, CHICAGO, "2027-11-06 20:00-05:00", "2027-11-07 09:00-06:00", "a night of 14 hours instead of 13"),
    (8, USUAL, CHICAGO, "2027-11-07 01:15-06:00", "2027-11-07 09:00-06:00", "from the second 1:15"),
    (8, USUAL, PHOENIX, "2027-07-01 09:30-06:00", "2027-07-01 09:00-07:00", "8:30 in Arizona, in summer"),
    (8, USUAL, PHOENIX, "2027-01-15 09:30-07:00", "2027-01-15 09:30-07:00", "and 9:30 in winter, when Denver has the same time"),
    (8, USUAL, LORD_HOWE, "2027-10-02 19:00+10:30", "2027-10-03 09:00+11:00", "a night shorter by half an hour"),
    (8, USUAL, LORD_HOWE, "2027-04-04 08:45+10:30", "2027-04-04 09:00+10:30", "9:15 by the clock of the day before"),
    # closed dates
    (8, THANKSGIVING, CHICAGO, "2027-11-24 19:00-06:00", "2027-11-27 09:00-06:00", "over two closed dates"),
    (8, THANKSGIVING, CHICAGO, "2027-11-26 12:00-06:00", "2027-11-27 09:00-06:00", "on a closed date"),
    (8, FIFTH_OF_JULY, HONOLULU, "2027-07-06 03:00-05:00", "2027-07-06 09:00-10:00", "already the sixth at the clinic, and still the closed fifth for the person called"),
    # several zones that a number may be in
    (9, USUAL, both(NEW_YORK, CHICAGO), "2027-07-01 09:30-04:00", "2027-07-01 10:00-04:00", "an area code of both: from 9:00 in Chicago"),
    (9, USUAL, both(NEW_YORK, CHICAGO), "2027-07-01 18:59-04:00", "2027-07-01 18:59-04:00", "until 19:00 in New York"),
    (9, USUAL, both(NEW_YORK, CHICAGO), "2027-07-01 19:00-04:00", "2027-07-02 10:00-04:00", "18:00 in Chicago, and too late in New York"),
    (9, USUAL, both(HALIFAX, HONOLULU), "2027-07-01 12:00-03:00", "2027-07-01 16:00-03:00", "from 9:00 in the west until 19:00 in the east: three hours a day"),
    (9, WIDEST, both(ST_JOHNS, HONOLULU), "2027-07-01 12:00-02:30", "2027-07-01 15:30-02:30", "the widest span of toll-free numbers"),
    (9, USUAL, both(PHOENIX, DENVER), "2027-07-01 08:00-07:00", "2027-07-01 09:00-07:00", "an Arizona number that may be on the Navajo Nation: 9:00 in both"),
    (9, USUAL, both(PHOENIX, DENVER), "2027-07-01 18:00-07:00", "2027-07-02 09:00-07:00", "19:00 on the Navajo Nation"),
    (9, USUAL, both(PHOENIX, DENVER), "2027-01-15 18:00-07:00", "2027-01-15 18:00-07:00", "in winter their clocks agree"),
    (9, USUAL, both(NEW_YORK, KOLKATA), "2027-07-01 12:00-04:00", "2027-07-02 09:00-04:00", "half an hour a day that is allowed in both"),
    (9, USUAL, both(NEW_YORK, KOLKATA), "2027-01-15 12:00-05:00", "never", "and none in winter"),
    (9, USUAL, both(NEW_YORK, KOLKATA), "2027-03-07 12:00-05:00", "2027-03-14 09:00-04:00", "until the spring switch, a week later"),
]

# Given calling hours and a moment: which is the last moment before it with half an hour left?
LAST_CALLING_HOURS: list[Row] = [
    (31, USUAL, CHICAGO, "2027-03-14 06:30-05:00", "2027-03-13 18:30-06:00", "two hours before 8:30: the evening before, over the spring switch"),
    (31, USUAL, CHICAGO, "2027-11-07 06:30-06:00", "2027-11-06 18:30-05:00", "and over the autumn switch"),
    (31, USUAL, PHOENIX, "2027-03-14 06:30-07:00", "2027-03-13 18:30-07:00", "without a switch"),
    (31, USUAL, LORD_HOWE, "2027-04-04 06:30+10:30", "2027-04-03 18:30+11:00", "over half an hour"),
    (31, EVENINGS, CHICAGO, "2027-07-01 21:30-05:00", "2027-07-01 20:30-05:00", "half an hour before the outer limit"),
    (31, THANKSGIVING, CHICAGO, "2027-11-27 08:00-06:00", "2027-11-24 18:30-06:00", "over two closed dates"),
    (31, USUAL, both(NEW_YORK, CHICAGO), "2027-07-01 09:30-04:00", "2027-06-30 18:30-04:00", "8:30 in Chicago: the evening before, in both"),
    (31, USUAL, both(NEW_YORK, KOLKATA), "2027-01-15 12:00-05:00", "never", "there are no common hours"),
]

# Given the zone that a person stated and those of their number, at a location: in which must a call be allowed?
ZONES: list[Row] = [
    (9, (HONOLULU, [NEW_YORK]), NEW_YORK, "", HONOLULU, "the stated zone counts, whatever the number says"),
    (9, (DENVER, [PHOENIX]), PHOENIX, "", DENVER, "a patient who lives on the Navajo Nation"),
    (9, ("", [PHOENIX]), PHOENIX, "", PHOENIX, "an Arizona number at an Arizona clinic"),
    (9, ("", [PHOENIX]), DENVER, "", PHOENIX, "an Arizona number can't be in Denver"),
    (9, ("", [NEW_YORK, CHICAGO]), CHICAGO, "", CHICAGO, "it could be at the clinic: the clinic's"),
    (9, ("", [NEW_YORK, CHICAGO]), LOS_ANGELES, "", both(NEW_YORK, CHICAGO), "it can't: both"),
    (9, ("", ["Etc/Unknown"]), LORD_HOWE, "", LORD_HOWE, "nothing is known of the number"),
    (9, ("", ["Etc/Unknown", LONDON]), NEW_YORK, "", LONDON, "what is unknown adds no zone"),
    (9, ("Mars/Olympus_Mons", [NEW_YORK]), NEW_YORK, "", "no zone", "a name that is no zone is no guess either"),
    (9, ("", [LOS_ANGELES, "Mars/Olympus_Mons"]), NEW_YORK, "", "no zone", "nor is one of several"),
]

# Given when a campaign was activated, its step added and its filters changed: is what came to be owed then sent?
ACTIVATED = "2027-07-01 12:00-05:00"
REACHING_BACK: list[Row] = [
    (5, {"activated": ACTIVATED}, CHICAGO, "2027-07-01 11:59-05:00", "before_activation", "booked before anybody was meant"),
    (6, {"activated": ACTIVATED}, CHICAGO, "2027-07-01 12:00-05:00", "sent", "due at the very moment"),
    (6, {"activated": None}, CHICAGO, "2027-07-01 12:00-05:00", "before_activation", "a copy is a draft"),
    (6, {"activated": "2027-11-07 01:30-06:00"}, CHICAGO, "2027-11-07 01:30-05:00", "before_activation", "due at the first 1:30, and activated at the second"),
    (6, {"activated": "2027-11-07 01:30-05:00"}, CHICAGO, "2027-11-07 01:30-06:00", "sent", "activated at the first 1:30, and due at the second"),
    (29, {"activated": ACTIVATED, "step": "2027-07-03 09:00-05:00"}, CHICAGO, "2027-07-03 08:59-05:00", "before_step", "a step that was added later"),
    (29, {"activated": ACTIVATED, "filters": "2027-07-05 09:00-05:00"}, CHICAGO, "2027-07-03 08:59-05:00", "before_filters", "filters that were widened later"),
    (29, {"activated": ACTIVATED, "step": "2027-07-03 09:00-05:00", "filters": "2027-07-05 09:00-05:00"}, CHICAGO, "2027-07-05 09:00-05:00", "sent", "after all of them"),
]

THREE_TRIES = RetryRule(3, timedelta(hours=2))
AT_ANOTHER_TIME = RetryRule(3, timedelta(hours=2), at_another_time=True)
AFTER_VOICEMAIL = RetryRule(3, timedelta(hours=2), voicemail=True)
ONE_TRY = RetryRule(1, timedelta(hours=2))

# Given a rule for tries, how a try ended and how many were made: when is the next?
NEXT_TRIES: list[Row] = [
    (17, (THREE_TRIES, "no_answer", 1), CHICAGO, "2027-07-01 10:00-05:00", "2027-07-01 12:00-05:00", "two hours later"),
    (17, (THREE_TRIES, "no_answer", 3), CHICAGO, "2027-07-01 10:00-05:00", "never", "three tries were made"),
    (17, (ONE_TRY, "busy", 1), CHICAGO, "2027-07-01 10:00-05:00", "never", "busy is a try, too"),
    (17, (THREE_TRIES, "busy", 2), CHICAGO, "2027-07-01 10:00-05:00", "2027-07-01 10:15-05:00", "somebody is at the phone"),
    (17, (AT_ANOTHER_TIME, "busy", 1), CHICAGO, "2027-11-07 01:50-05:00", "2027-11-07 01:05-06:00", "a quarter of an hour, into the repeated hour"),
    (17, (THREE_TRIES, "failed", 1), CHICAGO, "2027-07-01 10:00-05:00", "2027-07-01 12:00-05:00", "the network failed, and the number may be good"),
    (17, (THREE_TRIES, "invalid_number", 1), CHICAGO, "2027-07-01 10:00-05:00", "never", "the number stays wrong"),
    (17, (THREE_TRIES, "rejected", 1), CHICAGO, "2027-07-01 10:00-05:00", "never", "it would be refused again"),
    (15, (THREE_TRIES, "not_sent", 3), CHICAGO, "2027-07-01 10:00-05:00", "2027-07-01 10:05-05:00", "it surely reached no phone, so it counts as no try"),
    (13, (THREE_TRIES, "voicemail", 1), CHICAGO, "2027-07-01 10:00-05:00", "never", "the message is left"),
    (13, (AFTER_VOICEMAIL, "voicemail", 1), CHICAGO, "2027-07-01 10:00-05:00", "2027-07-01 12:00-05:00", "the step says: try again"),
    (13, (AFTER_VOICEMAIL, "answered_without_key", 1), CHICAGO, "2027-07-01 10:00-05:00", "never", "a person was reached"),
    (7, (THREE_TRIES, "no_answer", 1), CHICAGO, "2027-03-14 01:30-06:00", "2027-03-14 04:30-05:00", "two real hours over the spring switch"),
    (7, (AT_ANOTHER_TIME, "no_answer", 1), CHICAGO, "2027-03-13 18:00-06:00", "2027-03-14 09:30-05:00", "the next morning is that of the spring switch"),
    (7, (AT_ANOTHER_TIME, "no_answer", 1), CHICAGO, "2027-11-06 18:00-05:00", "2027-11-07 09:30-06:00", "or of the autumn switch"),
    (7, (AT_ANOTHER_TIME, "no_answer", 1), PHOENIX, "2027-03-13 18:00-07:00", "2027-03-14 09:30-07:00", "or of none"),
    (7, (AT_ANOTHER_TIME, "no_answer", 1), LORD_HOWE, "2027-04-04 10:00+10:30", "2027-04-04 16:00+10:30", "the afternoon after half an hour's switch"),
]

# Sarah's reminder: due on Wednesday, 14 July 2027, at 10:00, for a visit on Friday at 15:00.
DUE_AT, LAST_MOMENT = "2027-07-14 10:00-04:00", "2027-07-16 14:30-04:00"
NIGHT = "2027-07-14 04:40-04:00"
TOMORROW = "2027-07-15 00:00-04:00"
QUARTER_PAST = "2027-07-14 10:15-04:00"
SPRING = {"not_before": "2027-03-13 10:00-05:00", "not_after": "2027-03-15 14:30-04:00"}
AUTUMN = {"not_before": "2027-11-06 10:00-04:00", "not_after": "2027-11-08 14:30-05:00"}
CLOSED_TOMORROW = CallingHours(time(9), time(19), frozenset({date(2027, 7, 15)}))

# Given what differs from Sarah's reminder: what is decided at that moment?
DECISIONS: list[Row] = [
    (18, {}, NEW_YORK, DUE_AT, "call: due", "nothing stands against it"),
    (18, {}, NEW_YORK, "2027-07-14 09:59-04:00", f"wait: not_due_yet until {DUE_AT}", "a minute too early"),
    (18, {"ordered": True}, NEW_YORK, "2027-07-14 09:59-04:00", "call: ordered", "staff don't wait for it"),
    (18, {"has_script": False}, NEW_YORK, DUE_AT, "block: no_script", "there is nothing to say"),
    (18, {"has_consent": False, "ordered": True}, NEW_YORK, DUE_AT, "block: no_consent", "an order is no consent"),
    (18, {"has_number": False}, NEW_YORK, DUE_AT, "block: no_number", "there is nothing to dial"),
    # the campaign requires a consent that is not on record
    (18, {"consent_lacking": True}, NEW_YORK, DUE_AT, "skip: consent_lacking", "it is only for those who agreed"),
    (18, {"consent_lacking": True, "ordered": True}, NEW_YORK, DUE_AT, "skip: consent_lacking", "an order is no consent"),
    (18, {"consent_lacking": True}, NEW_YORK, "2027-07-14 09:59-04:00", "skip: consent_lacking", "before its time too, so that no page names a moment"),
    (18, {"consent_lacking": True}, NEW_YORK, LAST_MOMENT, "skip: consent_lacking", "not missed: a person chose to leave them out"),
    (18, {"consent_lacking": True, "has_consent": False}, NEW_YORK, DUE_AT, "skip: consent_lacking", "nobody has to look for a consent that this campaign needs"),
    (18, {"consent_lacking": True, "answer": "confirmed"}, NEW_YORK, DUE_AT, "skip: confirmed", "it isn't needed anyway"),
    (10, {"consent_lacking": True, "opted_out": True}, NEW_YORK, DUE_AT, "skip: opted_out", "a no is said first"),
    # the other number, which is called in place of this one, has opted out
    (10, {"other_number_opted_out": True}, NEW_YORK, DUE_AT, "skip: other_number_opted_out", "a no on one of a pair is a no on both"),
    (10, {"other_number_opted_out": True, "ordered": True}, NEW_YORK, DUE_AT, "skip: other_number_opted_out", "not even by an order"),
    (10, {"other_number_opted_out": True, "opted_out": True}, NEW_YORK, DUE_AT, "skip: opted_out", "its own no is said first"),
    # cancelled, moved, over
    (1, {"appointment_status": "cancelled"}, NEW_YORK, DUE_AT, "skip: cancelled", "there is nothing to remind of"),
    (1, {"appointment_status": "cancelled", "ordered": True}, NEW_YORK, DUE_AT, "skip: cancelled", "not even by an order"),
    (1, {"appointment_status": "no_show"}, NEW_YORK, DUE_AT, "skip: visit_recorded", "it is over"),
    (2, {"appointment_revision": 2}, NEW_YORK, DUE_AT, "skip: moved", "it would tell the old time"),
    (2, {"appointment_revision": 2, "appointment_status": "cancelled"}, NEW_YORK, DUE_AT, "skip: moved", "moved, then cancelled: it was for the old time"),
    # late
    (4, {}, NEW_YORK, "2027-07-16 14:29-04:00", "call: due", "a minute before the last moment"),
    (4, {}, NEW_YORK, LAST_MOMENT, "miss: too_late", "at the last moment it is too late"),
    (4, {"ordered": True}, NEW_YORK, LAST_MOMENT, "miss: too_late", "an order is not sent late either"),
    (4, {"sending_paused": True}, NEW_YORK, LAST_MOMENT, "miss: too_late", "a pause doesn't save it"),
    (4, {"not_after": "2027-07-14 20:00-04:00"}, NEW_YORK, "2027-07-14 19:30-04:00", "miss: too_late", "calling hours begin again after its last moment"),
    (4, {"not_after": "2027-07-15 09:00-04:00"}, NEW_YORK, "2027-07-14 19:30-04:00", "miss: too_late", "or at its very last moment"),
    # calling hours
    (8, {"not_before": NIGHT}, NEW_YORK, NIGHT, "wait: outside_calling_hours until 2027-07-14 09:00-04:00", "due in the night"),
    (8, {"ordered": True}, NEW_YORK, NIGHT, "wait: outside_calling_hours until 2027-07-14 09:00-04:00", "an order waits as well"),
    (8, {}, LOS_ANGELES, DUE_AT, "wait: outside_calling_hours until 2027-07-14 09:00-07:00", "7:00 for the patient, whatever it is at the clinic"),
    (8, {"hours": ALL_DAY}, NEW_YORK, "2027-07-14 21:00-04:00", "wait: outside_calling_hours until 2027-07-15 08:00-04:00", "no setting goes beyond the outer limit"),
    (8, {"hours": ALL_DAY, "ordered": True}, NEW_YORK, "2027-07-15 07:59-04:00", "wait: outside_calling_hours until 2027-07-15 08:00-04:00", "nor does an order"),
    (8, {"hours": CLOSED_TOMORROW}, NEW_YORK, "2027-07-14 19:00-04:00", "wait: outside_calling_hours until 2027-07-16 09:00-04:00", "over a closed date"),
    (8, SPRING, CHICAGO, "2027-03-14 08:59-05:00", "wait: outside_calling_hours until 2027-03-14 09:00-05:00", "on the day of the spring switch, by the new time"),
    (8, SPRING, PHOENIX, "2027-03-14 11:59-04:00", "wait: outside_calling_hours until 2027-03-14 09:00-07:00", "Arizona is three hours behind New York from that day on"),
    (8, AUTUMN, CHICAGO, "2027-11-07 01:15-06:00", "wait: outside_calling_hours until 2027-11-07 09:00-06:00", "on the day of the autumn switch, at the second 1:15"),
    (8, AUTUMN, PHOENIX, "2027-11-07 11:00-05:00", "call: due", "and two hours behind it again"),
    (8, {"not_before": "2027-10-02 10:00+10:30", "not_after": "2027-10-04 10:00+11:00"}, LORD_HOWE, "2027-10-03 08:59+11:00", "wait: outside_calling_hours until 2027-10-03 09:00+11:00", "on the day of Lord Howe's switch"),
    (9, {}, both(NEW_YORK, LOS_ANGELES), DUE_AT, "wait: outside_calling_hours until 2027-07-14 12:00-04:00", "too early in one of the zones where she may be"),
    (9, {}, both(NEW_YORK, TOKYO), DUE_AT, "block: no_common_hours", "a person has to find out her zone"),
    (9, {"ordered": True}, "", DUE_AT, "block: no_common_hours", "without a zone nobody is called"),
    # opted out, and the patient's wish
    (10, {"opted_out": True}, NEW_YORK, DUE_AT, "skip: opted_out", "she said no"),
    (10, {"opted_out": True, "ordered": True}, NEW_YORK, DUE_AT, "skip: opted_out", "to everybody"),
    (10, {"opted_out": True, "sending_paused": True}, NEW_YORK, NIGHT, "skip: opted_out", "known before anything else, so staff see it at once"),
    (10, {"opted_out": True}, NEW_YORK, LAST_MOMENT, "skip: opted_out", "what isn't wanted isn't missed"),
    (41, {"refusal": Reason.WANTS_NO_CALLS}, NEW_YORK, DUE_AT, "skip: wants_no_calls", "this step would call"),
    (41, {"refusal": Reason.WANTS_NO_TEXTS, "ordered": True}, NEW_YORK, DUE_AT, "skip: wants_no_texts", "an order doesn't change her wish"),
    # whom the step is for
    (22, {"answer": "confirmed"}, NEW_YORK, DUE_AT, "skip: confirmed", "a step for the unconfirmed"),
    (22, {"answer": "confirmed", "audience": "everyone"}, NEW_YORK, DUE_AT, "call: due", "a step for everyone"),
    (22, {"audience": "confirmed"}, NEW_YORK, "2027-07-14 09:59-04:00", f"wait: not_due_yet until {DUE_AT}", "she may still confirm"),
    (22, {"audience": "confirmed"}, NEW_YORK, DUE_AT, "skip: not_confirmed", "she has not"),
    (22, {"answer": "confirmed", "ordered": True}, NEW_YORK, DUE_AT, "call: ordered", "staff may call all the same"),
    (22, {"answer": "wants_another_time", "audience": "everyone"}, NEW_YORK, DUE_AT, "skip: wants_another_time", "staff arrange it"),
    (29, {"covered": False}, NEW_YORK, DUE_AT, "skip: not_covered", "the filters no longer mean her"),
    (29, {"campaign_active": False}, NEW_YORK, DUE_AT, "block: campaign_paused", "it waits for the campaign"),
    (29, {"campaign_active": False, "ordered": True}, NEW_YORK, DUE_AT, "call: ordered", "a person may call about a paused campaign"),
    (25, {"sending_paused": True}, NEW_YORK, DUE_AT, "block: sending_paused", "as after a restore"),
    (25, {"sending_paused": True, "ordered": True}, NEW_YORK, DUE_AT, "block: sending_paused", "an order waits as well"),
    (17, {"number_unusable": True}, NEW_YORK, DUE_AT, "block: number_unusable", "until staff correct it"),
    (17, {"number_unusable": True, "ordered": True}, NEW_YORK, DUE_AT, "block: number_unusable", "it would fail again"),
    # one call at a time, caps, pace
    (12, {"line_busy_until": QUARTER_PAST}, NEW_YORK, DUE_AT, f"wait: line_busy until {QUARTER_PAST}", "her brother, at the same number, is being called"),
    (12, {"line_busy_until": QUARTER_PAST, "ordered": True}, NEW_YORK, DUE_AT, f"wait: line_busy until {QUARTER_PAST}", "an order doesn't ring twice at once"),
    (12, {"line_busy_until": QUARTER_PAST}, NEW_YORK, QUARTER_PAST, "call: due", "that call is over"),
    (21, {"capped_until": TOMORROW}, NEW_YORK, DUE_AT, "wait: held_by_cap until 2027-07-15 09:00-04:00", "tomorrow, within calling hours"),
    (21, {"capped_until": TOMORROW, "hours": CLOSED_TOMORROW}, NEW_YORK, DUE_AT, "wait: held_by_cap until 2027-07-16 09:00-04:00", "tomorrow is closed: the day after"),
    (21, {"capped_until": "2027-07-17 00:00-04:00"}, NEW_YORK, DUE_AT, "miss: held_by_cap", "the next free day is too late: staff have two days left"),
    (21, {"capped_until": "2027-07-17 00:00-04:00", "told_already": True}, NEW_YORK, DUE_AT, "skip: held_by_cap", "but she was told of this visit"),
    (21, {"capped_until": "2027-07-17 00:00-04:00", "cap_may_lift": True}, NEW_YORK, DUE_AT, "wait: held_by_cap until 2027-07-14 10:05-04:00", "the call that counts may turn out to have reached nobody"),
    (21, {"capped_until": TOMORROW, "ordered": True}, NEW_YORK, DUE_AT, "call: ordered", "a person may call once more"),
    (21, SPRING | {"capped_until": "2027-03-14 00:00-05:00"}, NEW_YORK, "2027-03-13 12:00-05:00", "wait: held_by_cap until 2027-03-14 09:00-04:00", "the next day is that of the spring switch"),
    (24, {"desk_busy_until": QUARTER_PAST}, NEW_YORK, DUE_AT, f"wait: desk_pace until {QUARTER_PAST}", "its turn comes"),
    (24, {"desk_busy_until": QUARTER_PAST, "ordered": True}, NEW_YORK, DUE_AT, "call: ordered", "staff choose to"),
    (24, {"desk_busy_until": QUARTER_PAST, "capped_until": TOMORROW}, NEW_YORK, DUE_AT, "wait: held_by_cap until 2027-07-15 09:00-04:00", "only what would be called takes a turn"),
    (24, {"desk_busy_until": QUARTER_PAST, "line_busy_until": "2027-07-14 10:02-04:00"}, NEW_YORK, DUE_AT, "wait: line_busy until 2027-07-14 10:02-04:00", "nor while the number is busy"),
]

# Given a step, and the patient's own zone: when does the call for a visit at this location go out?
CALLED: list[Row] = [
    (7, ("1 day before at 10:00", NEW_YORK), NEW_YORK, "2027-03-15 15:00-04:00", "2027-03-14 10:00-04:00", "on the day of the spring switch at ten"),
    (7, ("1 day before at 10:00", NEW_YORK), NEW_YORK, "2027-11-08 15:00-05:00", "2027-11-07 10:00-05:00", "on that of the autumn switch at ten"),
    (7, ("24 hours before", NEW_YORK), NEW_YORK, "2027-03-14 15:00-04:00", "2027-03-13 14:00-05:00", "24 hours before 15:00 it was 14:00"),
    (7, ("24 hours before", NEW_YORK), NEW_YORK, "2027-11-07 15:00-05:00", "2027-11-06 16:00-04:00", "and in autumn 16:00"),
    (7, ("1 day before at 02:30", NEW_YORK), NEW_YORK, "2027-03-15 15:00-04:00", "2027-03-14 09:00-04:00", "a time that doesn't exist, in the night: when hours begin"),
    (7, ("24 hours before", LORD_HOWE), LORD_HOWE, "2027-10-03 15:00+11:00", "2027-10-02 14:30+10:30", "over half an hour's switch"),
    (8, ("24 hours before", NEW_YORK), NEW_YORK, "2027-03-14 09:30-04:00", "2027-03-13 09:00-05:00", "24 hours before 9:30 it was 8:30: too early"),
    (8, ("24 hours before", NEW_YORK), NEW_YORK, "2027-11-07 18:30-05:00", "2027-11-07 09:00-05:00", "24 hours before 18:30 it was 19:30: the next morning"),
    (8, ("1 day before at 10:00", PHOENIX), NEW_YORK, "2027-07-15 15:00-04:00", "2027-07-14 12:00-04:00", "7:00 in Arizona: two hours later"),
    (8, ("1 day before at 10:00", PHOENIX), NEW_YORK, "2027-01-15 15:00-05:00", "2027-01-14 11:00-05:00", "8:00 in Arizona, in winter: an hour later"),
    (8, ("1 day before at 10:00", LONDON), NEW_YORK, "2027-03-16 15:00-04:00", "2027-03-15 10:00-04:00", "America has switched, and it is 14:00 in London"),
    (8, ("1 day before at 16:00", BERLIN), NEW_YORK, "2027-03-16 15:00-04:00", "2027-03-16 04:00-04:00", "21:00 in Berlin: at 9:00 there, before Europe switches"),
    (4, ("3 hours before", HONOLULU), NEW_YORK, "2027-07-15 15:00-04:00", "miss: too_late", "6:00 in Hawaii, and at 9:00 the visit begins"),
    (31, ("2 hours before", NEW_YORK), NEW_YORK, "2027-07-15 08:30-04:00", "miss: too_late", "hours begin after the visit: planning skips it from the start, or brings it forward"),
]
# fmt: on

TABLES: Mapping[str, list[Row]] = {
    "due": DUE,
    "due on open days": DUE_ON_OPEN_DAYS,
    "calling hours": CALLING_HOURS,
    "last calling hours": LAST_CALLING_HOURS,
    "zones": ZONES,
    "reaching back": REACHING_BACK,
    "next tries": NEXT_TRIES,
    "decisions": DECISIONS,
    "called": CALLED,
}
