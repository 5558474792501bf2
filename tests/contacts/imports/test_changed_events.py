"""Visits of an event that moves as a whole, or becomes a series: nobody is called for both times."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from contacts.imports import changed_events, event_visits
from contacts.imports.errors import QuestionsOpen
from contacts.imports.event_visits import EventVisit
from contacts.imports.importing import import_file, preview_file
from contacts.imports.plan_notes import OLDER_VERSION, OTHER_TIMES, SERIES_CANCELLED
from contacts.imports.practice import ImportOptions
from contacts.imports.report import ImportReport
from contacts.models import Appointment, Contact, ImportBatch
from contacts.watching.arrivals import settle_arrivals, store_arrival
from tests.contacts.imports.example_lists import make_downtown
from tests.contacts.imports.reading_of_lists import MARCH_2027

pytestmark = pytest.mark.django_db
NEW_YORK = ";TZID=America/New_York:202703"
RUTH, NOAH = "Ruth Stone 202-555-0111", "Noah Brown 202-555-0122"
OUTLOOK = "040000008200E00074C5B7101A82E008" * 3 + "F" * 16  # 112 characters


@pytest.fixture(autouse=True)
def elm() -> Iterator[None]:
    """In March 2027, with the location of these files."""
    make_downtown(name="Elm")
    with time_machine.travel(MARCH_2027):
        yield


def event(start: str, *lines: str, who: str = RUTH, uid: str = "1") -> str:
    """`start`: day of March 2027 and time, 02T0900."""
    lines = (f"UID:{uid}", f"DTSTART{NEW_YORK}{start}00", f"SUMMARY:{who}", "LOCATION:Elm", *lines)
    return "\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])


def calendar(*events: str) -> bytes:
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{''.join(events)}END:VCALENDAR\n".encode()


def import_events(*events: str, **answers: str) -> ImportReport:
    return import_file(calendar(*events), "c.ics", ImportOptions(answers=answers))


def visits() -> list[str]:
    """Day, time and state of each visit here."""
    here = Appointment.objects.order_by("local_start", "pk")
    return [f"{each.local_start:%m-%d %H:%M} {each.status}" for each in here]


def ids() -> list[str]:
    return sorted(Appointment.objects.values_list("external_id", flat=True))


def booked() -> list[str]:
    """Day, time and first name of each booked visit."""
    here = Appointment.objects.filter(status="booked").select_related("contact")
    return sorted(f"{each.local_start:%m-%d %H:%M} {each.contact.first_name}" for each in here)


WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=4"
AT_NINE = [f"03-{day:02} 09:00 booked" for day in (3, 10, 17, 24)]
AT_TEN = [f"03-{day:02} 10:00 booked" for day in (3, 10, 17, 24)]


@pytest.mark.parametrize("uid", ["1", OUTLOOK])
def test_a_series_that_moves_as_a_whole_moves_its_visits(uid: str) -> None:
    import_events(event("03T0900", WEEKLY, "SEQUENCE:1", uid=uid))
    report = import_events(event("03T1000", WEEKLY, "SEQUENCE:2", uid=uid))
    assert (visits(), report.counts["moved"], report.counts["added"]) == (AT_TEN, 4, 0)
    again = import_events(event("03T1000", WEEKLY, "SEQUENCE:2", uid=uid))
    assert (visits(), again.counts["unchanged"], again.counts["matched_by_id"]) == (AT_TEN, 4, 4)
    import_events(event("03T0900", WEEKLY, "SEQUENCE:1", uid=uid))  # an older file
    assert visits() == AT_TEN


@pytest.mark.parametrize("uid", ["https://calendar.example/organizations/" + "f" * 60 + "/", "E008" * 27])
def test_events_of_two_patients_whose_long_ids_begin_alike_are_two(uid: str) -> None:
    twice = "RRULE:FREQ=WEEKLY;COUNT=2"
    import_events(event("03T0900", twice, uid=f"{uid}1"))
    import_events(event("03T0900", twice, uid=f"{uid}2", who="Noah Brown 202-555-0122"))
    booked = Appointment.objects.filter(status="booked").values_list("contact__first_name", flat=True)
    assert sorted(booked) == ["Noah", "Noah", "Ruth", "Ruth"]


def test_a_visit_of_today_that_has_left_the_calendar_is_moved_nowhere() -> None:
    import_events(event("02T0900", "RRULE:FREQ=WEEKLY;COUNT=1"))
    with time_machine.travel(Appointment.objects.get().starts_at + timedelta(hours=1)):
        import_events(event("20T0900"))
    assert visits() == ["03-02 09:00 booked", "03-20 09:00 booked"]


def test_a_series_that_moves_to_another_day_moves_its_visits_in_their_order() -> None:
    import_events(event("03T0900", WEEKLY))
    assert import_events(event("04T1100", WEEKLY)).counts["moved"] == 4
    assert visits() == [f"03-{day:02} 11:00 booked" for day in (4, 11, 18, 25)]


def test_a_single_event_that_becomes_a_series_and_back_is_one_visit() -> None:
    import_events(event("03T0900"))
    report = import_events(event("03T0900", WEEKLY))
    assert (visits(), report.counts["added"]) == (AT_NINE, 3)
    assert "1" not in ids()
    back = import_events(event("03T0900"))
    assert (visits(), back.counts["added"], back.counts["missing"]) == (AT_NINE, 0, 0)
    assert "1" in ids()


def test_what_staff_cancelled_stays_cancelled_when_its_series_moves() -> None:
    import_events(event("03T0900", WEEKLY))
    Appointment.objects.filter(external_id="1/20270310T140000Z").update(status="cancelled")
    import_events(event("03T1000", WEEKLY))
    assert visits() == [AT_TEN[0], "03-10 09:00 cancelled", *AT_TEN[2:]]


def test_where_it_isnt_clear_which_visit_went_where_a_person_is_asked() -> None:
    import_events(event("03T0900", WEEKLY))
    other = event("04T1100", "RRULE:FREQ=WEEKLY;COUNT=2")
    with pytest.raises(QuestionsOpen):
        import_events(other)
    batch = store_arrival(calendar(other), "c.ics", "csv", ImportBatch.How.CALENDAR)
    settle_arrivals()
    batch.refresh_from_db()
    assert (batch.state, bool(batch.error)) == (ImportBatch.State.ASKING, True)
    [asked] = preview_file(calendar(other), "c.ics", ImportOptions()).open_questions
    assert (asked.key, asked.once, "4 visits" in asked.text) == ("changed_events", True, True)
    assert visits() == AT_NINE


def test_the_answer_cancels_what_the_calendar_no_longer_has() -> None:
    import_events(event("03T0900", WEEKLY))
    report = import_events(event("04T1100", "RRULE:FREQ=WEEKLY;COUNT=2"), changed_events="cancel")
    old = [each.replace("booked", "cancelled") for each in AT_NINE]
    assert visits() == sorted([*old, "03-04 11:00 booked", "03-11 11:00 booked"])
    counts = [report.counts[each] for each in ("rows", "added", "cancelled", "rejected", "missing")]
    assert counts == [6, 2, 4, 0, 0]
    assert [each.problem for each in report.problems].count(OTHER_TIMES[0]) == 4


def test_the_answer_keeps_both() -> None:
    import_events(event("03T0900", WEEKLY))
    other = event("04T1100", "RRULE:FREQ=WEEKLY;COUNT=2")
    import_events(other, changed_events="keep")
    assert visits() == sorted([*AT_NINE, "03-04 11:00 booked", "03-11 11:00 booked"])
    import_events(other)  # isn't asked again


def test_a_visit_taken_out_of_a_series_is_missing_and_no_other_one() -> None:
    import_events(event("03T0900", WEEKLY))
    longer = WEEKLY.replace("4", "5")
    report = import_events(event("03T0900", longer, f"EXDATE{NEW_YORK}10T090000"))
    assert (visits(), report.counts["missing"]) == ([*AT_NINE, "03-31 09:00 booked"], 1)


def test_a_series_whose_new_times_are_rejected_isnt_moved_to_them() -> None:
    mei = event("01T0900", "RRULE:FREQ=WEEKLY;COUNT=5", who="Mei Hill 202-555-0113", uid="2")
    import_events(event("03T0900", WEEKLY), mei)
    report = import_events(event("03T1000", WEEKLY, who="Dental Cleaning"), mei)
    assert (report.counts["moved"], report.counts["rejected"], report.counts["missing"]) == (0, 4, 4)
    cancelled = import_events(event("03T1100", WEEKLY, "STATUS:CANCELLED", who="Ruth Stone"), mei)
    assert cancelled.counts["cancelled"] == 4


def test_a_series_called_off_by_its_uid_names_each_visit_once() -> None:
    import_events(event("03T0900", WEEKLY))
    mei = event("01T0900", who="Mei Hill 202-555-0113", uid="2")
    gone = "BEGIN:VEVENT\nUID:1\nSTATUS:CANCELLED\nEND:VEVENT\n"
    report = import_events(mei, gone)
    assert report.counts["cancelled"] == 4
    assert [each.problem for each in report.problems].count(SERIES_CANCELLED[0]) == 4


@pytest.mark.parametrize("start", ["", f"DTSTART{NEW_YORK}02T090000\n"])
@pytest.mark.parametrize("uid", ["1", OUTLOOK, OUTLOOK + "F" * 30])
def test_a_single_event_of_the_past_that_became_a_series_is_called_off_with_it(uid: str, start: str) -> None:
    import_events(event("02T0900", uid=uid))
    gone = f"BEGIN:VEVENT\nUID:{uid}\n{start}LOCATION:Elm\nSTATUS:CANCELLED\nEND:VEVENT\n"
    file = calendar(gone).replace(b"VERSION", b"METHOD:CANCEL\nVERSION", 1)
    with time_machine.travel(MARCH_2027 + timedelta(days=5)):
        import_events(event("10T0900", WEEKLY, uid=uid))
        report = import_file(file, "c.ics", ImportOptions())
    assert (report.counts["cancelled"], report.counts["rejected"]) == (4, 0)
    assert booked() == ["03-02 09:00 Ruth"]


def test_a_single_visit_to_come_is_called_off_with_the_series_of_its_uid() -> None:
    import_events(event("03T0900", WEEKLY))
    Appointment.objects.filter(external_id="1/20270310T140000Z").update(external_id="1")
    gone = "BEGIN:VEVENT\nUID:1\nSTATUS:CANCELLED\nEND:VEVENT\n"
    import_events(gone, event("01T1500", who="Mei Hill 202-555-0113", uid="2"))
    assert booked() == ["03-01 15:00 Mei"]


@pytest.mark.parametrize("uid", ["1", "abc@google.com"])
def test_later_visits_that_move_under_a_uid_of_their_own_are_moved(uid: str) -> None:
    """As Google writes it."""
    import_events(event("03T0900", WEEKLY, uid=uid))
    first = event("03T0900", "RRULE:FREQ=WEEKLY;COUNT=2", uid=uid)
    name, at, host = uid.partition("@")
    report = import_events(
        first, event("17T1000", "RRULE:FREQ=WEEKLY;COUNT=3", uid=f"{name}_R20270317T130000{at}{host}")
    )
    assert visits() == [*AT_NINE[:2], *AT_TEN[2:], "03-31 10:00 booked"]
    assert (report.counts["moved"], report.counts["added"]) == (2, 1)


@pytest.mark.parametrize("with_series", [True, False])
def test_an_occurrence_that_is_called_off_by_its_date_is_cancelled(*, with_series: bool) -> None:
    series = event("03T2100", WEEKLY)  # the day after, in UTC
    import_events(series)
    mei = event("01T0900", who="Mei Hill 202-555-0113", uid="2")
    gone = "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;VALUE=DATE:20270310\nSTATUS:CANCELLED\nEND:VEVENT\n"
    report = import_events(mei, gone, *([series] if with_series else []))
    assert report.counts["cancelled"] == 1
    assert "03-10 21:00 cancelled" in visits()


@pytest.mark.parametrize("at", ["0900", "1500"])
@pytest.mark.parametrize("who", [NOAH, "Noah Brown"])
def test_a_slot_that_goes_to_another_patient_moves_nobodys_visits(who: str, at: str) -> None:
    weekly = "RRULE:FREQ=WEEKLY;COUNT=4"
    import_events(event("04T0900", weekly, uid="abc@google.com"))
    first = event("04T0900", "RRULE:FREQ=WEEKLY;COUNT=2", uid="abc@google.com")
    later = event(f"18T{at}", "RRULE:FREQ=WEEKLY;COUNT=2", uid="abc_R20270318T130000@google.com", who=who)
    report = import_events(first, later)
    counts = [report.counts[each] for each in ("added", "moved", "rejected", "missing")]
    assert counts == [2, 0, 0, 2]
    ruths = [f"03-{day:02} 09:00 Ruth" for day in (4, 11, 18, 25)]
    time = f"{at[:2]}:{at[2:]}"
    assert booked() == sorted([*ruths, f"03-18 {time} Noah", f"03-25 {time} Noah"])


def test_of_two_patients_in_one_series_each_keeps_their_own_visits() -> None:
    second = f"RECURRENCE-ID{NEW_YORK}10T090000"
    import_events(event("03T0900", WEEKLY), event("10T0900", second, who=NOAH))
    moved = second.replace("0900", "1000")
    import_events(event("03T1000", WEEKLY), event("10T1000", moved, who=NOAH))
    assert booked() == ["03-03 10:00 Ruth", "03-10 10:00 Noah", "03-17 10:00 Ruth", "03-24 10:00 Ruth"]


def test_if_a_moved_series_has_another_first_name_a_person_is_asked() -> None:
    import_events(event("03T0900", WEEKLY))
    with pytest.raises(QuestionsOpen):
        import_events(event("03T1000", WEEKLY, who="Rutger Stone 202-555-0111"))
    answers = {"changed_events": "cancel", "ids": "all_new"}
    import_events(event("03T1000", WEEKLY, who="Rutger Stone 202-555-0111"), **answers)
    assert booked() == [f"03-{day:02} 10:00 Rutger" for day in (3, 10, 17, 24)]


@pytest.mark.parametrize("uid", [OUTLOOK, OUTLOOK[:104], OUTLOOK[:90], OUTLOOK + "F" * 30])
def test_a_single_event_with_a_long_uid_that_becomes_a_series_and_back_is_one_visit(uid: str) -> None:
    import_events(event("03T0900", uid=uid))
    report = import_events(event("03T0900", WEEKLY, uid=uid))
    assert (visits(), report.counts["added"]) == (AT_NINE, 3)
    back = import_events(event("03T0900", uid=uid))
    assert (visits(), back.counts["added"]) == (AT_NINE, 0)


@pytest.mark.parametrize(("first", "last"), [("Ruth Ann", "Stone"), ("Aisha", "Stone"), ("Ruth", "Miller")])
@pytest.mark.parametrize("uid", ["1", OUTLOOK])
def test_a_series_moves_with_a_patient_whose_name_staff_corrected(uid: str, first: str, last: str) -> None:
    import_events(event("03T0900", WEEKLY, uid=uid))
    Contact.objects.update(first_name=first, last_name=last)
    report = import_events(event("03T1000", WEEKLY, uid=uid))
    assert (visits(), report.counts["moved"]) == (AT_TEN, 4)


def test_two_single_events_whose_long_uids_begin_alike_are_two() -> None:
    uid = "https://calendar.example/organizations/" + "f" * 60 + "/"
    import_events(event("03T0900", uid=f"{uid}1"))
    report = import_events(event("03T1000", uid=f"{uid}2"))
    assert (visits(), report.counts["missing"]) == (["03-03 09:00 booked", "03-03 10:00 booked"], 1)


def one_visit(start: str, *lines: str) -> str:
    """A visit of a series of which the file has only single visits."""
    return event(start, f"RECURRENCE-ID{NEW_YORK}{start}00", *lines)


@pytest.mark.parametrize("more", [(), ("DTSTAMP:20270225T080000Z",)])
def test_a_calendar_of_another_week_leaves_the_visits_of_this_one(more: tuple[str, ...]) -> None:
    first, second = (
        event(f"{day}T0900", f"RECURRENCE-ID{NEW_YORK}{day}T090000", *more) for day in ("04", "11")
    )
    import_events(first)
    report = import_events(second)
    assert (visits(), report.counts["added"], report.counts["missing"]) == (
        ["03-04 09:00 booked", "03-11 09:00 booked"],
        1,
        0,
    )
    again = import_events(second)
    assert (again.counts["unchanged"], again.counts["updated"]) == (1, 0)
    earlier = import_events(event("02T0900", f"RECURRENCE-ID{NEW_YORK}02T090000", *more))
    assert (earlier.counts["added"], len(visits())) == (1, 3)


def test_a_single_visit_that_moves_on_a_day_of_such_a_calendar_is_moved() -> None:
    import_events(one_visit("04T0900"), one_visit("11T0900"))
    report = import_events(one_visit("04T1000"))
    assert (visits(), report.counts["moved"]) == (["03-04 10:00 booked", "03-11 09:00 booked"], 1)


def test_if_such_a_calendar_has_its_days_a_person_is_asked_where_a_visit_went() -> None:
    mei = event("01T0900", who="Mei Hill 202-555-0113", uid="2")
    import_events(mei, one_visit("04T0900"))
    with pytest.raises(QuestionsOpen):
        import_events(mei, one_visit("11T0900"))
    assert import_events(mei, one_visit("11T0900"), changed_events="keep").counts["added"] == 1


def google(until: str, sequence: int, modified: str) -> str:
    """A weekly visit at 9:00 from 4 March, of a calendar of Google."""
    lines = (f"RRULE:FREQ=WEEKLY;{until}", f"SEQUENCE:{sequence}", f"LAST-MODIFIED:{modified}")
    return event("04T0900", *lines, uid="abc@google.com")


def split_off(time: str, sequence: int, modified: str) -> str:
    """Its later visits, from 18 March, which Google numbers for themselves."""
    lines = ("RRULE:FREQ=WEEKLY;COUNT=2", f"SEQUENCE:{sequence}", f"LAST-MODIFIED:{modified}")
    return event(f"18T{time}", *lines, uid="abc_R20270318T130000@google.com")


def test_a_split_off_part_of_a_series_is_numbered_for_itself() -> None:
    import_events(google("COUNT=4", 2, "20270224T080000Z"))
    first = google("UNTIL=20270317T000000Z", 3, "20270225T080000Z")
    report = import_events(first, split_off("1500", 0, "20270225T080000Z"))
    moved = ["03-04 09:00 booked", "03-11 09:00 booked", "03-18 15:00 booked", "03-25 15:00 booked"]
    assert (visits(), report.counts["moved"]) == (moved, 2)
    again = import_events(first, split_off("1500", 0, "20270225T080000Z"))
    assert (visits(), again.counts["unchanged"], again.counts["moved"]) == (moved, 4, 0)
    later = import_events(first, split_off("1600", 1, "20270226T080000Z"))
    assert later.counts["moved"] == 2
    import_events(first, split_off("1500", 0, "20270225T080000Z"))  # an older file
    assert visits()[2:] == ["03-18 16:00 booked", "03-25 16:00 booked"]
    import_events(google("COUNT=4", 2, "20270224T080000Z"))  # older, and before the split
    assert visits()[2:] == ["03-18 16:00 booked", "03-25 16:00 booked"]


def test_the_stamps_of_a_split_off_part_tell_that_it_is_older() -> None:
    import_events(google("COUNT=4", 2, "20270226T080000Z"))
    first = google("UNTIL=20270317T000000Z", 3, "20270226T090000Z")
    report = import_events(first, split_off("1500", 5, "20270225T080000Z"))
    assert [each.problem for each in report.problems].count(OLDER_VERSION[0]) == 2
    assert visits() == [f"03-{day:02} 09:00 booked" for day in (4, 11, 18, 25)]


def test_ids_of_many_patients_that_begin_alike_are_of_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each patient's visits would be compared with those of each other one."""
    monkeypatch.setattr(event_visits, "MOST_PATIENTS", 5)
    compared = []
    compare = event_visits.may_be_one

    def may_be_one(one: EventVisit, other: EventVisit) -> bool:
        compared.append((one, other))
        return compare(one, other)

    for module in (event_visits, changed_events):
        monkeypatch.setattr(module, "may_be_one", may_be_one)
    names = [
        f"An{letter}e Stone{letter} 202-555-01{at:02}" for at, letter in enumerate("abcdefghijklmnopqrst")
    ]

    def list_events(of: str, day: int) -> list[str]:
        return [
            event(f"{day + at:02}T0900", who=name, uid=f"{OUTLOOK}{of}{at:02}{'0' * 20}")
            for at, name in enumerate(names)
        ]

    import_events(*list_events("a", 2))
    report = import_events(*list_events("b", 3), ids="all_new")
    assert (report.counts["added"], report.counts["moved"]) == (20, 0)
    assert 0 < len(compared) <= 20 * 5
    assert len(booked()) == 40, "none is taken for a visit of before"


def test_whole_ids_that_begin_alike_are_of_events_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are: only where an id was cut, nothing tells which event it is of."""
    monkeypatch.setattr(event_visits, "MOST_PATIENTS", 2)
    begin = "E" * 80
    once = "RRULE:FREQ=WEEKLY;COUNT=1"
    import_events(*(event(f"{day:02}T0900", uid=f"{begin}{day}") for day in range(2, 12)))
    events = [event(f"{day:02}T{9 + day % 2:02}30", once, uid=f"{begin}{day}") for day in range(2, 12)]
    assert import_events(*events).counts["moved"] == 10
    assert len(booked()) == 10


def test_nobody_is_asked_about_a_relative_in_another_event_whose_long_id_begins_alike() -> None:
    uid = "https://calendar.example/organizations/" + "f" * 60 + "/"
    twice = "RRULE:FREQ=WEEKLY;COUNT=2"
    mei = event("02T0900", WEEKLY, who="Mei Hill 202-555-0113", uid="2")
    import_events(mei, event("03T0900", twice, uid=f"{uid}1"))
    report = import_events(mei, event("04T0900", twice, uid=f"{uid}2", who="Rose Stone 202-555-0111"))
    assert (report.counts["added"], report.counts["moved"], report.counts["missing"]) == (2, 0, 2)
