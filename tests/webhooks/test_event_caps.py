"""Whoever has learnt one callback address can't fill the tables with it."""

import logging
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from contacts.models import PhoneNumber
from reminders.models import CallBatch, CallRecord
from reminders.traffic.callback_urls import account_url, status_url
from tests.people import SARAH, make_number
from tests.webhooks.robotalker import make_event, post
from webhooks import event_caps, inbox
from webhooks.models import WebhookEvent
from webhooks.refusal_counts import forget_refusals, read_refusals

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caps of three events, so that reaching them takes no time."""
    forget_refusals()
    small = {
        subject: insert.replace(f"< {event_caps.MOST_OF_A_CALL} *", "< 3 *").replace(
            f"< {event_caps.MOST_OF_THE_ACCOUNT} *", "< 3 *"
        )
        for subject, insert in inbox.INSERTS.items()
    }
    monkeypatch.setattr(inbox, "INSERTS", small)


def test_the_address_of_a_call_stores_a_limited_number_of_events_and_counts_the_others(
    call: CallRecord, office: Client
) -> None:
    url = status_url(call)
    answers = [post(url, make_event("call.ringing", try_number=number)) for number in range(6)]
    assert answers == [200, 200, 200, 429, 429, 429]
    assert WebhookEvent.objects.count() == 3
    assert read_refusals() == {"beyond what one address may store": 3}
    assert "3 beyond what one address may store" in office.get("/readyz").json()["notes"]["refused"]


def test_a_repeated_event_still_gets_its_200_beyond_the_cap(call: CallRecord) -> None:
    url = status_url(call)
    events = [make_event("call.ringing", try_number=number) for number in range(4)]
    assert [post(url, event) for event in events] == [200, 200, 200, 429]
    assert [post(url, event) for event in events] == [200, 200, 200, 429]


def test_a_no_counts_beyond_the_cap_but_only_until_it_is_recorded(call: CallRecord) -> None:
    url = status_url(call)
    for number in range(3):
        post(url, make_event("call.ringing", try_number=number))
    assert post(url, make_event("call.completed", dtmf_response="9")) == 200
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at
    again = [post(url, make_event("call.completed", dtmf_response="9", copy=copy)) for copy in range(3)]
    assert again == [429, 429, 429]
    assert WebhookEvent.objects.count() == 4


def test_a_campaign_may_store_as_many_for_each_of_its_calls(call: CallRecord) -> None:
    call.batch = CallBatch.objects.create()
    call.save()
    url = status_url(call.batch)
    answers = [post(url, make_event("call.ringing", try_number=number)) for number in range(4)]
    assert answers == [200, 200, 200, 429]


def test_opt_outs_of_unknown_numbers_fill_no_table(settings: Settings) -> None:
    url = account_url()
    answers = [
        post(url, {"event": "contact.optout", "to": f"+1202555{number:04}"}) for number in range(160, 168)
    ]
    assert answers == [200] * 3 + [429] * 5
    assert (PhoneNumber.objects.count(), WebhookEvent.objects.count()) == (3, 3)
    make_number(SARAH)
    assert post(url, {"event": "contact.optout", "to": SARAH}) == 200, "a number that we have"
    assert PhoneNumber.objects.get(e164=SARAH).voice_opted_out_at
    assert post(url, {"event": "contact.optout", "to": SARAH, "copy": 2}) == 429


def test_a_no_that_never_counts_fills_no_table_either(call: CallRecord) -> None:
    """It names another number than the call's, so that it is kept for a person and records nothing."""
    make_number("+12025550142")
    for url in (status_url(call), account_url()):
        forged = [
            {"event": "contact.optout", "to": "+12025550142", "from": SARAH, "copy": copy}
            for copy in range(9)
        ]
        answers = [post(url, body if url == account_url() else body | {"from": ""}) for body in forged]
        assert answers == [200] * 6 + [429] * 3


class BrokenOff(BytesIO):
    """A body whose chunks are none."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("Invalid chunk size")


def test_a_body_that_breaks_off_is_answered_with_400(call: CallRecord) -> None:
    environ: dict[str, Any] = {"wsgi.input": BrokenOff(), "wsgi.input_terminated": True}
    for length in ("", "12"):
        answer = Client().post(urlsplit(status_url(call)).path, CONTENT_LENGTH=length, **environ)
        assert answer.status_code == 400
    assert not WebhookEvent.objects.exists()


def test_forged_posts_are_counted_and_not_written_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert {post("/hooks/robotalker/forged", {}) for _ in range(5)} == {404}
        assert Client().get("/hooks/robotalker/forged").status_code == 405
        assert post("/hooks/robotalker/forged", b"x" * 20_000) == 404
    assert read_refusals() == {"forged": 6}
    assert not caplog.records
