"""Texts from patients on their text message's address: a "no" in any words, and START (product rule 32)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment, ConsentEntry, PhoneNumber
from contacts.optouts import record_optin, record_optout
from reminders.models import CallRecord, FollowUp
from reminders.traffic.callback_urls import account_url, status_url
from tests.people import SARAH, make_user
from tests.webhooks.robotalker import post, post_for_response
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def text(call: CallRecord) -> CallRecord:
    """Sarah's reminder, sent as a text message."""
    CallRecord.objects.update(channel="sms")
    call.refresh_from_db()
    return call


def reply(to: CallRecord, words: str, **fields: Any) -> None:
    body = {"event": "sms.received", "to": SARAH, "text": words, **fields}
    assert post(status_url(to), body) == 200
    assert not WebhookEvent.objects.exclude(state="applied").exists()


def read_flags() -> tuple[bool, bool]:
    """Whether Sarah's number is opted out of calls, and of texts."""
    number = PhoneNumber.objects.get(e164=SARAH)
    return number.voice_opted_out_at is not None, number.sms_opted_out_at is not None


def read_worklist() -> list[tuple[str, str]]:
    return list(FollowUp.objects.exclude(state="resolved").values_list("kind", "reason"))


def opt_in(scope: str = "all") -> None:
    number = PhoneNumber.objects.get(e164=SARAH)
    staff = make_user(f"user{ConsentEntry.objects.count()}")
    record_optin(number.pk, scope=scope, evidence="asked", by=staff, at=timezone.now())


def test_a_sure_no_opts_out_and_asks_nobody(text: CallRecord) -> None:
    reply(text, "Stop. Thank you")
    assert read_flags() == (True, True)
    assert read_worklist() == []
    entry = ConsentEntry.objects.get()
    assert (entry.what, entry.scope, entry.source) == ("opt_out", "all", "sms_reply")


def test_a_doubtful_no_opts_out_and_stands_on_the_worklist(text: CallRecord) -> None:
    reply(text, "I'll stop by at 9")
    assert read_flags() == (True, True)
    assert read_worklist() == [("doubtful_opt_out", "doubtful_words")]


def test_cancel_opts_out_and_may_have_meant_the_appointment(text: CallRecord) -> None:
    """Product rules 11 and 32."""
    reply(text, "CANCEL please, I am ill")
    assert read_flags() == (True, True)
    assert read_worklist() == [("may_want_to_cancel", "cancel_in_words")]
    assert Appointment.objects.get().status == "booked"


def test_a_no_that_its_address_does_not_fit_is_asked_about_too(call: CallRecord) -> None:
    """A text on the address of a call is kept back, but what it says counts."""
    post(status_url(call), {"event": "sms.received", "to": SARAH, "text": "annuler"})
    assert WebhookEvent.objects.get().state == "quarantined"
    assert read_flags() == (True, True)
    assert read_worklist() == [("may_want_to_cancel", "cancel_in_words")]


@pytest.mark.parametrize(
    ("words", "flags"), [("STOP", (False, True)), ("Stop calling me", (True, True))], ids=["texts", "calls"]
)
def test_with_the_scope_channel_a_no_stops_what_it_came_by_and_what_it_names(
    text: CallRecord, settings: Settings, words: str, flags: tuple[bool, bool]
) -> None:
    settings.OPT_OUT_SCOPE = "channel"
    reply(text, words)
    assert read_flags() == flags


def test_a_yes_in_words_confirms_and_other_words_are_read_by_a_person(text: CallRecord) -> None:
    reply(text, "Sí, gracias")
    assert Appointment.objects.get().is_confirmed
    reply(text, "Sorry, I can't come")
    assert read_worklist() == [("unclear_answer", "in_words")], "said after the yes"
    assert read_flags() == (False, False)


def test_start_brings_texts_back_but_not_calls(text: CallRecord) -> None:
    reply(text, "STOP")
    reply(text, "START")
    assert read_flags() == (True, False)
    entry = ConsentEntry.objects.latest("pk")
    assert (entry.what, entry.scope, entry.source, entry.by) == ("opt_in", "sms", "sms_reply", None)
    assert read_worklist() == []


def test_start_without_a_no_before_it_changes_nothing(text: CallRecord) -> None:
    reply(text, "START")
    assert not ConsentEntry.objects.exists()
    assert read_worklist() == [("nothing_follows", "reached")], "they wrote, and gave no answer"


def test_a_start_that_was_written_before_the_no_changes_nothing(text: CallRecord) -> None:
    """Of two texts the later one counts, in whichever order they arrive."""
    CallRecord.objects.update(submitting_at=timezone.now() - timedelta(hours=2))
    moments = [(timezone.now() - timedelta(minutes=ago)).isoformat() for ago in (60, 40, 20)]
    reply(text, "STOP", timestamp=moments[0])
    reply(text, "Stop!", timestamp=moments[2])
    reply(text, "START", timestamp=moments[1])
    assert read_flags() == (True, True)


def test_a_start_before_the_last_of_two_noes_changes_nothing_on_the_accounts_address(
    call: CallRecord,
) -> None:
    moments = [(timezone.now() - timedelta(minutes=ago)).isoformat() for ago in (60, 40, 20)]
    written = {"event": "sms.received", "from": SARAH, "to": "+18005550199"}
    for words, moment in [("STOP", moments[0]), ("STOP", moments[2]), ("START", moments[1])]:
        assert post(account_url(), {**written, "text": words, "timestamp": moment}) == 200
    assert read_flags() == (True, True)


def test_start_on_the_accounts_address_brings_texts_back_to_its_own_number_only(call: CallRecord) -> None:
    record_optout(call.number_id, scope="all", source="staff", at=timezone.now())
    start = {"event": "sms.received", "from": SARAH, "to": "+18005550199", "text": "unstop"}
    assert post(account_url(), {**start, "from": "+12025550188"}) == 200
    assert read_flags() == (True, True)
    assert post(account_url(), start) == 200
    assert read_flags() == (True, False)


@pytest.mark.parametrize("dated", [False, True], ids=["undated", "dated"])
def test_a_second_no_counts_after_staff_have_opted_in(text: CallRecord, dated: bool) -> None:
    """STOP, staff opt in, STOP again with the same body: never a repetition (product rule 33)."""
    fields = {"timestamp": timezone.now().isoformat()} if dated else {}
    for _ in range(2):
        reply(text, "STOP", **fields)
        assert read_flags() == (True, True)
        opt_in()
        assert read_flags() == (False, False)
    reply(text, "STOP", **fields)
    assert read_flags() == (True, True)


def test_a_second_no_on_a_calls_address_counts_too(call: CallRecord) -> None:
    nine = {"event": "call.completed", "to": SARAH, "status": "answered", "dtmf_response": "9"}
    post(status_url(call), nine)
    opt_in()
    post(status_url(call), nine)
    assert read_flags() == (True, True)


@pytest.mark.parametrize(
    ("texts", "answer"), [("121", "confirmed"), ("212", "wants_another_time"), ("1121", "confirmed")]
)
def test_the_last_of_several_answers_counts_even_within_seconds(
    text: CallRecord, texts: str, answer: str
) -> None:
    """Product rule 33: a body is a repetition only of the latest answer."""
    for words in texts:
        reply(text, words)
    assert Appointment.objects.get().current_answer == answer
    assert WebhookEvent.objects.count() == 3, "1 and 1 at once is one answer"


def test_the_same_answer_after_a_while_is_a_new_event(text: CallRecord) -> None:
    reply(text, "1")
    reply(text, "1")
    assert WebhookEvent.objects.count() == 1
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=3))
    reply(text, "1")
    assert list(WebhookEvent.objects.order_by("pk").values_list("occurrence", flat=True)) == [0, 1]


def test_an_answer_with_a_timestamp_is_one_event_however_late_it_is_repeated(text: CallRecord) -> None:
    moment = timezone.now().isoformat()
    reply(text, "1", timestamp=moment)
    reply(text, "2", timestamp=timezone.now().isoformat())
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(days=1))
    reply(text, "1", timestamp=moment)
    assert WebhookEvent.objects.count() == 2
    assert Appointment.objects.get().current_answer == "wants_another_time"


def test_a_repeated_answer_costs_few_queries(text: CallRecord, django_assert_max_num_queries: Any) -> None:
    """A storm of repeated events must stay cheap: the insert, the earlier event, and those after it."""
    reply(text, "1")
    with django_assert_max_num_queries(3):
        post_for_response(status_url(text), {"event": "sms.received", "to": SARAH, "text": "1"})


FORMS: dict[str, tuple[bytes, str]] = {
    "a line break": (b"event=sms.received&text=STOP%0ASarah", "application/x-www-form-urlencoded"),
    "an accent": (b"event=sms.received&text=arr%C3%AAt", "application/x-www-form-urlencoded"),
    "an accent in a part": (
        '--x\r\nContent-Disposition: form-data; name="event"\r\n\r\nsms.received\r\n'
        '--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nARR\u00caT\r\n--x--\r\n'.encode(),
        "multipart/form-data; boundary=x",
    ),
}


@pytest.mark.parametrize(("body", "content_type"), FORMS.values(), ids=FORMS)
def test_a_no_in_a_form_is_heard(text: CallRecord, body: bytes, content_type: str) -> None:
    assert post(status_url(text), body, content_type) == 200
    assert read_flags() == (True, True)


@pytest.mark.parametrize("sender", [18005550199, None, {"number": SARAH}, ["x"], True])
def test_an_odd_sender_does_not_hide_an_answer(text: CallRecord, sender: object) -> None:
    reply(text, "1", **{"from": sender})
    assert Appointment.objects.get().is_confirmed
