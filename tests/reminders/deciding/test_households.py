"""Two children with one phone number: which appointments one call is for, and what it says.

(product rule 12)
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Appointment, Contact, Location, PhoneNumber, Provider
from reminders.deciding.households import find_household_reminders
from reminders.desk.bookings import cancel_and_withdraw, confirm_by_staff, move_and_replan
from reminders.desk.orders import order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.lifecycle.calls import calls_of, reminders_of, with_calls
from reminders.lifecycle.locking import lock_call
from reminders.lifecycle.reminders import plan_again
from reminders.models import CallBatch, CallRecord, Campaign, Reminder, Step
from reminders.pages.story import read_story
from reminders.results.outcomes import fold_event
from reminders.robotalker.events import parse_event
from reminders.wording.scripts import FOR_ALL, fill_for_all, message_of, speak
from tests.people import (
    SARAH,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_script,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db

NOAH = "+12025550142"


def book(name: str, hours: float = 3, *, number: str = SARAH, **booking: object) -> Reminder:
    """A child's appointment this many hours from now, with its reminder, due four hours before it."""
    child = make_contact(name, number=number)
    return make_due_reminder(child, starts_at=timezone.now() + timedelta(hours=hours), **booking)


def open_due(limit: int = 10) -> list[CallRecord]:
    claim = claim_due(limit)
    return open_calls(claim.reminder_ids, claim.token)


def names_in(call: CallRecord) -> list[str]:
    return sorted(reminder.appointment.contact.first_name for reminder in reminders_of(call))


def names_in_each(calls: Sequence[CallRecord]) -> list[list[str]]:
    return sorted(names_in(call) for call in calls)


def receive(call: CallRecord, event: str) -> None:
    """Apply an event of the call, received just now."""
    body = json.dumps({"event": event, "call_id": f"cal_{call.pk}", "to": SARAH}).encode()
    fold_event(call.pk, parse_event(body, "application/json"), received_at=timezone.now())


def make_due_again() -> None:
    """End the wait for the next try and the time in which the number counts as busy."""
    long_ago = timezone.now() - timedelta(hours=1)
    Reminder.objects.filter(state="planned").update(next_look_at=long_ago, try_after=long_ago)
    CallRecord.objects.update(submitting_at=long_ago)


def states() -> dict[str, str]:
    rows = Reminder.objects.select_related("appointment__contact")
    return {row.appointment.contact.first_name: row.state for row in rows}


# --- what one call is for ---------------------------------------------------------------------------


def test_two_children_of_one_number_and_day_share_one_call() -> None:
    book("Anna")
    book("Ben", 3.5)
    [call] = open_due()
    assert names_in(call) == ["Anna", "Ben"]
    assert set(states().values()) == {"in_progress"}
    assert not Reminder.objects.exclude(claim=None).exists()


def test_a_child_whose_own_reminder_is_due_later_is_a_companion_too() -> None:
    book("Anna")
    book("Ben", 5)
    [call] = open_due()
    assert names_in(call) == ["Anna", "Ben"]


def test_another_dispatcher_that_claimed_a_companion_does_not_call_it() -> None:
    book("Anna")
    book("Ben", 3.5)
    first, second = claim_due(1), claim_due(1)
    assert len(first.reminder_ids) == len(second.reminder_ids) == 1
    [call] = open_calls(first.reminder_ids, first.token)
    assert names_in(call) == ["Anna", "Ben"]
    assert open_calls(second.reminder_ids, second.token) == []


def test_a_reminder_whose_claim_has_run_out_is_no_companion() -> None:
    book("Anna")
    ben = book("Ben", 3.5)
    claim_due(2)
    Reminder.objects.exclude(pk=ben.pk).update(state="planned", claim=None, lease_until=None)
    Reminder.objects.filter(pk=ben.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    [call] = open_due()
    assert names_in(call) == ["Anna"]


def test_another_day_location_number_or_step_has_a_call_of_its_own() -> None:
    make_step()
    book("Anna")
    book("Tomorrow", 27)
    book("Elsewhere", 3.5, location=make_location("Uptown"))
    book("Noah", 3.5, number=NOAH)
    book("Later", 3.5)
    other_step = make_step(make_campaign("Others", state=Campaign.State.DRAFT))
    Campaign.objects.update(state=Campaign.State.ACTIVE)
    Reminder.objects.filter(appointment__contact__first_name="Later").update(step=other_step)
    assert names_in_each(open_due()) == [["Anna"], ["Noah"]], "the number is busy for the others"


def test_a_confirmed_appointment_is_not_mentioned() -> None:
    book("Anna")
    ben = book("Ben", 3.5)
    confirm_by_staff(ben.appointment_id, by=make_user())
    [call] = open_due()
    assert names_in(call) == ["Anna"]
    assert FOR_ALL not in call.variables


def test_a_step_for_confirmed_appointments_takes_no_unconfirmed_companion() -> None:
    """(product rule 22)"""
    make_step(audience=Step.Audience.CONFIRMED)
    anna, _ben = book("Anna"), book("Ben", 5)
    confirm_by_staff(anna.appointment_id, by=make_user())
    [call] = open_due()
    assert names_in(call) == ["Anna"]
    assert states()["Ben"] == "planned", "it is not due yet"


def test_an_appointment_cancelled_or_moved_after_the_claim_is_not_mentioned() -> None:
    book("Anna")
    ben, carl = book("Ben", 3.5), book("Carl", 3.75)
    claim = claim_due(10)
    cancel_and_withdraw(ben.appointment_id)
    moved = timezone.now() + timedelta(days=3)
    move_and_replan(carl.appointment_id, starts_at=moved, ends_at=moved + timedelta(minutes=30))
    [call] = open_calls(claim.reminder_ids, claim.token)
    assert names_in(call) == ["Anna"]
    assert "Ben" not in call.text
    assert "Carl" not in call.text


def test_a_number_that_opted_out_is_called_for_no_appointment() -> None:
    book("Anna")
    book("Ben", 3.5)
    PhoneNumber.objects.update(voice_opted_out_at=timezone.now())
    assert open_due() == []
    assert set(states().values()) == {"skipped"}


def test_an_ordered_call_has_no_companions_that_were_not_ordered() -> None:
    anna, _ben = book("Anna", 5), book("Ben", 5.5)
    order_call(anna.pk, by=make_user())
    [call] = open_due()
    assert names_in(call) == ["Anna"]


def test_calls_that_one_person_orders_for_both_are_one_call() -> None:
    anna, ben = book("Anna", 5), book("Ben", 5.5)
    rosa = make_user()
    order_call(anna.pk, by=rosa)
    order_call(ben.pk, by=rosa)
    [call] = open_due()
    assert names_in(call) == ["Anna", "Ben"]
    assert call.ordered_by == rosa


def test_one_call_is_for_six_appointments_at_most() -> None:
    for index in range(8):
        book(f"Child {index}", 3 + index / 100)
    [call] = open_due()
    assert names_in(call) == [f"Child {index}" for index in range(6)]
    assert sorted(states().values()) == ["in_progress"] * 6 + ["planned"] * 2


def test_a_campaign_takes_no_household() -> None:
    anna, ben = book("Anna"), book("Ben", 3.5)
    noah = book("Noah", number=NOAH)
    claim = claim_due(10)
    assert find_household_reminders(claim.reminder_ids) == {anna.pk, ben.pk}
    [call] = open_calls(claim.reminder_ids, claim.token, CallBatch.objects.create())
    assert call.reminder == noah
    assert states() == {"Anna": "planned", "Ben": "planned", "Noah": "in_progress"}
    [joint] = open_due()
    assert names_in(joint) == ["Anna", "Ben"]


# --- what is said --------------------------------------------------------------------------------


def test_the_posted_message_is_what_the_call_record_says() -> None:
    book("Anna")
    book("Ben", 3.5)
    [call] = open_due()
    assert speak(message_of(call), call.variables) == call.text
    assert call.text.startswith("Hello Anna and Ben, ")
    assert call.text.endswith("Press 9 to get no more calls. Your answer counts for both appointments.")


def test_a_call_for_one_appointment_says_its_script_only() -> None:
    book("Anna")
    [call] = open_due()
    assert message_of(call) == call.script_text.text
    assert speak(call.script_text.text, call.variables) == call.text


APPOINTMENTS = [
    (
        "en",
        [("Anna", 10, 0, "Dr. Chen"), ("Ben", 10, 30, "Dr. Chen")],
        ("Anna and Ben", "10:00 AM for Anna and 10:30 AM for Ben", "Dr. Chen"),
        "Your answer counts for both appointments.",
    ),
    (
        "en",
        [("Anna", 10, 0, "Dr. Chen"), ("Anna", 14, 0, "Dr. Patel")],
        ("Anna", "10:00 AM and 2:00 PM", "Dr. Chen and Dr. Patel"),
        "Your answer counts for both appointments.",
    ),
    (
        "en",
        [("Anna", 10, 0, "Dr. Chen"), ("Ben", 10, 0, "Dr. Patel")],
        ("Anna and Ben", "10:00 AM", "Dr. Chen and Dr. Patel"),
        "Your answer counts for both appointments.",
    ),
    (
        "en",
        [("Anna", 9, 0, "Dr. Chen"), ("Ben", 9, 30, "Dr. Chen"), ("Carl", 10, 0, "Dr. Chen")],
        ("Anna, Ben and Carl", "9:00 AM for Anna, 9:30 AM for Ben and 10:00 AM for Carl", "Dr. Chen"),
        "Your answer counts for all 3 appointments.",
    ),
    (
        "es",
        [("Ana", 10, 0, "Dra. Ruiz"), ("Inés", 10, 30, "Dra. Ruiz")],
        ("Ana e Inés", "10:00 de la mañana para Ana y 10:30 de la mañana para Inés", "Dra. Ruiz"),
        "Su respuesta vale para las dos citas.",
    ),
    (
        "fr",
        [("Anne", 10, 0, "Dr Roy"), ("Luc", 10, 30, "Dr Roy")],
        ("Anne et Luc", "10 h 00 du matin pour Anne et 10 h 30 du matin pour Luc", "Dr Roy"),
        "Votre réponse vaut pour les deux rendez-vous.",
    ),
]


@pytest.mark.parametrize(("language", "booked", "said", "closing"), APPOINTMENTS)
def test_names_and_times_are_joined_in_the_language_of_the_text(
    language: str, booked: list[tuple[str, int, int, str]], said: tuple[str, str, str], closing: str
) -> None:
    location = Location(time_zone="UTC", spoken_name="Harbor Clinic", callback_number="+12025550199")
    appointments = [
        Appointment(
            contact=Contact(first_name=name),
            location=location,
            provider=Provider(name=doctor),
            local_start=datetime(2026, 12, 1, hour, minute),  # noqa: DTZ001 - a wall time
        )
        for name, hour, minute, doctor in booked
    ]
    values = fill_for_all(appointments, language, is_text=False)
    assert (values["FIRST_NAME"], values["APPT_TIME"], values["PROVIDER"]) == said
    assert values[FOR_ALL] == closing


def test_a_text_is_for_both_appointments_if_they_fit_into_160_characters() -> None:
    make_step(
        channel="sms", script=make_script("{FIRST_NAME}: {APPT_TIME}. 1=confirm, STOP=opt out.", name="T")
    )
    book("Anna")
    book("Ben", 3.5)
    [call] = open_due()
    assert names_in(call) == ["Anna", "Ben"]
    assert call.text.endswith("STOP=opt out. Reply counts for both.")
    assert len(call.text) <= 160


def test_texts_that_would_be_too_long_together_are_sent_one_by_one() -> None:
    long = "{FIRST_NAME}: {APPT_TIME}. 1=confirm, STOP=opt out." + " You are welcome." * 6
    make_step(channel="sms", script=make_script(long, name="T"))
    book("Anna")
    book("Ben", 3.5)
    calls = open_due()
    assert [names_in(call) for call in calls] == [["Anna"]]
    assert FOR_ALL not in calls[0].variables


# --- counting and reading ------------------------------------------------------------------------


def test_the_try_number_counts_calls_as_a_companion_too() -> None:
    anna, ben = book("Anna"), book("Ben", 3.5)
    [call] = open_due()
    CallRecord.objects.update(state="no_answer", submitting_at=timezone.now() - timedelta(hours=1))
    for reminder in reminders_of(lock_call(call.pk)):
        plan_again(reminder, next_look_at=timezone.now())
        reminder.save()
    cancel_and_withdraw(anna.appointment_id)
    [again] = open_due()
    assert (again.reminder, again.try_number) == (ben, 2)
    [reminder] = with_calls(Reminder.objects.filter(pk=ben.pk), CallRecord.objects.all())
    assert calls_of(reminder) == [call, again]


def test_a_late_event_of_a_shared_call_changes_no_reminder_that_has_a_later_call() -> None:
    anna, ben = book("Anna"), book("Ben", 3.5)
    [shared] = open_due()
    receive(shared, "call.no_answer")
    confirm_by_staff(anna.appointment_id, by=make_user())
    make_due_again()
    [later] = open_due()
    receive(shared, "call.voicemail")
    assert later.reminder == ben
    assert states() == {"Anna": "skipped", "Ben": "in_progress"}


def test_a_late_event_of_a_call_changes_no_reminder_that_is_a_companion_in_a_later_one() -> None:
    ben = book("Ben")
    [own] = open_due()
    receive(own, "call.no_answer")
    Reminder.objects.filter(pk=ben.pk).update(next_look_at=timezone.now() + timedelta(hours=1))
    book("Anna", 3.5)
    CallRecord.objects.update(submitting_at=timezone.now() - timedelta(hours=1))
    [later] = open_due()
    receive(own, "call.voicemail")
    assert names_in(later) == ["Anna", "Ben"]
    assert states() == {"Anna": "in_progress", "Ben": "in_progress"}


def test_each_appointments_page_shows_the_shared_call() -> None:
    book("Anna")
    book("Ben", 3.5)
    [call] = open_due()
    for reminder in reminders_of(call):
        story = read_story(reminder.appointment_id, timezone.now())
        [entry] = [entry for entry in story.past if entry.key == f"call-{call.pk}"]
        assert "one call for Anna and Ben" in entry.details
        assert "first try" in entry.details
        assert entry.said == call.text
        assert story.standing.code == "submitting"


def test_two_appointments_of_one_person_are_described_by_their_number() -> None:
    anna = make_contact("Anna")
    for hours in (3, 3.5):
        make_due_reminder(anna, starts_at=timezone.now() + timedelta(hours=hours))
    [call] = open_due()
    past = read_story(call.reminder.appointment_id, timezone.now()).past
    [told] = [entry for entry in past if entry.key == f"call-{call.pk}"]
    assert "one call for 2 appointments" in told.details


def test_a_call_without_companions_is_locked_in_one_statement() -> None:
    book("Anna")
    [call] = open_due()
    with CaptureQueriesContext(connection) as queries:
        assert len(reminders_of(lock_call(call.pk))) == 1
    assert len(queries) == 1
