"""The preview, a visit's page and the dispatcher say the same of every reminder (product rule 18).

For a made-up clinic at a few moments; CAMPAIGN_CLINIC=2000 makes it as large as a practice.
"""

import os
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from reminders.campaigns.campaign_forecasts import foresee_campaign
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.forecasts import Outcome
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.number_caps import read_use
from reminders.deciding.situations import (
    read_facts_together,
    read_practice_config,
    with_people,
    with_situation,
)
from reminders.dispatch.opening import LastLook
from reminders.models import Reminder
from reminders.rules.states import REMINDER_PENDING
from tests.reminders.campaigns.clinics import make_clinic

pytestmark = pytest.mark.django_db

VISITS = int(os.environ.get("CAMPAIGN_CLINIC", "40"))
MOMENTS = [timedelta(0), timedelta(hours=9), timedelta(days=1, hours=5), timedelta(days=3)]


@pytest.mark.parametrize("seed", [1, 2])
def test_preview_page_and_dispatcher_agree_about_every_reminder_at_every_moment(seed: int) -> None:
    clinic = make_clinic(seed, VISITS)
    for later in MOMENTS:
        now = timezone.now() + later
        forecast = foresee_campaign(read_draft(clinic.campaign.pk), now)
        outcomes = {
            (key, visit): outcome
            for key, step in forecast.steps.items()
            for outcome, visits in step.outcomes.items()
            for visit in visits
        }
        present = with_situation(Reminder.objects.filter(appointment__starts_at__gt=now))
        reminders = list(present)
        assert {(one.step_id, one.appointment_id) for one in reminders} <= set(outcomes)
        uses = read_use({one.appointment.contact.phone_id or 0 for one in reminders}, now)
        for reminder in reminders:
            outcome = outcomes[reminder.step_id, reminder.appointment_id]
            said = explain_reminder(reminder, now, use=uses.get(reminder.appointment.contact.phone_id or 0))
            assert (outcome.verdict, outcome.moment) == (said.verdict, said.moment), (reminder, outcome, said)
            if outcome.moment is None:
                assert outcome.reason == said.reason
            is_due = max(reminder.not_before, reminder.next_look_at) <= now
            if is_due and reminder.state in REMINDER_PENDING:
                assert_dispatched_as_foreseen(reminder, outcome, later)


def assert_dispatched_as_foreseen(reminder: Reminder, outcome: Outcome, later: timedelta) -> None:
    """Ask the last look about this reminder alone, at the same moment, and forget what it wrote."""
    now = timezone.now() + later
    with transaction.atomic():
        rows = with_people(Reminder.objects.filter(pk=reminder.pk))
        facts = read_facts_together(rows, read_practice_config(), sending_paused=False)
        look = LastLook(facts, now, None, {})
        look.decide_on(facts)
        assert bool(look.calls) == (outcome.verdict == "call"), outcome
        after = facts[0].reminder
        if not look.calls and outcome.verdict == "wait":
            assert after.state == "planned"
            assert outcome.moment is not None
            # it may look again before, such as when an open call may yet lift the cap
            assert after.next_look_at <= outcome.moment + timedelta(minutes=2)
        if not look.calls and outcome.verdict in ("skip", "miss", "block"):
            assert after.reason == outcome.reason
        transaction.set_rollback(True)
