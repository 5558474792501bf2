"""Ready-made campaigns: drafts that can be activated as they are, and remind as they say (product rule 6)."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from contacts.models import Location
from reminders.campaigns import ready_made
from reminders.campaigns.differences import diff_activation
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.edits import activate_as_shown
from reminders.campaigns.overviews import list_obstacles
from reminders.campaigns.ready_made import BY_KEY, EMPTY, READY_MADE, NameTaken, build_steps, make_ready_made
from reminders.campaigns.step_words import describe_step
from reminders.deciding.shared_settings import read_shared_settings
from reminders.models import Campaign, CampaignVersion, Script, Step
from reminders.planning.owed_reminders import find_owed_reminder
from reminders.wording.default_scripts import ensure_default_scripts
from tests.people import at, make_appointment, make_campaign, make_location, make_user

pytestmark = pytest.mark.django_db
NEW_YORK = "America/New_York"
KEYS = [ready.key for ready in READY_MADE]


@pytest.fixture
def sam() -> User:
    return make_user("sam")


@pytest.fixture
def downtown() -> Location:
    return make_location(time_zone=NEW_YORK, calling_opens=time(9), calling_closes=time(19))


@pytest.mark.parametrize("key", KEYS)
def test_each_is_made_as_a_draft_with_its_steps_its_scripts_and_a_first_version(key: str, sam: User) -> None:
    campaign = make_ready_made(key, by=sam)
    ready = BY_KEY[key]
    assert (campaign.name, campaign.state, campaign.activated_at) == (str(ready.title), "draft", None)
    steps = list(campaign.steps.order_by("position"))
    assert [str(step) for step in steps] == [str(step) for step in build_steps(ready)]
    assert {step.script.name for step in steps} <= {script.name for script in ready.scripts}
    version = CampaignVersion.objects.get()
    assert (version.campaign, version.what, version.by, version.number) == (campaign, "created", sam, 1)
    assert len(version.snapshot["steps"]) == len(steps)
    for step in steps:
        step.full_clean(exclude=["campaign"])


@pytest.mark.parametrize("key", KEYS)
def test_each_can_be_activated_as_it_is_and_nothing_stands_in_the_way(
    key: str, sam: User, downtown: Location
) -> None:
    campaign = make_ready_made(key, by=sam)
    assert list_obstacles(read_draft(campaign.pk), read_shared_settings().config) == []
    activate_as_shown(campaign.pk, shown=diff_activation(campaign.pk).send.token, by=sam)
    assert Campaign.objects.get().state == "active"


def test_all_can_be_made_beside_the_scripts_of_a_new_practice_which_they_use(sam: User) -> None:
    ensure_default_scripts()
    for key in KEYS:
        make_ready_made(key, by=sam)
    assert Script.objects.count() == 5
    assert Campaign.objects.count() == len(KEYS)


# The ready-made campaign, the visit (in New York), and when each of its steps is due by the same clock.
DUE = [
    ("three_days", (2027, 6, 18, 14, 0), ["2027-06-15 10:00", "2027-06-17 10:00"]),
    ("three_days", (2027, 3, 16, 9, 0), ["2027-03-13 10:00", "2027-03-15 10:00"]),  # across a switch
    ("open_day", (2027, 6, 14, 9, 30), ["2027-06-11 10:00"]),  # Monday: on Friday
    ("open_day", (2027, 6, 16, 9, 30), ["2027-06-15 10:00"]),
    ("same_day", (2027, 6, 16, 15, 0), ["2027-06-16 12:00"]),
]


@pytest.mark.parametrize(("key", "visit", "due"), DUE)
def test_each_step_is_due_when_the_campaign_says(
    key: str, visit: tuple[int, ...], due: list[str], sam: User, downtown: Location
) -> None:
    Location.objects.update(open_weekdays=[0, 1, 2, 3, 4])
    appointment = make_appointment(location=Location.objects.get(), starts_at=at(NEW_YORK, *visit))
    campaign = make_ready_made(key, by=sam)
    found = [find_owed_reminder(step, appointment) for step in campaign.steps.order_by("position")]
    zone = ZoneInfo(NEW_YORK)
    assert [f"{one.due_at.astimezone(zone):%Y-%m-%d %H:%M}" for one in found if one] == due


def test_confirming_at_booking_is_due_at_once_and_only_for_what_is_booked_here(
    sam: User, downtown: Location
) -> None:
    campaign = make_ready_made("at_booking", by=sam)
    Step.objects.update(since=timezone.now() - timedelta(days=1))
    Campaign.objects.update(activated_at=timezone.now() - timedelta(days=1))
    appointment = make_appointment(starts_at=timezone.now() + timedelta(days=9))
    step = campaign.steps.get()
    step.campaign.refresh_from_db()
    owed = find_owed_reminder(step, appointment)
    assert owed is not None
    assert appointment.booked_at is not None
    assert (owed.due_at, owed.reason) == (appointment.booked_at, "")
    appointment.booked_at = None
    imported = find_owed_reminder(step, appointment)
    assert imported is not None
    assert imported.reason == "booking_unknown"


def test_same_day_courtesy_is_for_everybody_and_goes_as_each_prefers(sam: User) -> None:
    step = make_ready_made("same_day", by=sam).steps.get()
    assert (step.audience, step.channel, step.if_late) == ("everyone", "preferred", "skip")
    assert step.text_script is not None


def test_the_steps_can_be_described_before_anything_is_made() -> None:
    words = [describe_step(step) for ready in READY_MADE for step in build_steps(ready)]
    assert words[0].startswith("Call whoever has not confirmed 3 days before at 10:00 am")
    assert words[1].startswith("Text whoever has not confirmed 1 day before at 10:00 am")
    assert words[2].startswith("Call whoever has not confirmed 1 open day before at 10:00 am")
    assert words[4].startswith("Text whoever has not confirmed right after booking")
    assert Script.objects.count() == 0


def test_an_empty_one_has_a_name_and_no_steps(sam: User) -> None:
    campaign = make_ready_made(EMPTY, name="  Recall   letters ", by=sam)
    assert (campaign.name, campaign.state, campaign.steps.count()) == ("Recall letters", "draft", 0)
    with pytest.raises(NameTaken, match="Give the campaign a name"):
        make_ready_made(EMPTY, by=sam)


@pytest.mark.parametrize("name", ["Recalls", "recalls", " Recalls "])
def test_a_name_that_is_taken_is_refused_and_nothing_is_made(sam: User, name: str) -> None:
    make_campaign("Recalls")
    with pytest.raises(NameTaken, match="already"):
        make_ready_made("open_day", name=name, by=sam)
    assert (Campaign.objects.count(), Script.objects.count(), CampaignVersion.objects.count()) == (1, 0, 0)


def test_a_name_that_somebody_takes_at_the_same_moment_is_refused_too(
    sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_campaign("Recalls")
    found = ready_made.is_name_taken
    answers = iter([False])
    monkeypatch.setattr(ready_made, "is_name_taken", lambda name: next(answers, found(name)))
    with pytest.raises(NameTaken):
        make_ready_made("open_day", name="Recalls", by=sam)
    assert Script.objects.count() == 0


def test_without_a_name_the_next_free_one_is_taken(sam: User) -> None:
    names = [make_ready_made("open_day", by=sam).name for _ in range(3)]
    assert names == ["One open day before", "One open day before (2)", "One open day before (3)"]


def test_another_fault_of_the_database_is_not_taken_for_a_name(
    sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_fields: object) -> None:
        raise IntegrityError("something else")

    monkeypatch.setattr(ready_made, "ensure_script", fail)
    with pytest.raises(IntegrityError):
        make_ready_made("open_day", by=sam)
    assert Campaign.objects.count() == 0
