"""What the page says before a campaign is activated, and what that does (product rules 6, 29 and 31)."""

from datetime import time, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.roles import MANAGER
from reminders.campaigns.edits import copy_by_person, pause_by_person
from reminders.models import Campaign, Reminder, Script, Step
from reminders.wording.default_scripts import WRITTEN
from tests.people import (
    ENGLISH,
    at,
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_script,
    make_step,
    make_user,
)
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db
NEW_YORK = "America/New_York"


@pytest.fixture
def manager() -> User:
    return make_user("mara", role=MANAGER)


@pytest.fixture
def desk(manager: User) -> Client:
    return sit_at_desk(manager)


def read(desk: Client, campaign: Campaign) -> str:
    page = desk.get(reverse("activate_campaign", args=[campaign.pk]))
    assert page.status_code == 200
    return " ".join(page.content.decode().replace("&#x27;", "'").split())


def activate(desk: Client, campaign: Campaign, deed: str = "send") -> str:
    address = reverse("activate_campaign", args=[campaign.pk])
    proposed = desk.get(address).context["proposed"]
    shown = proposed.skip.token if deed == "skip" else proposed.send.token
    return desk.post(address, {"shown": shown, "deed": deed}, follow=True).content.decode()


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
def test_it_counts_what_can_never_be_in_time(
    desk: Client, early_visit: Step, choice: str, words: str
) -> None:
    Step.objects.update(if_never_in_time=choice)
    page = read(desk, early_visit.campaign)
    assert f"The step “2 hours before”: of 2 upcoming visits, {words}." in page


def test_each_step_is_counted_by_itself_and_only_where_it_comes_too_late(desk: Client) -> None:
    campaign = make_campaign(state="draft", activated_at=None)
    for days in (0, 1):
        make_step(campaign, timing_kind="days_before", days=days, at=time(10), elapsed=timedelta(0))
    make_step(campaign, timing_kind="after_booking", elapsed=timedelta(0))
    place = make_location(time_zone=NEW_YORK)
    for hour in (9, 10, 11):
        make_appointment(location=place, starts_at=at(NEW_YORK, 2027, 6, 15, hour, 0))
    page = read(desk, campaign)
    assert "The step “on the day at 10:00 am”: of 3 upcoming visits, 2 without a reminder" in page
    assert page.count("without a reminder") == 1


def test_it_counts_visits_in_a_language_without_a_text_and_names_texts_that_cost_more(
    desk: Client,
) -> None:
    """(product rules 40 and 62)"""
    make_location()
    campaign = make_campaign(state="draft", activated_at=None)
    text = "{PRACTICE}: {FIRST_NAME}, {APPT_DATE} {APPT_TIME} ☎ {CALLBACK_NUMBER} STOP"
    make_step(campaign, channel="sms", script=make_script(text, name="Dear"))
    make_appointment(make_contact(language="pl"), starts_at=timezone.now() + timedelta(days=2))
    page = read(desk, campaign)
    assert "1 of the next 1 visit is in Polish and will hear English." in page.replace("visits", "visit")
    assert "“Dear” in English can cost more than one text message" in page
    assert "because of “☎”" in page


def test_where_all_is_well_it_says_nothing_more(desk: Client) -> None:
    make_location()
    campaign = make_campaign(state="draft", activated_at=None)
    make_step(campaign, script=make_script(ENGLISH))
    make_appointment(starts_at=timezone.now() + timedelta(days=2))
    assert "note-warning" not in read(desk, campaign)


def test_every_script_that_keeps_it_from_being_activated_is_named(desk: Client) -> None:
    """(product rules 40 and 62)"""
    make_location()
    campaign = make_campaign("Bad", state="draft", activated_at=None)
    make_step(campaign, channel="sms", script=make_script(WRITTEN["en"] + "please come. " * 12, name="Long"))
    make_step(campaign, channel="sms", script=Script.objects.create(name="Empty"))
    page = read(desk, campaign)
    assert "Bad, “Long” (English): As a text message it has " in page
    assert "Bad, “Empty”: There is no text yet." in page
    activate(desk, campaign)
    assert Campaign.objects.get().state == "draft"


def test_an_activated_campaign_begins_now_and_a_copy_of_it_is_a_draft(desk: Client, manager: User) -> None:
    """(product rule 6)"""
    campaign = make_campaign(state="draft", activated_at=None)
    make_step(campaign)
    before = timezone.now()
    activate(desk, campaign)
    campaign.refresh_from_db()
    assert campaign.state == "active"
    assert campaign.activated_at is not None
    assert campaign.activated_at >= before
    copy = copy_by_person(campaign, by=manager)
    assert (copy.state, copy.activated_at, copy.steps.count()) == ("draft", None, 1)


def test_activating_an_active_campaign_changes_nothing(desk: Client) -> None:
    campaign = make_campaign()
    make_step(campaign)
    before = campaign.activated_at
    address = reverse("activate_campaign", args=[campaign.pk])
    assert (
        "It is active already"
        in desk.post(address, {"shown": "", "deed": "send"}, follow=True).content.decode()
    )
    campaign.refresh_from_db()
    assert campaign.activated_at == before


def pause_with_one_fallen_due(by: User) -> Campaign:
    reminder = make_due_reminder(make_contact())
    Reminder.objects.update(due_at=timezone.now() - timedelta(hours=1))
    campaign = reminder.step.campaign
    pause_by_person(campaign, by=by)
    Campaign.objects.update(paused_at=timezone.now() - timedelta(hours=2))
    return campaign


def test_activating_after_a_pause_asks_first(desk: Client, manager: User) -> None:
    page = read(desk, pause_with_one_fallen_due(manager))
    assert "1 reminder fell due during the pause." in page
    assert "Skip the one that fell due:" in page
    assert Campaign.objects.get().state == "paused"


@pytest.mark.parametrize(
    ("deed", "state"), [("send", ("planned", "")), ("skip", ("skipped", "skipped_after_pause"))]
)
def test_one_press_activates_and_sends_or_skips(
    desk: Client, manager: User, deed: str, state: tuple[str, str]
) -> None:
    activate(desk, pause_with_one_fallen_due(manager), deed)
    assert Campaign.objects.get().state == "active"
    assert set(Reminder.objects.values_list("state", "reason")) == {state}


def test_after_a_pause_in_which_nothing_fell_due_it_asks_nothing(desk: Client, manager: User) -> None:
    campaign = make_campaign()
    make_step(campaign)
    pause_by_person(campaign, by=manager)
    assert "fell due" not in read(desk, campaign)
    activate(desk, campaign)
    assert Campaign.objects.get().paused_at is None
