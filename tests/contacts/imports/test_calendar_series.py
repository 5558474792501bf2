"""What becomes of the visits of a series of which one, some or all are changed in the calendar.

An occurrence with an event of its own is never the regular one (nobody is called for a time that the calendar
no longer has), and a cancellation counts whatever else is wrong with its event (product rule 44).
"""

import pytest

from contacts.imports.reading.calendars import parse_calendar
from tests.contacts.imports.reading_of_lists import MARCH_2027

ZONE = ";TZID=America/New_York"
RUTH = "SUMMARY:Ruth Stone 202-555-0111"
SERIES = f"DTSTART{ZONE}:20270301T090000\nRRULE:FREQ=WEEKLY;COUNT=4\n{RUTH}"  # 1, 8, 15 and 22 March
EIGHTH = f"RECURRENCE-ID{ZONE}:20270308T090000"
FIRST = "1/20270301T140000Z 2027-03-01 09:00"
SECOND_ID = "1/20270308T140000Z"
LATER = ["1/20270315T130000Z 2027-03-15 09:00", "1/20270322T130000Z 2027-03-22 09:00"]


def calendar_of(*events: str, head: str = "") -> bytes:
    """A calendar of these events with one UID. `head`: lines before them."""
    text = "".join(f"BEGIN:VEVENT\nUID:1\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{head}{text}END:VCALENDAR\n".encode()


def read_rows(data: bytes) -> list[str]:
    """Id, date, time and status, where it isn't booked, of each row."""
    rows = [cells for _, cells in parse_calendar(data, MARCH_2027).rows[1:]]
    return sorted(" ".join(filter(None, (cells[0], cells[3], cells[4], cells[-1]))) for cells in rows)


def reasons(data: bytes) -> list[str]:
    return [why for _, _, why in parse_calendar(data, MARCH_2027).skipped]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("DTSTART;VALUE=DATE:20270309", "all_day"),
        ("DTSTART:garbage", "no_start"),
        (RUTH, "no_start"),
        (f"DTSTART{ZONE}:20270309T110000\nRRULE:FREQ=HOURLY", "too_often"),
        (f"DTSTART{ZONE}:20270309T110000\nEXDATE:garbage", "broken_series"),
    ],
)
@pytest.mark.parametrize("occurrence", [EIGHTH, "RECURRENCE-ID:20270308T140000Z"])
def test_what_cant_be_read_of_an_occurrence_brings_the_regular_one_not_back(
    lines: str, why: str, occurrence: str
) -> None:
    data = calendar_of(SERIES, f"{occurrence}\n{lines}")
    assert (read_rows(data), reasons(data)) == ([FIRST, *LATER], [why])


@pytest.mark.parametrize(
    "lines",
    [
        "STATUS:CANCELLED",
        f"STATUS:CANCELLED\n{RUTH}",
        "STATUS:CANCELLED\nDTSTART;VALUE=DATE:20270309",
        "SUMMARY:Canceled: Ruth Stone\nDTSTART:garbage",
    ],
)
def test_a_cancelled_occurrence_counts_without_a_start_beside_its_series(lines: str) -> None:
    rows = read_rows(calendar_of(SERIES, f"{EIGHTH}\n{lines}"))
    assert rows == [FIRST, f"{SECOND_ID} cancelled", *LATER]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("of_gone", "of_moved", "row"),
    [
        ("SEQUENCE:1", "SEQUENCE:2", "cancelled"),
        ("", "DTSTAMP:20270225T080000Z", "cancelled"),
        ("DTSTAMP:20270224T080000Z", "DTSTAMP:20270225T080000Z", "2027-03-09 11:00"),
    ],
)
def test_an_occurrence_without_a_start_is_cancelled_unless_that_is_surely_older(
    of_gone: str, of_moved: str, row: str, is_first: bool
) -> None:
    gone = f"{EIGHTH}\nSTATUS:CANCELLED\n{of_gone}".strip()
    moved = f"{EIGHTH}\nDTSTART{ZONE}:20270309T110000\n{RUTH}\n{of_moved}"
    events = [gone, moved] if is_first else [moved, gone]
    assert read_rows(calendar_of(SERIES, *events)) == [FIRST, f"{SECOND_ID} {row}", *LATER]


@pytest.mark.parametrize("lines", ["STATUS:CANCELLED", "STATUS:CANCELLED\nDTSTART;VALUE=DATE:20270301"])
def test_a_series_called_off_by_its_uid_alone_is_cancelled_with_its_changed_occurrences(lines: str) -> None:
    moved = f"{EIGHTH}\nDTSTART{ZONE}:20270309T110000\n{RUTH}"
    for events in ([SERIES, moved, lines], [lines, moved, SERIES]):
        rows = read_rows(calendar_of(*events))
        assert len(rows) == 4
        assert all(row.endswith(" cancelled") for row in rows)


SPELLED = ["Cancelled", "CANCELED", "canceled", " cancelled ", "Cancelada", "CANCELLED BY PATIENT"]


@pytest.mark.parametrize("status", SPELLED)
def test_a_cancelled_status_is_heard_however_it_is_written(status: str) -> None:
    moved = f"{EIGHTH}\nDTSTART{ZONE}:20270309T110000\n{RUTH}\nSTATUS:CONFIRMED"
    series = read_rows(calendar_of(f"{SERIES}\nSTATUS:{status}", moved))
    assert [row.split()[-1] for row in series] == ["cancelled"] * 4
    by_uid = read_rows(calendar_of(SERIES, f"STATUS:{status}\nSEQUENCE:3"))
    assert [row.split()[-1] for row in by_uid] == ["cancelled"] * 4
    for start in ("", "DTSTART;VALUE=DATE:20270304\n", f"DTSTART{ZONE}:20270304T090000\n"):
        [row] = read_rows(calendar_of(f"{start}SUMMARY:HOLD: Ruth Stone\nSTATUS:{status}"))
        assert row.split()[-1] == "cancelled"
    occurrence = read_rows(calendar_of(SERIES, f"{EIGHTH}\nSTATUS:{status}"))
    assert occurrence == [FIRST, f"{SECOND_ID} cancelled", *LATER]


def test_an_event_called_off_without_a_start_isnt_booked_by_an_older_version() -> None:
    single = f"DTSTART{ZONE}:20270304T090000\n{RUTH}\nSEQUENCE:3"
    assert read_rows(calendar_of(single, "STATUS:CANCELLED\nSEQUENCE:4")) == ["1 cancelled"]


def test_an_older_version_isnt_booked_in_place_of_one_that_lasts_all_day() -> None:
    single = f"DTSTART{ZONE}:20270304T090000\n{RUTH}\nSEQUENCE:1"
    data = calendar_of(single, f"DTSTART;VALUE=DATE:20270305\n{RUTH}\nSEQUENCE:2")
    assert (read_rows(data), sorted(reasons(data))) == ([], ["all_day", "replaced"])


@pytest.mark.parametrize(
    ("occurrence", "head"),
    [
        ("RECURRENCE-ID;VALUE=DATE:20270308", ""),
        ("RECURRENCE-ID:20270308T090000", ""),
        (EIGHTH, ""),
        ("RECURRENCE-ID:20270308T140000Z", ""),
        ("RECURRENCE-ID;VALUE=DATE:20270308", "X-WR-TIMEZONE:America/New_York\n"),
    ],
)
@pytest.mark.parametrize("start", [f"DTSTART{ZONE}:20270309T110000", "DTSTART:20270309T160000Z"])
def test_a_moved_occurrence_is_known_however_its_original_time_is_written(
    occurrence: str, head: str, start: str
) -> None:
    rows = parse_calendar(calendar_of(SERIES, f"{occurrence}\n{start}\n{RUTH}", head=head), MARCH_2027).rows
    found = {cells[0]: (cells[3], cells[4]) for _, cells in rows[1:]}
    assert len(found) == len(rows) - 1 == 4
    utc = start.endswith("Z") and not head
    assert found[SECOND_ID] == ("2027-03-09", "16:00" if utc else "11:00")


def test_a_date_names_the_occurrence_that_the_series_has_besides_on_that_day() -> None:
    series = f"DTSTART{ZONE}:20270301T090000\nRDATE{ZONE}:20270305T150000\n{RUTH}"
    moved = f"RECURRENCE-ID;VALUE=DATE:20270305\nDTSTART{ZONE}:20270306T110000\n{RUTH}"
    assert read_rows(calendar_of(series, moved)) == [FIRST, "1/20270305T200000Z 2027-03-06 11:00"]


def test_an_event_that_was_no_series_has_its_one_occurrence_moved() -> None:
    single = f"DTSTART{ZONE}:20270308T090000\n{RUTH}"
    moved = f"{EIGHTH}\nDTSTART{ZONE}:20270309T110000\n{RUTH}"
    assert read_rows(calendar_of(single, moved)) == [f"{SECOND_ID} 2027-03-09 11:00"]


FUTURE = EIGHTH.replace("RECURRENCE-ID", "RECURRENCE-ID;RANGE=THISANDFUTURE")


@pytest.mark.parametrize("head", ["", "X-WR-TIMEZONE:America/New_York\n"])
@pytest.mark.parametrize(
    "occurrence",
    [
        FUTURE,
        FUTURE.replace("THISANDFUTURE", "thisandfuture"),
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20270308T140000Z",
        "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20270308",
    ],
)
def test_later_occurrences_that_move_with_one_keep_their_own_ids(occurrence: str, head: str) -> None:
    data = calendar_of(SERIES, f"{occurrence}\nDTSTART{ZONE}:20270309T110000\n{RUTH}", head=head)
    assert read_rows(data) == [
        FIRST,
        f"{SECOND_ID} 2027-03-09 11:00",
        "1/20270315T130000Z 2027-03-16 11:00",
        "1/20270322T130000Z 2027-03-23 11:00",
    ]


@pytest.mark.parametrize("start", ["", f"DTSTART{ZONE}:20270308T090000\n"])
def test_later_occurrences_that_are_called_off_with_one_are_cancelled(start: str) -> None:
    rows = read_rows(calendar_of(SERIES, f"{FUTURE}\n{start}STATUS:CANCELLED"))
    assert rows[0] == FIRST
    assert [row.partition(" ")[0] for row in rows[1:]] == [SECOND_ID, *(each.split()[0] for each in LATER)]
    assert all(row.endswith(" cancelled") for row in rows[1:])


def test_later_occurrences_arent_the_regular_ones_if_the_change_cant_be_read() -> None:
    data = calendar_of(SERIES, f"{FUTURE}\nDTSTART;VALUE=DATE:20270308")
    assert (read_rows(data), reasons(data)) == ([FIRST], ["all_day"])


@pytest.mark.parametrize(
    "occurrence",
    ["RECURRENCE-ID:garbage", f"RECURRENCE-ID;RANGE=THISANDPRIOR{ZONE}:20270308T090000"],
)
@pytest.mark.parametrize("lines", [f"DTSTART{ZONE}:20270309T110000\n{RUTH}", "STATUS:CANCELLED"])
def test_if_it_isnt_clear_which_occurrence_is_changed_none_of_the_series_is_booked(
    occurrence: str, lines: str
) -> None:
    data = calendar_of(SERIES, f"{occurrence}\n{lines}")
    assert (read_rows(data), reasons(data)) == ([], ["broken_series", "broken_series"])
    called_off = calendar_of(f"{SERIES}\nSTATUS:CANCELLED", f"{occurrence}\n{lines}")
    assert [row.split()[-1] for row in read_rows(called_off)] == ["cancelled"] * 4


def test_a_series_in_a_zone_that_isnt_known_says_its_name() -> None:
    data = calendar_of(f"DTSTART;TZID=Nowhere:20270301T090000\nRRULE:FREQ=DAILY;COUNT=2\n{RUTH}")
    assert [cells[5] for _, cells in parse_calendar(data, MARCH_2027).rows[1:]] == ["Nowhere"] * 2


def test_each_calendar_of_a_file_has_its_own_zone() -> None:
    heads = ["X-WR-TIMEZONE:America/New_York\n", "X-WR-TIMEZONE:America/Los_Angeles\n", ""]
    rule = "RRULE:FREQ=DAILY;COUNT=2\n"
    for lines in ("", rule):
        event = f"DTSTART:20270304T090000\n{lines}{RUTH}"
        parts = [
            calendar_of(event, head=head).replace(b"UID:1", b"UID:%d" % at) for at, head in enumerate(heads)
        ]
        rows = [cells for _, cells in parse_calendar(b"".join(parts), MARCH_2027).rows[1:]]
        zones = {cells[0].partition("/")[0]: (cells[4], cells[5]) for cells in rows}
        assert len(rows) == (6 if lines else 3)
        assert zones == {
            "0": ("09:00", "America/New_York"), "1": ("09:00", "America/Los_Angeles"), "2": ("09:00", ""),
        }  # fmt: skip


HEADS = ["", "X-WR-TIMEZONE:Asia/Tokyo\n", "X-WR-TIMEZONE:America/New_York\n"]
START = "DTSTART:20270304T140000Z"
BESIDE = "BEGIN:VEVENT\nUID:2\nDTSTART:20270305T140000Z\nSUMMARY:Mei Hill\nEND:VEVENT\n"


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("moment", ["00010101T000000", "18991230T000000", "99991231T235959"])
@pytest.mark.parametrize("zone", [":{}Z", ":{}", ";TZID=Asia/Tokyo:{}", ";TZID=America/New_York:{}"])
@pytest.mark.parametrize("name", ["DTSTART", "RECURRENCE-ID", "EXDATE", "RDATE"])
def test_an_event_with_an_absurd_date_is_left_out_by_name_and_the_rest_is_read(
    name: str, zone: str, moment: str, head: str
) -> None:
    absurd = name + zone.format(moment)
    lines = absurd if name == "DTSTART" else f"{START}\n{absurd}"
    data = calendar_of(f"{lines}\n{RUTH}", head=head + BESIDE)
    assert [row.split()[0] for row in read_rows(data)] == ["2"]
    [(_, subject, why)] = parse_calendar(data, MARCH_2027).skipped
    assert subject == "Ruth Stone 202-555-0111"
    assert why == ("no_start" if name == "DTSTART" else "broken_series")


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("rule", ["", "RRULE:FREQ=DAILY;COUNT=2"])
@pytest.mark.parametrize(
    "line",
    [
        "DTEND:99991231T235959Z", "DTEND:00010101T000000Z", "DTEND;TZID=America/New_York:99991231T235959",
        "DTEND:19700101T000000Z", "DTEND;VALUE=DATE:20270304", "DTEND:20270304T120000Z",
        "DURATION:P999999999D", "DURATION:-PT30M",
        "DTSTAMP;TZID=Asia/Tokyo:00010101T000000", "LAST-MODIFIED:99991231T235959Z",
    ],
)  # fmt: skip
def test_an_absurd_end_or_stamp_is_ignored(line: str, rule: str, head: str) -> None:
    rows = parse_calendar(calendar_of(f"{START}\n{line}\n{RUTH}\n{rule}".strip(), head=head), MARCH_2027).rows
    found = [(cells[0].partition("/")[2] or "20270304T140000Z", cells[6]) for _, cells in rows[1:]]
    assert found == [("20270304T140000Z", ""), ("20270305T140000Z", "")][: 2 if rule else 1]


@pytest.mark.parametrize("head", HEADS)
def test_a_broken_date_of_a_series_leaves_the_rest_of_a_calendar_readable(head: str) -> None:
    data = calendar_of(f"{SERIES}\nEXDATE:garbage", head=head + BESIDE)
    assert ([row.split()[0] for row in read_rows(data)], reasons(data)) == (["2"], ["broken_series"])
