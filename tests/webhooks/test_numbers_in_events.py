"""Numbers in events are compared as numbers, and our own are never opted out (product rules 35 and 39)."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Appointment, ConsentEntry, Location, PhoneNumber
from contacts.optouts import record_optout, record_optouts
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord, FollowUp
from reminders.traffic.callback_urls import account_url, key_urls, status_url
from tests.people import SARAH, make_contact, make_due_reminder, make_number, make_user
from tests.webhooks.robotalker import ANSWERED, post
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

OURS = "+18005550199"
STRANGER = "+12025550188"
# Sarah's number, +12025550100, as others write it
WRITTEN = [
    "2025550100",
    "(202) 555-0100",
    "0012025550100",
    "01112025550100",
    " 12025550100",
    "+1 202 555 0100 x5",
    "tel:+1-202-555-0100",
    "sip:+12025550100@carrier.example;user=phone",
    "＋１２０２５５５０１００",
]


def optout(**fields: Any) -> dict[str, Any]:
    return {"event": "contact.optout", **fields}


def is_out(e164: str = SARAH) -> bool:
    return PhoneNumber.objects.filter(e164=e164, voice_opted_out_at__isnull=False).exists()


def make_batch() -> CallBatch:
    """A campaign of one call, Sarah's."""
    make_due_reminder()
    claim = claim_due(10)
    batch = CallBatch.objects.create()
    open_calls(claim.reminder_ids, claim.token, batch)
    return batch


def test_an_opt_out_counts_however_its_number_is_written(call: CallRecord) -> None:
    """One function serves the addresses of calls, of campaigns and of the account."""
    for written in WRITTEN:
        for url in (status_url(call), account_url()):
            PhoneNumber.objects.update(voice_opted_out_at=None, sms_opted_out_at=None)
            assert post(url, optout(to=written)) == 200
            assert is_out(), (written, url)
    assert not WebhookEvent.objects.exclude(state="applied").exists()
    assert PhoneNumber.objects.count() == 1


def test_an_event_of_a_campaign_finds_its_call_however_its_number_is_written() -> None:
    batch = make_batch()
    for written in WRITTEN:
        Appointment.objects.update(answer="", answer_revision=None, answered_at=None)
        assert post(status_url(batch), {**ANSWERED, "to": written, "timestamp": None}) == 200
        assert Appointment.objects.get().is_confirmed, written


def test_old_forms_of_mexican_and_argentine_numbers_are_the_same_numbers(call: CallRecord) -> None:
    pairs = [("+525512345678", "+5215512345678"), ("+541123456789", "+5491123456789")]
    for ours, theirs in pairs:
        PhoneNumber.objects.update(e164=ours, voice_opted_out_at=None, sms_opted_out_at=None)
        for url in (status_url(call), account_url()):
            PhoneNumber.objects.update(voice_opted_out_at=None, sms_opted_out_at=None)
            assert post(url, optout(to=theirs)) == 200
            assert is_out(ours), (theirs, url)


@pytest.mark.parametrize("to", ["Sarah", "anonymous", "+1 202 ••• ••00", "12"])
def test_a_no_with_an_unreadable_number_counts_on_a_calls_own_address_and_is_looked_at(
    call: CallRecord, to: str
) -> None:
    assert post(status_url(call), optout(to=to)) == 200
    assert is_out()
    follow_up = FollowUp.objects.get()
    assert (follow_up.kind, follow_up.reason) == ("doubtful_opt_out", "number_unreadable")


def test_an_answer_with_an_unreadable_number_does_not_count(call: CallRecord) -> None:
    assert post(status_url(call), {**ANSWERED, "to": "Sarah"}) == 200
    assert post(key_urls(call)["1"], {"event": "call.dtmf", "digit": "1", "to": "Sarah"}) == 200
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"quarantined"}
    assert not Appointment.objects.get().is_confirmed


@pytest.mark.parametrize("to", [STRANGER, "202 555 0188", "+44 20 7946 0018"])
def test_an_opt_out_of_another_number_is_kept_back_however_it_is_written(call: CallRecord, to: str) -> None:
    assert post(status_url(call), optout(to=to)) == 200
    assert not is_out()
    assert WebhookEvent.objects.get().state == "quarantined"


SIDES = [
    ({"from": SARAH, "to": OURS}, "as most text interfaces send it"),
    ({"from": OURS, "to": SARAH}, "as the guide's events have it"),
    ({"from": "(202) 555-0100", "to": "1-800-555-0199"}, "in national form"),
    ({"from": SARAH, "to": "54321"}, "a short code"),
    ({"from": SARAH}, "only from"),
]


@pytest.mark.parametrize(("sides", "why"), SIDES, ids=[why for _, why in SIDES])
def test_the_patient_is_the_side_that_is_not_ours(call: CallRecord, sides: dict[str, str], why: str) -> None:
    """Product rule 39: +18005550199 itself was opted out, and the patient stayed in."""
    stop = {"event": "sms.received", "text": "STOP", **sides}
    CallRecord.objects.update(channel="sms")
    for url in (account_url(), status_url(call)):
        PhoneNumber.objects.update(voice_opted_out_at=None, sms_opted_out_at=None)
        assert post(url, stop) == 200
        assert is_out(), url
        assert not is_out(OURS)
    assert not WebhookEvent.objects.exclude(state="applied").exists()


def test_on_a_calls_own_address_a_no_that_names_only_our_numbers_is_the_calls(call: CallRecord) -> None:
    callback = Location.objects.get().callback_number
    assert post(status_url(call), optout(to=OURS, **{"from": callback})) == 200
    assert is_out()
    assert not ConsentEntry.objects.exclude(number__e164=SARAH).exists()


@pytest.mark.parametrize(
    "sides", [{"to": OURS}, {"to": OURS, "from": OURS}, {"to": STRANGER, "from": "+12025550177"}, {}]
)
def test_on_the_accounts_address_a_no_without_a_certain_patient_is_kept_back(
    call: CallRecord, sides: dict[str, str]
) -> None:
    assert post(account_url(), optout(**sides)) == 200
    event = WebhookEvent.objects.get()
    assert event.state == "quarantined"
    assert "a person must look at it" in event.error
    assert not PhoneNumber.objects.filter(voice_opted_out_at__isnull=False).exists()


def test_of_two_strangers_the_patient_is_the_one_we_know(call: CallRecord) -> None:
    assert post(account_url(), optout(to=STRANGER, **{"from": SARAH})) == 200
    assert is_out()
    assert not is_out(STRANGER)


def test_our_own_numbers_are_never_opted_out() -> None:
    location = make_due_reminder().appointment.location
    Location.objects.update(caller_id="+18005550155", callback_number="+18005550156")
    numbers = [make_number(e164) for e164 in (OURS, "+18005550155", "+18005550156", STRANGER)]
    for number in numbers[:3]:
        now = timezone.now()
        assert not record_optout(number.pk, scope="all", source="staff", at=now), location
        assert not is_out(number.e164)
    ids = [number.pk for number in numbers]
    assert record_optouts(ids, scope="all", source="robotalker", at=timezone.now()) == 1
    assert ConsentEntry.objects.get().number.e164 == STRANGER


def test_a_9_in_a_call_to_our_own_number_stands_on_the_worklist(call: CallRecord) -> None:
    Location.objects.update(caller_id=SARAH)
    assert post(status_url(call), {**ANSWERED, "dtmf_response": "9"}) == 200
    assert not is_out()
    assert FollowUp.objects.values_list("kind", "reason").get() == ("doubtful_opt_out", "own_number")


def test_staff_are_told_why_our_own_number_can_not_be_opted_out(client: Client) -> None:
    contact = make_contact("Harbor", number=OURS)
    client.force_login(make_user())
    url = f"/contacts/{contact.pk}/opt-out/"
    assert "a number of the practice itself" in client.get(url).content.decode()
    answer = client.post(url, {"scope": "all", "way": "phone"})
    assert answer.status_code == 422
    assert not is_out(OURS)


def test_a_number_read_in_an_unlikely_way_does_not_opt_a_stranger_out() -> None:
    """2025550100 is an American number; that +20 255 50100 is known, and can't exist, doesn't matter."""
    stranger = make_number("+2025550100")
    assert post(account_url(), optout(to="2025550100")) == 200
    stranger.refresh_from_db()
    assert stranger.voice_opted_out_at is None
    assert PhoneNumber.objects.get(e164=SARAH).voice_opted_out_at
