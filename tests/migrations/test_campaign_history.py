"""The migration to the history of campaigns: each begins with the campaign as it was.

The function of the migration is called with the present models, which have all that it looks at.
"""

from datetime import time, timedelta
from importlib import import_module

import pytest
from django.apps import apps

from reminders.campaigns.history import record_version, take_snapshot
from reminders.models import Campaign, CampaignVersion
from tests.people import make_campaign, make_location, make_script, make_step

pytestmark = pytest.mark.django_db

record = import_module("reminders.migrations.0019_campaign_history").record_campaigns_as_they_are


def test_each_campaign_gets_a_first_version_that_nothing_has_changed_since() -> None:
    plain = make_campaign("Plain", state="draft", activated_at=None)
    narrow = make_campaign("Narrow", kinds=["b", "a"], languages=["es", "en"], patients="new")
    narrow.locations.add(make_location())
    make_step(narrow, timing_kind="days_before", days=2, at=time(10), elapsed=timedelta(0))
    make_step(narrow, fallback_script=make_script(name="Text"), retry_wait=timedelta(minutes=90))
    record(apps, None)
    versions = CampaignVersion.objects.order_by("campaign_id")
    assert [(one.campaign, one.number, one.what, one.by) for one in versions] == [
        (plain, 1, "recorded", None),
        (narrow, 1, "recorded", None),
    ]
    for campaign in Campaign.objects.all():
        assert campaign.versions.get().snapshot | {"consent": ""} == take_snapshot(campaign.pk)
        assert record_version(campaign.pk, "edited", by=None) is None, "nothing has changed"
