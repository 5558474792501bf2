"""What the search above a list of the admin finds: patients by the contacts' index, numbers, ids, words."""

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.contact_search import MOST_FOUND
from contacts.models import Appointment, AppointmentChange, ConsentEntry, Contact, PhoneNumber
from reminders.models import CallBatch, CallCompanion, CallRecord, FollowUp, Reminder
from tests.office import address_of, make_call, make_event
from tests.people import make_appointment, make_contact, make_due_reminder, make_number
from webhooks.models import WebhookEvent
from webhooks.outgoing.models import OutgoingEvent

pytestmark = pytest.mark.django_db
LARGE = (
    Appointment,
    AppointmentChange,
    CallCompanion,
    CallRecord,
    Contact,
    PhoneNumber,
    Reminder,
    WebhookEvent,
)


def search(office: Client, model: type[Model], text: str) -> set[object]:
    """The keys of the rows that are listed."""
    page = office.post(address_of(model), {"q": text}, follow=True)
    assert page.status_code == 200
    return {row.pk for row in page.context["cl"].result_list}


@pytest.fixture
def call() -> CallRecord:
    """Sarah Lindqvist's, beside one of Tom Reyes."""
    made = make_call(make_due_reminder(), robotalker_id="call_71")
    other = make_contact("Tom", last_name="Reyes", number="+12025550188")
    make_event(make_call(make_due_reminder(other), robotalker_id="call_72"))
    make_event(made)
    return made


@pytest.mark.parametrize("text", ["lindqvist", "Sarah", "lind sar", "555-0100", "(202) 555 0100"])
def test_a_patients_rows_are_found_by_name_and_number(office: Client, call: CallRecord, text: str) -> None:
    assert search(office, CallRecord, text) == {call.pk}
    assert search(office, Reminder, text) == {call.reminder_id}
    assert search(office, Appointment, text) == {call.reminder.appointment_id}
    assert search(office, Contact, text) == {call.reminder.appointment.contact_id}
    assert search(office, PhoneNumber, text) == {call.number_id}


def test_an_id_is_found_whole(office: Client, call: CallRecord) -> None:
    event = WebhookEvent.objects.get(call=call)
    WebhookEvent.objects.filter(pk=event.pk).update(batch=call.batch)
    assert search(office, CallRecord, "call_71") == search(office, CallRecord, call.public_id) == {call.pk}
    assert call.batch is not None
    assert search(office, CallBatch, call.batch.robotalker_id) == {call.batch_id}
    for text in ("call_71", call.public_id, call.batch.robotalker_id, event.digest):
        assert search(office, WebhookEvent, text) == {event.pk}, text
    assert search(office, CallRecord, "call_7") == search(office, WebhookEvent, event.digest[:9]) == set()
    visit = make_appointment(make_contact("Ben", number=None), source="list", external_id="A 7 a")
    assert search(office, Appointment, "A 7 a") == {visit.pk}


def test_what_is_no_id_of_the_kind_that_is_searched_finds_nothing(office: Client) -> None:
    event = OutgoingEvent.objects.create(type="callboard.test", occurred_at=timezone.now())
    assert search(office, OutgoingEvent, str(event.public_id)) == {event.pk}
    for text in ("lindqvist", "12", "9" * 40, "\x00a\x00b"):
        assert search(office, OutgoingEvent, text) == set()
        for model, shown in admin.site._registry.items():
            if shown.search_fields:
                assert office.post(address_of(model), {"q": text}, follow=True).status_code == 200


def test_a_number_is_found_that_no_patient_has_any_more(office: Client, call: CallRecord) -> None:
    call.reminder.appointment.contact.phone = make_number("+12025550142")
    call.reminder.appointment.contact.save()
    entry = ConsentEntry.objects.create(
        number=call.number, what="opted_out", scope="voice", source="staff", at=timezone.now()
    )
    assert search(office, CallRecord, "0100") == {call.pk}
    assert search(office, ConsentEntry, "2025550100") == {entry.pk}
    assert search(office, PhoneNumber, "5550100") == {call.number_id}
    assert search(office, PhoneNumber, "a5550100") == search(office, ConsentEntry, "10") == set()


def test_words_are_found_anywhere_in_a_note_or_by_the_patient(office: Client, call: CallRecord) -> None:
    visit = call.reminder.appointment
    follow_up = FollowUp.objects.create(
        contact=visit.contact,
        appointment=visit,
        kind="reschedule",
        note="Rings her sister instead",
        due_at=timezone.now(),
    )
    for text in ("sister", "RINGS sis", "lindqvist"):
        assert search(office, FollowUp, text) == {follow_up.pk}, text
    assert search(office, FollowUp, "brother") == set()


def test_a_filter_is_kept_while_searching(office: Client, call: CallRecord) -> None:
    address = f"{address_of(CallRecord)}?state=answered"
    key = office.post(address, {"q": "lindqvist", "state": "answered"})["Location"]
    assert [row.pk for row in office.get(key).context["cl"].result_list] == [call.pk]
    key = office.post(address, {"q": "lindqvist", "state": "failed"})["Location"]
    assert not office.get(key).context["cl"].result_list


def test_a_list_says_when_more_patients_would_be_found(office: Client) -> None:
    Contact.objects.bulk_create(Contact(first_name="Ann", last_name="Many") for _ in range(MOST_FOUND))
    page = office.post(address_of(Contact), {"q": "many"}, follow=True).content.decode()
    assert f"the first {MOST_FOUND} patients or numbers found" in page
    Contact.objects.last().delete()  # type: ignore[union-attr]
    assert (
        "patients or numbers found"
        not in office.post(address_of(Contact), {"q": "many"}, follow=True).content.decode()
    )


@pytest.mark.parametrize("model", LARGE)
@pytest.mark.parametrize("text", ["lindqvist", "2025550100", "nobody at all"])
def test_a_search_in_a_large_list_compares_no_row_letter_by_letter(
    office: Client, call: CallRecord, model: type[Model], text: str
) -> None:
    key = office.post(address_of(model), {"q": text})["Location"]
    with CaptureQueriesContext(connection) as asked:
        assert office.get(key).status_code == 200
    assert not [one["sql"] for one in asked if "UPPER(" in one["sql"]]
