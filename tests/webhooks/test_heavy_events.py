"""Bodies made to be slow to read or impossible to store, and replies in forms (product rules 32 and 34)."""

import json
import time
from contextlib import suppress

import pytest

from contacts.models import PhoneNumber
from reminders.models import CallRecord, FollowUp
from reminders.robotalker.events import UnreadableEvent, parse_event, parse_for_optout
from reminders.traffic.callback_urls import account_url, status_url
from tests.people import SARAH
from tests.webhooks.robotalker import post
from webhooks.models import WebhookEvent

FORM = "application/x-www-form-urlencoded"
NUMBERS = "{a:[" + "1," * 1_900
HEAVY = {
    "numbers": NUMBERS.encode(),
    "objects in a text": b'{"text":STOP,' + b"{a:" * 670,
    "JSON in texts": json.dumps({"event": "x", "data": NUMBERS, "DATA": NUMBERS, "d_ata": NUMBERS}).encode(),
    "nested": b"[" * 16_384,
    "a text of line breaks": json.dumps({"event": "sms.received", "text": "\n" * 8_000}).encode(),
}


@pytest.mark.parametrize("body", HEAVY.values(), ids=HEAVY)
def test_no_body_takes_long_to_read(body: bytes) -> None:
    """JSON in the texts of three wrappers took 1.5 s each time that it was read."""
    began = time.process_time()
    for read in (parse_event, parse_for_optout):
        with suppress(UnreadableEvent):
            read(body)
    assert time.process_time() - began < 0.8


@pytest.mark.django_db
@pytest.mark.parametrize("body", ["event=sms.received&text=hello%00there", "text=hello%00there"])
def test_a_text_that_can_not_be_stored_as_it_is_still_stands_on_the_worklist(
    call: CallRecord, body: str
) -> None:
    assert post(status_url(call), body.encode(), FORM) == 200
    assert WebhookEvent.objects.get().state == "quarantined"
    assert FollowUp.objects.get().detail == "hellothere"


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["STOP", "STOP%00", "please+stop+calling"])
def test_a_no_in_a_form_without_a_name_is_heard(call: CallRecord, text: str) -> None:
    for url in (status_url(call), account_url()):
        PhoneNumber.objects.update(voice_opted_out_at=None, sms_opted_out_at=None)
        assert post(url, f"From=%2B12025550100&Body={text}".encode(), FORM) == 200
        assert PhoneNumber.objects.get(e164=SARAH).sms_opted_out_at, url
