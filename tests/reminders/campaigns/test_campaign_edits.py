"""Editing a campaign reaches nobody back (product rule 29): what a page saves is what its functions save."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from contacts.models import Appointment
from reminders.campaigns.differences import diff_edit
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.edits import save_shown_edit
from reminders.models import Campaign, Reminder, Step
from reminders.planning.activation import pause_campaign
from reminders.planning.planner import plan_all
from tests.campaign_edits import add_steps, edit_campaign, edit_step
from tests.people import make_appointment, make_campaign, make_due_reminder, make_location, make_step

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


def make_old_appointment(**fields: Any) -> Appointment:
    """In three days, booked three weeks ago."""
    appointment = make_appointment(starts_at=timezone.now() + timedelta(days=3), **fields)
    Appointment.objects.filter(pk=appointment.pk).update(revised_at=timezone.now() - timedelta(days=21))
    return appointment


def read(appointment: Appointment) -> list[tuple[str, str]]:
    plan_all()
    return list(appointment.reminders.order_by("step__position").values_list("state", "reason"))


def test_a_step_added_to_an_active_campaign_calls_nobody_at_once(sam: User) -> None:
    step = make_step(elapsed=timedelta(days=1))
    appointment = make_old_appointment()
    new = Step(timing_kind="elapsed_before", elapsed=WEEK, if_late=step.if_late, script=step.script)
    add_steps(step.campaign, sam, [new])
    assert read(appointment) == [("planned", ""), ("skipped", "before_step")]


def test_an_edited_step_skips_what_its_new_time_is_past_for_and_it_was_shown(sam: User) -> None:
    step = make_step(elapsed=timedelta(days=1))
    appointment = make_old_appointment()
    plan_all()
    diff = edit_step(step, sam, elapsed=WEEK)
    assert read(appointment) == [("skipped", "before_step")]
    assert [change.visit for change in diff.vanish] == [appointment.pk]


def test_an_edited_step_moves_its_planned_reminders(sam: User) -> None:
    reminder = make_due_reminder(starts_at=timezone.now() + timedelta(days=2))
    diff = edit_step(reminder.step, sam, elapsed=timedelta(hours=20))
    reminder.refresh_from_db()
    assert reminder.due_at == reminder.appointment.starts_at - timedelta(hours=20)
    assert [change.visit for change in diff.move] == [reminder.appointment_id]


@pytest.mark.parametrize("widened", ["kinds", "locations"])
def test_a_widened_filter_calls_nobody_at_once(sam: User, widened: str) -> None:
    campaign = make_campaign(kinds=["Cleaning"] if widened == "kinds" else [])
    downtown, eastside = make_location("Downtown"), make_location("Eastside")
    if widened == "locations":
        campaign.locations.add(downtown)
    make_step(campaign, elapsed=WEEK)
    covered = make_old_appointment(kind="Cleaning", location=downtown)
    new = make_old_appointment(kind="Physical", location=eastside)
    wide: dict[str, Any] = {
        "kinds": ["Cleaning", "Physical"],
        "locations": [downtown.pk, eastside.pk],
    }
    edit_campaign(campaign, sam, **{widened: wide[widened]})
    assert read(covered) == [("planned", "")]
    assert read(new) == [("skipped", "before_filters")]


def test_another_name_changes_nothing_about_whom_the_campaign_means(sam: User) -> None:
    step = make_step(elapsed=WEEK)
    appointment = make_old_appointment()
    edit_campaign(step.campaign, sam, name="Another")
    edit_step(step, sam, max_tries=4)
    assert read(appointment) == [("planned", "")]
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.filters_since) == ("Another", None)
    assert (campaign.steps.get().since, campaign.steps.get().max_tries) == (step.since, 4)


def test_saving_a_page_that_was_opened_before_a_pause_does_not_end_the_pause(sam: User) -> None:
    step = make_step()
    opened = read_draft(step.campaign_id)
    pause_campaign(step.campaign)
    save_shown_edit(opened, shown=diff_edit(opened).token, by=sam)
    assert Campaign.objects.get().state == "paused"
    assert Reminder.objects.count() == 0
