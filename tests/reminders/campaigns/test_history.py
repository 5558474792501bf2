"""Each change of a campaign is kept, with who made it and what it changed, and can be taken back."""

from copy import copy
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from contacts.models import Provider
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
from reminders.models import Campaign, Step
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
        ("Step 1, when", "2 days before at 10:00", "3 days before at 10:00"),
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
        ("Step 1", "Call whoever has not confirmed 2 days before at 10:00", "removed"),
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
