"""Each change of a campaign is kept, with who made it and what it changed, and can be taken back."""

from copy import copy
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from contacts.models import Location, Provider
from reminders.campaigns.differences import diff_activation, diff_edit
from reminders.campaigns.drafts import CampaignDraft, read_draft
from reminders.campaigns.edits import (
    activate_as_shown,
    copy_by_person,
    pause_by_person,
    restore_version,
    save_shown_edit,
)
from reminders.campaigns.history import (
    VersionNotRestorable,
    describe_changes,
    draft_of_version,
    read_history,
    record_version,
    take_snapshot,
)
from reminders.deciding.coverage import CampaignFilters
from reminders.models import Campaign, CampaignVersion, Script, Step
from reminders.planning import activation
from tests.people import (
    make_appointment,
    make_campaign,
    make_location,
    make_script,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def sam() -> User:
    return make_user("sam", is_staff=True, is_superuser=True)


@pytest.fixture
def campaign(sam: User) -> Campaign:
    campaign = make_campaign()
    make_step(campaign, timing_kind="days_before", days=2, at=time(10), elapsed=timedelta(0))
    make_step(campaign)
    record_version(campaign.pk, "created", by=sam)
    return campaign


def save(draft: CampaignDraft, by: User) -> None:
    save_shown_edit(draft, shown=diff_edit(draft).token, by=by)


def change(draft: CampaignDraft, **values: Any) -> CampaignDraft:
    steps = [copy(step) for step in draft.steps]
    for name, value in values.items():
        setattr(steps[0], name, value)
    return draft.with_steps(steps)


def test_an_edit_says_who_changed_what(campaign: Campaign, sam: User) -> None:
    save(change(read_draft(campaign.pk), days=3, max_tries=5), sam)
    entry = read_history(campaign.pk)[0]
    assert (entry.version.by, entry.version.what, entry.version.number) == (sam, "edited", 2)
    assert [tuple(one) for one in entry.changes] == [
        ("Step 1, when", "2 days before at 10:00 am", "3 days before at 10:00 am"),
        ("Step 1, tries", "2", "5"),
    ]


def test_name_filters_steps_and_order_are_told_in_words(campaign: Campaign, sam: User) -> None:
    downtown = make_location()
    draft = read_draft(campaign.pk)
    new = Step(timing_kind="elapsed_before", elapsed=timedelta(minutes=90), script=make_script(name="New"))
    first, second = (copy(step) for step in draft.steps)
    filters = CampaignFilters(
        frozenset({downtown.pk}), frozenset(), frozenset({"Cleaning"}), "new", frozenset({"es"})
    )
    save(replace(draft, name="Cleanings", filters=filters, steps=(second, new)), sam)
    del first
    assert [tuple(one) for one in read_history(campaign.pk)[0].changes] == [
        ("Name", "Reminders", "Cleanings"),
        ("Kinds", "every kind", "Cleaning"),
        ("Patients", "new or known patients", "new patients"),
        ("Languages", "every language", "Spanish"),
        ("Locations", "every location", "Downtown"),
        ("Step 1", "Call whoever has not confirmed 2 days before at 10:00 am", "removed"),
        ("Step 2", "not there", "Call whoever has not confirmed 1 hour 30 minutes before"),
    ]


def test_nothing_is_recorded_where_nothing_changed(campaign: Campaign, sam: User) -> None:
    save(read_draft(campaign.pk), sam)
    assert record_version(campaign.pk, "edited", by=sam) is None
    assert len(read_history(campaign.pk)) == 1


def test_pausing_activating_and_copying_are_recorded(campaign: Campaign, sam: User) -> None:
    pause_by_person(campaign, by=sam)
    activate_as_shown(campaign.pk, shown=diff_activation(campaign.pk).send.token, by=sam)
    copied = copy_by_person(campaign, by=sam)
    assert [entry.version.what for entry in read_history(campaign.pk)] == ["activated", "paused", "created"]
    assert [tuple(one) for one in read_history(campaign.pk)[0].changes] == [("State", "paused", "active")]
    assert [entry.version.what for entry in read_history(copied.pk)] == ["copied"]
    assert copied.state == "draft"


def test_a_version_is_taken_back_as_an_edit_of_its_own(campaign: Campaign, sam: User) -> None:
    first = read_history(campaign.pk)[0].version
    draft = read_draft(campaign.pk)
    removed = draft.steps[1].pk
    save(change(draft.with_steps(draft.steps[:1]), days=3), sam)
    assert take_snapshot(campaign.pk) != first.snapshot
    restore_version(first, shown=diff_edit(draft_of_version(first)).token, by=sam)
    assert take_snapshot(campaign.pk) == first.snapshot
    entry = read_history(campaign.pk)[0]
    assert (entry.version.what, entry.version.restores) == ("restored", first)
    assert Step.objects.get(pk=removed).since >= entry.version.at - timedelta(minutes=1), (
        "it means people anew"
    )


def test_a_removed_step_sends_nothing_more_and_keeps_what_it_sent(campaign: Campaign, sam: User) -> None:
    make_appointment(starts_at=timezone.now() + timedelta(days=5))
    draft = read_draft(campaign.pk)
    save(draft.with_steps(draft.steps[:1]), sam)
    assert Step.objects.exclude(removed_at=None).count() == 1
    assert [step.pk for step in read_draft(campaign.pk).steps] == [draft.steps[0].pk]
    assert copy_by_person(campaign, by=sam).steps.count() == 1


def test_a_version_of_what_is_gone_can_not_be_taken_back(campaign: Campaign, sam: User) -> None:
    """Else the campaign, limited to a provider who left, would be for everybody."""
    chen = Provider.objects.create(name="Dr. A. Chen")
    save(read_draft(campaign.pk).with_filters(CampaignFilters(providers=frozenset({chen.pk}))), sam)
    version = read_history(campaign.pk)[0].version
    save(read_draft(campaign.pk).with_filters(CampaignFilters()), sam)
    chen.delete()
    with pytest.raises(VersionNotRestorable, match="Chen"):
        draft_of_version(version)


def test_a_version_is_not_taken_back_to_a_name_that_another_has_by_now(campaign: Campaign, sam: User) -> None:
    first = read_history(campaign.pk)[0].version
    save(replace(read_draft(campaign.pk), name="Cleanings"), sam)
    make_campaign("Reminders")
    with pytest.raises(VersionNotRestorable, match="Another campaign has this name"):
        draft_of_version(first)


def test_a_field_that_is_new_in_a_version_is_told_by_its_name(campaign: Campaign) -> None:
    """A version from before a column was added has no value for it."""
    after = take_snapshot(campaign.pk)
    before = {**after, "steps": [{**step} for step in after["steps"]]}
    del before["steps"][0]["retry_voicemail"]
    assert [one.what for one in describe_changes(before, after)] == ["Step 1, try again after a voicemail"]


def test_pausing_what_is_not_active_is_not_recorded(campaign: Campaign, sam: User) -> None:
    assert pause_by_person(campaign, by=sam) is True
    make_location().campaign_set.add(campaign)  # what else changed isn't the second pause
    assert pause_by_person(campaign, by=sam) is False
    draft = make_campaign("Draft", state="draft", activated_at=None)
    assert pause_by_person(draft, by=sam) is False
    assert [entry.version.what for entry in read_history(campaign.pk)] == ["paused", "created"]
    assert read_history(draft.pk) == []


def test_a_name_that_was_changed_elsewhere_is_nobodys_change(campaign: Campaign, sam: User) -> None:
    filters = CampaignFilters(
        frozenset({make_location().pk}), frozenset({Provider.objects.create(name="Dr. A. Chen").pk})
    )
    save(read_draft(campaign.pk).with_filters(filters), sam)
    for model in (Location, Provider, Script):
        model.objects.update(name="Renamed")
    assert record_version(campaign.pk, "edited", by=sam) is None
    save(change(read_draft(campaign.pk), max_tries=5), sam)
    save(change(read_draft(campaign.pk), max_tries=2), sam)
    entries = read_history(campaign.pk)
    assert [one.what for entry in entries[:2] for one in entry.changes] == ["Step 1, tries"] * 2
    assert [entry.may_be_restored for entry in entries] == [False, True, False, True]


def test_another_place_in_the_same_order_is_no_change(campaign: Campaign, sam: User) -> None:
    campaign.steps.filter(position=2).update(position=7)
    assert record_version(campaign.pk, "edited", by=sam) is None


@pytest.mark.parametrize(
    "broken",
    [{}, {"steps": [{"id": 1, "days": "many"}]}, {"patients": "some"}, {"locations": [1]}, {"steps": "none"}],
)
def test_a_version_that_can_not_be_read_is_said_to_be_so(
    campaign: Campaign, sam: User, broken: dict[str, Any]
) -> None:
    snapshot = {**take_snapshot(campaign.pk), **broken} if broken else {}
    version = CampaignVersion.objects.create(
        campaign=campaign, number=2, what="edited", by=sam, snapshot=snapshot
    )
    save(change(read_draft(campaign.pk), max_tries=5), sam)
    entries = read_history(campaign.pk)
    assert [(entry.note != "", entry.may_be_restored) for entry in entries] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    with pytest.raises(VersionNotRestorable):
        draft_of_version(version)


def test_a_script_that_is_gone_is_missed_in_a_campaign_without_steps_too(
    campaign: Campaign, sam: User
) -> None:
    first = read_history(campaign.pk)[0].version
    Step.objects.all().delete()
    Script.objects.all().delete()
    with pytest.raises(VersionNotRestorable, match="Reminder"):
        draft_of_version(first)


def test_a_name_that_is_taken_while_a_version_is_taken_back_is_said(
    campaign: Campaign, sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_history(campaign.pk)[0].version
    save(replace(read_draft(campaign.pk), name="Cleanings"), sam)
    draft = draft_of_version(first)
    shown = diff_edit(draft).token
    make_campaign("Reminders")
    monkeypatch.setattr("reminders.campaigns.edits.draft_of_version", lambda _version: draft)
    with pytest.raises(VersionNotRestorable, match="Another campaign has this name"):
        restore_version(first, shown=shown, by=sam)
    assert Campaign.objects.get(pk=campaign.pk).name == "Cleanings"


def test_a_copy_has_a_name_that_fits_and_is_who_made_it(campaign: Campaign, sam: User) -> None:
    Campaign.objects.update(name="Cleanings" + "x" * 111)
    campaign.refresh_from_db()
    for number in range(2, 12):
        copied = copy_by_person(campaign, by=sam)
        assert copied.name.endswith(f"x ({number})")
        assert (len(copied.name), copied.created_by) == (120, sam)


def test_who_copies_at_the_same_moment_takes_the_next_name(
    campaign: Campaign, sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_campaign("Reminders (2)")
    seen = iter(["Reminders (2)", "Reminders (3)"])
    monkeypatch.setattr(activation, "find_free_name", lambda _name: next(seen))
    assert copy_by_person(campaign, by=sam).name == "Reminders (3)"
