"""The last look as a whole: what it costs, what it takes together, and how fresh what it knows is."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reminders.deciding.situations import PracticeConfig, read_practice_config
from reminders.dispatch.claims import Claim, claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord, Campaign, Reminder, Step
from tests.people import (
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_script,
    make_step,
)

MOST_STATEMENTS = 10


def make_due(count: int) -> Claim:
    for place in range(count):
        make_due_reminder(make_contact(f"Child {place}", number=f"+120255501{place:02}"))
    return claim_due(count)


def count_statements(
    claim: Claim, ids: Iterable[int], book: PracticeConfig, batch: CallBatch | None = None
) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert open_calls(list(ids), claim.token, batch, book)
    return len([one for one in asked.captured_queries if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))])


@pytest.mark.django_db
def test_a_look_costs_few_statements_however_many_are_looked_at() -> None:
    claim = make_due(13)
    book = read_practice_config()
    first, *others = claim.reminder_ids
    assert count_statements(claim, [first], book) <= MOST_STATEMENTS
    assert count_statements(claim, others[:6], book) <= MOST_STATEMENTS
    assert count_statements(claim, others[6:], book, CallBatch.objects.create()) <= MOST_STATEMENTS


@pytest.mark.django_db
def test_what_a_call_needs_to_be_sent_is_there_without_another_query() -> None:
    claim = make_due(2)
    calls = open_calls(claim.reminder_ids, claim.token, practice=read_practice_config())
    with CaptureQueriesContext(connection) as asked:
        for call in calls:
            assert all([call.number.e164, call.script_text.text, call.reminder.appointment_id])
    assert not asked.captured_queries


@pytest.mark.django_db
def test_single_calls_of_different_scripts_are_opened_together_but_not_in_one_campaign() -> None:
    make_due_reminder()
    Step.objects.update(script=make_script("Hola {FIRST_NAME}.", name="Other words"))
    make_due_reminder(make_contact("Noah", number="+12025550111"))
    other = make_step(make_campaign("Other campaign"), script=make_script(name="Reminder"))
    Reminder.objects.filter(appointment__contact__first_name="Noah").update(step=other)
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token, CallBatch.objects.create())
    put_back = Reminder.objects.exclude(pk=call.reminder_id).get()
    assert (put_back.state, put_back.reason) == ("planned", "")
    CallRecord.objects.all().delete()
    Reminder.objects.update(state="planned", claim=None, lease_until=None)
    claim = claim_due(10)
    assert len({call.script_text_id for call in open_calls(claim.reminder_ids, claim.token)}) == 2


@pytest.mark.django_db
def test_a_campaign_that_is_paused_after_the_claim_calls_nobody() -> None:
    claim, book = make_due(1), read_practice_config()
    Campaign.objects.update(state="paused")
    assert open_calls(claim.reminder_ids, claim.token, practice=book) == []
    assert Reminder.objects.get().reason == "campaign_paused"


@pytest.mark.django_db
def test_a_step_a_place_and_a_provider_that_are_newer_than_the_book_are_read() -> None:
    book = read_practice_config()
    make_location("Uptown")
    claim = make_due(1)
    [call] = open_calls(claim.reminder_ids, claim.token, practice=book)
    assert "Harbor Clinic, Uptown" in call.text


@pytest.mark.django_db
def test_a_reminder_that_is_planned_anew_gets_its_next_number_of_try() -> None:
    reminder = make_due_reminder()
    for number in (1, 2):
        claim = claim_due(1)
        [call] = open_calls(claim.reminder_ids, claim.token)
        assert call.try_number == number
        CallRecord.objects.update(state="no_answer", submitting_at=timezone.now() - timedelta(hours=1))
        Reminder.objects.filter(pk=reminder.pk).update(state="planned", next_look_at=timezone.now())
