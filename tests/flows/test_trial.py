"""A trial, rehearsed in the sandbox: only verified numbers are in its ledger, and no more than twenty."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from contacts.models import PhoneNumber
from reminders.desk.modes import choose_mode
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallBatch, CallRecord, Reminder
from reminders.rules.modes import TRIAL_CALLS_A_DAY, SendingMode
from tests.people import make_contact, make_due_reminder
from tests.sandbox_server import SandboxServer

OF_STAFF = {f"+120255501{last:02}" for last in range(0, 30, 2)}


@pytest.mark.parametrize("together", [True, False])
def test_only_verified_numbers_are_called(
    sandbox: SandboxServer, sam: User, settings: Settings, together: bool
) -> None:
    settings.ROBOTALKER_CAMPAIGNS = together
    choose_mode(SendingMode.TRIAL, by=sam)
    for last in range(30):
        make_due_reminder(make_contact(number=f"+120255501{last:02}"))
    PhoneNumber.objects.filter(e164__in=OF_STAFF).update(verified_at=timezone.now(), verified_by=sam)
    dispatch_due()
    assert {entry["to"] for entry in sandbox.ledger()} == OF_STAFF
    assert set(CallRecord.objects.values_list("mode", flat=True)) == {"trial"}
    assert set(CallBatch.objects.values_list("mode", flat=True)) == ({"trial"} if together else set())
    assert Reminder.objects.filter(state="skipped", reason="trial_unverified").count() == 15


def test_no_more_than_twenty_go_out_in_a_day(sandbox: SandboxServer, sam: User) -> None:
    choose_mode(SendingMode.TRIAL, by=sam)
    for last in range(TRIAL_CALLS_A_DAY + 10):
        make_due_reminder(make_contact(number=f"+120255501{last:02}"))
    PhoneNumber.objects.update(verified_at=timezone.now(), verified_by=sam)
    dispatch_due()
    assert len(sandbox.ledger()) == TRIAL_CALLS_A_DAY
    assert Reminder.objects.filter(state="skipped", reason="trial_full").count() == 10
