"""Counting a trial's calls, which each decision does unless a mode without a limit was chosen."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reminders.deciding.present import read_present
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.trial_use import count_sent_on_trial
from reminders.models import SendingSwitch
from reminders.pages.frame import read_frame
from reminders.views.requests import read_present_and_frame, take_present
from tests.office import make_call
from tests.people import make_contact, make_due_reminder

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("mode", ["trial", "sandbox", "live"])
def test_only_calls_of_a_trial_count(mode: str) -> None:
    make_call(make_due_reminder(), mode=mode)
    assert count_sent_on_trial(timezone.now()) == (mode == "trial")


@pytest.mark.parametrize("mode", ["", "trial", "sandbox", "live"])
def test_the_frame_of_a_page_has_the_count_while_a_trial_is_possible(mode: str) -> None:
    """It is asked with the frame, so that a forecast asks for it no more."""
    for call_mode in ("trial", "live"):
        make_call(make_due_reminder(make_contact(call_mode)), mode=call_mode)
    SendingSwitch.objects.update_or_create(pk=1, defaults={"mode": mode})
    assert read_frame().sent_on_trial == (mode in ("", "trial"))


def test_the_count_of_the_frame_goes_into_what_a_forecast_goes_by() -> None:
    make_call(make_due_reminder(), mode="trial")
    SendingSwitch.objects.update_or_create(pk=1, defaults={"mode": "trial"})
    present, frame = read_present_and_frame()
    with CaptureQueriesContext(connection) as queries:
        assert take_present(frame, read_shared_settings()).mode.sent_on_trial == 1
    assert not [one for one in queries if "callrecord" in one["sql"]]
    assert present.mode == read_present().mode


def test_they_are_found_among_all_calls_by_an_index_that_has_no_others() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(connection) as queries:
            count_sent_on_trial(timezone.now())
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "".join(line for (line,) in cursor.fetchall())
    assert "call_on_trial" in plan
