"""A step that is edited between a claim and the last look is judged and sent as it is now."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from contacts.models import ConsentEntry, PhoneNumber
from contacts.optouts import record_optout
from reminders.deciding.situations import read_practice_config
from reminders.dispatch.claims import Claim, claim_due
from reminders.dispatch.grouping import sort_for_submission
from reminders.dispatch.opening import open_calls
from reminders.dispatch.submission import open_batch, open_singles
from reminders.models import CallRecord, Reminder, Step
from reminders.planning.replanning import replan_steps
from tests.people import SARAH, make_contact, make_due_reminder, make_script, make_step

pytestmark = pytest.mark.django_db


def turn_into_text(step: Step) -> None:
    Step.objects.filter(pk=step.pk).update(channel="sms", fallback_script=None)
    replan_steps([step.pk])


def claim_three() -> Claim:
    for last in range(3):
        make_due_reminder(make_contact(number=f"+120255501{last:02}"))
    return claim_due(10)


def make_step_with_text() -> Step:
    fallback = make_script("{FIRST_NAME}, we could not reach you.", name="Text")
    return make_step(script=make_script(), fallback_script=fallback)


def test_a_number_that_opted_out_of_calls_is_not_in_a_campaign_of_a_step_that_became_a_text(
    settings: Settings,
) -> None:
    settings.CAMPAIGN_MINIMUM = 2
    step = make_step_with_text()
    claim = claim_three()
    practice = read_practice_config()
    [group], _ = sort_for_submission(claim.reminder_ids, practice)
    number = PhoneNumber.objects.earliest("pk")
    record_optout(number.pk, scope="voice", source=ConsentEntry.Source.STAFF, at=timezone.now())
    turn_into_text(step)
    called = [call.number_id for one in open_batch(group, claim.token, practice) for call in one.calls]
    assert number.pk not in called
    assert set(CallRecord.objects.values_list("channel", flat=True)) <= {"voice"}


def test_the_fallback_text_is_not_sent_to_somebody_who_was_never_called() -> None:
    step = make_step_with_text()
    make_due_reminder()
    claim = claim_due(10)
    practice = read_practice_config()
    turn_into_text(step)
    open_singles(claim.reminder_ids, claim.token, practice)
    assert CallRecord.objects.get().script_text.script.name == "Reminder"


def test_a_step_that_became_a_text_and_a_call_again_calls_whom_it_could_not_send_to_before() -> None:
    step = make_step()
    reminder = make_due_reminder(make_contact(number=SARAH))
    claim = claim_due(10)
    open_calls([reminder.pk], claim.token)
    CallRecord.objects.update(state="not_sent", reason="rate_limited")
    Reminder.objects.update(state="planned", claim=None, lease_until=None)
    for channel in ("sms", "voice"):
        Step.objects.filter(pk=step.pk).update(channel=channel)
        replan_steps([step.pk])
    claim = claim_due(10)
    assert [call.channel for call in open_calls([reminder.pk], claim.token)] == ["voice"]
