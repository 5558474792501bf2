"""Which texts of patients are kept, and which of them somebody has to read."""

import pytest

from contacts.models import PhoneNumber
from reminders.models import CallRecord, FollowUp, OptOutConfirmation, ReceivedText, StaffText
from reminders.traffic.callback_urls import account_url, status_url
from tests.people import SARAH, make_number, make_user
from tests.webhooks.robotalker import post, report_text
from webhooks.applying import apply_event
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("words", "meaning", "needs_reader"),
    [
        ("1", "confirm", False),
        ("Yes", "confirm", False),
        ("2", "another_time", False),
        ("STOP", "opt_out", False),
        ("I'll stop by at nine", "opt_out", True),
        ("Please cancel", "opt_out", True),
        ("START", "opt_in", False),
        ("Can I bring my dog?", "unclear", True),
        ("", "unclear", True),
    ],
)
def test_a_reply_to_a_reminder_is_kept_and_read_by_a_person_where_its_meaning_is_not_certain(
    sms: CallRecord, words: str, meaning: str, needs_reader: bool
) -> None:
    report_text(status_url(sms), text=words)
    kept = ReceivedText.objects.get()
    assert (kept.text, kept.meaning, kept.needs_reader) == (words, meaning, needs_reader)
    assert (kept.call, kept.number) == (sms, sms.number)


def test_an_event_that_is_applied_again_is_kept_once(sms: CallRecord) -> None:
    report_text(status_url(sms), text="Can I bring my dog?")
    WebhookEvent.objects.update(state="failed")
    apply_event(WebhookEvent.objects.get().pk)
    assert ReceivedText.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "needs_reader", "asked"),
    [("1", True, True), ("I am late", True, True), ("STOP", False, False), ("START", False, False)],
)
def test_on_the_accounts_address_a_text_answers_no_reminder_and_is_asked_about(
    sms: CallRecord, words: str, needs_reader: bool, asked: bool
) -> None:
    report_text(account_url(), text=words, **{"from": SARAH, "to": sms.from_number})
    kept = ReceivedText.objects.get()
    assert (kept.number, kept.call, kept.needs_reader) == (sms.number, None, needs_reader)
    assert sms.reminder.appointment.answer == ""
    assert FollowUp.objects.filter(kind="unclear_answer").exists() == asked
    assert WebhookEvent.objects.get().state == "applied"


def test_a_strangers_text_is_kept_with_a_number_of_its_own(db: None) -> None:
    post(account_url(), {"event": "sms.received", "from": "+12025550177", "to": "+18005550199", "text": "Hi"})
    assert ReceivedText.objects.get().number == PhoneNumber.objects.get(e164="+12025550177")
    assert not FollowUp.objects.exists()


def test_a_text_of_ours_alone_is_nobodys(db: None) -> None:
    post(account_url(), {"event": "sms.received", "from": "+18005550199", "text": "Hi"})
    assert not ReceivedText.objects.exists()
    assert WebhookEvent.objects.get().state == "quarantined"


@pytest.mark.parametrize("robotalker_id", ["sms_9", ""], ids=["by its id", "its answer was lost"])
def test_the_report_on_a_text_of_staff_is_recorded(robotalker_id: str) -> None:
    state = "submitted" if robotalker_id else "unknown"
    text = StaffText.objects.create(
        number=make_number(SARAH),
        by=make_user("ann"),
        from_number="+18005550199",
        text="Hello",
        state=state,
        robotalker_id=robotalker_id,
    )
    report_text(account_url(), "sms.failed", sms_id="sms_9", reason="landline")
    text.refresh_from_db()
    assert (text.state, text.detail, text.robotalker_id) == ("undelivered", "landline", "sms_9")
    report_text(account_url(), "sms.delivered", sms_id="sms_8")
    text.refresh_from_db()
    assert text.state == "undelivered", "another text's event changes nothing"
    assert not OptOutConfirmation.objects.exists()


def test_of_an_endless_text_the_beginning_is_kept(sms: CallRecord) -> None:
    report_text(status_url(sms), text="Can I bring my dog? " * 200)
    assert len(ReceivedText.objects.get().text) == 2000
