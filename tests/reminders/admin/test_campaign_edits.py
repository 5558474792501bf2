"""Editing campaigns and activating them again in the admin reaches nobody back (product rules 29 and 31)."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Appointment, Location, Provider
from reminders.models import Campaign, Reminder, Step
from reminders.planning.activation import pause_campaign
from reminders.planning.planner import plan_all
from tests.office import act, address_of
from tests.people import (
    at,
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_step,
)

pytestmark = pytest.mark.django_db

WEEK = "7 00:00:00"
NEW_YORK = "America/New_York"


def make_old_appointment(**fields: Any) -> Appointment:
    """In three days, booked three weeks ago."""
    appointment = make_appointment(starts_at=timezone.now() + timedelta(days=3), **fields)
    Appointment.objects.filter(pk=appointment.pk).update(revised_at=timezone.now() - timedelta(days=21))
    return appointment


def fill_in_step(step: Step, **fields: Any) -> dict[str, Any]:
    return {
        "id": step.pk or "",
        "campaign": step.campaign_id,
        "position": step.position,
        "timing_kind": step.timing_kind,
        "days": step.days,
        "elapsed": step.elapsed,
        "stop_before": step.stop_before,
        "channel": step.channel,
        "audience": step.audience,
        "if_late": step.if_late,
        "if_never_in_time": step.if_never_in_time,
        "max_tries": step.max_tries,
        "retry_wait": step.retry_wait,
        "script": step.script_id,
        **fields,
    }


def fill_in(campaign: Campaign, *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The form of a campaign as the page has it, with these steps."""
    form = {
        "name": campaign.name,
        "kinds": ",".join(campaign.kinds),
        "locations": [location.pk for location in campaign.locations.all()],
        "providers": [provider.pk for provider in campaign.providers.all()],
        "steps-TOTAL_FORMS": len(steps),
        "steps-INITIAL_FORMS": sum(bool(step["id"]) for step in steps),
    }
    for index, step in enumerate(steps):
        form |= {f"steps-{index}-{name}": value for name, value in step.items()}
    return form | fields


def save(office: Client, campaign: Campaign, form: dict[str, Any]) -> str:
    answer = office.post(address_of(Campaign, f"{campaign.pk}/change/"), form, follow=True)
    assert answer.redirect_chain, "the form was saved"
    return answer.content.decode()


def read(appointment: Appointment) -> list[tuple[str, str]]:
    plan_all()
    return list(appointment.reminders.order_by("step__position").values_list("state", "reason"))


def test_a_step_added_on_the_page_of_an_active_campaign_calls_nobody_at_once(office: Client) -> None:
    step = make_step(elapsed=timedelta(days=1))
    appointment = make_old_appointment()
    new = fill_in_step(step, id="", position=2, elapsed=WEEK)
    save(office, step.campaign, fill_in(step.campaign, fill_in_step(step), new))
    assert read(appointment) == [("planned", ""), ("skipped", "before_step")]


@pytest.mark.parametrize("page", ["campaign", "step"])
def test_a_step_edited_on_either_page_skips_what_its_new_time_is_past_for(office: Client, page: str) -> None:
    step = make_step(elapsed=timedelta(days=1))
    appointment = make_old_appointment()
    plan_all()
    edited = fill_in_step(step, elapsed=WEEK)
    if page == "campaign":
        said = save(office, step.campaign, fill_in(step.campaign, edited))
    else:
        said = office.post(address_of(Step, f"{step.pk}/change/"), edited, follow=True).content.decode()
    assert read(appointment) == [("skipped", "before_step")]
    assert "1 waiting reminder won&#x27;t be sent" in said


@pytest.mark.parametrize("widened", ["kinds", "locations"])
def test_a_filter_widened_on_the_page_calls_nobody_at_once(office: Client, widened: str) -> None:
    campaign = make_campaign(kinds=["Cleaning"] if widened == "kinds" else [])
    downtown, eastside = make_location("Downtown"), make_location("Eastside")
    if widened == "locations":
        campaign.locations.add(downtown)
    step = make_step(campaign, elapsed=timedelta(days=7))
    covered = make_old_appointment(kind="Cleaning", location=downtown)
    new = make_old_appointment(kind="Physical", location=eastside)
    wide = {"kinds": "Cleaning,Physical"} if widened == "kinds" else {"locations": [downtown.pk, eastside.pk]}
    save(office, campaign, fill_in(campaign, fill_in_step(step), **wide))
    assert read(covered) == [("planned", "")]
    assert read(new) == [("skipped", "before_filters")]


@pytest.mark.parametrize("one_of_two", [False, True], ids=["the only one", "one of two"])
@pytest.mark.parametrize("model", [Location, Provider])
def test_what_a_campaign_is_limited_to_can_not_be_deleted_as_it_would_then_be_for_everybody(
    office: Client, model: type[Location] | type[Provider], one_of_two: bool
) -> None:
    campaign, downtown = make_campaign(), make_location("Downtown")
    chen = Provider.objects.create(name="Dr. A. Chen")
    filters: Any = {Location: campaign.locations, Provider: campaign.providers}[model]
    filters.add({Location: downtown, Provider: chen}[model])
    if one_of_two:
        filters.add(
            make_location("Eastside") if model is Location else Provider.objects.create(name="Dr. B.")
        )
    wanted = {Location: downtown, Provider: chen}[model]
    page = office.post(address_of(model, f"{wanted.pk}/delete/"), {"post": "yes"}).content.decode()
    act(office, model, "delete_selected", wanted)
    assert model.objects.filter(pk=wanted.pk).exists() is not one_of_two
    assert ("campaign “Reminders”, which would then be for everybody" in page) is not one_of_two


def test_another_name_changes_nothing_about_whom_the_campaign_means(office: Client) -> None:
    step = make_step(elapsed=timedelta(days=7))
    appointment = make_old_appointment()
    save(office, step.campaign, fill_in(step.campaign, fill_in_step(step, max_tries=4), name="Another"))
    assert read(appointment) == [("planned", "")]
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.filters_since, campaign.steps.get().since) == (
        "Another",
        None,
        step.since,
    )


def test_saving_a_page_that_was_opened_before_a_pause_does_not_end_the_pause(office: Client) -> None:
    step = make_step()
    form = fill_in(step.campaign, fill_in_step(step))
    pause_campaign(step.campaign)
    save(office, step.campaign, form)
    assert Campaign.objects.get().state == "paused"


def pause_with_one_fallen_due(office: Client) -> Campaign:
    reminder = make_due_reminder(make_contact())
    Reminder.objects.update(due_at=timezone.now() - timedelta(hours=1))
    campaign = reminder.step.campaign
    act(office, Campaign, "pause", campaign)
    Campaign.objects.update(paused_at=timezone.now() - timedelta(hours=2))
    return campaign


def test_activating_after_a_pause_asks_first(office: Client) -> None:
    campaign = pause_with_one_fallen_due(office)
    page = act(office, Campaign, "activate", campaign)
    assert "1 reminder fell due during the pause." in page
    assert "Activate and send the 1 still in time" in page
    assert Campaign.objects.get().state == "paused"


@pytest.mark.parametrize(
    ("deed", "state"), [("send", ("planned", "")), ("skip", ("skipped", "skipped_after_pause"))]
)
def test_one_press_activates_and_sends_or_skips(office: Client, deed: str, state: tuple[str, str]) -> None:
    campaign = pause_with_one_fallen_due(office)
    answer = {"action": "activate", "_selected_action": [campaign.pk], "deed": deed}
    page = office.post(address_of(Campaign), answer, follow=True).content.decode()
    assert "1 activated." in page
    assert Campaign.objects.get().state == "active"
    assert set(Reminder.objects.values_list("state", "reason")) == {state}


def test_activating_after_a_pause_in_which_nothing_fell_due_asks_nothing(office: Client) -> None:
    campaign = make_campaign()
    act(office, Campaign, "pause", campaign)
    assert "1 activated." in act(office, Campaign, "activate", campaign)
    assert Campaign.objects.get().paused_at is None


@pytest.fixture
def early_visit() -> Step:
    """A draft's step "2 hours before", and a visit at 8:45 where calls begin at 9:00."""
    location = make_location(time_zone=NEW_YORK, calling_opens=time(9), calling_closes=time(19))
    make_appointment(location=location, starts_at=at(NEW_YORK, 2027, 6, 16, 8, 45))
    make_appointment(make_contact("Noah"), location=location, starts_at=at(NEW_YORK, 2027, 6, 16, 12, 0))
    return make_step(make_campaign(state="draft", activated_at=None), elapsed=timedelta(hours=2))


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("skip", "1 without a reminder, because no calling hours are left before"),
        ("bring_forward", "1 with an earlier one, at the last time allowed before"),
    ],
)
def test_the_page_counts_before_the_activation_what_can_never_be_in_time(
    office: Client, early_visit: Step, choice: str, words: str
) -> None:
    Step.objects.update(if_never_in_time=choice)
    page = office.get(address_of(Campaign, f"{early_visit.campaign_id}/change/")).content.decode()
    assert f"of 2 upcoming appointments, {words}." in page


def test_the_activation_warns_of_appointments_without_calling_hours(
    office: Client, early_visit: Step
) -> None:
    page = act(office, Campaign, "activate", early_visit.campaign)
    assert "“call, 2 hours before” has no calling hours left for 1 upcoming appointment" in page


def test_the_form_names_both_choices_in_plain_words(office: Client, early_visit: Step) -> None:
    page = office.get(address_of(Step, f"{early_visit.pk}/change/")).content.decode()
    for words in (
        "If it can never be in time",
        "skip it",
        "send it earlier, at the last time allowed before",
    ):
        assert words in page


def test_wider_calling_hours_saved_on_the_page_plan_what_had_none(office: Client, early_visit: Step) -> None:
    act(office, Campaign, "activate", early_visit.campaign)
    early = Appointment.objects.earliest("starts_at")
    assert read(early) == [("skipped", "never_in_hours")]
    location = Location.objects.get()
    form = {name: value for name, value in vars(location).items() if value and not name.startswith("_")}
    form |= {"closed_days-TOTAL_FORMS": 0, "closed_days-INITIAL_FORMS": 0, "open_weekdays": "0,1,2,3,4"}
    office.post(address_of(Location, f"{location.pk}/change/"), form | {"calling_opens": "08:00"})
    assert read(early) == [("planned", "")]
