"""A step added, edited or widened calls nobody for moments long past (product rules 5, 6 and 29)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Appointment, Contact, Provider
from reminders.desk.bookings import move_and_replan, preview_move
from reminders.models import Campaign, Reminder, Step
from reminders.planning.activation import activate_campaign, copy_campaign, pause_campaign
from reminders.planning.editing import finish_edit, prepare_edit
from reminders.planning.planner import plan_all, plan_appointments
from reminders.planning.replanning import ReplanReport
from reminders.rules.reasons import Reason, sentence_for
from tests.people import make_appointment, make_campaign, make_contact, make_location, make_script, make_step

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)
BOTH_CHOICES = pytest.mark.parametrize("if_late", Step.IfLate)


@pytest.fixture
def sarah() -> Contact:
    return make_contact()


def make_old_appointment(contact: Contact, *, in_days: float = 3, **fields: Any) -> Appointment:
    """An appointment booked three weeks ago."""
    appointment = make_appointment(contact, starts_at=timezone.now() + timedelta(days=in_days), **fields)
    Appointment.objects.filter(pk=appointment.pk).update(revised_at=timezone.now() - timedelta(days=21))
    appointment.refresh_from_db()
    return appointment


def read(appointment: Appointment) -> list[tuple[str, str]]:
    return list(appointment.reminders.order_by("revision", "step__position").values_list("state", "reason"))


def edit(campaign: Campaign, change: Callable[[], object]) -> ReplanReport:
    before = prepare_edit(campaign.pk)
    change()
    return finish_edit(before)


def widen(campaign: Campaign) -> None:
    """Empty the filters, so that the campaign is for everybody."""
    campaign.locations.clear()
    campaign.providers.clear()
    Campaign.objects.filter(pk=campaign.pk).update(kinds=[])


@BOTH_CHOICES
def test_a_step_added_to_an_active_campaign_is_skipped_for_what_was_due_before(
    sarah: Contact, if_late: str
) -> None:
    campaign = make_campaign()
    soon, later = make_old_appointment(sarah), make_old_appointment(sarah, in_days=9)
    step = make_step(campaign, elapsed=WEEK, if_late=if_late)
    added = Step(
        campaign=campaign, position=2, timing_kind="elapsed_before", elapsed=WEEK, script=step.script
    )
    added.save()
    step.delete()
    plan_all()
    assert read(soon) == [("skipped", "before_step")]
    assert read(later) == [("planned", "")], "two days from now"


def test_a_step_has_its_time_since_it_was_saved_whoever_saves_it() -> None:
    before = timezone.now()
    Step.objects.create(
        campaign=make_campaign(), timing_kind="elapsed_before", elapsed=WEEK, script=make_script()
    )
    assert before <= Step.objects.get().since <= timezone.now()


def test_an_appointment_booked_after_the_edit_is_sent_at_once_if_the_step_says_so(sarah: Contact) -> None:
    make_step(since=timezone.now() - timedelta(minutes=1), elapsed=WEEK)
    booked_now = make_appointment(sarah, starts_at=timezone.now() + timedelta(days=3))
    plan_all()
    assert read(booked_now) == [("planned", "")]


def test_an_appointment_booked_after_the_edit_has_the_reason_that_it_was_booked_late(sarah: Contact) -> None:
    make_step(since=timezone.now() - timedelta(minutes=1), elapsed=WEEK, if_late=Step.IfLate.SKIP)
    booked_now = make_appointment(sarah, starts_at=timezone.now() + timedelta(days=3))
    plan_all()
    assert read(booked_now) == [("skipped", "past_when_booked")]


@BOTH_CHOICES
def test_an_edited_step_skips_what_its_new_time_was_past_for(sarah: Contact, if_late: str) -> None:
    step = make_step(elapsed=timedelta(days=1), if_late=if_late)
    appointment, far = make_old_appointment(sarah), make_old_appointment(sarah, in_days=9)
    plan_all()
    report = edit(step.campaign, lambda: Step.objects.update(elapsed=WEEK))
    assert read(appointment) == [("skipped", "before_step")]
    assert read(far) == [("planned", "")]
    assert report == ReplanReport(moved=1, skipped=1)
    assert Reminder.objects.get(appointment=far).due_at == far.starts_at - WEEK


@BOTH_CHOICES
def test_an_edit_plans_first_what_was_owed_before_it(sarah: Contact, if_late: str) -> None:
    """Else the time of an appointment booked just before the edit would be judged by the new step alone."""
    step = make_step(elapsed=timedelta(days=2), if_late=if_late)
    appointment = make_old_appointment(sarah, in_days=1)
    edit(step.campaign, lambda: Step.objects.update(script=make_script("Hi {FIRST_NAME}.", name="Other")))
    assert Step.objects.get().since < timezone.now() - timedelta(days=29), "only its script has changed"
    assert read(appointment) == [("planned", "")], "due a day ago by the old and the new"


@pytest.mark.parametrize(
    "change",
    [
        {"max_tries": 5},
        {"audience": "everyone"},
        {"if_late": "next_allowed"},
        {"stop_before": timedelta(hours=1)},
    ],
    ids=str,
)
def test_an_edit_of_something_else_does_not_change_since_when_the_step_means_somebody(
    sarah: Contact, change: dict[str, object]
) -> None:
    step = make_step(elapsed=timedelta(days=2), if_late=Step.IfLate.SKIP)
    waiting, skipped = make_old_appointment(sarah, in_days=1), make_appointment(sarah)
    plan_all()
    edit(step.campaign, lambda: Step.objects.update(**change))
    assert Step.objects.get().since == step.since
    assert read(waiting) == [("planned", "")]
    assert read(skipped) == [("skipped", "past_when_booked")], "not brought back by “send now” either"


def test_a_step_moved_to_another_campaign_means_its_people_since_then(sarah: Contact) -> None:
    campaign, other = make_campaign(kinds=["Cleaning"]), make_campaign("Other")
    step = make_step(campaign, elapsed=WEEK)
    appointment = make_old_appointment(sarah, kind="Physical")
    edit(campaign, lambda: Step.objects.update(campaign=other))
    plan_all()
    assert read(appointment) == [("skipped", "before_step")]
    assert Step.objects.get().since > step.since


def test_a_step_corrected_after_it_was_added_by_mistake_is_sent_at_its_right_time(sarah: Contact) -> None:
    """It was skipped with its mistaken time; nothing of it was sent, and its right time is still ahead."""
    step = make_step(elapsed=WEEK, since=timezone.now())
    appointment = make_old_appointment(sarah)
    plan_all()
    assert read(appointment) == [("skipped", "before_step")]
    edit(step.campaign, lambda: Step.objects.update(elapsed=timedelta(days=1)))
    assert read(appointment) == [("planned", "")]
    assert Reminder.objects.get().due_at == appointment.starts_at - timedelta(days=1)


@BOTH_CHOICES
def test_widened_filters_skip_what_was_due_before_for_those_new_to_them(sarah: Contact, if_late: str) -> None:
    campaign = make_campaign(kinds=["Cleaning"])
    make_step(campaign, elapsed=WEEK, if_late=if_late)
    covered = make_old_appointment(sarah, kind="Cleaning")
    new, new_far = (
        make_old_appointment(sarah, kind="Physical"),
        make_old_appointment(sarah, kind="Physical", in_days=9),
    )
    edit(campaign, lambda: widen(campaign))
    plan_all()
    assert read(covered) == [("planned", "")], "owed under the old filters, planned or not"
    assert read(new) == [("skipped", "before_filters")]
    assert read(new_far) == [("planned", "")]


@pytest.mark.parametrize("filter_by", ["locations", "providers", "kinds"])
def test_each_filter_that_is_widened_is_noticed(sarah: Contact, filter_by: str) -> None:
    campaign = make_campaign(kinds=["Cleaning"] if filter_by == "kinds" else [])
    here = make_old_appointment(sarah, kind="Cleaning")
    elsewhere = make_location("Eastside")
    there = make_old_appointment(sarah, kind="Physical", location=elsewhere)
    Appointment.objects.filter(pk=there.pk).update(provider=None)
    if filter_by == "locations":
        campaign.locations.add(here.location)
    if filter_by == "providers":
        campaign.providers.add(here.provider)  # type: ignore[arg-type] # it has one
    make_step(campaign, elapsed=WEEK)
    edit(campaign, lambda: widen(campaign))
    plan_all()
    assert (read(here), read(there)) == ([("planned", "")], [("skipped", "before_filters")])


def test_filters_that_stay_the_same_reach_nobody_new_and_note_nothing(sarah: Contact) -> None:
    campaign = make_campaign(kinds=["Cleaning"])
    make_step(campaign)
    edit(campaign, lambda: Campaign.objects.update(name="Another name"))
    assert Campaign.objects.get().filters_since is None


def test_a_waiting_reminder_survives_new_filters_and_a_later_edit_of_its_location(sarah: Contact) -> None:
    """It was covered before the filters changed, so they don't date it back."""
    campaign = make_campaign(kinds=["Cleaning"])
    step = make_step(campaign, elapsed=WEEK)
    covered = make_old_appointment(sarah, kind="Cleaning")
    plan_all()
    edit(campaign, lambda: widen(campaign))
    edit(campaign, lambda: Step.objects.update(stop_before=timedelta(hours=2)))
    assert read(covered) == [("planned", "")]
    assert Reminder.objects.get().not_after == covered.starts_at - timedelta(hours=2)
    assert Step.objects.get().since == step.since


def give_to_another_provider(appointment: Appointment) -> None:
    move_and_replan(
        appointment.pk,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        provider=Provider.objects.get_or_create(name="Dr. A. Okafor")[0],
    )


@BOTH_CHOICES
def test_a_campaign_new_to_a_corrected_appointment_skips_what_was_due_before(
    sarah: Contact, if_late: str
) -> None:
    """The filters stayed the same; the appointment's provider was corrected, which makes no new revision."""
    campaign = make_campaign()
    make_step(campaign, elapsed=WEEK, if_late=if_late)
    soon, far = make_old_appointment(sarah), make_old_appointment(sarah, in_days=9)
    campaign.providers.add(Provider.objects.create(name="Dr. B. Lind"))
    for appointment in (soon, far):
        give_to_another_provider(appointment)
    campaign.providers.set([Provider.objects.get(name="Dr. A. Okafor")])
    plan_all()
    assert read(soon) == [("skipped", "before_filters")]
    assert read(far) == [("planned", "")]


@BOTH_CHOICES
def test_a_waiting_reminder_survives_another_provider_and_a_later_edit(sarah: Contact, if_late: str) -> None:
    step = make_step(elapsed=WEEK, if_late=if_late)
    appointment = make_old_appointment(sarah)
    plan_all()
    give_to_another_provider(appointment)
    edit(step.campaign, lambda: Step.objects.update(stop_before=timedelta(hours=2)))
    assert read(appointment) == [("planned", "")]
    assert Reminder.objects.get().not_after == appointment.starts_at - timedelta(hours=2)


def test_an_edit_of_a_paused_campaign_keeps_what_came_to_be_owed_in_the_pause(sarah: Contact) -> None:
    campaign = make_campaign(kinds=["Cleaning"])
    make_step(campaign, elapsed=WEEK)
    pause_campaign(campaign)
    covered = make_old_appointment(sarah, kind="Cleaning")
    edit(campaign, lambda: widen(campaign))
    activate_campaign(campaign)
    plan_all()
    assert read(covered) == [("planned", "")]


def test_moving_an_appointment_after_the_edit_is_judged_by_the_move(sarah: Contact) -> None:
    campaign = make_campaign(kinds=["Cleaning"])
    make_step(campaign, elapsed=WEEK, if_late=Step.IfLate.SKIP)
    new = make_old_appointment(sarah, kind="Physical")
    edit(campaign, lambda: widen(campaign))
    plan_all()
    later = new.starts_at + timedelta(days=1)
    [preview] = preview_move(new, later)
    assert (preview.new_due_at, preview.reason) == (None, "past_when_booked")
    assert preview.why == sentence_for(Reason.PAST_WHEN_BOOKED)
    move_and_replan(new.pk, starts_at=later, ends_at=later + timedelta(minutes=30))
    assert read(new) == [("skipped", "before_filters"), ("skipped", "past_when_booked")]


def test_the_steps_of_a_copy_mean_somebody_since_they_were_copied() -> None:
    campaign = make_campaign()
    make_step(campaign)
    before = timezone.now()
    copy = copy_campaign(campaign)
    assert copy.steps.get().since >= before
    assert (copy.filters_since, copy.activated_at, copy.paused_at) == (None, None, None)


def test_a_campaign_activated_after_a_pause_goes_on_from_where_it_was(sarah: Contact) -> None:
    campaign = make_campaign()
    activated_at = campaign.activated_at
    make_step(campaign, elapsed=WEEK)
    planned = make_old_appointment(sarah)
    plan_all()
    pause_campaign(campaign)
    assert Campaign.objects.get().paused_at is not None
    booked_meanwhile = make_old_appointment(sarah)
    plan_appointments([booked_meanwhile.pk])
    assert read(booked_meanwhile) == [], "nothing is planned for a paused campaign"
    activate_campaign(campaign)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.activated_at, campaign.paused_at) == ("active", activated_at, None)
    assert read(planned) == read(booked_meanwhile) == [("planned", "")]


def test_each_reason_has_a_sentence_of_its_own() -> None:
    codes = [Reason.BEFORE_ACTIVATION, Reason.BEFORE_STEP, Reason.BEFORE_FILTERS, Reason.SKIPPED_AFTER_PAUSE]
    assert len({sentence_for(code) for code in codes}) == len(codes)
