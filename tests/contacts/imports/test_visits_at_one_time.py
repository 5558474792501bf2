"""Several visits at the time of a row without an id: it is about the one that its list told of (product rules
44 and 45), and of namesakes about the one who has that visit.
"""

from datetime import UTC, datetime, timedelta

import pytest

from contacts.appointments import book_appointment, cancel_appointment, move_appointment
from contacts.models import Appointment, Contact, Location, Provider
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown
from tests.people import make_appointment, make_contact

pytestmark = pytest.mark.django_db
RUTH = AISHA | {"id": "", "patient": "P1", "first": "Ruth", "last": "Stone", "mobile": "202-555-0111"}
RUTH |= {"time": "10:00 AM"}
AT_TEN = datetime(2026, 12, 15, 15, tzinfo=UTC)
A_VISIT = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def downtown() -> Location:
    return make_downtown()


def book_by_hand(contact: Contact, provider: str) -> Appointment:
    provider_here, _ = Provider.objects.get_or_create(name=provider)
    return book_appointment(
        contact=contact,
        location=Location.objects.get(),
        provider=provider_here,
        starts_at=AT_TEN,
        ends_at=AT_TEN + A_VISIT,
    )


def make_namesakes() -> list[Contact]:
    """Two of one name and number, added by hand."""
    number = "+12025550111"
    return [make_contact("Ruth", last_name="Stone", number=number, source="", external_id="") for _ in "ab"]


def test_a_cancellation_is_about_the_visit_that_is_booked() -> None:
    import_rows(RUTH)
    listed = Appointment.objects.get()
    cancel_appointment(book_by_hand(listed.contact, "Dr. A. Wood").pk)
    assert import_rows(RUTH | {"status": "Cancelled"}).counts["cancelled"] == 1
    listed.refresh_from_db()
    assert listed.status == "cancelled"


def test_a_row_is_about_the_visit_that_its_list_told_of_though_staff_cancelled_it() -> None:
    import_rows(RUTH)
    cancel_appointment(Appointment.objects.get().pk)
    by_hand = book_by_hand(Contact.objects.get(), "Dr. A. Wood")
    report = import_rows(RUTH)
    by_hand.refresh_from_db()
    assert by_hand.provider
    assert by_hand.provider.name == "Dr. A. Wood"
    assert report.changes == ()
    assert sorted(Appointment.objects.values_list("status", flat=True)) == ["booked", "cancelled"]


def test_a_cancellation_goes_to_the_namesake_whose_visit_is_booked(downtown: Location) -> None:
    first, second = make_namesakes()
    visits = [
        make_appointment(one, location=downtown, starts_at=AT_TEN, source="", external_id="")
        for one in (first, second)
    ]
    cancel_appointment(visits[0].pk)
    assert import_rows(RUTH | {"patient": "", "status": "Cancelled"}).counts["cancelled"] == 1
    visits[1].refresh_from_db()
    assert visits[1].status == "cancelled"


def test_a_booked_row_books_no_cancelled_visit_of_a_namesake_again(downtown: Location) -> None:
    first, second = make_namesakes()
    cancelled = make_appointment(second, location=downtown, starts_at=AT_TEN, source="", external_id="")
    cancel_appointment(cancelled.pk)
    report = import_rows(RUTH | {"patient": ""})
    assert (report.counts["added"], report.counts["booked_again"]) == (1, 0)
    assert first.appointments.get().status == "booked"


def test_a_row_without_an_id_goes_to_the_namesake_whose_visit_staff_moved(downtown: Location) -> None:
    father, son = RUTH | {"patient": "10", "time": "9:00 AM"}, RUTH | {"patient": "11"}
    import_rows(father, son)
    moved = Appointment.objects.get(starts_at=AT_TEN)
    at_two = AT_TEN + timedelta(hours=4)
    move_appointment(moved.pk, starts_at=at_two, ends_at=at_two + A_VISIT, location=downtown)
    report = import_rows(son | {"patient": ""})
    assert (report.counts["added"], report.counts["moved"]) == (0, 0)
    moved.refresh_from_db()
    assert moved.starts_at == at_two
