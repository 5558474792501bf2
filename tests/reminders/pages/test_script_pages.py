"""The pages of scripts: writing, publishing, a second person, what strangers try (product rule 62)."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.roles import AUDITOR, FRONT_DESK, MANAGER
from reminders.models import CallRecord, Pronunciation, Script, ScriptText
from reminders.pages.script_editor import compare_words, split_for_voicemail
from reminders.wording.default_scripts import SPOKEN, WRITTEN, ensure_default_scripts
from reminders.wording.script_verdicts import fingerprint_text
from tests.people import (
    ENGLISH,
    make_appointment,
    make_contact,
    make_due_reminder,
    make_location,
    make_script,
    make_step,
    make_user,
)
from tests.reminders.pages.clinic import FRAGMENT, make_call, sit_at_desk
from tests.reminders.pages.test_words_for_staff import read_page

pytestmark = pytest.mark.django_db
WARNED = ENGLISH.replace("an appointment", "an appointment with the cardiologist")


@pytest.fixture
def ada() -> User:
    return make_user("ada", role=MANAGER)


@pytest.fixture
def desk(ada: User) -> Client:
    return sit_at_desk(ada)


def address_of(script: Script, language: str = "en") -> str:
    return f"/scripts/{script.pk}/{language}/"


def save(desk: Client, script: Script, text: str, language: str = "en", **fields: str) -> str:
    """Write it as the page does; the page that follows."""
    draft = script.texts.filter(language=language, state="draft").first()
    data = {"text": text, "voice": "", "seen": fingerprint_text(draft), "deed": "save", **fields}
    answer = desk.post(f"{address_of(script, language)}draft/", data, follow=True)
    return html.unescape(answer.content.decode())


def act(desk: Client, text: ScriptText, deed: str) -> str:
    data = {"deed": deed, "seen": fingerprint_text(text)}
    answer = desk.post(f"/scripts/versions/{text.pk}/", data, follow=True)
    return html.unescape(answer.content.decode())


def test_the_list_says_what_is_in_force_and_who_uses_it(desk: Client) -> None:
    scripts = ensure_default_scripts()
    make_script(ENGLISH, name=scripts.call.name, language="fr", state="draft")
    make_step(script=scripts.call, fallback_script=scripts.text)
    page = read_page(desk, "/scripts/")
    assert "Appointment reminder, by call call · used by Reminders English in force" in page
    assert "French draft" in page
    assert "text message · used by Reminders" in page


def test_a_text_is_written_measured_and_published_without_a_script_in_the_browser(desk: Client) -> None:
    make_location()
    desk.post("/scripts/add/", {"name": "New", "channel": "voice"})
    script = Script.objects.get()
    assert "There is no text yet." in read_page(desk, address_of(script))
    page = save(desk, script, SPOKEN["es"], "es")
    assert "Saved as a draft" in page
    assert "There is nothing to correct." in page
    assert "Publish the draft" in page
    draft = script.texts.get()
    assert draft.state == "draft"
    page = act(desk, draft, "publish")
    assert "From now on this is what is sent" in page
    assert script.texts.get().published_by == User.objects.get(username="ada")


def test_a_refused_text_names_each_reason_and_keeps_the_words(desk: Client) -> None:
    script = make_script()
    page = save(desk, script, "Come to {PRACTICE}, {NICKNAME} [FIRST_NAME]")
    for words in (
        "{NICKNAME} is no variable",
        "Insert {APPT_DATE}",
        "Insert {APPT_TIME}",
        "Insert {CALLBACK_NUMBER}",
    ):
        assert words in page
    assert "Come to {PRACTICE}, {NICKNAME} [FIRST_NAME]</textarea>" in page
    assert script.texts.count() == 1


def test_a_draft_with_a_refusal_is_saved_and_has_no_button_to_publish(desk: Client) -> None:
    script = make_script()
    page = save(desk, script, ENGLISH.replace("9", "3"))
    assert "Saved as a draft" in page
    assert 'value="publish"' not in page
    assert "nothing in red is left" in page
    assert "can't be published" in act(desk, script.texts.get(state="draft"), "publish")


def test_warnings_need_somebody_else(desk: Client) -> None:
    script = make_script()
    page = save(desk, script, WARNED)
    assert "It may reveal the specialty or the kind of visit: cardiologist." in page
    assert "somebody else has to open this page" in page
    assert "approve_and_publish" not in page
    draft = script.texts.get(state="draft")
    assert "You wrote this text yourself" in act(desk, draft, "approve_and_publish")
    bob = sit_at_desk(make_user("bob", role=MANAGER))
    page = html.unescape(bob.get(address_of(script)).content.decode())
    assert "I have read the warnings: approve and publish" in page
    page = act(bob, draft, "approve_and_publish")
    assert "A second person has read these warnings" in page
    assert re.search(r"written by ada, .* approved by bob, .* published by bob", page, re.DOTALL)


def test_a_published_text_with_warnings_can_be_approved_later(desk: Client) -> None:
    script = make_script(WARNED)
    assert "approve this text" in read_page(desk, address_of(script))
    assert "Approved." in act(desk, script.texts.get(), "approve")
    assert script.texts.get().approved_warnings == ["specialty: cardiologist"]


def test_the_words_are_measured_while_they_are_written(desk: Client) -> None:
    make_location()
    script = make_script()
    check = f"{address_of(script)}draft/"
    data = {"text": WARNED, "deed": "check", "voice": "", "seen": ""}
    part = desk.post(check, data, headers=FRAGMENT).content.decode()
    assert "<html" not in part
    assert "cardiologist" in part
    assert re.search(r"about \d\d of 60 s", part)
    page = html.unescape(desk.post(check, data).content.decode())
    assert "<html" in page
    assert WARNED in page
    assert ScriptText.objects.count() == 1, "nothing was saved"


def test_a_text_message_shows_its_parts_and_the_letters_that_cost_them(desk: Client) -> None:
    make_location()
    script = Script.objects.create(name="Text", channel="sms")
    page = save(desk, script, WRITTEN["en"] + " á€")
    assert "<code>á</code>" in page
    assert "As a text message" in page
    assert "On the phone" not in page
    page = save(desk, script, WRITTEN["en"])
    assert re.search(r"With the longest names: \d+ characters, one part", page)


def test_the_example_is_the_next_visit_in_that_language_or_a_made_up_one(desk: Client) -> None:
    make_location()
    script = make_script()
    make_script(SPOKEN["es"], language="es")
    day = timezone.now() + timedelta(days=2)
    make_appointment(make_contact("Zoe", language="en"), starts_at=day)
    page = read_page(desk, address_of(script))
    assert "Filled in for a real visit: Zoe Lindqvist" in page
    assert "Hello Zoe, this is Harbor Clinic, Downtown." in page
    assert "Filled in for a made-up visit" in read_page(desk, f"{address_of(script)}?example=made-up")
    assert "Hello Zoe" not in read_page(desk, f"{address_of(script)}?example=made-up")
    assert "Filled in for a made-up visit" in read_page(desk, address_of(script, "es"))


def test_history_shows_what_changed_and_brings_words_back(desk: Client) -> None:
    script = make_script(ENGLISH)
    make_script(ENGLISH.replace("Hello", "Good day"))
    page = html.unescape(desk.get(address_of(script)).content.decode())
    assert "<del>Hello </del><ins>Good day </ins>" in page
    assert "Copied into a draft" in act(desk, script.texts.get(version=1), "copy")
    assert script.texts.get(state="draft").text == ENGLISH
    assert "The draft was discarded" in act(desk, script.texts.get(state="draft"), "discard")


def test_a_script_can_be_heard_from_its_page_by_whoever_may_test(desk: Client) -> None:
    make_location()
    call, text = make_script(ENGLISH, name="Call"), ensure_default_scripts().text
    heard, read = read_page(desk, address_of(call)), read_page(desk, address_of(text))
    assert "Call me with this" in heard
    assert "Text me this" not in heard
    assert "Text me this" in read
    auditor = sit_at_desk(make_user("alan", role=AUDITOR))
    assert "Call me with this" not in read_page(auditor, address_of(call))
    address = f"/test-calls/scripts/{call.texts.get().pk}/"
    answer = desk.post(address, {"channel": "voice"}, follow=True)
    assert "Call me with a code" in answer.content.decode(), "without a verified number it leads there"


@pytest.mark.parametrize(
    "text",
    ["x" * 10_000, "{" * 1_000, "<script>alert(1)</script>{PRACTICE}", "\u202ea", "👩‍⚕️" * 300, "\x00", "{}"],
)  # fmt: skip
def test_hostile_words_are_shown_harmless_and_never_saved(desk: Client, text: str) -> None:
    script = make_script()
    for deed in ("save", "check"):
        data = {"text": text, "voice": "", "seen": "", "deed": deed}
        answer = desk.post(f"{address_of(script)}draft/", data)
        assert answer.status_code in (200, 422)
        assert "<script>alert" not in answer.content.decode()
    assert script.texts.count() == 1


@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("/scripts/{pk}/xx/", {}),
        ("/scripts/{pk}/en'%3B--/", {}),
        ("/scripts/{pk}/en/?language=zz", {}),
        ("/scripts/99999/en/", {}),
        ("/scripts/{pk}/zz/draft/", {"text": ENGLISH, "deed": "save"}),
        ("/scripts/99999/en/draft/", {"text": ENGLISH, "deed": "save"}),
        ("/scripts/versions/{text}/", {"deed": "drop"}),
        ("/scripts/versions/{text}/", {}),
    ],
)
def test_addresses_and_deeds_that_do_not_exist_are_not_found(
    desk: Client, address: str, data: dict[str, str]
) -> None:
    text = make_script().texts.get()
    address = address.format(pk=text.script_id, text=text.pk)
    answer = desk.post(address, data) if data or "versions" in address else desk.get(address)
    assert answer.status_code == 404
    assert ScriptText.objects.count() == 1


def test_an_auditor_reads_and_a_receptionist_does_not(desk: Client) -> None:
    script = make_script()
    auditor = sit_at_desk(make_user("olga", role=AUDITOR))
    page = auditor.get(address_of(script)).content.decode()
    assert 'id="id_text"' not in page
    assert not re.search(r'href="/scripts/"\s', page), "no place of the rail"
    assert sit_at_desk(make_user("frank", role=FRONT_DESK)).get(address_of(script)).status_code == 403
    assert 'href="/scripts/"' in desk.get("/scripts/").content.decode()


def test_another_language_is_added_by_a_link(desk: Client) -> None:
    script = make_script()
    answer = desk.get(f"{address_of(script)}?language=pl")
    assert answer["Location"] == address_of(script, "pl")
    page = save(desk, script, ENGLISH, "pl")
    assert "Callboard can't check the words of this language" in page
    assert script.texts.get(language="pl").state == "draft"


def test_abbreviations_are_added_and_removed(desk: Client) -> None:
    entry = {"written": "Ave.", "spoken": "Avenue", "language": "en"}
    assert desk.post("/scripts/say-as/change/", entry).status_code == 302
    again = desk.post("/scripts/say-as/change/", {**entry, "written": "AVE."})
    assert again.status_code == 422
    assert "in the list already" in again.content.decode()
    for wrong in (
        {"written": "."},
        {"spoken": ""},
        {"language": "zz"},
        {"written": "x" * 41},
        {"written": "\x00a"},
    ):
        assert desk.post("/scripts/say-as/change/", {**entry, "written": "Bd", **wrong}).status_code == 422
    one = Pronunciation.objects.get()
    desk.post("/scripts/say-as/change/", {"remove": str(one.pk)})
    assert not Pronunciation.objects.exists()


def test_a_call_in_another_language_says_so_on_the_visits_page(desk: Client) -> None:
    reminder = make_due_reminder(make_contact(language="pl"))
    make_call(reminder, "answered", missing_language="pl", try_number=1)
    assert CallRecord.objects.get().missing_language == "pl"
    page = read_page(desk, f"/appointments/{reminder.appointment_id}/")
    assert "in English, since the script has no text in Polish" in page


def count_queries(desk: Client, address: str) -> int:
    desk.get(address)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert desk.get(address).status_code == 200
    return len(queries)


def test_the_number_of_queries_does_not_grow_with_scripts_versions_or_places(desk: Client) -> None:
    script = make_script()
    make_step(script=script)
    make_due_reminder()
    addresses = ["/scripts/", address_of(script), "/scripts/say-as/"]
    before = [count_queries(desk, address) for address in addresses]
    for index in range(5):
        make_script(f"{ENGLISH} {index}")
        make_script(name=f"More {index}")
        make_location(f"Place {index}")
        Pronunciation.objects.create(written=f"Dr{index}", spoken="Doctor", language="en")
        make_due_reminder(make_contact(f"P{index}", number=f"+1202555012{index}"))
    assert [count_queries(desk, address) for address in addresses] == before
    assert max(before) <= 25


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ("a b c", "a x c", [("same", "a "), ("removed", "b "), ("added", "x "), ("same", "c")]),
        ("", "a", [("added", "a")]),
        ("a", "", [("removed", "a")]),
        ("a b", "a b", [("same", "a b")]),
    ],
)
def test_differences_are_shown_by_words(before: str, after: str, parts: list[tuple[str, str]]) -> None:
    assert [(part.kind, part.words) for part in compare_words(before, after)] == parts


def test_a_voicemail_may_miss_the_beginning_and_has_no_keys() -> None:
    said = "Hello Sarah, this is Harbor Clinic of Salem. You have a visit on Friday. Press 1 to confirm. Bye."
    parts = {part.kind: part.words for part in split_for_voicemail(said, "en")}
    assert parts["lost"].startswith("Hello Sarah, this is ")
    assert parts["kept"].endswith("Friday. ")
    assert parts["keys"] == "Press 1 to confirm. Bye."
    assert "".join(part.words for part in split_for_voicemail(said, "en")) == said
    assert split_for_voicemail("", "en") == []
