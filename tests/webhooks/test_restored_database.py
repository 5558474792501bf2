"""A good token for a call that isn't there: is the database older than what was sent?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from contacts.models import PhoneNumber
from reminders.models import CallBatch, CallRecord, DatabaseIdentity
from reminders.traffic.callback_urls import status_url
from reminders.traffic.restore_guard import forget_database_name, read_database_name
from reminders.traffic.switch import pause_sending, read_switch, resume_sending
from tests.people import SARAH, make_user
from tests.webhooks.robotalker import ANSWERED, knock, post, tell
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

LOST = CallRecord(public_id="A" * 16)


@pytest.fixture(autouse=True)
def identity() -> Iterator[str]:
    forget_database_name()
    yield read_database_name()
    forget_database_name()


@pytest.mark.parametrize("lost", [LOST, CallBatch(public_id="A" * 16)], ids=["call", "campaign"])
def test_a_call_that_only_robotalker_knows_pauses_all_sending(lost: CallRecord | CallBatch) -> None:
    answer = knock(status_url(lost), ANSWERED)
    assert (answer.status_code, answer.content) == (404, b"")
    switch = read_switch()
    assert switch.paused_at is not None
    assert switch.cause == "restored"
    assert WebhookEvent.objects.count() == 0


def test_a_call_of_another_database_pauses_nothing() -> None:
    url = status_url(LOST)
    DatabaseIdentity.objects.update(name="another")
    assert post(url, ANSWERED) == 404
    assert read_switch().paused_at is None


def test_an_address_of_before_a_person_sent_again_pauses_nothing_again() -> None:
    DatabaseIdentity.objects.update(since=timezone.now() - timedelta(days=9))
    with time_machine.travel(timezone.now() - timedelta(days=1), tick=False):
        old = status_url(LOST)
    assert (post(old, ANSWERED), read_switch().cause) == (404, "restored")
    resume_sending(by=make_user())
    assert post(old, ANSWERED) == 404
    assert read_switch().paused_at is None
    assert (post(status_url(LOST), ANSWERED), read_switch().cause) == (404, "restored"), "a new one does"


def test_a_persons_own_pause_leaves_the_identity_as_it_was() -> None:
    since = DatabaseIdentity.objects.get().since
    pause_sending(by=make_user())
    resume_sending(by=make_user("other"))
    assert DatabaseIdentity.objects.get().since == since


@pytest.mark.parametrize(
    "told", [tell("contact.optout"), {**ANSWERED, "dtmf_response": "9"}], ids=["event", "9"]
)
def test_a_no_to_a_call_that_was_forgotten_counts(told: dict[str, Any]) -> None:
    assert post(status_url(LOST), told) == 200
    assert PhoneNumber.objects.get(e164=SARAH).voice_opted_out_at is not None
    assert read_switch().cause == "restored"


def test_a_no_to_a_call_of_another_database_counts_for_nothing() -> None:
    url = status_url(LOST)
    DatabaseIdentity.objects.update(name="another")
    assert post(url, tell("contact.optout")) == 404
    assert not PhoneNumber.objects.exists()


def test_a_process_that_still_knows_the_name_of_before_pauses_nothing() -> None:
    url = status_url(LOST)
    DatabaseIdentity.objects.all().delete()
    assert post(url, ANSWERED) == 404
    assert read_switch().paused_at is None
