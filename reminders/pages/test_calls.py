"""The page of a person's own test calls: their number, the scripts to try, and what became of each test."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from contacts.languages import name_language
from contacts.models import Location, PhoneNumber
from contacts.models.people import Channel
from reminders.deciding.test_objections import find_verified_number
from reminders.models import ScriptText, TestCall
from reminders.rules.modes import SendingMode
from reminders.rules.number_codes import may_be_entered
from reminders.rules.reasons import phrase_for

SHOWN = 12
State = TestCall.State
LOOK_OF_STATE = {
    State.WAITING: "submitting",
    State.SUBMITTING: "submitting",
    State.SUBMITTED: "submitted",
    State.UNKNOWN: "unknown",
    State.DROPPED: "not_sent",
}


@dataclass(frozen=True)
class TestLine:
    """One test: when, as what, its state (a key of reminder_display.LOOKS) and what was pressed."""

    __test__ = False

    pk: int
    at: datetime
    title: str
    state: str
    words: str
    why: str
    pressed: str
    text: str
    mode: str


@dataclass(frozen=True)
class TriableText:
    """The newest version of a script in one language."""

    pk: int
    name: str
    language: str
    voice_label: str
    text_label: str


@dataclass(frozen=True)
class MyTests:
    """`waits_for_code`: a call spoke a code, or is about to, that can still be entered."""

    number: PhoneNumber | None
    waits_for_code: bool
    tests: tuple[TestLine, ...]


def read_my_tests(user: User, now: datetime) -> MyTests:
    """What the page shows of this person; four queries."""
    location = Location.objects.first()
    mine = list(TestCall.objects.filter(by=user).select_related("script_text__script")[:SHOWN])
    codes = [test for test in mine if test.purpose == TestCall.Purpose.CODE]
    return MyTests(
        number=find_verified_number(user),
        waits_for_code=bool(codes) and _waits_for_code(codes[0], now),
        tests=tuple(_line(test, location.zone if location else None) for test in mine),
    )


def list_triable_texts() -> list[TriableText]:
    """The newest text of each script in each language."""
    texts = ScriptText.objects.select_related("script").order_by("script__name", "language", "version")
    newest = {(text.script_id, text.language): text for text in texts}
    return [_offer(text) for text in newest.values()]


def _offer(text: ScriptText) -> TriableText:
    language = name_language(text.language)
    words = {"name": text.script.name, "language": language}
    return TriableText(
        text.pk,
        text.script.name,
        language,
        _("Call me with “%(name)s” in %(language)s") % words,
        _("Text me “%(name)s” in %(language)s") % words,
    )


def _waits_for_code(test: TestCall, now: datetime) -> bool:
    if test.state in (State.WAITING, State.SUBMITTING):
        return True
    is_spoken = bool(test.code_hash) and test.state != State.DROPPED
    return is_spoken and may_be_entered(test.submitting_at, test.code_tries, now)


def _line(test: TestCall, zone: tzinfo | None) -> TestLine:
    keys = ", ".join(key for _at, key in test.keys)
    return TestLine(
        pk=test.pk,
        at=test.created_at.astimezone(zone),
        title=_name_test(test),
        state=LOOK_OF_STATE.get(State(test.state), test.state),
        words=str(State(test.state).label),
        why=phrase_for(test.reason, test.detail),
        pressed=_("You pressed %(keys)s.") % {"keys": keys} if keys else "",
        text=test.text,
        mode=str(SendingMode(test.mode).label),
    )


def _name_test(test: TestCall) -> str:
    if test.purpose == TestCall.Purpose.CODE:
        return _("Call with a code")
    kind = _("Test text") if test.channel == Channel.SMS else _("Test call")
    return f"{kind}: {test.script_text.script.name}" if test.script_text else kind
