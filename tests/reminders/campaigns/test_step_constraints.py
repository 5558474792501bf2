"""What no step can be, whoever writes it: the database refuses it (product rule 4)."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from reminders.models import Step
from tests.people import make_step

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "fields",
    [
        {"stop_before": timedelta(minutes=-1)},
        {"if_late": "send_now"},
        {"max_tries": 0},
        {"channel": "preferred"},
        {"elapsed": timedelta(0)},
    ],
    ids=str,
)
def test_the_database_refuses_a_step_that_would_call_too_late_or_with_nothing_to_say(
    fields: dict[str, Any],
) -> None:
    with pytest.raises(IntegrityError):
        make_step(**fields)


@pytest.mark.parametrize("fields", [{"max_tries": 0}, {"max_tries": 11}, {"if_late": "send_now"}], ids=str)
def test_a_step_that_would_call_too_often_is_not_valid(fields: dict[str, Any]) -> None:
    """A call that nobody answers counts for no cap, so it would be rung up all day."""
    step = make_step()
    for name, value in fields.items():
        setattr(step, name, value)
    with pytest.raises(ValidationError) as refused:
        step.full_clean()
    assert list(refused.value.message_dict) == list(fields)


def test_a_step_right_after_booking_needs_no_time_of_day_and_may_be_due_at_once() -> None:
    step = make_step(timing_kind="after_booking", elapsed=timedelta(0))
    step.full_clean()
    assert str(Step.objects.get()) == "call, right after booking"


@pytest.mark.parametrize("elapsed", [timedelta(days=8), timedelta(minutes=-10)])
def test_a_step_after_booking_comes_within_a_week_of_it(elapsed: timedelta) -> None:
    step = make_step(timing_kind="after_booking", elapsed=timedelta(0))
    step.elapsed = elapsed
    with pytest.raises(ValidationError, match="timing_kind"):
        step.full_clean()
