"""What a patient replied to a text in their own words: quoted where it is to be read, and where to reply."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from contacts.models import PhoneNumber
from contacts.roles import AUDITOR, FRONT_DESK
from reminders.models import FollowUp, ReceivedText, Reminder
from reminders.pages.story import read_story
from tests.people import make_contact, make_due_reminder, make_step, make_user
from tests.reminders.pages.clinic import make_call, settle, sit_at_desk

pytestmark = pytest.mark.django_db
WORDS = "Running late sorry, can I <come> at noon"
QUOTED = "Running late sorry, can I &lt;come&gt; at noon"


@pytest.fixture
def desk() -> Client:
    return sit_at_desk(make_user("rosa", role=FRONT_DESK))


@pytest.fixture
def reminder() -> Reminder:
    """A text that was replied to in words, with its follow-up."""
    make_step(channel="sms")
    reminder = make_due_reminder()
    call = make_call(reminder, "answered", channel="sms", ended_at=timezone.now())
    settle(reminder, "done", "reached")
    receive(call.number, WORDS, call_id=call.pk)
    FollowUp.objects.create(
        kind="unclear_answer", reason="in_words", contact=reminder.appointment.contact, call=call,
        appointment=reminder.appointment, reminder=reminder, due_at=timezone.now(),
    )  # fmt: skip
    return reminder


def receive(number: PhoneNumber, words: str, *, call_id: int | None = None, **fields: bool) -> None:
    ReceivedText.objects.create(
        event=ReceivedText.objects.count() + 1, number=number, call_id=call_id, text=words, meaning="unclear",
        at=timezone.now() - timedelta(minutes=1), **{"needs_reader": True, **fields},
    )  # fmt: skip


def read_page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def list_pages(reminder: Reminder) -> tuple[str, ...]:
    entry = FollowUp.objects.get()
    return "/worklist/", f"/worklist/{entry.pk}/", f"/appointments/{reminder.appointment_id}/"


def test_the_worklist_and_the_visits_page_quote_the_reply_and_lead_to_the_thread(
    desk: Client, reminder: Reminder
) -> None:
    thread = f"/texts/{reminder.appointment.contact.phone_id}/"
    for address in list_pages(reminder):
        page = read_page(desk, address)
        assert page.count(QUOTED) == 1, address
        assert f'href="{thread}#write">Reply</a>' in page, address
        assert "on the appointment" not in page
    assert 'id="write"' in read_page(desk, thread)
    assert "They answered in their own words." in read_page(desk, "/worklist/")


def test_an_auditor_reads_it_and_cannot_reply(reminder: Reminder) -> None:
    page = read_page(sit_at_desk(make_user("olga", role=AUDITOR)), list_pages(reminder)[2])
    assert QUOTED in page
    assert "#write" not in page


def test_the_words_are_kept_from_those_who_may_not_read_received_texts(reminder: Reminder) -> None:
    user = User.objects.create(username="tess")
    names = ["view_followup", "view_appointment", "view_contact"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    for address in list_pages(reminder):
        answer = sit_at_desk(user).get(address)
        assert answer.status_code == 200
        assert "Running late" not in answer.content.decode()
        assert "/texts/" not in answer.content.decode()


def test_a_text_that_was_replied_to_is_never_said_to_be_a_call_or_a_key(
    desk: Client, reminder: Reminder
) -> None:
    story = read_story(reminder.appointment_id, timezone.now())
    assert story.standing.words.startswith("replied by text")
    assert story.standing.next_step == ""
    assert story.reminders[0].sentence == "They replied to the text message."
    said = [story.standing.words, *(entry.sentence for entry in story.past)]
    said += [detail for entry in story.past for detail in entry.details]
    assert not [one for one in said if "call" in one or "key" in one]
    today = read_page(desk, f"/?day={reminder.appointment.local_start.date()}")
    assert "replied by text" in today
    assert "no key pressed" not in today


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("1", "They replied to the text message that they are coming."),
        ("2", "They replied to the text message that they want another time."),
        ("9", "They replied to the text message that they want no more texts."),
    ],
)
def test_a_reply_with_a_meaning_is_told_in_words_and_quoted(desk: Client, key: str, sentence: str) -> None:
    make_step(channel="sms")
    reminder = make_due_reminder()
    keys = [[timezone.now().isoformat(), key]]
    call = make_call(reminder, "answered", channel="sms", key_pressed=key, keys=keys, ended_at=timezone.now())
    receive(call.number, "C, see you then", call_id=call.pk, needs_reader=False)
    page = read_page(desk, f"/appointments/{reminder.appointment_id}/")
    assert sentence in page
    assert "C, see you then" in page
    assert f"key {key}" not in page


def test_a_text_to_the_accounts_address_is_quoted_with_the_follow_up_that_it_opened(
    desk: Client, reminder: Reminder
) -> None:
    ReceivedText.objects.update(call=None)
    receive(make_contact("Omar", number="+12025550133").phone, "Of somebody else")  # type: ignore[arg-type]
    for address in list_pages(reminder):
        page = read_page(desk, address)
        assert page.count(QUOTED) == 1, address
        assert "Of somebody else" not in page
