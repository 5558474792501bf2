"""Which opt-outs call for a confirming text, and what becomes of its events (product rule 32)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from contacts.models import ConsentEntry, Contact, PhoneNumber
from contacts.optouts import record_optin, record_optout
from reminders.models import CallRecord, FollowUp, OptOutConfirmation
from reminders.traffic.callback_urls import account_url, status_url
from tests.people import SARAH, make_number, make_user
from tests.webhooks.robotalker import post, report_text
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

State = OptOutConfirmation.State


@pytest.fixture(autouse=True)
def _switched_on(settings: Settings) -> None:
    settings.OPT_OUT_CONFIRMATION = True


def read_states() -> list[str]:
    return list(OptOutConfirmation.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.parametrize("words", ["STOP", "Please stop. Thank you", "ARRÊT", "9", "I'll stop by at nine"])
def test_a_no_by_text_calls_for_one_text(sms: CallRecord, words: str) -> None:
    report_text(status_url(sms), text=words)
    confirmation = OptOutConfirmation.objects.get()
    assert confirmation.entry == ConsentEntry.objects.get()
    assert confirmation.text == (
        "Harbor Clinic, Downtown: You get no more texts or calls. Reply START for texts."
    )
    assert (confirmation.state, confirmation.from_number) == ("waiting", sms.from_number)


def test_it_is_in_the_patients_language(sms: CallRecord) -> None:
    Contact.objects.update(language="es")
    report_text(status_url(sms), text="STOP")
    assert "Ya no recibe SMS ni llamadas" in OptOutConfirmation.objects.get().text


@pytest.mark.parametrize(("words", "says_calls"), [("STOP", False), ("stop calling me", True)])
def test_it_says_what_really_stops(sms: CallRecord, settings: Settings, words: str, says_calls: bool) -> None:
    settings.OPT_OUT_SCOPE = "channel"
    report_text(status_url(sms), text=words)
    assert ("or calls" in OptOutConfirmation.objects.get().text) == says_calls
    assert PhoneNumber.objects.filter(voice_opted_out_at__isnull=not says_calls).exists()


def test_none_is_called_for_while_it_is_off(sms: CallRecord, settings: Settings) -> None:
    settings.OPT_OUT_CONFIRMATION = False
    report_text(status_url(sms), text="STOP")
    assert ConsentEntry.objects.count() == 1
    assert read_states() == []


def test_an_opt_out_that_is_no_text_calls_for_none(call: CallRecord) -> None:
    """Key 9, contact.optout alone, staff."""
    report_text(status_url(call), "call.completed", status="answered", dtmf_response="9")
    assert ConsentEntry.objects.count() == 1
    for url in (account_url(), status_url(call)):
        PhoneNumber.objects.update(voice_opted_out_at=None, sms_opted_out_at=None)
        report_text(url, "contact.optout", channel="sms")
        assert ConsentEntry.objects.latest("pk").what == "opt_out"
    PhoneNumber.objects.update(voice_opted_out_at=None, sms_opted_out_at=None)
    record_optout(call.number_id, scope="all", source="staff", at=timezone.now())
    assert ConsentEntry.objects.count() == 4
    assert read_states() == []


def test_contact_optout_at_a_texts_address_calls_for_none(sms: CallRecord) -> None:
    report_text(status_url(sms), "contact.optout", channel="sms")
    assert ConsentEntry.objects.count() == 1
    assert read_states() == []


@pytest.mark.parametrize("first", ["sms.received", "contact.optout"])
@pytest.mark.parametrize("scope", ["all", "channel"])
def test_one_stop_reported_by_two_events_in_any_order_calls_for_one(
    sms: CallRecord, settings: Settings, first: str, scope: str
) -> None:
    settings.OPT_OUT_SCOPE = scope
    events: dict[str, dict[str, Any]] = {
        "sms.received": {"text": "STOP"},
        "contact.optout": {"channel": "sms"},
    }
    for event in sorted(events, key=lambda event: event != first):
        report_text(status_url(sms), event, **events[event])
    assert read_states() == ["waiting"]


def test_a_stop_long_after_another_opt_out_calls_for_none(sms: CallRecord) -> None:
    CallRecord.objects.update(submitting_at=timezone.now() - timedelta(hours=2))
    long_ago = timezone.now() - timedelta(minutes=3)
    record_optout(sms.number_id, scope="all", source="robotalker", at=long_ago)
    report_text(status_url(sms), text="STOP")
    assert read_states() == []


@pytest.mark.parametrize("source", ["staff", "key", "import"])
def test_a_stop_after_a_no_of_another_kind_calls_for_none(sms: CallRecord, source: str) -> None:
    record_optout(sms.number_id, scope="all", source=source, at=timezone.now())
    report_text(status_url(sms), text="STOP")
    assert read_states() == []


def test_a_stop_in_more_words_calls_for_no_second_one(sms: CallRecord, settings: Settings) -> None:
    settings.OPT_OUT_SCOPE = "channel"
    for words in ("STOP", "I said STOP", "stop calling me too"):
        report_text(status_url(sms), text=words)
    assert len(ConsentEntry.objects.all()) == 3, "the last one also stops calls"
    assert read_states() == ["waiting"]


def test_a_stop_after_an_opt_in_calls_for_a_new_one(sms: CallRecord) -> None:
    report_text(status_url(sms), text="STOP")
    record_optin(sms.number_id, scope="all", evidence="asked", by=make_user(), at=timezone.now())
    report_text(status_url(sms), text="STOP")
    assert read_states() == ["waiting", "waiting"]


def test_a_stop_by_text_after_a_call_calls_for_one(call: CallRecord) -> None:
    """Such an event is kept back, since its address belongs to a call, but the "no" in it counts."""
    report_text(status_url(call), text="STOP")
    assert read_states() == ["waiting"]


def test_a_stop_whose_number_cannot_be_read_calls_for_none(sms: CallRecord) -> None:
    post(status_url(sms), {"event": "sms.received", "to": "unknown", "text": "STOP"})
    assert ConsentEntry.objects.count() == 1
    assert read_states() == []


def test_a_stop_on_the_accounts_address_calls_for_one_where_we_know_who_to_name(call: CallRecord) -> None:
    report_text(account_url(), text="STOP")
    report_text(account_url(), text="STOP", to="+12025550188")
    assert [one.entry.number.e164 for one in OptOutConfirmation.objects.all()] == [SARAH]


@pytest.mark.parametrize("event", ["sms.delivered", "sms.failed"])
def test_delivery_on_the_accounts_address_is_harmless(call: CallRecord, event: str) -> None:
    report_text(account_url(), event, sms_id="sms_9", reason="opted_out")
    assert WebhookEvent.objects.get().state == "applied"
    assert not FollowUp.objects.exists()
    assert not ConsentEntry.objects.exists()


def make_confirmation(**fields: Any) -> OptOutConfirmation:
    number = make_number()
    entry = ConsentEntry.objects.create(
        number=number, what="opt_out", scope="all", source="sms_reply", at=timezone.now()
    )
    return OptOutConfirmation.objects.create(entry=entry, from_number="+18005550199", text="Hello", **fields)


@pytest.mark.parametrize(
    ("state", "known_id", "event", "becomes"),
    [
        (State.SUBMITTED, "sms_9", "sms.delivered", State.DELIVERED),
        (State.SUBMITTED, "sms_9", "sms.failed", State.UNDELIVERED),
        (State.SUBMITTED, "sms_8", "sms.delivered", State.SUBMITTED),  # about another text
        (State.SUBMITTING, "", "sms.delivered", State.DELIVERED),  # before the answer to the request
        (State.UNKNOWN, "", "sms.failed", State.UNDELIVERED),  # that answer was lost
        (State.WAITING, "", "sms.delivered", State.WAITING),
        (State.DROPPED, "", "sms.delivered", State.DROPPED),
    ],
)
def test_delivery_is_recorded_for_the_text_that_it_is_about(
    state: str, known_id: str, event: str, becomes: str
) -> None:
    make_confirmation(state=state, robotalker_id=known_id)
    report_text(account_url(), event, sms_id="sms_9")
    assert read_states() == [becomes]


def test_the_delivery_of_a_reminder_is_not_taken_for_that_of_the_confirming_text(sms: CallRecord) -> None:
    make_confirmation(state=State.UNKNOWN)
    report_text(account_url(), "sms.delivered", sms_id="sms_1")
    assert read_states() == ["unknown"]
