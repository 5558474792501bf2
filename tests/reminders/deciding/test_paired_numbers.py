"""Of two numbers that are called in place of each other, a “no” on one is a “no” on both (product rule 10).

It may come at any time, by any way, before or after the two changed places.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from contacts.database.clock import read_database_clock
from contacts.merging import plan_merge
from contacts.models import Contact, PhoneNumber, UnusableReason
from contacts.models.people import Channel
from contacts.optouts import record_optin, record_optout, record_optouts
from contacts.people import get_or_create_written_number, mark_number_unusable
from reminders.deciding.call_now import may_order_call
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.situations import with_situation
from reminders.desk.erasing import erase_person
from reminders.desk.merging import merge_and_plan
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.results.answers import opt_out
from reminders.results.unanswered import account_for_all
from reminders.sweeps.other_numbers import use_other_numbers
from reminders.traffic.callback_urls import account_url
from tests.office import make_call
from tests.people import SARAH, make_contact, make_due_reminder, make_number, make_user
from tests.reminders.api.client import ApiClient
from tests.webhooks.robotalker import post

pytestmark = pytest.mark.django_db
OTHER = "+12025550142"


def make_pair(**fields: Any) -> Contact:
    """Sarah, whose reminder is due, with two numbers that stand in for each other."""
    sarah = make_contact(**{"other_phone": make_number(OTHER), "other_phone_use": "unreachable", **fields})
    make_due_reminder(sarah)
    return sarah


def swap_numbers(sarah: Contact) -> None:
    """The first number turns out to be unusable, so that the other takes its place."""
    mark_number_unusable(sarah.phone_id or 0, UnusableReason.INVALID_NUMBER, timezone.now())
    assert use_other_numbers() == 1
    sarah.refresh_from_db()
    assert sarah.phone == PhoneNumber.objects.get(e164=OTHER)


def call_now() -> list[str]:
    """One dispatch: the numbers that it opens calls to."""
    claim = claim_due(10)
    return [call.number.e164 for call in open_calls(claim.reminder_ids, claim.token)]


def press_nine(sarah: Contact) -> None:
    opt_out(CallRecord.objects.get(number__e164=SARAH), timezone.now(), Channel.VOICE)


def text_stop(sarah: Contact) -> None:
    text = {"event": "sms.received", "from": SARAH, "to": "+18005550199", "text": "STOP"}
    assert post(account_url(), text | {"timestamp": "2026-01-01T10:30:45Z"}) == 200


def tell_the_desk(sarah: Contact) -> None:
    _tell("desk", sarah)


def write_a_letter(sarah: Contact) -> None:
    _tell("letter", sarah)


def _tell(way: str, sarah: Contact) -> None:
    client = Client()
    client.force_login(User.objects.get(username="rosa"))
    number = PhoneNumber.objects.get(e164=SARAH)
    entries = {"number": number.pk, "scope": "all", "way": way, "note": ""}
    assert client.post(f"/contacts/{sarah.pk}/opt-out/", entries).status_code == 302


def use_the_api(sarah: Contact) -> None:
    assert ApiClient().post("opt-outs/", {"number": SARAH}).status_code == 201


def stand_on_robotalkers_list(sarah: Contact) -> None:
    number = PhoneNumber.objects.get(e164=SARAH)
    record_optouts([number.pk], scope="all", source="robotalker", at=timezone.now())


WAYS: list[Callable[[Contact], None]] = [
    press_nine,
    text_stop,
    tell_the_desk,
    write_a_letter,
    use_the_api,
    stand_on_robotalkers_list,
]


@pytest.mark.parametrize("say_no", WAYS)
def test_a_no_of_the_first_number_that_comes_after_the_swap_stops_the_other(
    say_no: Callable[[Contact], None],
) -> None:
    make_user("rosa")
    sarah = make_pair()
    make_call(Reminder.objects.get(), state="no_answer")
    swap_numbers(sarah)
    say_no(sarah)
    assert call_now() == []
    left = Reminder.objects.get(revision=2)
    assert (left.state, left.reason) == ("skipped", "other_number_opted_out")
    account_for_all()
    assert FollowUp.objects.get(state="open").reason == "other_number_opted_out", "staff are told"


def test_without_a_no_the_call_goes_to_the_other_number() -> None:
    swap_numbers(make_pair())
    assert call_now() == [OTHER]


# Whose "no", to what, how the record says the other number is used: is the call to the first number made?
CASES: list[tuple[str, str, str, bool, str]] = [
    (OTHER, "all", "unreachable", False, "a no on the number that stands in"),
    (OTHER, "voice", "unreachable", False, "to calls"),
    (OTHER, "sms", "unreachable", True, "to texts only, and this is a call"),
    (OTHER, "all", "never", True, "without a pair a number's no is the number's"),
    (SARAH, "voice", "never", False, "its own no"),
]


@pytest.mark.parametrize(("whose", "scope", "use", "is_called", "why"), CASES)
def test_every_reader_says_what_is_done(whose: str, scope: str, use: str, is_called: bool, why: str) -> None:
    make_pair(other_phone_use=use)
    record_optout(make_number(whose).pk, scope=scope, source="staff", at=timezone.now())
    [reminder] = with_situation(Reminder.objects.all())
    assert (explain_reminder(reminder, timezone.now()).verdict == "call") is is_called, why
    assert may_order_call(reminder, timezone.now()) is is_called, why
    assert call_now() == ([SARAH] if is_called else []), why


def test_an_opt_in_of_the_number_that_said_no_lets_both_be_called() -> None:
    make_pair()
    other = make_number(OTHER)
    record_optout(other.pk, scope="all", source="staff", at=timezone.now())
    [reminder] = with_situation(Reminder.objects.all())
    assert explain_reminder(reminder, timezone.now()).reason == "other_number_opted_out"
    record_optin(other.pk, scope="all", evidence="asked", by=make_user("rosa"), at=timezone.now())
    assert call_now() == [SARAH]


def test_a_merge_that_ends_the_pair_keeps_the_no_as_a_wish() -> None:
    sarah = make_pair()
    swap_numbers(sarah)
    copy = make_contact(number=OTHER)
    first = make_number(SARAH)
    record_optout(first.pk, scope="all", source="letter", at=timezone.now())
    sarah = Contact.objects.select_related("phone", "other_phone").get(pk=sarah.pk)
    copy = Contact.objects.select_related("phone", "other_phone").get(pk=copy.pk)
    plan = plan_merge(sarah, copy, read_database_clock())
    assert plan.stricter_for_no
    merge_and_plan(sarah.pk, copy.pk, token=plan.token, cancelled=[], by=make_user("rosa"))
    sarah.refresh_from_db()
    assert (sarah.other_phone_use, sarah.preferred_channel) == ("never", "never")
    assert call_now() == []


def test_an_erasure_keeps_the_no_for_both_numbers() -> None:
    sarah = make_contact(other_phone=make_number(OTHER), other_phone_use="unreachable")
    record_optout(sarah.phone_id or 0, scope="voice", source="letter", at=timezone.now())
    erase_person(sarah.pk, by=make_user("rosa"))
    for e164 in (SARAH, OTHER):
        back = get_or_create_written_number(e164, "US")
        assert back.voice_opted_out_at is not None, e164
        assert back.sms_opted_out_at is None, e164


def test_without_a_pair_an_erasure_keeps_the_no_of_the_number_that_said_it() -> None:
    sarah = make_contact(other_phone=make_number(OTHER))
    record_optout(sarah.phone_id or 0, scope="all", source="letter", at=timezone.now())
    erase_person(sarah.pk, by=make_user("rosa"))
    assert get_or_create_written_number(SARAH, "US").voice_opted_out_at is not None
    assert get_or_create_written_number(OTHER, "US").voice_opted_out_at is None


def test_the_page_says_why_the_first_number_is_not_called(client: Client) -> None:
    sarah = make_pair()
    record_optout(make_number(OTHER).pk, scope="all", source="letter", at=timezone.now())
    client.force_login(make_user("rosa"))
    page = client.get(f"/contacts/{sarah.pk}/").content.decode()
    assert "The other number has opted out, and that counts for both." in page
    assert "May be called" not in page
