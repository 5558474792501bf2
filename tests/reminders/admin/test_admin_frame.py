"""What the admin's pages show of the frame: the pause, and the age of the last sweep."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from reminders.health import heartbeats
from reminders.models import Heartbeat
from reminders.traffic.switch import pause_sending
from tests.office import make_colleague

pytestmark = pytest.mark.django_db

PAGES = ["/admin/", "/admin/reminders/reminder/", "/admin/contacts/location/add/", "/admin/password_change/"]
POPUP = "/admin/contacts/location/add/?_popup=1"


@pytest.fixture
def running() -> None:
    """Beat, every sweep and its worker have just told that they are well."""
    for name in (heartbeats.BEAT, *heartbeats.QUEUES):
        heartbeats.record_heartbeat(name)
    queues = sorted(set(heartbeats.QUEUES.values()))
    heartbeats.record_worker_heartbeat("worker front:1", queues, since=timezone.now(), begun=1)


def read(client: Client, address: str) -> str:
    """The words of the page, one space between any two."""
    return " ".join(strip_tags(client.get(address).content.decode()).split())


@pytest.mark.parametrize("address", PAGES)
def test_every_page_of_the_admin_tells_the_age_of_the_last_sweep(
    running: None, office: Client, address: str
) -> None:
    Heartbeat.objects.filter(name=heartbeats.DISPATCH).update(at=timezone.now() - timedelta(seconds=9))
    page = office.get(address).content.decode()
    assert "last sweep 9 s ago" in page or "last sweep 10 s ago" in page
    assert "sweep-stale" not in page
    assert "All sending is paused." not in page


@pytest.mark.parametrize("address", [*PAGES, POPUP])
def test_every_page_of_the_admin_is_red_when_a_sweep_is_stale(
    running: None, office: Client, address: str
) -> None:
    Heartbeat.objects.filter(name=heartbeats.PLANNING).update(at=timezone.now() - timedelta(hours=5))
    page = office.get(address).content.decode()
    assert '<li class="error sweep-stale">Last sweep 5 h ago: the worker for planning is running, but' in page


@pytest.mark.parametrize("address", [*PAGES, POPUP])
def test_every_page_of_the_admin_tells_a_pause(
    running: None, office: Client, sam: User, address: str
) -> None:
    pause_sending(by=sam)
    page = read(office, address)
    assert "All sending is paused. sam paused it on" in page
    assert "until it is switched on again. Sending switch" in page


def test_the_pause_leads_to_the_switch_only_where_one_may_see_it(running: None, sam: User) -> None:
    clerk = make_colleague("rosa", is_staff=True)
    desk = Client()
    desk.force_login(clerk)
    pause_sending(by=sam)
    assert "until it is switched on again." in read(desk, "/admin/")
    assert "Sending switch" not in read(desk, "/admin/")


def test_the_login_page_tells_strangers_nothing() -> None:
    pause_sending(cause="key_refused")
    page = read(Client(), "/admin/login/")
    assert "All sending is paused." not in page
    assert "sweep" not in page
