"""The frame around every page."""

from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from pytest_django import DjangoAssertNumQueries, Settings

from contacts.roles import MANAGER
from reminders.health import heartbeats
from reminders.models import Heartbeat, SendingSwitch
from reminders.pages.frame import read_frame
from reminders.pages.frame_rows import FrameRows, RailCounts, _write_statement
from reminders.traffic.switch import pause_sending
from tests.people import give_role, make_location, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", first_name="Rosa", last_name="Quint", password="a quiet desk")


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


def test_every_page_requires_a_login() -> None:
    for address in ("/", "/pulse/", "/appointments/1/", "/appointments/book/", "/worklist/"):
        answer = Client().get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={address}")


def test_logging_in_leads_to_today(rosa: User) -> None:
    answer = Client().post("/login/", {"username": "rosa", "password": "a quiet desk"})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_wrong_password_is_refused_with_a_plain_message(rosa: User) -> None:
    answer = Client().post("/login/", {"username": "rosa", "password": "a loud desk"})
    assert "Wrong username or password" in answer.content.decode()


@pytest.mark.parametrize(("name", "shown"), [("frontdesk", True), ("rosa2", False)])
def test_demo_logins_are_shown_only_where_the_demo_clinic_is(name: str, shown: bool) -> None:
    User.objects.create_user(name)
    page = Client().get("/login/").content.decode()
    assert ("demo clinic" in page) is shown


@pytest.fixture
def running() -> None:
    """Beat, every sweep and the two kinds of worker have just reported a heartbeat."""
    for name in (heartbeats.DISPATCH, heartbeats.BEAT, *heartbeats.STALE_AFTER):
        heartbeats.record_heartbeat(name)
    for place, queues in enumerate([["asking", "dispatch"], ["events", "sweeps"]]):
        heartbeats.record_worker_heartbeat(f"worker front:{place}", queues, since=timezone.now(), begun=1)


def silence(age: timedelta, *names: str) -> None:
    Heartbeat.objects.filter(name__in=names).update(at=timezone.now() - age)


@pytest.mark.parametrize(
    ("age", "words", "stale"),
    [
        (timedelta(seconds=6), "calls checked 6 s ago", False),
        (timedelta(minutes=3), "Calls have stopped since 11:57 am. Tell your administrator.", True),
        (timedelta(hours=5), "Calls have stopped since 7:00 am. Tell your administrator.", True),
        (timedelta(days=2), "Calls have stopped since Sun, Jul 12, 12:00 pm. Tell your administrator.", True),
    ],
)
def test_staff_see_when_calls_were_last_checked_or_since_when_they_have_stopped(
    age: timedelta, words: str, stale: bool
) -> None:
    """(product rule 19)"""
    make_location(time_zone="America/New_York")
    noon = datetime(2026, 7, 14, 16, 0, tzinfo=UTC)
    beats = {name: Heartbeat(name=name, at=noon) for name in (heartbeats.BEAT, *heartbeats.QUEUES)} | {
        heartbeats.DISPATCH: Heartbeat(name=heartbeats.DISPATCH, at=noon - age)
    }
    rows = FrameRows(SendingSwitch(), beats, RailCounts(0, 0, 0), None)
    with (
        time_machine.travel(noon, tick=False),
        patch("reminders.pages.frame.read_frame_rows", return_value=rows),
    ):
        frame = read_frame()
    assert (frame.sweep_words, frame.sweep_is_stale) == (words, stale)


def test_staff_see_that_calls_have_not_started_when_no_sweep_has_run(desk: Client) -> None:
    page = desk.get("/pulse/").content.decode()
    assert "Calls have not started yet. Tell your administrator." in page
    assert "sweep-stale" in page


def test_only_administrators_see_the_cause_of_a_stale_sweep(running: None, desk: Client, rosa: User) -> None:
    silence(timedelta(hours=5), heartbeats.BEAT)
    assert "Beat is not running" not in desk.get("/pulse/").content.decode()
    User.objects.filter(pk=rosa.pk).update(is_staff=True)
    assert "Beat is not running." in desk.get("/pulse/").content.decode()


@pytest.mark.parametrize(
    ("sweep", "words", "cause"),
    [
        (heartbeats.PLANNING, "No reminders have been planned since", "planning"),
        (heartbeats.RECONCILIATION, "Missing call results have not been looked for since", "call results"),
        (heartbeats.EVENTS, "Some answers of patients have not been recorded since", "events"),
    ],
)
def test_a_stale_sweep_is_shown_while_dispatch_runs(
    running: None, desk: Client, sweep: str, words: str, cause: str
) -> None:
    """(product rule 19)"""
    silence(timedelta(hours=5), sweep)
    page = desk.get("/pulse/").content.decode()
    assert "sweep-stale" in page
    assert words in page
    assert read_frame().cause_words == (
        f"The worker for {cause} is running, but gets nothing done: see its log."
    )


def test_a_missing_worker_is_shown_with_all_its_work_while_dispatch_runs(running: None, desk: Client) -> None:
    silence(timedelta(hours=5), "worker front:1", *heartbeats.STALE_AFTER)
    assert "No reminders have been planned since" in desk.get("/pulse/").content.decode()
    assert read_frame().cause_words == "No worker for planning, call results and events is running."


def test_the_frame_needs_no_more_queries_when_a_sweep_is_stale(
    running: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        assert not read_frame().sweep_is_stale
    silence(timedelta(hours=5), "worker front:1", *heartbeats.STALE_AFTER)
    with django_assert_num_queries(2):
        assert read_frame().sweep_is_stale


def test_every_page_shows_that_sending_is_paused_and_by_whom(desk: Client, rosa: User) -> None:
    pause_sending(by=rosa)
    for address in ("/", "/appointments/book/", "/pulse/"):
        page = desk.get(address).content.decode()
        assert "All sending is paused." in page
        assert "Rosa Quint paused sending" in page


def test_a_refused_api_key_is_shown_with_what_to_do(desk: Client) -> None:
    pause_sending(cause="key_refused")
    assert "ask your administrator to enter the new one." in desk.get("/pulse/").content.decode()


def test_pausing_redirects_to_the_page_it_came_from(desk: Client, rosa: User) -> None:
    give_role(rosa, MANAGER)
    paused = desk.post("/sending/pause/", {"next": "/appointments/book/"})
    assert (paused.status_code, paused["Location"]) == (303, "/appointments/book/")
    assert "All sending is paused." in desk.get("/pulse/").content.decode()
    desk.post("/sending/resume/")
    assert "All sending is paused." not in desk.get("/pulse/").content.decode()


ELSEWHERE = [
    *(
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "///elsewhere.example/",
        "https:elsewhere.example",
    ),
    *(
        r"/\elsewhere.example/",
        r"\\elsewhere.example/",
        "\t//elsewhere.example/",
        " https://elsewhere.example/",
    ),
    *(
        "javascript:alert(1)",
        "data:text/html,x",
        "https://testserver@elsewhere.example/",
        "http:///elsewhere.example",
    ),
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_redirect_never_leads_to_another_site(desk: Client, rosa: User, elsewhere: str) -> None:
    give_role(rosa, MANAGER)
    assert desk.post("/sending/pause/", {"next": elsewhere})["Location"] == "/"
    chosen = desk.post(reverse("choose_language"), {"language": "es", "next": elsewhere})
    assert chosen["Location"] == "/"
    address = f"{reverse('login')}?{urlencode({'next': elsewhere})}"
    answer = Client().post(address, {"username": "rosa", "password": "a quiet desk", "next": elsewhere})
    assert answer["Location"] == "/"


def test_actions_require_a_post_with_a_csrf_token(rosa: User) -> None:
    give_role(rosa, MANAGER)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(rosa)
    assert strict.get("/sending/pause/").status_code == 405
    assert strict.post("/sending/pause/").status_code == 403
    assert not strict.get("/pulse/").content.decode().count("All sending is paused.")


def test_an_unknown_address_shows_a_404_page_with_a_link_to_today(desk: Client) -> None:
    answer = desk.get("/nothing-here/")
    assert answer.status_code == 404
    assert "Go to Today" in answer.content.decode()


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        (heartbeats.DISPATCH, "Calls have stopped since the server's clock was set back."),
        (heartbeats.PLANNING, "No reminders have been planned since the server's clock was set back."),
        (heartbeats.RECONCILIATION, "not been looked for since the server's clock was set back."),
        (heartbeats.EVENTS, "not been recorded since the server's clock was set back."),
    ],
)
def test_a_sweep_that_last_ran_in_the_future_is_shown_in_red(running: None, sweep: str, words: str) -> None:
    """Product rule 28: this said "calls checked 0 s ago"."""
    silence(timedelta(hours=-2), sweep)
    frame = read_frame()
    assert frame.sweep_is_stale
    assert words in frame.sweep_words


def test_the_age_is_by_the_databases_clock(running: None) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=2)):
        frame = read_frame()
    assert (frame.sweep_is_stale, frame.sweep_words) == (False, "calls checked 0 s ago")


def test_the_query_that_is_kept_for_every_page_holds_no_moment(settings: Settings) -> None:
    settings.IMPORT_FOLDER = "/somewhere"
    sql, values = _write_statement.__wrapped__(folders_are_watched=True)
    assert not [one for one in values if isinstance(one, date)]
    assert "contacts_watchedfolder" in sql
    settings.IMPORT_FOLDER = ""
    assert "contacts_watchedfolder" not in _write_statement.__wrapped__(folders_are_watched=False)[0]
