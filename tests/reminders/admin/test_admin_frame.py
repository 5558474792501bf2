"""The frame on the admin's pages: the pause, and when calls were last checked."""

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

PAGES = ["/admin/", "/admin/reminders/reminder/", "/admin/contacts/location/add/", "/admin/auth/user/"]
POPUP = "/admin/contacts/location/add/?_popup=1"


@pytest.fixture
def running() -> None:
    """Beat, every sweep and its worker have just reported a heartbeat."""
    for name in (heartbeats.BEAT, *heartbeats.QUEUES):
        heartbeats.record_heartbeat(name)
    queues = sorted(set(heartbeats.QUEUES.values()))
    heartbeats.record_worker_heartbeat("worker front:1", queues, since=timezone.now(), begun=1)


def read(client: Client, address: str) -> str:
    """The text of the page with single spaces."""
    return " ".join(strip_tags(client.get(address).content.decode()).split())


@pytest.mark.parametrize("address", PAGES)
def test_every_admin_page_shows_when_calls_were_last_checked(
    running: None, office: Client, address: str
) -> None:
    """(product rule 19)"""
    Heartbeat.objects.filter(name=heartbeats.DISPATCH).update(at=timezone.now() - timedelta(seconds=9))
    page = office.get(address).content.decode()
    assert "calls checked 9 s ago" in page or "calls checked 10 s ago" in page
    assert "sweep-stale" not in page
    assert "All sending is paused." not in page


@pytest.mark.parametrize("address", [*PAGES, POPUP])
def test_every_admin_page_shows_a_stale_sweep_and_its_cause(
    running: None, office: Client, address: str
) -> None:
    """(product rule 19)"""
    Heartbeat.objects.filter(name=heartbeats.PLANNING).update(at=timezone.now() - timedelta(hours=5))
    page = read(office, address)
    assert "No reminders have been planned since" in page
    assert ". The worker for planning is running, but gets nothing done: see its log." in page


@pytest.mark.parametrize("address", [*PAGES, POPUP])
def test_every_admin_page_shows_a_pause(running: None, office: Client, sam: User, address: str) -> None:
    pause_sending(by=sam)
    page = read(office, address)
    assert "All sending is paused. sam paused sending on" in page
    assert "until a manager resumes sending. Sending switch" in page


def test_the_pause_links_to_the_switch_only_for_users_who_may_see_it(running: None, sam: User) -> None:
    clerk = make_colleague("rosa", is_staff=True)
    desk = Client()
    desk.force_login(clerk)
    pause_sending(by=sam)
    assert "until a manager resumes sending." in read(desk, "/admin/")
    assert "Sending switch" not in read(desk, "/admin/")


def test_the_admin_login_page_shows_no_pause_and_no_sweep() -> None:
    pause_sending(cause="key_refused")
    page = Client().get("/admin/", follow=True).content.decode()
    assert 'name="password"' in page
    assert "All sending is paused." not in page
    assert "calls checked" not in page
