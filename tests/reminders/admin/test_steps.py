"""The form of a step: its scripts, the length of a text message (product rule 40), and what is refused."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from reminders.admin.campaigns import StepForm
from reminders.models import Campaign, Script
from reminders.wording.default_scripts import ensure_default_scripts
from reminders.wording.sms_length import find_too_long
from tests.people import make_campaign, make_location, make_script, make_step

pytestmark = pytest.mark.django_db


def fill_in(fallback: Script | None, **fields: Any) -> StepForm:
    values = {
        "campaign": Campaign.objects.first() or make_campaign(),
        "position": 1,
        "timing_kind": "elapsed_before",
        "days": 0,
        "elapsed": "04:00:00",
        "stop_before": timedelta(minutes=30),
        "channel": "voice",
        "audience": "unconfirmed",
        "if_late": "skip",
        "max_tries": 2,
        "retry_wait": "01:00:00",
        "script": make_script(name="Call"),
        "fallback_script": fallback,
    }
    return StepForm({**values, **fields})


def test_a_call_step_can_have_a_fallback_text() -> None:
    make_location()
    form = fill_in(ensure_default_scripts().text)
    assert form.is_valid(), form.errors
    assert form.fields["fallback_script"].label == "Then by text message"


@pytest.mark.parametrize(
    ("elapsed", "refused"), [("00:20:00", True), ("00:30:00", True), ("00:31:00", False)]
)
def test_a_step_whose_time_is_after_the_last_moment_to_call_is_refused(elapsed: str, refused: bool) -> None:
    form = fill_in(None, elapsed=elapsed)
    assert ("elapsed" in form.errors) == refused


def test_a_text_step_can_have_no_fallback_text() -> None:
    form = fill_in(make_script("Come.", name="Text"), channel="sms")
    assert form.errors["fallback_script"] == ["This step is already a text message. Leave it empty."]


def test_a_fallback_text_over_160_characters_is_refused_and_its_length_is_shown() -> None:
    form = fill_in(make_script("x" * 161, name="Long"))
    [error] = form.errors["fallback_script"]
    assert str(error).startswith("In English this can be too long for a text message, which has at most 160")
    assert "2 parts: 161 characters, where one part has only 160" in str(error)


CALL_OF_300 = "{PRACTICE} calls {FIRST_NAME}. " + "You have an appointment. " * 11


def test_a_text_step_with_a_calls_script_is_refused_with_the_numbers() -> None:
    form = fill_in(None, channel="sms", script=make_script(CALL_OF_300, name="Spoken"))
    [error] = form.errors["script"]
    assert "2 parts: 304 characters, where one part has only 160" in str(error)
    assert fill_in(None, script=make_script(CALL_OF_300, name="Spoken")).is_valid(), "as a call it is fine"


def test_a_step_by_preference_needs_a_script_for_each_way() -> None:
    text = make_script("Come, {FIRST_NAME}.", name="Text")
    assert fill_in(None, channel="preferred", text_script=text).is_valid()
    assert "text_script" in fill_in(None, channel="preferred").errors
    assert "text_script" in fill_in(None, channel="voice", text_script=text).errors
    long = make_script("x" * 161, name="Long")
    assert "161" in str(fill_in(None, channel="preferred", text_script=long).errors["text_script"])


def test_the_length_is_of_the_newest_version_with_its_variables_filled_in() -> None:
    make_location(spoken_name="Harbor Clinic")
    script = make_script("x" * 200, name="Text")
    make_script("x" * 147 + "{PRACTICE}", name="Text")
    assert find_too_long(script) == {}
    make_script("x" * 148 + "{PRACTICE}", name="Text")
    [longest] = find_too_long(script).values()
    assert (longest.language, longest.length.units, longest.length.segments) == ("en", 161, 2)


def test_a_fallback_script_without_text_is_refused() -> None:
    form = fill_in(Script.objects.create(name="Empty"))
    assert form.errors["fallback_script"] == ["This script has no published text yet. Write it first."]


def test_a_step_right_after_booking_needs_no_time_of_day_and_may_be_due_at_once() -> None:
    form = fill_in(None, timing_kind="after_booking", elapsed="00:00:00")
    assert form.is_valid(), form.errors
    assert str(form.save()) == "call, right after booking"
    assert "timing_kind" in fill_in(None, timing_kind="after_booking", elapsed="8 00:00:00").errors
    assert "timing_kind" in fill_in(None, timing_kind="after_booking", elapsed="-00:10:00").errors


REFUSED = [
    ({"stop_before": timedelta(minutes=-1)}, "stop_before"),  # a call after the visit began (product rule 4)
    ({"max_tries": 0}, "max_tries"),
    ({"max_tries": 11}, "max_tries"),  # rung up all day, since a call that nobody answers counts for no cap
    ({"if_late": "send_now"}, "if_late"),
]


@pytest.mark.parametrize(("fields", "refused"), REFUSED)
def test_a_step_that_would_call_too_late_or_too_often_is_refused(
    fields: dict[str, Any], refused: str
) -> None:
    assert list(fill_in(None, **fields).errors) == [refused]


@pytest.mark.parametrize("if_late", ["skip", "now", "next_allowed"])
def test_each_choice_for_late_bookings_can_be_made(if_late: str) -> None:
    assert fill_in(None, if_late=if_late).is_valid()


@pytest.mark.parametrize("fields", [{"stop_before": timedelta(minutes=-1)}, {"if_late": "send_now"}])
def test_the_database_refuses_a_step_that_would_call_too_late(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        make_step(**fields)
