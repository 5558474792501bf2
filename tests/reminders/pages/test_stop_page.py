"""The page for pausing and resuming all sending, a location or a campaign, and the banner that says so."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Location
from contacts.roles import AUDITOR, FRONT_DESK, MANAGER
from reminders.models import SendingSwitch
from tests.people import (
    make_campaign,
    make_due_reminder,
    make_location,
    make_script,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db

WHY = {"reason": "a burst pipe"}


def log_in(role: str) -> Client:
    client = Client()
    client.force_login(
        make_user(role.lower().replace(" ", ""), role=role, first_name="Rosa", last_name="Diaz")
    )
    return client


def test_two_clicks_from_any_page_lead_to_a_pause_with_its_reason() -> None:
    location, desk = make_location(), log_in(MANAGER)
    assert 'href="/sending/stop/"' in desk.get("/worklist/").content.decode()
    assert f'action="/locations/{location.pk}/pause/"' in desk.get("/sending/stop/").content.decode()
    assert desk.post(f"/locations/{location.pk}/pause/", WHY)["Location"] == "/sending/stop/"
    banner = " ".join(desk.get("/worklist/").content.decode().split())
    assert "Calls and texts for Downtown are paused." in banner
    assert "Rosa Diaz paused it on" in banner
    assert "The reason: “a burst pipe”." in banner


def test_the_banner_says_why_all_sending_is_paused() -> None:
    make_location()
    desk = log_in(MANAGER)
    desk.post("/sending/pause/", WHY)
    assert SendingSwitch.objects.get().pause_reason == "a burst pipe"
    assert "The reason: “a burst pipe”." in desk.get("/").content.decode()
    desk.post("/sending/resume/")
    assert SendingSwitch.objects.get().pause_reason == ""


def test_a_campaign_is_paused_and_resumed() -> None:
    make_location()
    campaign, desk = make_campaign(), log_in(MANAGER)
    make_step(campaign)
    desk.post(f"/campaigns/{campaign.pk}/pause/", WHY)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.pause_reason) == ("paused", "a burst pipe")
    assert "The campaign “Reminders” is paused." in desk.get("/").content.decode()
    activate = f"/campaigns/{campaign.pk}/activate/"
    assert f'href="{activate}"' in desk.get("/sending/stop/").content.decode()
    proposed = desk.get(activate).context["proposed"]
    desk.post(activate, {"shown": proposed.send.token, "deed": "send"})
    campaign.refresh_from_db()
    assert (campaign.state, campaign.paused_at, campaign.pause_reason) == ("active", None, "")
    whats = list(campaign.versions.order_by("number").values_list("what", flat=True))
    assert whats == ["recorded", "paused", "activated"]


def test_a_reason_cannot_bring_markup_or_break_the_banner() -> None:
    location, desk = make_location(), log_in(MANAGER)
    desk.post(f"/locations/{location.pk}/pause/", {"reason": "<b>100% %(x)s</b>" + "y" * 300})
    desk.post("/sending/pause/", {"reason": "<i>50% off</i>\x00 {x}"})
    page = desk.get("/").content.decode()
    assert "&lt;b&gt;100% %(x)s&lt;/b&gt;yyy" in page
    assert "&lt;i&gt;50% off&lt;/i&gt;" in page


def test_a_draft_cannot_be_paused() -> None:
    campaign, desk = make_campaign(state="draft", activated_at=None), log_in(MANAGER)
    assert campaign.name not in desk.get("/sending/stop/").content.decode()
    desk.post(f"/campaigns/{campaign.pk}/pause/", WHY)
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_a_campaign_whose_text_became_too_long_is_not_resumed() -> None:
    """(product rule 40)"""
    make_location()
    desk, reminder = log_in(MANAGER), make_due_reminder()
    reminder.step.channel = "sms"
    reminder.step.save()
    make_script("{PRACTICE} {CALLBACK_NUMBER} " + "x" * 300)
    campaign = reminder.step.campaign
    desk.post(f"/campaigns/{campaign.pk}/pause/", WHY)
    activate = f"/campaigns/{campaign.pk}/activate/"
    page = desk.get(activate)
    assert "As a text message it has" in page.content.decode()
    desk.post(activate, {"shown": page.context["proposed"].send.token, "deed": "send"})
    campaign.refresh_from_db()
    assert campaign.state == "paused"


@pytest.mark.parametrize("deed", ["send", "skip"])
def test_resuming_a_location_shows_what_fell_due_and_asks(deed: str) -> None:
    """(product rule 29)"""
    desk, reminder = log_in(MANAGER), make_due_reminder()
    location = reminder.appointment.location
    desk.post(f"/locations/{location.pk}/pause/", WHY)
    Location.objects.update(paused_at=timezone.now() - timedelta(hours=1))
    address = f"/locations/{location.pk}/resume/"
    asked = desk.post(address).content.decode()
    assert "Resume Downtown?" in asked
    assert "1 reminder fell due during the pause." in asked
    location.refresh_from_db()
    assert location.paused_at is not None
    stale = {"deed": deed, "paused_at": "2020-01-01T00:00:00+00:00"}
    assert "Resume Downtown?" in desk.post(address, stale).content.decode(), "an answer to another pause"
    desk.post(address, {"deed": deed, "paused_at": location.paused_at.isoformat()})
    reminder.refresh_from_db()
    assert not Location.objects.exclude(paused_at=None).exists()
    assert reminder.reason == ("skipped_after_pause" if deed == "skip" else "")


def test_resuming_what_is_not_paused_says_so() -> None:
    location, campaign, desk = make_location(), make_campaign(), log_in(MANAGER)
    resumed = desk.post(f"/locations/{location.pk}/resume/", follow=True)
    assert "is not paused." in resumed.content.decode()
    activated = desk.get(f"/campaigns/{campaign.pk}/activate/", follow=True)
    assert "It is active already." in activated.content.decode()


@pytest.mark.parametrize(("role", "sees", "may"), [(FRONT_DESK, True, False), (AUDITOR, True, False)])
def test_whoever_may_not_pause_a_part_sees_what_is_paused_and_no_button(
    role: str, sees: bool, may: bool
) -> None:
    location, sam = make_location(), make_user("sam", role=MANAGER)
    Location.objects.update(paused_at=timezone.now(), paused_by=sam, pause_reason="a flood")
    page = log_in(role).get("/sending/stop/").content.decode()
    assert ("a flood" in page) is sees
    assert (f"/locations/{location.pk}/resume/" in page) is may


def test_the_page_makes_as_many_queries_for_six_locations_as_for_three(office: Client, sam: User) -> None:
    counts = []
    for number in range(2):
        for each in range(3):
            paused = {"paused_at": timezone.now(), "paused_by": sam, "pause_reason": "x"}
            make_location(f"Place {number} {each}", **paused)
            make_campaign(f"Campaign {number} {each}", state="paused", **paused)
        with CaptureQueriesContext(connection) as queries:
            assert office.get("/sending/stop/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
