"""What follows a call that reached nobody: another call, a text message, or a person."""

from datetime import time, timedelta
from typing import Any

import pytest
import requests
from django.utils import timezone

from contacts.models import Appointment, ConsentEntry, Location, PhoneNumber
from contacts.optouts import record_optout
from reminders.desk.orders import order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, FollowUp, Reminder, Step
from reminders.pages.story import read_story
from reminders.planning.replanning import replan_location
from reminders.traffic.callback_urls import status_url
from tests.flows.applying import is_all_applied
from tests.people import SARAH, make_due_reminder, make_location, make_script, make_step, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

TEXT = (
    "{PRACTICE}: {FIRST_NAME}, your visit is {APPT_DATE}, {APPT_TIME}. Reply 1=yes, 2=change. STOP=opt out."
)


def make_step_with_text(**fields: Any) -> Step:
    spoken = make_script()
    return make_step(script=spoken, fallback_script=make_script(TEXT, name="Text"), max_tries=1, **fields)


def call_without_reaching_anybody(sandbox: SandboxServer, *story: str) -> Reminder:
    """A due reminder whose first call has reached nobody; what follows is planned."""
    reminder = make_due_reminder()
    sandbox.set_scenarios({SARAH: list(story)})
    assert dispatch_due().calls == 1
    wait_for_state(story[0] if story[0] in ("no_answer", "voicemail") else "failed")
    reminder.refresh_from_db()
    return reminder


def wait_for_state(state: str) -> CallRecord:
    return wait_until(CallRecord.objects.filter(state=state).order_by("-pk").first, f"a call to be {state}")


def opt_out(number: PhoneNumber, scope: str) -> None:
    record_optout(number.pk, scope=scope, source=ConsentEntry.Source.STAFF, at=timezone.now())


def read_reminder(reminder: Reminder) -> tuple[str, str, str]:
    reminder.refresh_from_db()
    return reminder.state, reminder.reason, reminder.channel


@pytest.mark.parametrize("story", ["no_answer", "busy", "carrier"])
def test_a_text_follows_the_last_call_and_is_answered(sandbox: SandboxServer, story: str) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, story)
    assert read_reminder(reminder) == ("planned", "text_follows", "sms")
    assert not FollowUp.objects.exists(), "no follow-up is opened while a text still follows"
    sandbox.set_scenarios({SARAH: "listen"})
    assert dispatch_due().calls == 1
    wait_for_state("delivered")
    [sent] = sandbox.texts(SARAH)
    assert sent["text"].startswith("Harbor Clinic, Downtown: Sarah, your visit is")
    sandbox.reply(SARAH, "1")
    wait_until(lambda: Appointment.objects.get().is_confirmed, "the confirmation")
    assert read_reminder(reminder) == ("done", "reached", "sms")


def test_the_text_waits_until_the_last_try_is_over(sandbox: SandboxServer) -> None:
    step = make_step_with_text()
    Step.objects.filter(pk=step.pk).update(max_tries=2)
    reminder = call_without_reaching_anybody(sandbox, "no_answer", "no_answer")
    assert read_reminder(reminder) == ("planned", "try_again", "")


def test_no_text_follows_a_voicemail(sandbox: SandboxServer) -> None:
    """(product rule 13)"""
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "voicemail")
    assert read_reminder(reminder) == ("done", "voicemail", "")


def test_a_voicemail_is_tried_again_when_the_step_says_so(sandbox: SandboxServer) -> None:
    make_step(max_tries=2, retry_voicemail=True)
    reminder = call_without_reaching_anybody(sandbox, "voicemail")
    assert read_reminder(reminder) == ("planned", "try_again", "")


def test_no_text_goes_to_a_number_that_does_not_exist(sandbox: SandboxServer) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "invalid_number")
    assert read_reminder(reminder) == ("done", "not_reached", "")
    assert FollowUp.objects.get().kind == "wrong_number"


@pytest.mark.parametrize("opted_out_after", [False, True])
def test_no_text_goes_to_a_number_opted_out_of_texts(sandbox: SandboxServer, opted_out_after: bool) -> None:
    make_step_with_text()
    reminder = make_due_reminder()
    number = PhoneNumber.objects.get()
    if not opted_out_after:
        opt_out(number, "sms")
    sandbox.set_scenarios({SARAH: "no_answer"})
    dispatch_due()
    wait_for_state("no_answer")
    if opted_out_after:
        opt_out(number, "sms")
    assert dispatch_due().calls == 0
    assert sandbox.texts() == []
    expected = ("skipped", "opted_out") if opted_out_after else ("done", "not_reached")
    assert read_reminder(reminder)[:2] == expected


def test_a_number_opted_out_of_calls_only_gets_the_text(sandbox: SandboxServer) -> None:
    make_step_with_text()
    call_without_reaching_anybody(sandbox, "no_answer")
    opt_out(PhoneNumber.objects.get(), "voice")
    assert dispatch_due().calls == 1
    assert len(sandbox.texts(SARAH)) == 1


def test_a_late_answer_to_the_call_cancels_the_text(sandbox: SandboxServer) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "no_answer")
    call = CallRecord.objects.get()
    post_event(call, "call.completed", status="answered", amd_result="human")
    assert read_reminder(reminder) == ("done", "reached", "")
    assert dispatch_due().calls == 0


def test_a_late_answer_cancels_a_text_that_is_claimed_but_not_sent(sandbox: SandboxServer) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "no_answer")
    claim = claim_due(10)
    assert claim.reminder_ids == [reminder.pk]
    post_event(CallRecord.objects.get(), "call.completed", status="answered", amd_result="human")
    assert read_reminder(reminder) == ("done", "reached", "")


def test_a_later_report_of_an_invalid_number_cancels_the_text(sandbox: SandboxServer) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "busy")
    post_event(CallRecord.objects.get(), "call.failed", status="failed", reason="invalid_number")
    assert read_reminder(reminder) == ("done", "not_reached", "")
    assert FollowUp.objects.get().kind == "wrong_number"


@pytest.mark.parametrize("failure", ["carrier", "invalid_number"])
def test_a_text_that_fails_is_not_sent_again_and_a_follow_up_is_opened(
    sandbox: SandboxServer, failure: str
) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "no_answer")
    Step.objects.update(max_tries=9)
    sandbox.set_scenarios({SARAH: failure})
    dispatch_due()
    wait_for_state("failed")
    assert read_reminder(reminder)[:2] == ("done", "not_reached")
    assert FollowUp.objects.get().kind == "could_not_reach"
    assert PhoneNumber.objects.get().unusable_since is None, "a number that gets no texts may still be called"


def test_a_text_that_robotalker_did_not_accept_is_tried_again_as_a_text(sandbox: SandboxServer) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "no_answer")
    sandbox.faults({"kind": "error_500_before", "endpoint": "sms", "next": 1})
    dispatch_due()
    assert read_reminder(reminder)[2]
    Reminder.objects.update(next_look_at=timezone.now(), try_after=timezone.now())
    dispatch_due()
    assert len(sandbox.texts(SARAH)) == 1


def test_no_second_text_follows_a_call_ordered_after_the_text(sandbox: SandboxServer) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "no_answer", "no_answer", "no_answer")
    dispatch_due()
    wait_for_state("delivered")
    CallRecord.objects.filter(channel="sms").update(submitting_at=timezone.now() - timedelta(days=2))
    order_call(reminder.pk, by=make_user())
    assert dispatch_due().calls == 1
    wait_until(CallRecord.objects.filter(channel="voice", state="no_answer", try_number=3).first, "the call")
    assert read_reminder(reminder)[:2] == ("done", "not_reached")
    assert len(sandbox.texts(SARAH)) == 1


def test_the_reminder_is_held_when_the_step_has_lost_its_text_meanwhile(
    sandbox: SandboxServer,
) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "no_answer")
    Step.objects.update(fallback_script=None)
    assert dispatch_due().calls == 0
    assert read_reminder(reminder)[:2] == ("planned", "no_script")


def test_the_next_try_is_planned_within_the_calling_hours(sandbox: SandboxServer) -> None:
    make_location(calling_opens=time(12), calling_closes=time(13))  # it is between 12 and 13 there
    make_step(retry_wait=timedelta(hours=2), max_tries=2, elapsed=timedelta(days=2))
    reminder = make_due_reminder(starts_at=timezone.now() + timedelta(days=2))
    sandbox.set_scenarios({SARAH: "no_answer"})
    dispatch_due()
    wait_for_state("no_answer")
    reminder.refresh_from_db()
    local = reminder.next_look_at.astimezone(Location.objects.get().zone)
    assert (local.hour, local.minute) == (12, 0)
    [story] = read_story(reminder.appointment_id, timezone.now()).ahead
    assert story.at == reminder.next_look_at, "the page names that moment"
    Location.objects.update(calling_opens=time(8), calling_closes=time(21))
    replan_location(Location.objects.get())
    reminder.refresh_from_db()
    assert reminder.next_look_at == reminder.try_after, "with wider hours the wait of the step is enough"


def test_a_follow_up_is_opened_at_once_when_another_try_would_be_too_late(sandbox: SandboxServer) -> None:
    make_location(calling_opens=time(12), calling_closes=time(13))
    make_step(retry_wait=timedelta(hours=1), max_tries=2)
    reminder = call_without_reaching_anybody(sandbox, "no_answer")
    assert read_reminder(reminder)[:2] == ("done", "not_reached")
    assert FollowUp.objects.get().kind == "could_not_reach"


def test_the_page_says_that_a_text_follows(sandbox: SandboxServer) -> None:
    make_step_with_text()
    reminder = call_without_reaching_anybody(sandbox, "no_answer")
    story = read_story(reminder.appointment_id, timezone.now())
    assert story.ahead[0].sentence == (
        "Planned: call, 4 hours before, then by text message. "
        "No call reached anybody; a text message follows."
    )
    assert story.standing.next_step == "will text now"
    assert story.reminders[0].is_text


def post_event(call: CallRecord, event: str, **fields: Any) -> None:
    """One more event of this call, on its own address, which is applied."""
    body = {"event": event, "call_id": call.robotalker_id, "to": SARAH, **fields}
    answer = requests.post(status_url(call), json=body, timeout=10)
    assert answer.status_code == 200
    wait_until(is_all_applied, "the event to be applied")
