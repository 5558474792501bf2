"""Beginning a campaign at the front desk: the ready-made ones, and the way to the first (product rule 6)."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts.roles import AUDITOR, FRONT_DESK, MANAGER
from reminders.campaigns.ready_made import READY_MADE, make_ready_made
from reminders.models import Campaign, CampaignVersion, Script
from tests.people import make_appointment, make_campaign, make_contact, make_location, make_script, make_user
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db
WAY = ("first_campaign_whom", "first_campaign_words", "first_campaign_count")


@pytest.fixture
def manager() -> User:
    return make_user("mara", role=MANAGER)


@pytest.fixture
def desk(manager: User) -> Client:
    return sit_at_desk(manager)


def read(desk: Client, page: str, *parts: object, **query: str) -> str:
    answer = desk.get(reverse(page, args=parts), query)
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().replace("&#x27;", "'").split())


def begin(desk: Client, start: str = "", name: str = "", *, guided: bool = False, **form: str) -> str:
    """The address that the page leads to; "" if it is shown again."""
    address = reverse("new_campaign") + ("?guided=1" if guided else "")
    answer = desk.post(address, {"start": start, "name": name, **form})
    assert answer.status_code in (302, 422)
    return answer.get("Location", "")


def test_the_list_leads_to_a_new_campaign_and_an_empty_one_to_the_first(desk: Client) -> None:
    empty = read(desk, "campaigns")
    assert "Begin the first one" in empty
    assert reverse("first_campaign") in empty
    make_campaign()
    page = read(desk, "campaigns")
    assert "New campaign" in page
    assert reverse("new_campaign") in page
    assert "Begin the first one" not in page


def test_without_a_location_today_leads_a_manager_to_what_is_needed_first(desk: Client) -> None:
    front_desk = sit_at_desk(make_user("fred", role=FRONT_DESK))
    assert reverse("first_campaign") in read(desk, "today")
    assert reverse("first_campaign") not in read(front_desk, "today")
    make_location()
    assert reverse("first_campaign") not in read(desk, "today")


def test_each_ready_made_campaign_is_described_in_sentences_with_its_words_in_each_language(
    desk: Client,
) -> None:
    make_location()
    page = read(desk, "new_campaign")
    for ready in READY_MADE:
        assert f'value="{ready.key}"' in page
        assert str(ready.title) in page
    assert "Call whoever has not confirmed 3 days before at 10:00 am" in page
    assert "This is Harbor Clinic, Downtown, calling for Alex." in page
    assert "Le llamamos de Harbor Clinic, Downtown con un mensaje para Lucía." in page
    assert "nos vemos el" in page
    assert (Campaign.objects.count(), Script.objects.count()) == (0, 0), "looking makes nothing"


def test_without_a_location_the_examples_say_that_they_are_made_up(desk: Client) -> None:
    page = read(desk, "new_campaign")
    assert "There is no location yet, so the examples name a made-up one." in page
    assert "This is Harbor View Clinic" in page


@pytest.mark.parametrize("start", [ready.key for ready in READY_MADE])
def test_choosing_one_makes_a_draft_and_leads_to_it(desk: Client, manager: User, start: str) -> None:
    address = begin(desk, start, "Own name")
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.state, campaign.created_by) == ("Own name", "draft", manager)
    assert address == reverse("edit_campaign", args=[campaign.pk])
    assert "A draft calls nobody" in desk.get(address).content.decode()
    assert CampaignVersion.objects.get().by == manager


def test_an_empty_campaign_needs_a_name(desk: Client) -> None:
    assert begin(desk, "empty") == ""
    assert Campaign.objects.count() == 0
    assert begin(desk, "empty", "Recalls")
    assert Campaign.objects.get().steps.count() == 0


@pytest.mark.parametrize(
    ("start", "name", "error"),
    [
        ("open_day", "recalls", "There is a campaign “recalls” already. Choose another name."),
        ("empty", "", "Give the campaign a name."),
        ("", "New", "Choose what to begin with."),
        ("no_such", "New", "no_such is not one of the available choices"),
        ("open_day", "x" * 121, "at most 120 characters"),
        ("open_day", "New\0", "Null characters are not allowed."),
    ],
)
def test_what_can_not_be_made_is_said_beside_its_field_and_nothing_is_lost(
    desk: Client, start: str, name: str, error: str
) -> None:
    make_campaign("Recalls")
    answer = desk.post(reverse("new_campaign"), {"start": start, "name": name})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert error in page
    if start == "open_day":
        assert 'value="open_day" checked' in page
    assert Campaign.objects.count() == 1


def test_a_name_is_shown_as_text_and_never_as_markup(desk: Client) -> None:
    address = begin(desk, "open_day", "<b>Recalls</b>", guided=True)
    assert "<b>Recalls" not in desk.get(address).content.decode()


def test_the_first_steps_lead_to_where_each_is_done(desk: Client, manager: User) -> None:
    page = read(desk, "first_campaign")
    assert "Somebody who may open the settings makes it." in page, "this manager may not enter the admin"
    User.objects.filter(pk=manager.pk).update(is_staff=True)
    page = read(desk, "first_campaign")
    for address in (
        reverse("admin:contacts_location_add"),
        reverse("scripts"),
        reverse("upload_import"),
        reverse("book_appointment"),
        f"{reverse('new_campaign')}?guided=1",
    ):
        assert f'href="{address}"' in page, address
    assert "An administrator does this, with a checklist." in page
    admin = sit_at_desk(make_user("ada", role="Admin", is_staff=True))
    assert f'href="{reverse("mode")}"' in read(admin, "first_campaign")


def test_the_way_to_the_first_campaign_leads_from_choosing_to_activating(desk: Client) -> None:
    downtown, hill = make_location(), make_location("Hill")
    for last, place in enumerate((downtown, downtown, hill)):
        contact = make_contact(f"Patient {last}", number=f"+1202555{100 + last:04}")
        kind = "Cleaning" if last else "Physical"
        make_appointment(contact, location=place, starts_at=timezone.now() + timedelta(days=9), kind=kind)
    whom = begin(desk, "three_days", guided=True)
    campaign = Campaign.objects.get()
    assert whom == reverse("first_campaign_whom", args=[campaign.pk])
    page = read(desk, "first_campaign_whom", campaign.pk)
    assert "Cleaning" in page
    assert "Physical" in page
    answer = desk.post(whom, {"locations": [downtown.pk], "kinds": ["Cleaning"]})
    words = reverse("first_campaign_words", args=[campaign.pk])
    assert answer["Location"] == words
    campaign.refresh_from_db()
    assert (list(campaign.locations.all()), campaign.kinds) == ([downtown], ["Cleaning"])
    again = read(desk, "first_campaign_whom", campaign.pk)
    assert again.count("checked") == 2, "going back, what was chosen is there"
    page = read(desk, "first_campaign_words", campaign.pk)
    assert "This is Harbor Clinic, Downtown, calling for Alex." in page
    assert "Tiene una cita el" in page
    count = read(desk, "first_campaign_count", campaign.pk)
    assert "Remind 1 person" in count
    assert "2 upcoming visits are not meant" in count
    activate = reverse("activate_campaign", args=[campaign.pk]) + "?guided=1"
    assert activate in count
    shown = desk.get(activate)
    assert 'aria-current="step"' in shown.content.decode()
    desk.post(activate, {"shown": shown.context["proposed"].send.token, "deed": "send"})
    campaign.refresh_from_db()
    assert campaign.state == "active"
    whats = CampaignVersion.objects.order_by("pk").values_list("what", flat=True)
    assert list(whats) == ["created", "edited", "activated"]


def test_going_on_without_a_choice_is_for_everybody(desk: Client, manager: User) -> None:
    make_location()
    campaign = make_ready_made("open_day", by=manager)
    address = reverse("first_campaign_whom", args=[campaign.pk])
    assert desk.post(address, {}).status_code == 302
    assert (campaign.locations.count(), Campaign.objects.get().kinds) == (0, [])
    assert CampaignVersion.objects.count() == 1, "nothing has changed"


@pytest.mark.parametrize("form", [{"locations": ["424242"]}, {"locations": ["x"]}, {"kinds": ["No such"]}])
def test_a_choice_that_is_not_offered_is_refused(
    desk: Client, manager: User, form: dict[str, list[str]]
) -> None:
    make_location()
    campaign = make_ready_made("open_day", by=manager)
    address = reverse("first_campaign_whom", args=[campaign.pk])
    answer = desk.post(address, form)
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert campaign.locations.count() == 0


@pytest.mark.parametrize("state", ["active", "paused"])
@pytest.mark.parametrize("page", WAY)
def test_the_way_is_for_drafts_only(desk: Client, manager: User, page: str, state: str) -> None:
    campaign = make_ready_made("open_day", by=manager)
    Campaign.objects.update(state=state, activated_at=timezone.now())
    address = reverse(page, args=[campaign.pk])
    assert desk.get(address)["Location"] == reverse("campaign", args=[campaign.pk])
    desk.post(address, {"kinds": ["Cleaning"]})
    assert Campaign.objects.get().kinds == []


def test_the_words_page_says_what_may_not_go_out_and_where_it_is_changed(desk: Client, manager: User) -> None:
    """(product rule 62)"""
    make_location(spoken_name="Harbor Dental")
    campaign = make_ready_made("open_day", by=manager)
    page = read(desk, "first_campaign_words", campaign.pk)
    assert "It may reveal the specialty or the kind of visit: dental (“Harbor Dental”)." in page
    script = campaign.steps.get().script
    assert reverse("script_text", args=[script.pk, "es"]) in page
    make_script("Short.", name=script.name)
    assert "It doesn't say who is calling." in read(desk, "first_campaign_words", campaign.pk)


@pytest.mark.parametrize("role", [AUDITOR, FRONT_DESK])
def test_who_may_not_change_campaigns_is_offered_none(role: str, manager: User) -> None:
    """(product rule 63)"""
    other = sit_at_desk(make_user("other", role=role))
    campaign = make_ready_made("open_day", by=manager)
    assert other.post(reverse("new_campaign"), {"start": "open_day"}).status_code == 403
    for page in WAY:
        assert other.get(reverse(page, args=[campaign.pk])).status_code == 403
    if role == AUDITOR:
        assert "New campaign" not in read(other, "campaigns")
    assert Campaign.objects.count() == 1


def test_the_pages_run_as_many_queries_for_many_rows_as_for_few(desk: Client, manager: User) -> None:
    campaign = make_ready_made("three_days", by=manager)

    def count() -> list[int]:
        found = []
        for page, parts in [
            ("new_campaign", ()),
            ("first_campaign", ()),
            *((one, (campaign.pk,)) for one in WAY),
        ]:
            with CaptureQueriesContext(connection) as queries:
                read(desk, page, *parts)
            found.append(len(queries))
        return found

    counts = []
    for first in (0, 20):
        for last in range(first, first + 10):
            place = make_location(f"Place {last}")
            contact = make_contact(f"Patient {last}", number=f"+1202555{100 + last:04}")
            make_appointment(
                contact, location=place, starts_at=timezone.now() + timedelta(days=9), kind=f"K{last}"
            )
        counts.append(count())
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 41, counts
