"""The frame around every page."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from reminders.health import heartbeats
from reminders.models import Heartbeat
from reminders.pages.frame import read_frame
from reminders.traffic.switch import pause_sending

pytestmark = pytest.mark.django_db


@pytest.fixture
def rosa() -> User:
    return User.objects.create_user("rosa", first_name="Rosa", last_name="Quint", password="a quiet desk")


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


def test_every_page_asks_for_a_login_first() -> None:
    for address in ("/", "/pulse/", "/appointments/1/", "/appointments/book/", "/worklist/"):
        answer = Client().get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={address}")


def test_the_login_page_lets_the_right_person_in_and_leads_to_today(rosa: User) -> None:
    answer = Client().post("/login/", {"username": "rosa", "password": "a quiet desk"})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_wrong_password_is_answered_with_what_to_do(rosa: User) -> None:
    answer = Client().post("/login/", {"username": "rosa", "password": "a loud desk"})
    assert "try again" in answer.content.decode()


@pytest.mark.parametrize(("name", "shown"), [("frontdesk", True), ("rosa2", False)])
def test_demo_logins_are_shown_only_where_the_demo_clinic_is(name: str, shown: bool) -> None:
    User.objects.create_user(name)
    page = Client().get("/login/").content.decode()
    assert ("demo clinic" in page) is shown


@pytest.fixture
def running() -> None:
    """Beat, every sweep and the two kinds of worker have just told that they are well."""
    for name in (heartbeats.DISPATCH, heartbeats.BEAT, *heartbeats.STALE_AFTER):
        heartbeats.record_heartbeat(name)
    for place, queues in enumerate([["asking", "dispatch"], ["events", "sweeps"]]):
        heartbeats.record_worker_heartbeat(f"worker front:{place}", queues, since=timezone.now(), begun=1)


def silence(age: timedelta, *names: str) -> None:
    Heartbeat.objects.filter(name__in=names).update(at=timezone.now() - age)


@pytest.mark.parametrize(
    ("age", "words", "stale"),
    [
        (timedelta(seconds=6), "last sweep 6 s ago", False),
        (timedelta(minutes=3), "last sweep 3 min ago", True),
        (timedelta(hours=5), "last sweep 5 h ago", True),
    ],
)
def test_the_last_sweep_is_told_and_red_when_it_is_stale(
    running: None, desk: Client, age: timedelta, words: str, stale: bool
) -> None:
    silence(age, heartbeats.DISPATCH)
    page = desk.get("/pulse/").content.decode()
    assert words in page
    assert ("sweep-stale" in page) is stale


def test_no_sweep_at_all_is_red_too(desk: Client) -> None:
    page = desk.get("/pulse/").content.decode()
    assert "no sweep yet" in page
    assert "sweep-stale" in page


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        (heartbeats.PLANNING, "planning"),
        (heartbeats.RECONCILIATION, "call results"),
        (heartbeats.EVENTS, "events"),
    ],
)
def test_a_sweep_that_died_behind_a_dispatcher_that_lives_is_red_and_named(
    running: None, desk: Client, sweep: str, words: str
) -> None:
    silence(timedelta(hours=5), sweep)
    page = desk.get("/pulse/").content.decode()
    assert "sweep-stale" in page
    assert f"last sweep 5 h ago: the worker for {words} is running, but gets nothing done" in page


def test_a_worker_that_is_gone_while_the_dispatcher_lives_is_told_with_all_it_leaves_undone(
    running: None, desk: Client
) -> None:
    silence(timedelta(hours=5), "worker front:1", *heartbeats.STALE_AFTER)
    page = desk.get("/pulse/").content.decode()
    assert "last sweep 5 h ago: no worker for planning, call results and events is running" in page
    assert "sweep-stale" in page


def test_the_frame_asks_no_more_when_a_sweep_is_stale(
    running: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):
        assert not read_frame().sweep_is_stale
    silence(timedelta(hours=5), "worker front:1", *heartbeats.STALE_AFTER)
    with django_assert_num_queries(3):
        assert read_frame().sweep_is_stale


def test_paused_sending_is_told_on_every_page_with_who_did_it(desk: Client, rosa: User) -> None:
    pause_sending(by=rosa)
    for address in ("/", "/appointments/book/", "/pulse/"):
        page = desk.get(address).content.decode()
        assert "All sending is paused." in page
        assert "Rosa Quint paused it" in page


def test_a_refused_key_is_told_with_what_to_do(desk: Client) -> None:
    pause_sending(cause="key_refused")
    assert "puts the right one in." in desk.get("/pulse/").content.decode()


def test_pausing_and_resuming_lead_back_to_the_page_one_was_on(desk: Client) -> None:
    paused = desk.post("/sending/pause/", {"next": "/appointments/book/"})
    assert (paused.status_code, paused["Location"]) == (303, "/appointments/book/")
    assert "All sending is paused." in desk.get("/pulse/").content.decode()
    desk.post("/sending/resume/")
    assert "All sending is paused." not in desk.get("/pulse/").content.decode()


def test_a_foreign_address_is_never_led_back_to(desk: Client) -> None:
    assert desk.post("/sending/pause/", {"next": "https://elsewhere.example/"})["Location"] == "/"


def test_deeds_are_done_by_post_with_a_csrf_token_only(rosa: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(rosa)
    assert strict.get("/sending/pause/").status_code == 405
    assert strict.post("/sending/pause/").status_code == 403
    assert not strict.get("/pulse/").content.decode().count("All sending is paused.")


def test_an_address_that_leads_nowhere_says_so_kindly(desk: Client) -> None:
    answer = desk.get("/nothing-here/")
    assert answer.status_code == 404
    assert "Go to today" in answer.content.decode()
