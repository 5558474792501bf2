"""Opt-outs that belong to no call, posted to the account's own address."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment, ConsentEntry, PhoneNumber
from contacts.optouts import record_optin
from reminders.models import CallRecord
from reminders.traffic.callback_urls import account_url
from tests.people import SARAH, make_number, make_user
from tests.webhooks.robotalker import ANSWERED, post
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

UNKNOWN = "+12025550188"


def optout(**fields: Any) -> dict[str, Any]:
    return {"event": "contact.optout", "to": SARAH, "timestamp": "2026-01-01T10:30:45Z", **fields}


def flags(e164: str = SARAH) -> tuple[bool, bool]:
    """Whether the number is opted out of calls, and of text messages."""
    number = PhoneNumber.objects.get(e164=e164)
    return number.voice_opted_out_at is not None, number.sms_opted_out_at is not None


@pytest.mark.parametrize(
    ("scope", "channel", "out"),
    [
        ("channel", "voice", (True, False)),
        ("channel", "sms", (False, True)),
        ("channel", None, (True, True)),
        ("all", "voice", (True, True)),
        ("all", "sms", (True, True)),
    ],
)
def test_an_opt_out_without_a_call_opts_the_number_out(
    settings: Settings, scope: str, channel: str | None, out: tuple[bool, bool]
) -> None:
    """(product rule 10)"""
    settings.OPT_OUT_SCOPE = scope
    make_number()
    assert post(account_url(), optout(channel=channel)) == 200
    assert flags() == out
    entry = ConsentEntry.objects.get()
    assert (entry.what, entry.source, entry.at.isoformat()) == (
        "opt_out",
        "robotalker",
        "2026-01-01T10:30:45+00:00",
    )


def test_stop_in_a_text_message_opts_out_of_text_messages(settings: Settings) -> None:
    settings.OPT_OUT_SCOPE = "channel"
    make_number()
    assert post(account_url(), {"event": "sms.received", "to": SARAH, "text": " Stop. "}) == 200
    assert flags() == (False, True)


def test_an_unknown_number_is_added_and_opted_out() -> None:
    assert post(account_url(), optout(to=UNKNOWN)) == 200
    assert flags(UNKNOWN) == (True, True)


NO_OPTOUTS = {
    "an answer to a call": ANSWERED,
    "an opt-out without a number": optout(to=None),
    "an opt-out with a name instead of a number": optout(to="Sarah"),
    "an empty body": b"",
    "an unknown event": optout(event="contact.optin"),
}


@pytest.mark.parametrize("payload", NO_OPTOUTS.values(), ids=NO_OPTOUTS.keys())
def test_an_event_that_is_no_opt_out_and_no_text_is_quarantined_on_the_accounts_address(
    call: CallRecord, payload: object
) -> None:
    assert post(account_url(), payload) == 200
    assert WebhookEvent.objects.get().state == "quarantined"
    assert flags() == (False, False)
    assert not Appointment.objects.get().is_confirmed


def test_an_equal_opt_out_is_not_a_repetition() -> None:
    """STOP without a date, twice, with an opt-in in between: the second one counts too (product rule 33)."""
    number = make_number()
    stop = {"event": "sms.received", "to": SARAH, "text": "STOP"}
    post(account_url(), stop)
    record_optin(number.pk, scope="all", evidence="asked for it", by=make_user(), at=timezone.now())
    assert flags() == (False, False)
    post(account_url(), stop)
    assert flags() == (True, True)


def test_the_command_prints_an_address_that_accepts_opt_outs() -> None:
    make_number()
    printed = StringIO()
    call_command("account_webhook", stdout=printed)
    assert post(printed.getvalue().strip(), optout()) == 200
    assert flags() == (True, True)
