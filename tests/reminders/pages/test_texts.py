"""The pages of texts: the list of numbers, a thread, writing, and what is unread."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts.models import Contact, Location, PhoneNumber
from contacts.optouts import record_optout
from reminders.models import OptOutConfirmation, ReceivedText, StaffText, TextTemplate
from reminders.pages.texts import count_unread_numbers, list_threads, read_thread
from tests.office import make_call
from tests.people import SARAH, make_contact, make_due_reminder, make_location, make_step, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reminders.deciding.text_objections._is_night", lambda *_: False)


@pytest.fixture
def sarah() -> Contact:
    make_location()
    return make_contact("Sarah", last_name="Stone", number=SARAH)


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", role="Front desk")


def receive(
    contact: Contact, words: str = "Can I bring my dog?", *, unread: bool = True, ago: int = 1
) -> None:
    ReceivedText.objects.create(
        event=ReceivedText.objects.count() + 1,
        number_id=contact.phone_id or 0,
        text=words,
        meaning="unclear",
        needs_reader=unread,
        at=timezone.now() - timedelta(minutes=ago),
    )


def open_thread(client: Client, contact: Contact, **asked: str) -> str:
    return client.get(reverse("text_thread", args=[contact.phone_id]), asked).content.decode()


def test_a_thread_has_all_texts_of_the_number_in_order(sarah: Contact, rosa: User, desk: Client) -> None:
    make_step(channel="sms")
    call = make_call(
        make_due_reminder(sarah), channel="sms", state="answered", text="Your visit is on Monday."
    )
    type(call).objects.update(submitting_at=timezone.now() - timedelta(hours=2))
    receive(sarah, ago=60)
    StaffText.objects.create(
        number_id=sarah.phone_id or 0, by=rosa, from_number="+18005550199", text="Yes, do."
    )
    assert sarah.phone_id
    record_optout(sarah.phone_id, scope="sms", source="sms_reply", at=timezone.now() + timedelta(seconds=1))
    entry = sarah.phone.consent_entries.get()  # type: ignore[union-attr]
    OptOutConfirmation.objects.create(entry=entry, from_number="+18005550199", text="No more texts.")
    thread = read_thread(sarah.phone_id, rosa, timezone.now(), locations=list(Location.objects.all()))
    assert [entry.text for entry in thread.entries] == [
        "Your visit is on Monday.",
        "Can I bring my dog?",
        "Yes, do.",
        "No more texts.",
    ]
    assert [entry.state for entry in thread.entries] == ["delivered", "", "submitting", "submitting"]
    assert thread.refusal == "This number has opted out of texts."
    page = open_thread(desk, sarah)
    assert "rosa" in page
    assert "This number has opted out of texts." in page
    assert SARAH not in page


def test_what_the_desk_writes_goes_out_and_the_form_is_fresh_again(sarah: Contact, desk: Client) -> None:
    answer = desk.post(
        reverse("send_text", args=[sarah.phone_id]), {"words": "Hello", "public_id": "form-one"}
    )
    assert answer.status_code == 302
    assert StaffText.objects.get().text == "Hello"
    assert "Hello" in open_thread(desk, sarah)


def test_what_can_not_be_sent_stays_in_the_form_with_the_reason(sarah: Contact, desk: Client) -> None:
    words = "<b>" + "x" * 200
    answer = desk.post(reverse("send_text", args=[sarah.phone_id]), {"words": words})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "43 characters too long" in page
    assert "&lt;b&gt;" + "x" * 200 in page
    assert not StaffText.objects.exists()


def test_a_template_begins_the_form_and_sends_nothing(sarah: Contact, desk: Client) -> None:
    template = TextTemplate.objects.create(name="Late", text="We are running late.")
    page = open_thread(desk, sarah, template=str(template.pk))
    assert "We are running late.</textarea>" in page
    assert not StaffText.objects.exists()
    for odd in ("²", "0", "x", "9" * 30):
        assert desk.get(reverse("text_thread", args=[sarah.phone_id]), {"template": odd}).status_code == 200


def test_unread_texts_stand_first_and_are_counted_on_every_page(
    sarah: Contact, rosa: User, desk: Client
) -> None:
    elias = make_contact("Elias", number="+12025550111")
    receive(sarah, ago=90)
    receive(elias, "Thanks", unread=False)
    assert [line.number for line in list_threads()] == [sarah.phone, elias.phone]
    assert [line.unread for line in list_threads()] == [1, 0]
    assert count_unread_numbers() == 1
    assert "with unread texts" in desk.get(reverse("worklist")).content.decode()
    desk.post(
        reverse("read_texts", args=[sarah.phone_id]),
        {"up_to": ReceivedText.objects.get(number=sarah.phone).pk},
    )
    assert ReceivedText.objects.get(number=sarah.phone).read_by == rosa
    assert [line.number for line in list_threads()] == [elias.phone, sarah.phone]
    assert "with unread texts" not in desk.get(reverse("worklist")).content.decode()


def test_an_auditor_reads_but_neither_writes_nor_marks(sarah: Contact) -> None:
    receive(sarah)
    client = Client()
    client.force_login(make_user("olga", role="Auditor"))
    page = open_thread(client, sarah)
    assert "Can I bring my dog?" in page
    assert "Mark as read" not in page
    assert "<textarea" not in page
    assert client.post(reverse("send_text", args=[sarah.phone_id]), {"words": "Hi"}).status_code == 403


def test_an_unchanged_thread_is_not_sent_again(sarah: Contact, desk: Client) -> None:
    receive(sarah)
    for address in (reverse("text_thread", args=[sarah.phone_id]), reverse("texts")):
        first = desk.get(address, headers={"HX-Request": "true"})
        etag = first.context["etag"]
        headers = {"HX-Request": "true", "If-None-Match": etag}
        assert desk.get(address, headers=headers).status_code == 304
    receive(sarah, "Hello?")
    assert desk.get(address, headers=headers).status_code == 200


def test_the_number_of_queries_does_not_grow(sarah: Contact, desk: Client) -> None:
    def count(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            desk.get(address)
        return len(queries)

    thread, texts = reverse("text_thread", args=[sarah.phone_id]), reverse("texts")
    receive(sarah)
    before = count(thread), count(texts)
    for index in range(8):
        receive(make_contact(f"P{index}", number=f"+1202555{300 + index:04}"))
        receive(sarah)
    assert (count(thread), count(texts)) == before


def test_the_contacts_page_leads_to_the_thread(sarah: Contact, desk: Client) -> None:
    page = desk.get(reverse("contact", args=[sarah.pk])).content.decode()
    assert f'href="{reverse("text_thread", args=[sarah.phone_id])}#write"' in page


def test_a_number_that_is_not_there_is_not_found(desk: Client) -> None:
    assert desk.get(reverse("text_thread", args=[99])).status_code == 404
    assert desk.post(reverse("send_text", args=[99]), {"words": "Hi"}).status_code == 404
    assert PhoneNumber.objects.count() == 0
