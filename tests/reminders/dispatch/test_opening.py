"""The last look: how many statements it takes, what it opens together, and how current its data is."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reminders.deciding.situations import PracticeConfig, read_practice_config
from reminders.dispatch import opening
from reminders.dispatch.claims import Claim, claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord, Campaign, Reminder, Step
from tests.people import (
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_number,
    make_script,
    make_step,
)

MOST_STATEMENTS = 10


def make_due(count: int) -> Claim:
    for index in range(count):
        make_due_reminder(make_contact(f"Child {index}", number=f"+120255501{index:02}"))
    return claim_due(count)


def count_statements(
    claim: Claim, ids: Iterable[int], practice: PracticeConfig, batch: CallBatch | None = None
) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert open_calls(list(ids), claim.token, batch, practice)
    statements = [query["sql"] for query in queries.captured_queries]
    return len([sql for sql in statements if not sql.startswith(("SAVEPOINT", "RELEASE"))])


@pytest.mark.django_db
def test_a_last_look_takes_ten_statements_at_most_for_any_number_of_reminders() -> None:
    claim = make_due(13)
    practice = read_practice_config()
    first, *others = claim.reminder_ids
    assert count_statements(claim, [first], practice) <= MOST_STATEMENTS
    assert count_statements(claim, others[:6], practice) <= MOST_STATEMENTS
    assert count_statements(claim, others[6:], practice, CallBatch.objects.create()) <= MOST_STATEMENTS


@pytest.mark.django_db
@pytest.mark.parametrize(("use", "is_locked"), [("unreachable", True), ("never", False)])
def test_the_other_number_of_a_pair_is_locked_too_so_that_no_no_on_it_is_missed(
    use: str, is_locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(product rule 10)"""
    other = make_number("+12025550177")
    person = make_contact(other_phone=other, other_phone_use=use)
    make_due_reminder(person)
    locked: list[int] = []
    monkeypatch.setattr(opening, "lock_numbers", locked.extend)
    claim = claim_due(1)
    assert open_calls(claim.reminder_ids, claim.token)
    assert locked == [person.phone_id, *([other.pk] if is_locked else [])]


@pytest.mark.django_db
def test_an_opened_call_can_be_submitted_without_another_query() -> None:
    claim = make_due(2)
    calls = open_calls(claim.reminder_ids, claim.token, practice=read_practice_config())
    with CaptureQueriesContext(connection) as queries:
        for call in calls:
            assert all([call.number.e164, call.script_text.text, call.reminder.appointment_id])
    assert not queries.captured_queries


@pytest.mark.django_db
def test_calls_of_different_scripts_are_opened_together_singly_but_not_in_one_campaign() -> None:
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
def test_a_campaign_that_is_paused_after_the_claim_makes_no_calls() -> None:
    claim, practice = make_due(1), read_practice_config()
    Campaign.objects.update(state="paused")
    assert open_calls(claim.reminder_ids, claim.token, practice=practice) == []
    assert Reminder.objects.get().reason == "campaign_paused"


@pytest.mark.django_db
def test_a_step_and_a_location_that_were_added_after_the_configuration_was_read_are_found() -> None:
    practice = read_practice_config()
    make_location("Uptown")
    claim = make_due(1)
    [call] = open_calls(claim.reminder_ids, claim.token, practice=practice)
    assert "Harbor Clinic, Uptown" in call.text


@pytest.mark.django_db
def test_each_call_for_a_reminder_has_the_next_try_number() -> None:
    reminder = make_due_reminder()
    for number in (1, 2):
        claim = claim_due(1)
        [call] = open_calls(claim.reminder_ids, claim.token)
        assert call.try_number == number
        CallRecord.objects.update(state="no_answer", submitting_at=timezone.now() - timedelta(hours=1))
        Reminder.objects.filter(pk=reminder.pk).update(state="planned", next_look_at=timezone.now())
