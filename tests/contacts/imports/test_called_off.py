"""What subjects, descriptions and names say of a visit that is off, or may be (product rules 43 and 44)."""

import pytest

from contacts.imports.reading.calendars import parse_calendar
from contacts.imports.reading.called_off import find_doubt, is_called_off, strip_called_off
from contacts.imports.row_names import read_patient_name, says_cancelled
from tests.contacts.imports.reading_of_lists import MARCH_2027

OFF = [
    "Canceled: Ruth Stone", "Cancelled - Ruth Stone", "CXL Ruth Stone", "Ruth Stone (cancelled)",
    "Ruth Stone CANCELLED",
    "Cancelled Ruth Stone", "CANCEL Ruth Stone", "Cancellation: Ruth Stone", "Ruth Stone canx",
    "Ruth Stone - late cancel", "[Canceled] Ruth Stone", "Ruth Stone *cancelled by phone*",
    "Canceled by patient: Ruth Stone", "Abgesagt: Ruth Stone", "Stornierung: Ruth Stone",
    "Cita cancelada: Ruth Stone", "Annulation Ruth Stone", "Ruth Stone - cancelled per pt on 2/2",
]  # fmt: skip


@pytest.mark.parametrize("subject", OFF)
def test_a_subject_says_that_a_visit_is_off(subject: str) -> None:
    assert is_called_off(subject, "")
    assert strip_called_off(subject).strip("[]* ") == "Ruth Stone"


@pytest.mark.parametrize(
    "subject",
    ["Ruth Stone", "Cancer screening - Ruth Stone", "Ruth Stone (not cancelled yet)", "Ruth Cancelo",
     "Ruth Stone - cancel fee", "Canxiety Ruth"],
)  # fmt: skip
def test_another_subject_doesnt(subject: str) -> None:
    assert not is_called_off(
        subject, "Cancelled appointments are charged.\nCall to cancel.\nCancel: 24 h before"
    )


@pytest.mark.parametrize(
    "line",
    ["Status: Cancelled", "State: cancelled", "CANCELLED", "** cancelled **", "Cancelled by patient on 2/2",
     "This event has been canceled and removed", "Appointment was cancelled", "This visit is cancelled",
     "Status: late cancel", "CXL", "Cancelada", "Annulé", "Canceled at 9:15", "Late cancelled",
     "Late cancel", "Stornierung", "Annulation", "Late cancel per pt", "cancel due to flu", "Cancel per pt",
     "Cancellation by patient", "Storno durch Patient", "Annulation par le patient",
     "Cancelled - patient called",
     "Status: Late Cancel - pt called", "Status: Cancellation by patient", "Appointment canceled by client",
     "Your appointment has been cancelled", "Cita cancelada", "Annule\u0301"],
)  # fmt: skip
def test_a_line_of_the_description_says_it(line: str) -> None:
    assert is_called_off("Ruth Stone", f"Phone: 202-555-0111\n{line}\nDoctor: Chen")


@pytest.mark.parametrize(
    "line",
    ["Cancel at least 24 hours before your visit.", "Cancel by phone 202-555-0100", "Cancel", "CANCEL >>",
     "Cancel via this link: https://example.com/c", "Cancel on our page", "Cancelled on short notice: $50",
     "Cancellation on short notice costs $50", "Cancellation", "Cancel:\nhttps://example.com/c",
     "Cancellation due to illness is free",
     "Cancel per text to 202-555-0100", "Storno per Telefon", "Cancelled?",
     "Appointment cancelled less than a day before is charged", "Cancel due to the rules of your plan",
     "Canceled at least 24 hours before, a visit costs nothing", "Status: cancel by phone",
     "This appointment is cancelled if you are late",
     "Appointment is canceled automatically unless confirmed"],
)  # fmt: skip
def test_a_rule_or_link_in_the_description_doesnt(line: str) -> None:
    assert not is_called_off("Ruth Stone", f"Dr. Chen\n{line}\nPhone: 202-555-0111")


@pytest.mark.parametrize(
    "html",
    ['<p>Ruth Stone</p><p><a href="https://example.com/c">Cancel</a></p>',
     'Reschedule or<br><a href="https://example.com/c">Cancel</a>', "Cancel:<br>https://example.com/c"],
)  # fmt: skip
def test_a_link_by_which_a_patient_can_cancel_leaves_the_visit_booked(html: str) -> None:
    event = f"UID:1\nDTSTART:20270304T090000Z\nSUMMARY:Ruth Stone\nDESCRIPTION:{html}"
    data = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR\n"
    [_, (_, cells)] = parse_calendar(data.encode(), MARCH_2027).rows
    assert cells[-1] == ""


@pytest.mark.parametrize(
    ("subject", "doubt"),
    [
        ("HOLD: Ruth Stone", "hold"), ("Ruth Stone (moved to Friday)", "moved"), ("CX Ruth Stone", "cx"),
        ("RESCHEDULED: Ruth Stone", "rescheduled"), ("Ruth Stone - deceased", "deceased"), ("Ruth Stone", ""),
        ("Ruth Holder - Cleaning", ""), ("Moving consult - Ruth Stone", ""),
    ],
)  # fmt: skip
def test_what_is_in_doubt_becomes_the_status(subject: str, doubt: str) -> None:
    assert find_doubt(subject) == doubt


@pytest.mark.parametrize(
    ("first", "last", "is_rejected"),
    [
        ("Ruth (deceased)", "Stone", True), ("Ruth", "Stone (DECEASED)", True), ("Inactive", "Stone", True),
        ("Ruth - DO NOT CALL", "Stone", True), ("CANCELLED Ruth", "Stone", True),
        ("Ruth", "Stone - no show", True),
        ("Ruth", "Holder", False), ("Dolores", "Moved-Cancel", False), ("Ruth", "Fallecidor", False),
    ],
)  # fmt: skip
def test_a_name_that_says_more_than_a_name_is_rejected(first: str, last: str, is_rejected: bool) -> None:
    name = read_patient_name({"first_name": first, "last_name": last})
    assert any(each.weight == "rejected" for each in name.faults) == is_rejected
    assert says_cancelled([first, last]) == ("CANCELLED" in first)
