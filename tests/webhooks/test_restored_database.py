"""A valid token for a call that isn't in the database shows that the database was restored.

(product rule 25)
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from contacts.models import PhoneNumber
from reminders.models import CallBatch, CallRecord, DatabaseIdentity
from reminders.traffic.callback_urls import forget_database_name, read_database_name, status_url
from reminders.traffic.switch import pause_sending, read_switch, resume_sending
from tests.people import SARAH, make_user
from tests.webhooks.robotalker import ANSWERED, make_event, post, post_for_response
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

MISSING = CallRecord(public_id="A" * 16)


@pytest.fixture(autouse=True)
def identity() -> Iterator[str]:
    forget_database_name()
    yield read_database_name()
    forget_database_name()


@pytest.mark.parametrize("missing", [MISSING, CallBatch(public_id="A" * 16)], ids=["call", "campaign"])
def test_an_event_for_a_call_missing_from_this_database_pauses_all_sending(
    missing: CallRecord | CallBatch,
) -> None:
    answer = post_for_response(status_url(missing), ANSWERED)
    assert (answer.status_code, answer.content) == (404, b"")
    switch = read_switch()
    assert switch.paused_at is not None
    assert switch.cause == "restored"
    assert WebhookEvent.objects.count() == 0


def test_an_event_for_another_databases_call_does_not_pause_sending() -> None:
    url = status_url(MISSING)
    DatabaseIdentity.objects.update(name="another")
    assert post(url, ANSWERED) == 404
    assert read_switch().paused_at is None


def test_an_address_from_before_sending_was_resumed_does_not_pause_it_again() -> None:
    DatabaseIdentity.objects.update(since=timezone.now() - timedelta(days=9))
    with time_machine.travel(timezone.now() - timedelta(days=1), tick=False):
        old = status_url(MISSING)
    assert (post(old, ANSWERED), read_switch().cause) == (404, "restored")
    resume_sending(by=make_user())
    assert post(old, ANSWERED) == 404
    assert read_switch().paused_at is None
    assert (post(status_url(MISSING), ANSWERED), read_switch().cause) == (404, "restored"), (
        "a newer address does"
    )


def test_a_pause_by_a_person_does_not_change_the_database_identity() -> None:
    since = DatabaseIdentity.objects.get().since
    pause_sending(by=make_user())
    resume_sending(by=make_user("other"))
    assert DatabaseIdentity.objects.get().since == since


@pytest.mark.parametrize(
    "body", [make_event("contact.optout"), {**ANSWERED, "dtmf_response": "9"}], ids=["event", "key 9"]
)
def test_an_opt_out_from_a_missing_call_counts(body: dict[str, Any]) -> None:
    assert post(status_url(MISSING), body) == 200
    assert PhoneNumber.objects.get(e164=SARAH).voice_opted_out_at is not None
    assert read_switch().cause == "restored"


def test_an_opt_out_from_another_databases_call_does_not_count() -> None:
    url = status_url(MISSING)
    DatabaseIdentity.objects.update(name="another")
    assert post(url, make_event("contact.optout")) == 404
    assert not PhoneNumber.objects.exists()


def test_a_process_with_the_database_name_from_before_a_restore_does_not_pause_sending() -> None:
    url = status_url(MISSING)
    DatabaseIdentity.objects.all().delete()
    assert post(url, ANSWERED) == 404
    assert read_switch().paused_at is None
