"""Pages that read much need at most 12 queries, with families, several places and many calls, too.

All pages, with less in them: tests/config/test_page_queries.py.
"""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.models import Appointment
from contacts.roles import MANAGER
from reminders.health.heartbeats import DISPATCH, record_heartbeat
from reminders.models import Campaign
from reminders.planning.planner import plan_all
from tests.people import make_appointment, make_campaign, make_contact, make_step, make_user
from tests.reminders.campaigns.clinics import make_clinic
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db
MOST = 12


def book_family() -> Appointment:
    """Two of one number, each with three reminders ahead; the first visit."""
    for hours in (2, 4, 6):
        make_step(elapsed=timedelta(hours=hours))
    for name in ("Anna", "Ben"):
        make_appointment(make_contact(name), starts_at=timezone.now() + timedelta(hours=30))
    plan_all()
    return Appointment.objects.earliest("pk")


def list_addresses(visit: Appointment) -> dict[str, str]:
    day = visit.local_start.date()
    slot = {
        "contact": visit.contact_id,
        "location": visit.location_id,
        "provider": visit.provider_id,
        "day": day,
        "at": "10:00",
    }
    return {
        "Today": f"/?day={day}",
        "print": f"/day/print/?day={day}",
        "unconfirmed": "/day/unconfirmed/",
        "calendar": f"/calendar/?day={day}",
        "visit": f"/appointments/{visit.pk}/",
        "move": f"/appointments/{visit.pk}/move/",
        "book": f"/appointments/book/?{urlencode(slot)}",
        "contact": f"/contacts/{visit.contact_id}/",
        "household": f"/numbers/{visit.contact.phone_id}/household/",
        "worklist": "/worklist/",
        "texts": "/texts/",
    }


def test_it_needs_at_most_twelve_queries(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    addresses = list_addresses(book_family())
    manager = sit_at_desk(make_user("mara", role=MANAGER))
    manager.get("/")  # reads the settings, which are kept until one of them changes
    for name, address in addresses.items():
        with django_assert_max_num_queries(MOST, info=name):
            assert manager.get(address).status_code == 200


def list_campaign_addresses(campaign: Campaign) -> dict[str, str]:
    draft = make_campaign("Draft", state="draft", activated_at=None)
    script = make_step(draft).script
    return {
        "campaigns": "/campaigns/",
        "campaign": f"/campaigns/{campaign.pk}/",
        "draft": f"/campaigns/{draft.pk}/",
        "activation": f"/campaigns/{draft.pk}/activate/",
        "count of a first campaign": f"/campaigns/{draft.pk}/first/count/",
        "builder": f"/campaigns/{campaign.pk}/edit/",
        "visits": f"/campaigns/{campaign.pk}/visits/",
        "people": f"/campaigns/{campaign.pk}/people/",
        "new campaign": "/campaigns/new/",
        "scripts": "/scripts/",
        "script": f"/scripts/{script.pk}/en/",
    }


def test_pages_of_campaigns_need_at_most_twelve(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    """With families, numbers that were called, several steps and locations, and text messages."""
    addresses = list_campaign_addresses(make_clinic(3, 30).campaign)
    record_heartbeat(DISPATCH)  # as in every clinic that runs: the page's clock is read with it
    manager = sit_at_desk(make_user("mara", role=MANAGER))
    manager.get("/")
    for name, address in addresses.items():
        with django_assert_max_num_queries(MOST, info=name):
            assert manager.get(address).status_code == 200
