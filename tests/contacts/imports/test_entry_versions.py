"""A file that is older than what was imported before changes nothing: its SEQUENCE or its stamps tell it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from contacts.imports.importing import import_file
from contacts.imports.plan_notes import OLDER_VERSION
from contacts.imports.practice import ImportOptions
from contacts.imports.reading.entry_versions import is_older
from contacts.imports.report import ImportReport
from contacts.models import Appointment, Contact
from tests.contacts.imports.example_lists import make_downtown
from tests.contacts.imports.reading_of_lists import MARCH_2027

pytestmark = pytest.mark.django_db
TEN, ELEVEN = "20270304T150000Z", "20270304T160000Z"
RUTH = "Ruth Stone 202-555-0111"
OTHER = f"UID:2\nDTSTART:{TEN}\nSUMMARY:Mei Hill 202-555-0113"


@pytest.fixture(autouse=True)
def elm() -> Iterator[None]:
    """In March 2027, with the location of these files."""
    make_downtown(name="Elm")
    with time_machine.travel(MARCH_2027):
        yield


def import_events(*events: str, method: str = "PUBLISH") -> ImportReport:
    """Import a calendar of these events."""
    text = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    data = f"BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\n{text}END:VCALENDAR\n"
    return import_file(data.encode(), "c.ics", ImportOptions(answers={"location": "Elm"}))


def event(start: str, *lines: str, who: str = RUTH) -> str:
    return "\n".join(["UID:1", f"DTSTART:{start}", f"SUMMARY:{who}", *lines])


def import_visit(start: str, updated: str, **fields: Any) -> ImportReport:
    """Import a Bundle of one appointment that starts then and was last updated then."""
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "name": [{"family": "Stone", "given": ["Ruth"]}],
        "telecom": [{"system": "phone", "use": "mobile", "value": "202-555-0111"}],
    }
    visit = {
        "resourceType": "Appointment",
        "id": "a1",
        "meta": {"lastUpdated": updated},
        "status": "booked",
        "start": start,
        "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
    }
    bundle = {"resourceType": "Bundle", "entry": [{"resource": patient}, {"resource": visit | fields}]}
    return import_file(json.dumps(bundle).encode(), "b.json", ImportOptions(answers={"location": "Elm"}))


def starts() -> list[str]:
    visits = Appointment.objects.order_by("starts_at")
    return [f"{each.local_start:%d %H:%M} {each.status}" for each in visits]


def notes(report: ImportReport) -> list[str]:
    return [each.problem for each in report.problems]


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("SEQUENCE:2", "SEQUENCE:1"),
        ("SEQUENCE:2\nDTSTAMP:20270301T080000Z", "SEQUENCE:1\nDTSTAMP:20270301T090000Z"),
        ("LAST-MODIFIED:20270225T080000Z", "LAST-MODIFIED:20270224T080000Z"),
        ("DTSTAMP:20270225T080000Z", "DTSTAMP:20270224T080000Z"),
        ("SEQUENCE:0\nDTSTAMP:20270225T080000Z", "SEQUENCE:0\nDTSTAMP:20270224T080000Z"),
    ],
)
def test_an_older_calendar_moves_nothing_back(newer: str, older: str) -> None:
    import_events(event(ELEVEN, newer))
    report = import_events(event(TEN, older), OTHER)
    assert starts() == ["04 10:00 booked", "04 11:00 booked"]  # of Mei Hill, and of Ruth Stone
    assert OLDER_VERSION[0] in notes(report)
    assert (report.counts["moved"], report.counts["unchanged"], report.counts["added"]) == (0, 1, 1)


def test_a_newer_calendar_counts_again_after_an_older_one() -> None:
    for start, sequence in ((TEN, 1), (ELEVEN, 2), (TEN, 1), ("20270304T170000Z", 3)):
        import_events(event(start, f"SEQUENCE:{sequence}"))
    assert starts() == ["04 12:00 booked"]


def test_an_older_calendar_brings_back_no_number_and_makes_nobody() -> None:
    import_events(event(TEN, "SEQUENCE:1"))
    import_events(event(TEN, "SEQUENCE:2", who="Ruth Stone 202-555-0122"))
    import_events(event(TEN, "SEQUENCE:1"))
    assert Contact.objects.select_related("phone").get().phone.e164 == "+12025550122"  # type: ignore[union-attr]
    import_events(event(TEN, "SEQUENCE:0", who="Alma Reyes 202-555-0133"))
    assert (Contact.objects.count(), starts()) == (1, ["04 10:00 booked"])


def test_an_older_cancellation_is_known_by_its_stamp() -> None:
    import_events(event(TEN, "SEQUENCE:2\nDTSTAMP:20270225T080000Z"))
    report = import_events("UID:1\nSEQUENCE:1\nDTSTAMP:20270224T080000Z\nSTATUS:CANCELLED", OTHER)
    assert starts() == ["04 10:00 booked", "04 10:00 booked"]
    assert OLDER_VERSION[0] in notes(report)


@pytest.mark.parametrize("said", ["", "SEQUENCE:0", "SEQUENCE:0\nDTSTAMP:20270226T080000Z"])
def test_in_doubt_a_cancellation_counts_and_stays(said: str) -> None:
    import_events(event(TEN, "SEQUENCE:2\nDTSTAMP:20270225T080000Z"))
    import_events("UID:1\nSTATUS:CANCELLED" + f"\n{said}" * bool(said), method="CANCEL")
    assert starts() == ["04 10:00 cancelled"]
    import_events(event(TEN, "SEQUENCE:1\nDTSTAMP:20270224T080000Z"))
    assert starts() == ["04 10:00 cancelled"]


def test_a_new_export_of_the_same_state_keeps_its_first_stamp() -> None:
    import_events(event(TEN, "DTSTAMP:20270224T080000Z"))
    import_events(event(TEN, "DTSTAMP:20270225T080000Z"))
    assert "20270224T080000Z" in Appointment.objects.get().file_values["csv"]["version"]


def test_a_stamp_from_a_wrong_clock_stops_nothing() -> None:
    import_events(event(TEN, "DTSTAMP:20720224T080000Z"))
    import_events(event(ELEVEN, "DTSTAMP:20270224T080000Z"))
    assert starts() == ["04 11:00 booked"]


def test_a_visit_of_a_series_that_was_moved_alone_goes_back_with_the_series() -> None:
    series = event(TEN, "RRULE:FREQ=DAILY;COUNT=2", "SEQUENCE:1", "DTSTAMP:20270224T080000Z")
    moved = event(ELEVEN, f"RECURRENCE-ID:{TEN}", "SEQUENCE:5", "DTSTAMP:20270225T080000Z")
    import_events(series, moved)
    assert starts() == ["04 11:00 booked", "05 10:00 booked"]
    import_events(series)  # an older file
    assert starts() == ["04 11:00 booked", "05 10:00 booked"]
    import_events(series.replace("0224T", "0226T"))
    assert starts() == ["04 10:00 booked", "05 10:00 booked"]


def test_an_older_bundle_moves_nothing_back() -> None:
    import_visit("2027-03-04T16:00:00Z", "2027-02-25T08:00:00Z")
    report = import_visit("2027-03-04T15:00:00Z", "2027-02-24T08:00:00+00:00")
    assert (starts(), OLDER_VERSION[0] in notes(report)) == (["04 11:00 booked"], True)
    import_visit("2027-03-04T17:00:00Z", "2027-02-25T10:00:00+01:00")
    assert starts() == ["04 12:00 booked"]


def test_what_cant_be_compared_isnt_older() -> None:
    assert not is_older("sequence=1", "")
    assert not is_older("", "sequence=1")
    assert not is_older("modified=20270101T000000Z", "written=20270201T000000Z")
    assert not is_older("sequence=x modified", "sequence=3")
