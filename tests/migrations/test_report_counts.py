"""The migration to reports: what was there before is counted by the first tick, and from then on by triggers."""

from collections.abc import Callable

import pytest
from django.apps.registry import Apps

from reminders.models import CallCount, ReportMark, VisitCount
from reminders.tasks import count_for_reports
from tests.migrations.stages import BEFORE_SCRIPTS, Targets, bring_up_to_date, migrate
from tests.office import make_call
from tests.people import make_due_reminder

BEFORE_REPORTS: Targets = [("reminders", "0024_listed_by_due")]


@pytest.mark.django_db(transaction=True)
def test_calls_of_before_are_counted_by_the_first_tick(go_back_to: Callable[[Targets], Apps]) -> None:
    go_back_to(BEFORE_SCRIPTS)
    bring_up_to_date()
    make_call(make_due_reminder())
    migrate(BEFORE_REPORTS)
    bring_up_to_date()
    assert list(ReportMark.objects.values_list("what", flat=True)) == ["all"]
    count_for_reports()
    assert CallCount.objects.get().count == 1
    assert VisitCount.objects.filter(campaign=None).get().count == 1
    make_call(make_due_reminder())
    count_for_reports()
    assert sum(CallCount.objects.values_list("count", flat=True)) == 2
