"""The call that the events in these tests are about."""

import pytest

from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord
from reminders.results.post_results import record_accepted
from tests.people import make_due_reminder
from tests.webhooks.robotalker import CALL_ID


@pytest.fixture
def call() -> CallRecord:
    """Sarah's call, accepted by Robotalker."""
    make_due_reminder()
    claim = claim_due(10)
    [opened] = open_calls(claim.reminder_ids, claim.token)
    record_accepted({opened.pk: CALL_ID})
    opened.refresh_from_db()
    return opened


@pytest.fixture
def sms(call: CallRecord) -> CallRecord:
    """The same as a text message."""
    call.channel = "sms"
    call.robotalker_id = "sms_1"
    call.save()
    return call
