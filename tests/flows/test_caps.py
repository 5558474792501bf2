"""Two campaigns with the same number on one day: it is called once, and the page says why not again.

(product rule 21)
"""

from datetime import timedelta

from django.utils import timezone

from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, Reminder
from reminders.pages.story import read_story
from reminders.planning.planner import plan_all
from tests.people import SARAH, make_campaign, make_due_reminder, make_step
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until


def call_and_plan_another(sandbox: SandboxServer, story: str, state: str) -> Reminder:
    """Her first call comes to `state`; then another campaign's reminder is due."""
    make_step(max_tries=1)
    make_due_reminder()
    sandbox.set_scenarios({SARAH: story})
    assert dispatch_due().calls == 1
    wait_until(CallRecord.objects.filter(state=state).exists, f"her call to be {state}")
    make_step(make_campaign("Other campaign"))
    plan_all()
    CallRecord.objects.update(
        submitting_at=timezone.now() - timedelta(minutes=3)
    )  # the first call no longer counts as in progress
    return Reminder.objects.get(state="planned")


def test_a_patient_who_was_reached_is_not_called_again_that_day(sandbox: SandboxServer) -> None:
    other = call_and_plan_another(sandbox, "voicemail", "voicemail")
    assert dispatch_due().calls == 0
    assert len(sandbox.ledger(SARAH)) == 1
    other.refresh_from_db()
    assert (other.state, other.reason) == ("skipped", "held_by_cap")
    sentences = [entry.sentence for entry in read_story(other.appointment_id, timezone.now()).past]
    assert any("has had enough calls" in sentence for sentence in sentences)


def test_a_patient_who_was_not_reached_may_be_called_again_that_day(sandbox: SandboxServer) -> None:
    call_and_plan_another(sandbox, "no_answer", "no_answer")
    assert dispatch_due().calls == 1
    assert len(sandbox.ledger(SARAH)) == 2
