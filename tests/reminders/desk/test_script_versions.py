"""Drafts, a second person's word, publishing; what is published is never changed (product rule 62)."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from pytest_django import Settings

from contacts.models import Location, Provider
from reminders.desk.script_versions import (
    ScriptNotSaved,
    approve_and_publish,
    approve_text,
    copy_to_draft,
    discard_draft,
    publish_text,
    save_draft,
)
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, Pronunciation, Reminder, Script, ScriptText
from reminders.wording.default_scripts import SPOKEN
from reminders.wording.script_verdicts import channels_of, fingerprint_text
from reminders.wording.scripts import choose_text
from tests.people import (
    ENGLISH,
    make_contact,
    make_due_reminder,
    make_location,
    make_script,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db
WARNED = ENGLISH.replace("an appointment", "an appointment with the cardiologist")


@pytest.fixture
def ada() -> User:
    return make_user("ada", role="")


@pytest.fixture
def bob() -> User:
    return make_user("bob", role="")


def write(script: Script, text: str, by: User, language: str = "en") -> ScriptText:
    draft = script.texts.filter(language=language, state="draft").first()
    return save_draft(script.pk, language, text=text, voice="", seen=fingerprint_text(draft), by=by)


def publish(draft: ScriptText, by: User) -> ScriptText:
    return publish_text(draft.pk, seen=fingerprint_text(draft), by=by)


def open_call(reminder: Reminder) -> CallRecord:
    [call] = open_calls([reminder.pk], claim_due(1).token)
    return call


def test_a_draft_is_never_sent_and_a_published_text_is_at_once(ada: User) -> None:
    script = make_script("{PRACTICE} old")
    draft = write(script, ENGLISH, ada)
    assert draft.version == 2
    chosen = choose_text(script, "en")
    assert chosen is not None
    assert chosen.text == "{PRACTICE} old"
    publish(draft, ada)
    chosen = choose_text(script, "en")
    assert chosen is not None
    assert (chosen.text, chosen.published_by) == (ENGLISH, ada)
    assert chosen.published_at is not None


def test_a_reminder_that_waits_for_a_text_goes_out_when_it_is_published(ada: User) -> None:
    script = Script.objects.create(name="Empty")
    make_step(script=script)
    make_due_reminder()
    draft = write(script, ENGLISH, ada)
    claim = claim_due(1)
    assert open_calls(claim.reminder_ids, claim.token) == []
    assert Reminder.objects.get().reason == "no_script"
    publish(draft, ada)
    assert open_call(Reminder.objects.get()).script_text == draft


@pytest.mark.parametrize("is_used", [True, False])
@pytest.mark.parametrize(
    "change",
    [{"text": "x"}, {"voice": "x"}, {"language": "es"}, {"version": 9}, {"state": "draft"}],
    ids=str,
)
def test_the_database_keeps_what_is_published(change: dict[str, object], is_used: bool) -> None:
    reminder = make_due_reminder()
    if is_used:
        open_call(reminder)
    text = ScriptText.objects.get()
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        ScriptText.objects.update(**change)
    for name, value in change.items():
        setattr(text, name, value)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        text.save()
    assert ScriptText.objects.get().text == ENGLISH


def test_no_door_changes_or_deletes_what_is_published(ada: User) -> None:
    text = make_script().texts.get()
    seen = fingerprint_text(text)
    doors: list[Callable[[], object]] = [
        lambda: publish_text(text.pk, seen=seen, by=ada),
        lambda: discard_draft(text.pk, seen=seen),
    ]
    for door in doors:
        with pytest.raises(ScriptNotSaved, match="published already"):
            door()
    assert write(text.script, ENGLISH + " More.", ada).pk != text.pk, "editing makes a draft"
    assert ScriptText.objects.get(pk=text.pk).text == ENGLISH


def test_there_is_one_draft_of_a_language_and_it_can_be_changed_and_discarded(ada: User, bob: User) -> None:
    script = make_script()
    first = write(script, ENGLISH, ada)
    second = write(script, ENGLISH + " More.", bob)
    assert first.pk == second.pk
    assert (second.version, second.written_by) == (2, bob)
    assert write(script, ENGLISH, ada, "es").version == 1
    with pytest.raises(ScriptNotSaved, match="a draft already"):
        copy_to_draft(script.texts.get(version=1, language="en").pk, by=ada)
    discard_draft(second.pk, seen=fingerprint_text(second))
    again = copy_to_draft(script.texts.get(version=1, language="en").pk, by=ada)
    assert (again.text, again.version, again.state) == (ENGLISH, 2, "draft")


@pytest.mark.parametrize("language", SPOKEN)
def test_the_shipped_texts_can_be_published_without_a_second_person(ada: User, language: str) -> None:
    publish(write(Script.objects.create(name="New"), SPOKEN[language], ada, language), ada)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (ENGLISH.replace("9", "3"), "no_optout_key"),
        (ENGLISH.replace("Hello", "Your visit:"), "practice_not_first"),
        (ENGLISH.replace("Our number", "Press 1. Our number"), "keys_too_early"),
        (ENGLISH + " Word" * 140, "over_a_minute"),
    ],
)
def test_a_text_with_a_refusal_stays_a_draft_whoever_approves_it(
    text: str, fault: str, ada: User, bob: User
) -> None:
    make_location()
    draft = write(Script.objects.create(name="New"), text, ada)
    for door in (publish_text, approve_and_publish):
        with pytest.raises(ScriptNotSaved) as refused:
            door(draft.pk, seen=fingerprint_text(draft), by=bob)
        assert [str(finding.fault) for finding in refused.value.findings] == [fault]
    draft.refresh_from_db()
    assert (draft.state, draft.approved_by) == ("draft", None), "nothing is half done"


@pytest.mark.parametrize(
    "text", ["", "{NICKNAME}", ENGLISH + "{", "x" * 10_000, ENGLISH.replace("{PRACTICE}", "us")]
)
def test_a_text_that_can_not_be_filled_in_is_not_saved(text: str, ada: User) -> None:
    with pytest.raises(ScriptNotSaved):
        write(Script.objects.create(name="New"), text, ada)
    assert ScriptText.objects.count() == 0


def test_a_warning_needs_the_word_of_somebody_else(ada: User, bob: User) -> None:
    draft = write(Script.objects.create(name="New"), WARNED, ada)
    with pytest.raises(ScriptNotSaved, match="second person") as refused:
        publish(draft, ada)
    assert [finding.words for finding in refused.value.findings] == ["cardiologist"]
    with pytest.raises(ScriptNotSaved, match="yourself"):
        approve_and_publish(draft.pk, seen=fingerprint_text(draft), by=ada)
    approve_text(draft.pk, seen=fingerprint_text(draft), by=bob)
    published = publish(draft, ada)
    assert (published.approved_by, published.published_by) == (bob, ada)
    assert published.approved_at is not None
    assert published.approved_warnings == ["specialty: cardiologist"]


def test_an_approval_is_for_the_words_that_were_read(ada: User, bob: User) -> None:
    script = Script.objects.create(name="New")
    draft = write(script, WARNED, ada)
    approve_text(draft.pk, seen=fingerprint_text(draft), by=bob)
    edited = write(script, WARNED + " Your balance is due.", ada)
    assert (edited.approved_by, edited.approved_warnings) == (None, [])
    for door in (approve_text, publish_text, approve_and_publish):
        with pytest.raises(ScriptNotSaved, match="meanwhile"):
            door(draft.pk, seen=fingerprint_text(draft), by=bob)


def test_a_name_that_reveals_a_specialty_later_asks_again(ada: User, bob: User) -> None:
    make_location()
    draft = write(Script.objects.create(name="New"), WARNED, ada)
    approve_text(draft.pk, seen=fingerprint_text(draft), by=bob)
    Location.objects.update(spoken_name="Harbor Oncology")
    Provider.objects.create(name="Dr. Cancer Bill", spoken_name="the dentist")  # the text doesn't name them
    with pytest.raises(ScriptNotSaved) as refused:
        publish(draft, ada)
    assert [finding.words for finding in refused.value.findings] == ["oncology (“Harbor Oncology”)"]


def test_a_practice_of_one_person_gives_its_own_word(ada: User, settings: Settings) -> None:
    settings.SCRIPTS_NEED_SECOND_PERSON = False
    draft = write(Script.objects.create(name="New"), WARNED, ada)
    with pytest.raises(ScriptNotSaved, match="approve"):
        publish(draft, ada)
    published = approve_and_publish(draft.pk, seen=fingerprint_text(draft), by=ada)
    assert (published.written_by, published.approved_by) == (ada, ada)


def test_nobody_overwrites_what_somebody_else_has_written_meanwhile(ada: User, bob: User) -> None:
    script = Script.objects.create(name="New")
    draft = write(script, ENGLISH, ada)
    write(script, ENGLISH + " From Bob.", bob)
    for seen in ("", fingerprint_text(draft)):
        with pytest.raises(ScriptNotSaved, match="Somebody else"):
            save_draft(script.pk, "en", text=ENGLISH, voice="", seen=seen, by=ada)
    assert script.texts.get().text.endswith("From Bob.")


def test_a_script_is_judged_by_what_its_steps_do_with_it() -> None:
    script = Script.objects.create(name="Unused", channel="sms")
    assert channels_of(script) == {"sms"}
    make_step(script=script)
    assert channels_of(script) == {"voice"}
    make_step(script=make_script(), fallback_script=script)
    assert channels_of(script) == {"voice", "sms"}


def test_a_call_in_another_language_says_so_on_its_record() -> None:
    make_step()
    polish, english = (
        make_due_reminder(make_contact(name, number=number, language=language))
        for name, number, language in (("Ewa", "+12025550111", "pl"), ("Al", "+12025550112", "en"))
    )
    claim = claim_due(2)
    calls = {call.reminder_id: call for call in open_calls(claim.reminder_ids, claim.token)}
    assert calls[polish.pk].missing_language == "pl"
    assert calls[polish.pk].script_text.language == "en"
    assert calls[english.pk].missing_language == ""


def test_abbreviations_are_said_in_full_in_calls_only() -> None:
    Pronunciation.objects.create(written="Dr.", spoken="Doctor", language="en")
    Pronunciation.objects.create(written="Dr.", spoken="doctora", language="es")
    make_step(script=make_script(ENGLISH + " {PROVIDER}"))
    call = open_call(make_due_reminder())
    assert call.text.endswith("Doctor S. Chen")
    assert call.variables["PROVIDER"] == "Doctor S. Chen"


def test_a_text_message_keeps_its_abbreviations() -> None:
    Pronunciation.objects.create(written="Dr.", spoken="Doctor", language="en")
    make_step(script=make_script("{PRACTICE}: {PROVIDER}"), channel="sms")
    assert open_call(make_due_reminder()).text.endswith(": Dr. S. Chen")
