"""Campaigns in the admin are history: it shows all of it, and changes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reminders.campaigns.drafts import read_draft
from reminders.campaigns.history import record_version
from reminders.models import Campaign, Step
from tests.campaign_edits import edit_campaign, edit_step, save_as_shown
from tests.office import act, address_of
from tests.people import make_campaign, make_step

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(sam: User) -> Campaign:
    campaign = make_campaign()
    make_step(campaign)
    record_version(campaign.pk, "created", by=sam)
    return campaign


def read(office: Client, campaign: Campaign) -> str:
    page = office.get(address_of(Campaign, f"{campaign.pk}/change/"))
    assert page.status_code == 200
    return " ".join(page.content.decode().split())


def test_its_page_shows_each_version_with_who_and_what_changed_and_leads_to_the_front_desk(
    office: Client, campaign: Campaign, sam: User
) -> None:
    edit_step(campaign.steps.get(), sam, elapsed=timedelta(hours=6))
    edit_campaign(campaign, sam, name="<b>Visits</b>")
    page = read(office, campaign)
    assert "Created · version 1" in page
    assert "Step 1, when: 4 hours before → 6 hours before" in page
    assert "Name: Reminders → &lt;b&gt;Visits&lt;/b&gt;" in page
    assert page.count("· sam") == 3
    assert "<b>Visits" not in page
    assert f'href="{reverse("campaign", args=[campaign.pk])}"' in page


def test_a_step_that_was_taken_out_is_still_shown_with_since_when(
    office: Client, campaign: Campaign, sam: User
) -> None:
    make_step(campaign, elapsed=timedelta(hours=9))
    draft = read_draft(campaign.pk)
    save_as_shown(draft.with_steps(draft.steps[:1]), sam)
    page = read(office, campaign)
    assert "Call whoever has not confirmed 9 hours before" in page
    assert Step.objects.exclude(removed_at=None).count() == 1
    assert "10000" not in page, "its place behind all others is of no interest"
    assert 'class="field-step_count">1<' in office.get(address_of(Campaign)).content.decode()


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("add/", {"name": "New"}),
    ("{pk}/change/", {"name": "Other"}),
    ("{pk}/delete/", {"post": "yes"}),
]


@pytest.mark.parametrize(("page", "form"), CHANGES, ids=[page for page, _form in CHANGES])
@pytest.mark.parametrize("model", [Campaign, Step])
def test_nothing_can_be_made_changed_or_deleted_there(
    office: Client, campaign: Campaign, model: type[Campaign] | type[Step], page: str, form: dict[str, Any]
) -> None:
    row = model.objects.get()
    before = list(Step.objects.values()), list(Campaign.objects.values())
    assert office.post(address_of(model, page.format(pk=row.pk)), form).status_code == 403
    assert (list(Step.objects.values()), list(Campaign.objects.values())) == before


@pytest.mark.parametrize("action", ["activate", "pause", "copy", "delete_selected"])
def test_the_list_offers_no_actions(office: Client, campaign: Campaign, action: str) -> None:
    act(office, Campaign, action, campaign)
    assert list(Campaign.objects.values_list("name", "state")) == [("Reminders", "active")]
    page = office.get(address_of(Campaign)).content.decode()
    assert 'name="action"' not in page
    assert address_of(Campaign, "add/") not in page


def test_its_page_runs_as_many_queries_for_a_long_history_as_for_a_short_one(
    office: Client, campaign: Campaign, sam: User
) -> None:
    read(office, campaign)  # the types of rows are remembered after the first time
    counts = []
    for first in (1, 6):
        for tries in range(first, first + 5):
            edit_step(campaign.steps.get(), sam, max_tries=tries)
        with CaptureQueriesContext(connection) as queries:
            read(office, campaign)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_steps_can_be_searched_for(office: Client, campaign: Campaign) -> None:
    assert "Call whoever has not confirmed 4 hours before" in office.get(address_of(Step)).content.decode()
