"""An event shows that a try recorded as not sent has reached the patient, while the next try is under way."""

import pytest
from django.db.models import F
from pytest_django import Settings

from reminders.desk.orders import order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, Reminder
from reminders.results.post_results import record_accepted, record_failed_post
from reminders.robotalker.errors import ServerError
from reminders.traffic.callback_urls import status_url
from tests.people import make_contact, make_due_reminder, make_step, make_user
from tests.webhooks.robotalker import make_event, post

pytestmark = pytest.mark.django_db

ANSWERED_WITHOUT_A_KEY = make_event(status="answered", amd_result="human", call_id=None)


def open_next() -> CallRecord:
    Reminder.objects.update(next_look_at=F("due_at"), try_after=F("due_at"))
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    return call


def read_reminders() -> set[tuple[str, str]]:
    return set(Reminder.objects.values_list("state", "reason"))


@pytest.mark.parametrize("people", [["Sarah"], ["Anna", "Ben"]], ids=["one person", "a household"])
def test_a_patient_reached_by_an_earlier_try_is_not_tried_again(people: list[str]) -> None:
    for name in people:
        make_due_reminder(make_contact(name))
    first = open_next()
    record_failed_post(first.pk, ServerError(status=500))
    second = open_next()
    assert post(status_url(first), ANSWERED_WITHOUT_A_KEY) == 200
    assert read_reminders() == {("in_progress", "")}, "the second call may still be under way"
    record_failed_post(second.pk, ServerError(status=500))
    assert read_reminders() == {("done", "reached")}


@pytest.mark.parametrize(
    ("channel", "event", "reason"),
    [("sms", "sms.delivered", "delivered"), ("voice", "call.voicemail", "voicemail")],
)
def test_a_patient_who_got_the_text_or_a_final_voicemail_is_not_tried_again(
    channel: str, event: str, reason: str
) -> None:
    make_step(channel=channel, retry_voicemail=False, max_tries=3)
    make_due_reminder()
    first = open_next()
    record_failed_post(first.pk, ServerError(status=500))
    second = open_next()
    assert post(status_url(first), make_event(event, call_id=None)) == 200
    record_failed_post(second.pk, ServerError(status=500))
    assert read_reminders() == {("done", reason)}


def test_a_patient_with_a_voicemail_is_tried_again_where_the_step_says_so() -> None:
    make_step(retry_voicemail=True, max_tries=3)
    make_due_reminder()
    first = open_next()
    record_failed_post(first.pk, ServerError(status=500))
    second = open_next()
    assert post(status_url(first), make_event("call.voicemail", call_id=None)) == 200
    record_failed_post(second.pk, ServerError(status=500))
    assert read_reminders() == {("planned", "robotalker_trouble")}


def test_a_patient_whom_no_earlier_try_reached_is_tried_again() -> None:
    make_due_reminder()
    first = open_next()
    record_failed_post(first.pk, ServerError(status=500))
    second = open_next()
    assert post(status_url(first), make_event("call.no_answer", call_id=None)) == 200
    record_failed_post(second.pk, ServerError(status=500))
    assert read_reminders() == {("planned", "robotalker_trouble")}


def test_an_ordered_call_is_sent_although_an_earlier_try_reached_the_patient(settings: Settings) -> None:
    settings.CAP_PER_DAY = 0
    make_step(max_tries=3)
    reminder = make_due_reminder()
    first = open_next()
    record_accepted({first.pk: "cal_1"})
    assert post(status_url(first), ANSWERED_WITHOUT_A_KEY) == 200
    order_call(reminder.pk, by=make_user())
    ordered = open_next()
    record_accepted({ordered.pk: "cal_2"})
    assert post(status_url(ordered), make_event("call.no_answer", call_id="cal_2")) == 200
    again = open_next()
    record_failed_post(again.pk, ServerError(status=500))
    assert read_reminders() == {("planned", "robotalker_trouble")}
