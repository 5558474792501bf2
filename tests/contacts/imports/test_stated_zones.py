"""Times whose zone the list states are certain; those of an unknown zone are rejected (product rule 46)."""

import json
from collections.abc import Iterator
from datetime import time

import pytest
import time_machine

from contacts.imports.errors import QuestionsOpen
from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.imports.report import ImportReport
from contacts.models import Appointment, OpeningHours
from tests.contacts.imports.example_lists import make_downtown
from tests.contacts.imports.reading_of_lists import MARCH_2027

pytestmark = pytest.mark.django_db
LOS_ANGELES, TOKYO, NEW_YORK = "America/Los_Angeles", "Asia/Tokyo", "America/New_York"
TWO = ("2027-03-04 14:00", "2027-03-04 15:00")
MORNING, EVENING = ["04 09:00", "04 10:00"], ["04 09:00", "04 19:00"]


@pytest.fixture(autouse=True)
def in_march() -> Iterator[None]:
    """The calendars are of March 2027."""
    with time_machine.travel(MARCH_2027):
        yield


def import_at(zone: str, data: str, **answers: str) -> ImportReport:
    """Import a file whose visits are at Elm, in that zone."""
    make_downtown(name="Elm", time_zone=zone)
    return import_file(data.encode(), "list", ImportOptions(answers={"location": "Elm"} | answers))


def fhir(*starts: str) -> str:
    """A Bundle of appointments that start then."""
    patient = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Stone", "given": ["Ruth"]}]}
    visits = [
        {
            "resourceType": "Appointment",
            "id": f"a{at}",
            "status": "booked",
            "start": start,
            "participant": [{"actor": {"reference": "Patient/p1"}}],
        }
        for at, start in enumerate(starts)
    ]
    entries = [{"resource": each} for each in (patient, *visits)]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries})


def calendar(*starts: str) -> str:
    """A calendar with events that start then, such as `:20270304T143000Z`."""
    events = "".join(
        f"BEGIN:VEVENT\nUID:e{at}\nDTSTART{start}\nSUMMARY:Ruth Stone 202-555-0111\nEND:VEVENT\n"
        for at, start in enumerate(starts)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n"


def with_header(header: str, *starts: str) -> str:
    """A CSV file whose times stand under that header."""
    rows = "".join(
        f"A{at},Ruth,Stone{at},202-555-011{at},{start},Elm,Booked\n" for at, start in enumerate(starts)
    )
    return f"Appt ID,First Name,Last Name,Mobile,{header},Location,Status\n{rows}"


def booked() -> list[str]:
    """The local starts of what is booked, in order."""
    return [f"{each.local_start:%d %H:%M}" for each in Appointment.objects.order_by("local_start")]


@pytest.mark.parametrize(
    ("zone", "data", "starts"),
    [
        (LOS_ANGELES, fhir("2027-03-05T00:00:00Z", "2027-03-04T17:30:00-08:00"), ["04 16:00", "04 17:30"]),
        (TOKYO, fhir("2027-03-04T09:00:00+09:00", "2027-03-04T10:15:00+09:00"), ["04 09:00", "04 10:15"]),
        (LOS_ANGELES, calendar(":20270305T000000Z", ":20270305T013000Z"), ["04 16:00", "04 17:30"]),
        (NEW_YORK, with_header("Start (UTC)", "2027-03-04 14:00", "2027-03-05 00:00"), EVENING),
        (NEW_YORK, with_header("start_utc", *TWO), MORNING),
        (NEW_YORK, with_header("Start (GMT)", *TWO), MORNING),
        (NEW_YORK, calendar(";TZID=Eastern Standard Time:20270304T090000"), ["04 09:00"]),
    ],
)  # fmt: skip
def test_a_time_in_a_stated_zone_is_by_that_zone(zone: str, data: str, starts: list[str]) -> None:
    answers = {"column:date": "start_utc"} if "start_utc" in data else {}
    import_at(zone, data, **answers)
    assert booked() == starts


def test_a_header_that_says_utc_is_noted() -> None:
    report = import_at(NEW_YORK, with_header("Start (UTC)", "2027-03-04 14:00"))
    assert "these times are read as UTC" in report.problems[0].problem


def test_of_two_times_of_a_row_that_differ_neither_is_taken_in_a_stated_zone_too() -> None:
    report = import_at(
        NEW_YORK, with_header("Date (UTC),Time", "2027-03-04 14:30,15:30", "2027-03-05 15:00,15:00")
    )
    assert booked() == ["05 10:00"]
    assert "The cell of the date has another time" in "".join(each.problem for each in report.problems)


@pytest.mark.parametrize(
    "data", [fhir("2027-03-04T09:00:00Z"), with_header("Start (UTC)", "2027-03-04 09:00")]
)
def test_a_time_that_is_in_the_night_at_the_location_is_asked_about(data: str) -> None:
    with pytest.raises(QuestionsOpen) as asked:
        import_at(NEW_YORK, data)
    [question] = asked.value.questions
    assert question.key == "stated_night"
    assert "09:00 UTC is 4:00 am" in question.text
    assert [choice.value for choice in question.choices] == ["clock", "reject"]


def test_the_answer_decides_about_the_night() -> None:
    report = import_at(NEW_YORK, fhir("2027-03-04T09:00:00Z"), stated_night="reject")
    assert (report.counts["rejected"], booked()) == (1, [])
    import_file(
        fhir("2027-03-04T09:00:00Z").encode(),
        "list",
        ImportOptions(answers={"location": "Elm", "stated_night": "clock"}),
    )
    assert booked() == ["04 04:00"]


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (";TZID=Foo/Bar:20270304T090000", "This time zone is unknown"),
        (
            ";TZID=America/New_York:20270304T000000",
            "0:00 means that the file has no time",
        ),  # all day, in Outlook
        (":20270304T050000Z", "0:00 means that the file has no time"),
    ],
)
def test_a_visit_in_no_known_zone_or_at_midnight_is_rejected(start: str, reason: str) -> None:
    report = import_at(NEW_YORK, calendar(start))
    assert reason in report.problems[0].problem
    assert (report.counts["rejected"], booked()) == (1, [])


def open_elm(zone: str, opens: int, closes: int) -> None:
    """Elm, which is open between these hours every day."""
    elm = make_downtown(name="Elm", time_zone=zone)
    for weekday in range(7):
        OpeningHours.objects.create(location=elm, weekday=weekday, opens=time(opens), closes=time(closes))


def test_a_time_at_which_the_location_is_closed_is_asked_about() -> None:
    open_elm(NEW_YORK, 13, 20)
    data = with_header("Date,Time", "2027-03-04,1:30", "2027-03-04,7:30", "2027-03-05,12:30").encode()
    with pytest.raises(QuestionsOpen) as asked:
        import_file(data, "list.csv", ImportOptions())
    [question] = asked.value.questions
    assert question.key == "afternoon"
    assert "outside opening hours: 1:30, 7:30" in question.text
    import_file(data, "list.csv", ImportOptions(answers={"afternoon": "day"}))
    assert booked() == ["04 13:30", "04 19:30", "05 12:30"]


def test_a_time_within_opening_hours_is_not() -> None:
    open_elm(NEW_YORK, 6, 14)
    import_file(
        with_header("Date,Time", "2027-03-04,6:30", "2027-03-04,13:30").encode(), "l.csv", ImportOptions()
    )
    assert booked() == ["04 06:30", "04 13:30"]
