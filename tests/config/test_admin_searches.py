"""What the search above a list of the admin finds: patients by the contacts' index, numbers, ids, words."""

import html

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from contacts.contact_search import MOST_FOUND
from contacts.models import Appointment, AppointmentChange, ConsentEntry, Contact, PhoneNumber
from contacts.searches import KEPT
from reminders.models import CallBatch, CallCompanion, CallRecord, FollowUp, Reminder
from reminders.rules.states import ReminderState
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


def test_an_action_over_all_that_was_found_is_done_to_nothing_else(office: Client, call: CallRecord) -> None:
    """“Select all” in a list of several pages asks for the rows again, by the search in its address."""
    Reminder.objects.update(state=ReminderState.PLANNED)
    found = address_of(Reminder) + "?q=" + office.post(address_of(Reminder), {"q": "lind"})["Location"][-9:]
    skip = {"action": "skip", "_selected_action": [str(call.reminder_id)], "select_across": "1"}
    assert "1 of 1 skipped" in html.unescape(office.post(found, skip, follow=True).content.decode())
    assert Reminder.objects.filter(state=ReminderState.PLANNED).count() == 1


def test_a_search_that_was_forgotten_finds_nothing_and_an_action_over_it_does_nothing(
    office: Client, call: CallRecord
) -> None:
    Reminder.objects.update(state=ReminderState.PLANNED)
    found = office.post(address_of(Reminder), {"q": "lindqvist"})["Location"]
    for name in range(KEPT):
        office.post(address_of(Contact), {"q": f"name {name}"})
    page = office.get(found)
    assert not page.context["cl"].result_list
    assert page.content.decode().count("no longer known here") == 1
    skip = {"action": "skip", "_selected_action": [str(call.reminder_id)], "select_across": "1"}
    office.post(found, skip, follow=True)
    assert Reminder.objects.filter(state=ReminderState.PLANNED).count() == 2


@pytest.mark.parametrize("text", ["020 7946 0958", "+44 (0)20 7946 0958", "2079–460958", "7946\u00a00958"])
def test_a_number_is_found_as_it_is_dialled(office: Client, text: str, settings: Settings) -> None:
    settings.PHONE_REGION = "GB"
    number = make_number("+442079460958")
    PhoneNumber.objects.create(e164="erased-7946", erased_at=timezone.now())
    assert search(office, PhoneNumber, text) == {number.pk}


def test_in_the_list_of_numbers_a_number_finds_no_other_number_of_its_patient(office: Client) -> None:
    other = make_number("+12025550142")
    contact = make_contact("Ann", other_phone=other)
    assert search(office, PhoneNumber, "5550142") == {other.pk}
    assert search(office, PhoneNumber, "ann") == {contact.phone_id}


def test_a_list_says_when_more_patients_would_be_found(office: Client) -> None:
    Contact.objects.bulk_create(Contact(first_name="Ann", last_name="Many") for _ in range(MOST_FOUND))
    key = office.post(address_of(Contact), {"q": "many"})["Location"]
    for address in (key, f"{key}&_facets=True"):
        page = office.get(address).content.decode()
        assert page.count(f"the first {MOST_FOUND} patients or numbers found") == 1
    assert "patients or numbers found" not in office.get(address_of(Contact)).content.decode()
    Contact.objects.last().delete()  # type: ignore[union-attr]
    assert (
        "patients or numbers found"
        not in office.post(address_of(Contact), {"q": "many"}, follow=True).content.decode()
    )


@pytest.mark.parametrize("model", LARGE)
@pytest.mark.parametrize("text", ["lindqvist", "2025550100", "nobody at all"])
def test_a_search_in_a_large_list_leaves_nothing_to_compare_with_each_joined_row(
    office: Client, call: CallRecord, model: type[Model], text: str
) -> None:
    key = office.post(address_of(model), {"q": text})["Location"]
    with CaptureQueriesContext(connection) as asked:
        assert office.get(key).status_code == 200
    assert not [one["sql"] for one in asked if "UPPER(" in one["sql"]]
