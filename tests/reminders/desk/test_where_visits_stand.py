"""The command that prints where each visit stands, and fails if one is dropped (product rule 57)."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from reminders.models import FollowUp, Reminder
from reminders.planning.planner import plan_all
from reminders.results.unanswered import account_for_all
from tests.people import make_appointment, make_contact, make_step

pytestmark = pytest.mark.django_db


def run(*options: str) -> str:
    out = StringIO()
    call_command("where_visits_stand", *options, stdout=out)
    return out.getvalue()


def test_it_prints_a_line_for_each_visit_without_names_or_whole_numbers() -> None:
    make_step(elapsed=timedelta(hours=1))
    appointment = make_appointment()
    make_appointment(make_contact("Noah", number=None))
    plan_all()
    account_for_all()
    said = run()
    assert f"appointment {appointment.pk}" in said
    assert "a reminder will go out" in said
    assert "no number" in said
    assert "2 upcoming visits" in said
    assert "0 unaccounted for" in said
    assert "Sarah" not in said
    assert "Lindqvist" not in said
    assert "2025550100" not in said


def test_it_fails_when_a_visit_is_unaccounted_for() -> None:
    make_step(elapsed=timedelta(hours=1))
    make_appointment()
    plan_all()
    Reminder.objects.update(state="done", reason="not_reached")
    with pytest.raises(CommandError):
        run("--counts")
    account_for_all()
    assert "1 on the worklist" in run("--counts")
    FollowUp.objects.all().delete()
    with pytest.raises(CommandError):
        run()
