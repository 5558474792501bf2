"""The words of ready-made campaigns are right at any practice (product rules 11, 13, 40 and 62)."""

import re

import pytest
from django.contrib.auth.models import User

from contacts.models import Location, Provider
from contacts.models.people import Channel
from reminders.models import Script, ScriptText
from reminders.rules.script_findings import KNOWN_VARIABLES
from reminders.wording.default_scripts import ensure_default_scripts
from reminders.wording.ready_scripts import (
    BOOKED_TEXT,
    COURTESY_CALL,
    READY_SCRIPTS,
    REMINDER_CALL,
    ReadyScript,
    ensure_script,
)
from reminders.wording.script_verdicts import judge_words
from reminders.wording.scripts import used_variables
from reminders.wording.sms_length import SaidNames
from tests.people import make_script, make_user

# Names of 40 letters: plain ones, and ones with letters outside the alphabet of a text; and a short one.
PRACTICES = [
    "Harbor Clinic",
    "Harbor View Family Clinic of North Salem",
    "Clínica Familiar São João do Rio Tâmega ",
]
EVERY_TEXT = [(ready, language) for ready in READY_SCRIPTS for language in ready.texts]
NAMES = [f"{ready.name}, {language}" for ready, language in EVERY_TEXT]
# Words that mean "stop" to a carrier, that say it is today, or that a friend would say ("tú", "tu").
NEVER = re.compile(
    r"\b(cancel\w*|end|quit|unsubscribe|today|hoy|aujourd|tomorrow|mañana|demain|tu|tienes|puedes|oprime|toi)\b",
    re.IGNORECASE,
)


@pytest.fixture
def sam(db: None) -> User:
    return make_user("sam")


@pytest.mark.parametrize("practice", PRACTICES)
@pytest.mark.parametrize(("ready", "language"), EVERY_TEXT, ids=NAMES)
def test_each_text_has_nothing_to_correct_and_fits(ready: ReadyScript, language: str, practice: str) -> None:
    """Under 60 seconds, and one part of a text message on every day of the year."""
    location = Location(spoken_name=practice, time_zone="America/Chicago", callback_number="+12025550199")
    names = SaidNames((location,), (Provider(name="Dr. Alexandrina Montgomery"),))
    verdict = judge_words(ready.texts[language], language, {ready.channel}, names, {})
    assert (verdict.refusals, verdict.warnings) == ((), ())
    if ready.channel == Channel.VOICE:
        assert verdict.seconds is not None
        assert verdict.seconds < 45
    else:
        assert verdict.longest is not None
        assert (verdict.longest.length.segments, verdict.longest.length.letters) == (1, ())


@pytest.mark.parametrize(("ready", "language"), EVERY_TEXT, ids=NAMES)
def test_each_text_begins_with_the_practice_and_says_nothing_that_could_be_wrong(
    ready: ReadyScript, language: str
) -> None:
    text = ready.texts[language]
    assert text.index("{") == text.index("{PRACTICE}")
    assert not NEVER.search(text)
    keys = text.index(" 1")
    assert all(text.index(f"{{{name}}}") < keys for name in used_variables(text))


@pytest.mark.parametrize("ready", READY_SCRIPTS, ids=lambda ready: ready.name)
def test_the_languages_of_a_script_say_the_same_and_english_and_spanish_are_there(
    ready: ReadyScript,
) -> None:
    assert {"en", "es"} <= set(ready.texts)
    used = {used_variables(text) for text in ready.texts.values()}
    assert len(used) == 1
    assert used.pop() <= KNOWN_VARIABLES


def test_a_script_is_made_published_with_every_language_and_who_made_it(sam: User) -> None:
    script = ensure_script(COURTESY_CALL, by=sam)
    assert (script.name, script.channel) == (COURTESY_CALL.name, "voice")
    texts = script.texts.order_by("language")
    assert {text.language: text.text for text in texts} == COURTESY_CALL.texts
    assert {(text.state, text.published_by, text.written_by) for text in texts} == {("published", sam, None)}
    assert [text.voice for text in texts] == ["en-US-Neural-F", "es-US-Neural-F", "fr-FR-Neural-F"]


def test_a_script_that_says_the_same_is_used_again(sam: User) -> None:
    ours = ensure_default_scripts()
    assert ensure_script(REMINDER_CALL, by=sam) == ours.call
    make_script("Noch eine Sprache", name=ours.call.name, language="de")
    make_script("Not published", name=ours.call.name, state="draft")
    assert ensure_script(REMINDER_CALL, by=sam) == ours.call
    assert ensure_script(BOOKED_TEXT, by=sam) == ensure_script(BOOKED_TEXT, by=sam)
    assert Script.objects.count() == 3


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_a_practice_has_changed_stays_and_a_new_script_gets_another_name(
    sam: User, language: str
) -> None:
    own = ensure_default_scripts().call
    make_script("Our own words.", name=own.name, language=language)
    before = list(ScriptText.objects.order_by("pk").values_list("pk", "text", "state"))
    made = ensure_script(REMINDER_CALL, by=sam)
    assert made.name == f"{own.name} (2)"
    assert ensure_script(REMINDER_CALL, by=sam) == made, "the second is used again"
    assert list(ScriptText.objects.order_by("pk").values_list("pk", "text", "state"))[: len(before)] == before


@pytest.mark.parametrize("own", ["without a text", "only a draft", "for the other channel"])
def test_a_script_that_only_has_the_name_is_left_alone(sam: User, own: str) -> None:
    script = Script.objects.create(name=BOOKED_TEXT.name, channel="sms")
    if own == "only a draft":
        make_script(BOOKED_TEXT.texts["en"], name=script.name, state="draft")
    if own == "for the other channel":
        for language, words in BOOKED_TEXT.texts.items():
            make_script(words, name=script.name, language=language)
        Script.objects.update(channel="voice")
    assert ensure_script(BOOKED_TEXT, by=sam).name == f"{BOOKED_TEXT.name} (2)"
