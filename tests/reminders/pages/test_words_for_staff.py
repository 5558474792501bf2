"""Every code that a page can show has words of its own, such as a receptionist would use.

(product rule 60)
"""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest
from django.db.models import TextChoices
from django.test import Client
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import strip_tags

from contacts.models import Appointment, AppointmentChange, UnusableReason, Way
from contacts.models.people import Channel
from reminders.deciding.explanations import UNTIL
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import AssumptionTrial, Campaign, FollowUp, SendingSwitch, StaffText, TestCall
from reminders.pages import sentences
from reminders.pages.worklist_words import WORDS
from reminders.results.post_results import record_failed_post
from reminders.robotalker import errors
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import (
    SENTENCES,
    AnswerReason,
    CallReason,
    ConfirmationReason,
    KeptBackReason,
    ListReason,
    Reason,
    ReasonOfTest,
    ReasonOfText,
    phrase_for,
)
from reminders.rules.states import CallState, ReminderState
from reminders.templatetags.reminder_display import LOOKS
from reminders.traffic import local_faults
from tests.people import make_contact, make_due_reminder, make_user
from tests.reminders.pages.clinic import make_call, settle, sit_at_desk
from webhooks.models import WebhookEvent

REASONS = (
    Reason,
    CallReason,
    AnswerReason,
    KeptBackReason,
    ListReason,
    ConfirmationReason,
    ReasonOfTest,
    ReasonOfText,
)
CHOICES: tuple[type[TextChoices], ...] = (
    *REASONS,
    ReminderState,
    CallState,
    Campaign.State,
    SendingSwitch.Cause,
    FollowUp.Kind,
    FollowUp.State,
    FollowUp.Resolution,
    Appointment.Status,
    Appointment.Answer,
    AppointmentChange.What,
    Way,
    Channel,
    UnusableReason,
    WebhookEvent.State,
    SendingMode,
    TestCall.State,
    StaffText.State,
    TestCall.Purpose,
    AssumptionTrial.Result,
)
TITLES = [sentences.CALLS, sentences.TEXTS]
PROGRAMMERS_WORDS = re.compile(
    r"\b(?:None|HTTP|HTTPS|POST|GET|JSON|DNS|TLS|SQL|URL|UTC)\b|\b[45]\d\d\b"
    r"|(?i:\b(?:null|exceptions?|time-?outs?|seconds|queues?|beats?|workers?|redis|celery|leases?|claim(?:s|ed)?"
    r"|webhooks?|payloads?|tokens?|threads?|batch(?:es)?|submit(?:s|ted|ting)?|tracebacks?|host|retry)\b)"
)
ERRORS: set[type[errors.RobotalkerError]] = {
    found
    for module in (errors, local_faults)
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, errors.RobotalkerError) and not name.startswith("_")
}
DOCSTRINGS = [
    paragraph
    for error in [*ERRORS, errors.ErrorCode, errors.Meaning]
    for paragraph in " ".join((error.__doc__ or "").replace("\n\n", "\0").split()).split("\0")
]


def list_words() -> Iterator[tuple[str, object]]:
    """All words that stand beside a code, each with the code's name."""
    for choices in CHOICES:
        for one in choices:
            yield f"{choices.__qualname__}.{one.name}", one.label
    for name, table in [
        ("a change", sentences.CHANGES),
        ("a call", sentences.CALLS),
        ("a text message", sentences.TEXTS),
        ("a way", sentences.ANSWERED_BY),
        ("until", UNTIL),
    ]:
        for code, words in table.items():  # type: ignore[attr-defined] # tables of different kinds of codes
            yield f"{name}: {code}", words
    for kind, (happened, to_do) in WORDS.items():
        yield f"worklist: {kind}", happened
        yield f"to do: {kind}", to_do
    for state, look in LOOKS.items():
        yield f"chip: {state}", look.word


@pytest.mark.parametrize(("name", "words"), [*list_words()])
def test_each_code_has_words_that_a_receptionist_would_use(name: str, words: object) -> None:
    text = str(words)
    assert isinstance(words, Promise), f"{name} is translated when it is shown"
    assert text.strip()
    assert not text.endswith("..")
    assert not set("_`") & set(re.sub(r"%\(\w+\)s", "", text)), text
    assert not PROGRAMMERS_WORDS.search(text), text
    assert not [docstring for docstring in DOCSTRINGS if docstring in text], text


@pytest.mark.parametrize("reasons", [*REASONS, UnusableReason])
def test_each_reason_is_one_whole_sentence(reasons: type[TextChoices]) -> None:
    for reason in reasons:
        assert re.fullmatch(r"[A-Z][^.]*\.", str(reason.label)), reason


def test_no_two_codes_are_the_same() -> None:
    assert len(SENTENCES) == sum(len(reasons) for reasons in REASONS)
    assert max(map(len, SENTENCES)) <= 40, "as long as the column"


def test_each_error_has_a_code_of_its_own_with_a_sentence() -> None:
    codes = [error.code for error in ERRORS if error is not errors.RobotalkerError]
    assert len(codes) == len(set(codes))
    assert set(errors.ErrorCode) <= set(codes) <= set(CallReason.values)


def test_a_reason_does_not_repeat_the_title_that_it_stands_under() -> None:
    titles = {str(title).rstrip(".").lower() for table in TITLES for title in table.values()}
    for reason, title in product(CallReason, titles):
        sentence = str(reason.label).rstrip(".").lower()
        assert sentence not in title
        assert title not in sentence
    beside: list[tuple[TextChoices, TextChoices]] = [
        *product(CallReason, CallState),
        *product(Reason, ReminderState),
    ]
    for why, state in beside:
        assert not re.search(rf"\b{state.label}\b", str(why.label), re.IGNORECASE), (
            f"{state.label}: {why.label}"
        )


def test_a_detail_is_quoted_as_robotalkers_own_words() -> None:
    assert phrase_for("bad_request", "to: not a number") == (
        "Robotalker found a mistake in our request (Robotalker: “to: not a number”)"
    )
    assert phrase_for("unknown_key", "5") == "They pressed a key that is not one of the choices (5)"
    assert phrase_for("busy") == "The line was busy"
    assert phrase_for("") == ""


def test_a_code_that_this_version_does_not_know_is_never_shown() -> None:
    assert phrase_for("some_new_code") == "Callboard has no description of this reason"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error", [error for error in sorted(ERRORS, key=str) if error is not errors.RobotalkerError]
)
def test_a_failed_request_is_stored_as_a_code_and_shown_as_its_sentence(
    error: type[errors.RobotalkerError],
) -> None:
    reminder = make_due_reminder()
    [call] = open_calls([reminder.pk], claim_due(1).token)
    failure = error("to: not a mobile") if issubclass(error, errors.Rejected) else error()
    record_failed_post(call.pk, failure)
    call.refresh_from_db()
    assert (call.reason, call.detail) == (error.code, failure.detail)
    if error in (errors.Rejected, errors.MayHaveArrived):  # all others are shown by the same lines
        page = read_page(sit_at_desk(make_user()), f"/appointments/{reminder.appointment_id}/")
        assert phrase_for(error.code, failure.detail) in page
        assert [docstring for docstring in DOCSTRINGS if docstring in page] == []


@pytest.mark.django_db
def test_a_rejected_number_is_stored_as_a_code_with_robotalkers_own_words() -> None:
    reminder = make_due_reminder()
    [call] = open_calls([reminder.pk], claim_due(1).token)
    record_failed_post(call.pk, errors.Rejected("to: not a mobile", status=400, field="to"))
    number = call.number
    number.refresh_from_db()
    assert (number.unusable_reason, number.unusable_detail) == ("rejected", "to: not a mobile")
    page = read_page(sit_at_desk(make_user()), f"/contacts/{reminder.appointment.contact_id}/")
    assert "Robotalker did not accept the number. Robotalker: “to: not a mobile”" in page


def read_page(desk: Client, address: str) -> str:
    """The words of the page, one space between any two."""
    return " ".join(html.unescape(strip_tags(desk.get(address).content.decode())).split())


@pytest.mark.django_db
def test_no_page_shows_what_is_written_for_programmers() -> None:
    for index, reason in enumerate(CallReason):
        reminder = make_due_reminder(make_contact(f"Sarah{index}", number=f"+1202555{1000 + index}"))
        make_call(reminder, "failed", reason=reason, ended_at=timezone.now())
        settle(reminder, "done", "not_reached")
    story = make_due_reminder()
    for index, reason in enumerate(CallReason, start=1):
        make_call(story, "failed", reason=reason, try_number=index, ended_at=timezone.now())
    settle(story, "done", "not_reached")
    FollowUp.objects.create(
        kind="could_not_reach",
        contact=story.appointment.contact,
        appointment=story.appointment,
        reason="server_error",
        due_at=timezone.now() + timedelta(hours=1),
    )
    desk = sit_at_desk(make_user())
    for address in ("/", f"/appointments/{story.appointment_id}/"):
        page = read_page(desk, address)
        assert [reason for reason in CallReason if str(reason.label).rstrip(".") not in page] == []
        assert [docstring for docstring in DOCSTRINGS if docstring in page] == []
    assert "Robotalker had an internal error" in read_page(desk, "/worklist/")
