"""Events in damaged bodies: heard as far as they are certain, else kept back with a word to staff.

(product rule 34)
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.models import Appointment
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord, FollowUp
from reminders.results.post_results import record_accepted
from reminders.rules.reasons import KeptBackReason
from reminders.traffic.callback_urls import account_url, key_urls, status_url
from tests.people import make_contact, make_due_reminder, make_script, make_step, make_user
from tests.webhooks.robotalker import ANSWERED, CALL_ID, make_event, post
from webhooks.address_checks import read_for_optout
from webhooks.applying import apply_again, apply_stored
from webhooks.kept_back import describe_kept_back
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

NOAH = "+12025550142"
Kind = FollowUp.Kind


@pytest.fixture
def text() -> CallRecord:
    """A text message to Sarah, accepted by Robotalker."""
    make_step(script=make_script("{FIRST_NAME}: {APPT_DATE} {APPT_TIME}", name="Text"), channel="sms")
    make_due_reminder()
    claim = claim_due(10)
    [opened] = open_calls(claim.reminder_ids, claim.token)
    record_accepted({opened.pk: CALL_ID})
    opened.refresh_from_db()
    return opened


def write(**fields: Any) -> bytes:
    return json.dumps({"event": "sms.received", "sms_id": CALL_ID, "text": "STOP", **fields}).encode()


STOPS: dict[str, bytes] = {
    "a NUL elsewhere": write(city="\0"),
    "a lone surrogate elsewhere": write(city="\ud800"),
    "NaN": write(price=float("nan")),
    "a double key elsewhere": write()[:-1] + b', "a": 1, "a": 2}',
    "a double key": write()[:-1] + b', "text": "1"}',
    "a Latin-1 byte": write()[:-1] + b', "city": "K\xf6ln"}',
    "UTF-16": write().decode().encode("utf-16"),
    "UTF-16 without a BOM": write().decode().encode("utf-16-le"),
    "a comma too many": write()[:-1] + b",}",
    "a list": b"[" + write() + b"]",
    "a list of two": b"[" + write(text="1") + b", " + write() + b"]",
    "capitals": write(event="SMS.RECEIVED"),
    "data": b'{"data": ' + write() + b"}",
    "payload": b'{"payload": ' + write() + b"}",
    "an event with a type": write(event={"type": "sms.received"}),
    "body": b'{"event": "sms.received", "body": "STOP"}',
    "message": b'{"event": "sms.received", "message": "STOP"}',
    "no event": b'{"text": "STOP"}',
    "cut off": write()[:-1] + b', "ci',
    "a NUL in the text": write(text="STOP\0"),
    "an id that is an object": write(sms_id={}),
    "an id that is a number": write(sms_id=7),
    "odd details": write(timestamp="soon", duration_seconds="long", channel=7, reason=[1, 2]),
    "nothing but the text": b"STOP",
}


@pytest.mark.parametrize("body", STOPS.values(), ids=STOPS)
def test_a_no_is_heard_in_any_body_that_can_be_read_at_all(text: CallRecord, body: bytes) -> None:
    assert post(status_url(text), body) == 200
    text.number.refresh_from_db()
    assert text.number.sms_opted_out_at is not None
    assert not Appointment.objects.get().is_confirmed or body == STOPS["a list of two"]


WHOLE: dict[str, dict[str, Any]] = {
    "a duration with a fraction": {"duration_seconds": 28.4},
    "a duration as a text": {"duration_seconds": "28"},
    "a duration that is none": {"duration_seconds": "unknown"},
    "a timestamp in seconds": {"timestamp": 1764064800},
    "a timestamp in thousandths": {"timestamp": 1764064800000},
    "a timestamp as in a letter": {"timestamp": "Thu, 01 Jan 2026 10:30:45 +0000"},
    "a timestamp without a zone": {"timestamp": "2026-01-01 10:30:45"},
    "a timestamp that is none": {"timestamp": "yesterday"},
    "a timestamp of 1970": {"timestamp": "1970-01-01T00:00:00Z"},
    "a key that is a number": {"dtmf_response": 1},
    "a list of keys": {"dtmf_response": ["2", "1"]},
    "a number that is a number": {"to": 12025550100},
    "a field that we don't know": {"x": {"y": ["\0", float("inf")]}},
    "capitals": {"event": "CALL.COMPLETED"},
}


@pytest.mark.parametrize("odd", WHOLE.values(), ids=WHOLE)
def test_no_whole_event_is_lost_for_an_odd_detail(call: CallRecord, odd: dict[str, Any]) -> None:
    assert post(status_url(call), {**ANSWERED, **odd}) == 200
    call.refresh_from_db()
    assert (call.state, call.key_pressed) == ("answered", "1")
    assert Appointment.objects.get().is_confirmed
    assert not FollowUp.objects.exists()


def test_what_was_passed_over_is_noted_on_the_event_and_shown_in_the_admin(
    call: CallRecord, admin_client: Client
) -> None:
    post(status_url(call), {**ANSWERED, "timestamp": "soon", "x": "\0"})
    event = WebhookEvent.objects.get()
    assert (event.state, event.passed_over) == ("applied", "removed unreadable:timestamp")
    page = admin_client.get(reverse("admin:webhooks_webhookevent_change", args=[event.pk])).content.decode()
    assert "A field could not be read: timestamp." in page


SEEMS = [
    (b'{"event": "call.completed", "dtmf_response": "1", "ti', "", (KeptBackReason.SEEMS_KEY, "1")),
    (b'{"digit": "1", "digit": "2"}', "", (KeptBackReason.SEEMS_KEY, "12")),
    (b'{"event": "sms.received", "text": "STOP", "ci', "", (KeptBackReason.SEEMS_OPT_OUT, "")),
    (b'{"event": "sms.received", "text": "I am late", ', "", (KeptBackReason.SEEMS_TEXT, "I am late")),
    (b'{"event": "call.voicemail", "call_id": {}}', "", (KeptBackReason.SEEMS_VOICEMAIL, "")),
    (b'{"event": "call.no_answer", "call_id": {}}', "", (KeptBackReason.SEEMS_NO_ANSWER, "")),
    (b'{"event": "call.completed", "status": "answered", ', "", (KeptBackReason.SEEMS_ANSWERED, "")),
    (b'{"event": "sms.failed", ', "", (KeptBackReason.SEEMS_FAILED, "")),
    (b"<html>502</html>", "", (KeptBackReason.SEEMS_NOTHING, "")),
    (b"<html>502</html>", "2", (KeptBackReason.SEEMS_KEY, "2")),
]


@pytest.mark.parametrize(("body", "key", "seems"), SEEMS)
def test_what_a_kept_back_event_seems_to_say(body: bytes, key: str, seems: tuple[str, str]) -> None:
    assert describe_kept_back(read_for_optout(body), key) == seems


def test_a_kept_back_event_says_on_the_worklist_what_it_seems_to_be(call: CallRecord, client: Client) -> None:
    client.force_login(make_user(is_superuser=True, is_staff=True))
    post(status_url(call), json.dumps(ANSWERED).encode()[:-10])
    follow_up = FollowUp.objects.get()
    assert (follow_up.kind, follow_up.appointment) == (Kind.EVENT_KEPT_BACK, call.reminder.appointment)
    page = client.get(reverse("worklist")).content.decode()
    assert "Robotalker sent a message about Sarah" in page
    assert "It seems to say: they pressed a key (1)" in page
    read = f"{reverse('admin:webhooks_webhookevent_changelist')}?call__id__exact={call.pk}"
    assert read in page
    assert "status" in client.get(read).content.decode()


def test_the_worklist_shows_an_event_of_a_call_that_is_not_known(client: Client) -> None:
    client.force_login(make_user())
    post(account_url(), b"<html>502</html>")
    follow_up = FollowUp.objects.get()
    assert (follow_up.appointment, follow_up.contact, follow_up.call) == (None, None, None)
    page = client.get(reverse("worklist")).content.decode()
    assert "It is not known whom it is about." in page
    assert "Read the message" not in page, "only who may read events gets the link"
    done = client.post(reverse("resolve_follow_up", args=[follow_up.pk]), {"how": "done", "note": "read it"})
    assert done.status_code == 302
    follow_up.refresh_from_db()
    assert follow_up.state == "resolved"
    admin = client
    admin.force_login(make_user("admin", is_superuser=True, is_staff=True))
    assert admin.get(reverse("admin:reminders_followup_changelist")).status_code == 200


def test_a_storm_of_bad_events_makes_one_entry_for_an_appointment_and_one_for_all_others(
    call: CallRecord,
) -> None:
    batch = CallBatch.objects.create()
    for number in range(12):
        post(status_url(call), b"<html>%d" % number)
        post(status_url(batch), b"<html>%d" % number)
        post(account_url(), b"<html>%d" % number)
    post(status_url(call), b'{"digit": "1", "digit": "2"}')
    assert WebhookEvent.objects.filter(state="quarantined").count() == 37
    assert sorted(FollowUp.objects.values_list("appointment", "reason"), key=str) == sorted(
        [(call.reminder.appointment_id, "seems_key"), (None, "seems_nothing")], key=str
    ), "one each, with the latest"


def test_a_new_event_opens_a_new_entry_after_staff_have_settled_the_last_one(call: CallRecord) -> None:
    post(status_url(call), b"<html>1")
    FollowUp.objects.update(state="resolved", resolved_at=timezone.now(), resolution="done")
    post(status_url(call), b"<html>2")
    assert FollowUp.objects.exclude(state="resolved").count() == 1


def test_a_forged_address_puts_nothing_on_the_worklist(call: CallRecord) -> None:
    assert post(status_url(call)[:-1] + "x", b"<html>") == 404
    assert not FollowUp.objects.exists()


def test_an_event_on_the_accounts_address_that_is_no_opt_out_is_no_work_for_staff(call: CallRecord) -> None:
    post(account_url(), ANSWERED)
    assert WebhookEvent.objects.get().state == "quarantined"
    assert not FollowUp.objects.exists()


def test_an_opt_out_that_could_be_recorded_for_nobody_is_work_for_staff(call: CallRecord) -> None:
    post(account_url(), {"event": "contact.optout"})
    assert FollowUp.objects.get().reason == KeptBackReason.SEEMS_LOST_OPT_OUT


def test_the_entry_closes_when_the_event_is_applied_after_all(call: CallRecord) -> None:
    """Such as once the number on the appointment, or the code that reads the event, was corrected."""
    post(status_url(call), {**ANSWERED, "call_id": "cal_other"})
    assert FollowUp.objects.get().state == "open"
    CallRecord.objects.filter(pk=call.pk).update(robotalker_id="cal_other")
    apply_again(WebhookEvent.objects.values_list("pk", flat=True))
    follow_up = FollowUp.objects.get()
    assert (follow_up.state, follow_up.resolution) == ("resolved", "applied")
    assert Appointment.objects.get().is_confirmed


def test_the_entry_stays_while_another_event_of_the_call_is_kept_back(call: CallRecord) -> None:
    post(status_url(call), {**ANSWERED, "call_id": "cal_other"})
    post(status_url(call), b"<html>")
    CallRecord.objects.filter(pk=call.pk).update(robotalker_id="cal_other")
    apply_again(WebhookEvent.objects.values_list("pk", flat=True))
    assert FollowUp.objects.get().state == "open"


def test_a_list_of_events_of_a_campaign_reaches_each_of_its_calls() -> None:
    make_due_reminder()
    make_due_reminder(make_contact("Noah", number=NOAH))
    claim = claim_due(10)
    batch = CallBatch.objects.create()
    open_calls(claim.reminder_ids, claim.token, batch)
    sarah, noah = ANSWERED | {"call_id": "a"}, ANSWERED | {"call_id": "b", "to": NOAH}
    assert post(status_url(batch), [sarah, noah]) == 200
    assert WebhookEvent.objects.count() == 2
    assert all(appointment.is_confirmed for appointment in Appointment.objects.all())


def test_a_damaged_event_of_a_campaign_is_told_of_the_call_that_it_names() -> None:
    reminder = make_due_reminder()
    claim = claim_due(10)
    batch = CallBatch.objects.create()
    open_calls(claim.reminder_ids, claim.token, batch)
    post(status_url(batch), json.dumps(ANSWERED).encode()[:-10])
    assert FollowUp.objects.get().appointment_id == reminder.appointment_id
    assert not Appointment.objects.get().is_confirmed


def test_an_event_kept_back_stays_so_for_the_sweep(call: CallRecord) -> None:
    post(key_urls(call)["1"], make_event("call.dtmf", digit="1", amd_result="fax"))
    assert apply_stored(timezone.now() + timedelta(days=1)) == 0
    assert not Appointment.objects.get().is_confirmed
