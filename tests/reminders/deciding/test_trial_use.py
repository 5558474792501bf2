"""Counting a trial's calls, which each decision does unless a mode without a limit was chosen."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reminders.deciding.trial_use import count_sent_on_trial
from tests.office import make_call
from tests.people import make_due_reminder

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("mode", ["trial", "sandbox", "live"])
def test_only_calls_of_a_trial_count(mode: str) -> None:
    make_call(make_due_reminder(), mode=mode)
    assert count_sent_on_trial(timezone.now()) == (mode == "trial")


def test_they_are_found_among_all_calls_by_an_index_that_has_no_others() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(connection) as queries:
            count_sent_on_trial(timezone.now())
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "".join(line for (line,) in cursor.fetchall())
    assert "call_on_trial" in plan
