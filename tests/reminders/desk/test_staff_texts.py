"""Writing a text: what is refused, and in which words; and what a form sent twice does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Contact, Location, PhoneNumber
from contacts.models.people import OtherNumberUse
from reminders.deciding.text_objections import find_text_location, find_text_objection, with_text_location
from reminders.desk.modes import choose_mode
from reminders.desk.staff_texts import TextRefused, find_fault_in_words, mark_read, write_text
from reminders.models import ReceivedText, SendingSwitch, StaffText
from reminders.rules.modes import SendingMode
from tests.flows.optouts import opt_in, opt_out
from tests.people import SARAH, make_appointment, make_contact, make_location, make_number, make_user

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)  # in New York, as Sarah's number is


@pytest.fixture
def ann() -> User:
    return make_user("ann")


@pytest.fixture
def sarah() -> Contact:
    make_location(time_zone="America/New_York")
    return make_contact("Sarah", number=SARAH)


def object_to(contact: Contact, ann: User, now: datetime = NOON) -> str:
    assert contact.phone
    number = with_text_location(PhoneNumber.objects.all()).get(pk=contact.phone.pk)
    location = find_text_location(number, list(Location.objects.all()))
    return find_text_objection(StaffText(number=number, by=ann, location=location), now)


def test_nothing_is_said_against_a_text_by_day_to_a_number_that_may_be_texted(
    sarah: Contact, ann: User
) -> None:
    assert object_to(sarah, ann) == ""


def _pause(contact: Contact, ann: User) -> None:
    SendingSwitch.objects.update_or_create(pk=1, defaults={"paused_at": NOON})


def _try_out(contact: Contact, ann: User) -> None:
    choose_mode(SendingMode.TRIAL, by=ann)


def _end_login(contact: Contact, ann: User) -> None:
    ann.is_active = False


def _mark_unusable(contact: Contact, ann: User) -> None:
    PhoneNumber.objects.update(unusable_since=NOON)


def _erase(contact: Contact, ann: User) -> None:
    PhoneNumber.objects.update(erased_at=NOON, e164="erased-1")


def _be_ours(contact: Contact, ann: User) -> None:
    contact.appointments.all().delete()
    make_location("Uptown", caller_id=SARAH)


def _opt_out(contact: Contact, ann: User) -> None:
    opt_out(PhoneNumber.objects.get(e164=SARAH), "sms")


def _opt_out_of_calls_alone(contact: Contact, ann: User) -> None:
    opt_out(PhoneNumber.objects.get(e164=SARAH), "voice")


def _opt_out_other_of_pair(contact: Contact, ann: User) -> None:
    other = make_number("+12025550188")
    contact.other_phone, contact.other_phone_use = other, OtherNumberUse.UNREACHABLE
    contact.save()
    opt_out(other, "sms")


def _opt_out_first_of_pair(contact: Contact, ann: User) -> None:
    first = make_number("+12025550188")
    opt_out(first, "sms")
    contact.other_phone, contact.other_phone_use = contact.phone, OtherNumberUse.UNREACHABLE
    contact.phone = first
    contact.save()
    contact.phone = contact.other_phone  # what is texted


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        (_pause, "text_paused"),
        (_try_out, "text_not_on_trial"),
        (_end_login, "text_no_login"),
        (_mark_unusable, "text_never"),
        (_erase, "text_never"),
        (_be_ours, "text_own_number"),
        (_opt_out, "text_opted_out"),
        (_opt_out_of_calls_alone, ""),
        (_opt_out_other_of_pair, "text_opted_out"),
        (_opt_out_first_of_pair, "text_opted_out"),
    ],
)
def test_what_protects_people_holds_for_texts_of_staff(
    sarah: Contact, ann: User, change: Callable[[Contact, User], None], objection: str
) -> None:
    change(sarah, ann)
    assert object_to(sarah, ann) == objection


def test_in_sandbox_mode_nothing_leaves_the_machine(sarah: Contact, ann: User, settings: Settings) -> None:
    settings.ROBOTALKER_BASE_URL = "https://api.robotalker.example"
    choose_mode(SendingMode.SANDBOX, by=ann)
    assert object_to(sarah, ann) == "text_sandbox_mode"


def test_at_night_a_text_only_answers_what_the_patient_has_just_written(sarah: Contact, ann: User) -> None:
    night = NOON + timedelta(hours=12)
    assert object_to(sarah, ann, night) == "text_at_night"
    number = sarah.phone_id or 0
    received = ReceivedText(event=1, number_id=number, text="Hello?", meaning="unclear", needs_reader=True)
    received.at = night - timedelta(hours=2)
    received.save()
    assert object_to(sarah, ann, night) == "text_at_night"
    ReceivedText.objects.update(at=night - timedelta(minutes=5))
    assert object_to(sarah, ann, night) == ""


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("", "Write something first."),
        ("x" * 160, ""),
        ("x" * 161, "It is 1 character too long: a text holds 160."),
        ("€" * 81, "It is 2 characters too long: a text holds 160."),
        ("ж" * 70, ""),
        ("ж" * 72, "It is 2 characters too long: with ж in it, a text holds only 70."),
        ("Hello {FIRST_NAME}", "A text can't have { or } in it."),
        ("}", "A text can't have { or } in it."),
    ],
)
def test_words_that_are_no_text_are_refused_in_a_sentence(words: str, fault: str) -> None:
    assert find_fault_in_words(words) == fault


@pytest.fixture
def by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reminders.deciding.text_objections._is_night", lambda *_: False)


@pytest.mark.usefixtures("by_day")
def test_a_form_that_is_sent_twice_is_one_text(sarah: Contact, ann: User) -> None:
    assert sarah.phone_id
    texts = [write_text(sarah.phone_id, "Hello", by=ann, public_id="one-form-1") for _ in range(2)]
    assert texts[0] == texts[1] == StaffText.objects.get()
    write_text(sarah.phone_id, "Hello", by=ann, public_id="other-form")
    assert StaffText.objects.count() == 2


@pytest.mark.usefixtures("by_day")
def test_letters_that_would_halve_the_room_are_written_plainly(sarah: Contact, ann: User) -> None:
    assert sarah.phone_id
    text = write_text(sarah.phone_id, "  Łukasz’s hat\r\nis here – bye\x00 ", by=ann, public_id="one-form-1")
    assert text.text == "Lukasz's hat\nis here - bye"


@pytest.mark.usefixtures("by_day")
def test_it_comes_from_the_number_of_the_location_of_the_latest_visit(sarah: Contact, ann: User) -> None:
    hill = make_location("Hill", caller_id="+12025550190")
    make_appointment(sarah, location=hill, starts_at=timezone.now() + timedelta(days=3))
    assert sarah.phone_id
    assert write_text(sarah.phone_id, "Hi", by=ann, public_id="one-form-1").from_number == "+12025550190"


def test_without_a_location_there_is_no_number_to_write_from(ann: User) -> None:
    with pytest.raises(TextRefused, match="location first"):
        write_text(make_number(SARAH).pk, "Hi", by=ann, public_id="one-form-1")


def test_a_text_that_came_after_the_page_was_shown_stays_unread(sarah: Contact, ann: User) -> None:
    assert sarah.phone_id
    texts = [
        ReceivedText.objects.create(
            event=event, number_id=sarah.phone_id, text="?", meaning="unclear", needs_reader=True, at=NOON
        )
        for event in (1, 2)
    ]
    assert mark_read(sarah.phone_id, by=ann, up_to=texts[0].pk) == 1
    assert [one.read_by for one in ReceivedText.objects.order_by("pk")] == [ann, None]
    assert mark_read(sarah.phone_id, by=ann) == 1


@pytest.mark.usefixtures("by_day")
def test_after_an_opt_in_texts_may_be_written_again(sarah: Contact, ann: User) -> None:
    number = PhoneNumber.objects.get(e164=SARAH)
    opt_out(number, "sms")
    with pytest.raises(TextRefused, match="opted out of texts"):
        write_text(number.pk, "Hi", by=ann, public_id="one-form-1")
    opt_in(number, "sms")
    assert write_text(number.pk, "Hi", by=ann, public_id="one-form-1").state == "waiting"
