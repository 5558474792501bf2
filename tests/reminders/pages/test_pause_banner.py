"""The banner while sending is paused: what happened, what Callboard does, what staff can do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from contacts.roles import FRONT_DESK, MANAGER
from reminders.models import SendingSwitch
from reminders.pages.pause_banner import describe_pause
from reminders.traffic.gate import close_gate
from reminders.traffic.switch import Cause, pause_sending, read_switch
from tests.people import make_user

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 7, 14, 13, 30, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", role=MANAGER, first_name="Rosa", last_name="Quint 100%")


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


def describe(cause: str, *, by: User | None = None, asked_again_in: int | None = None) -> str:
    """The banner's text on 14 July at 9:30 in New York, for a pause since 9:05."""
    switch = SendingSwitch(
        paused_at=NOW - timedelta(minutes=25),
        cause=cause,
        by=by,
        probe_at=None if asked_again_in is None else NOW + timedelta(minutes=asked_again_in),
    )
    with time_machine.travel(NOW):  # in 2026, so that the year is not shown
        pause = describe_pause(switch, NOW, NEW_YORK, switch.by)
    assert pause is not None
    assert pause.ends_by_itself is (asked_again_in is not None)
    return pause.words


def test_there_is_no_pause_while_sending_is_on() -> None:
    assert describe_pause(SendingSwitch(), NOW, NEW_YORK, None) is None


def test_a_pause_by_staff_names_the_user(rosa: User) -> None:
    assert describe(Cause.PERSON, by=rosa) == (
        "Rosa Quint 100% paused sending on Tue, Jul 14 at 9:05 am. "
        "No calls or text messages go out until a manager resumes sending."
    )


def test_a_refused_api_key_is_explained_with_what_to_do() -> None:
    assert describe(Cause.KEY_REFUSED, asked_again_in=2) == (
        "Robotalker refused the API key on Tue, Jul 14 at 9:05 am. "
        "Callboard checks Robotalker at 9:32 am and resumes sending automatically if it works again. "
        "No reminder is lost. If the key was changed, ask your administrator to enter the new one."
    )


def test_a_failing_robotalker_is_explained_with_what_callboard_does() -> None:
    assert describe(Cause.ROBOTALKER_FAILING, asked_again_in=0) == (
        "Robotalker failed repeatedly, most recently on Tue, Jul 14 at 9:05 am. "
        "Callboard is checking Robotalker now and resumes sending automatically if it works again. "
        "Reminders that are due wait. A manager can also resume sending now."
    )


def test_a_restored_database_stays_paused_until_somebody_resumes_sending() -> None:
    assert describe(Cause.RESTORED) == (
        "The database was restored or moved on Tue, Jul 14 at 9:05 am. "
        "Nothing is sent until a manager checks what was sent since then and presses Resume sending."
    )


@pytest.mark.parametrize("address", ["/", "/worklist/", "/pulse/"])
@pytest.mark.parametrize(
    ("cause", "buttons"),
    [
        (Cause.PERSON, ["Resume sending"]),
        (Cause.RESTORED, ["Resume sending"]),
        (Cause.KEY_REFUSED, ["Keep it paused", "Resume sending"]),
        (Cause.ROBOTALKER_FAILING, ["Keep it paused", "Resume sending"]),
    ],
)
def test_every_page_shows_the_pause_and_its_buttons(
    desk: Client, address: str, cause: str, buttons: list[str]
) -> None:
    pause_sending(cause=cause)
    page = desk.get(address).content.decode()
    assert "All sending is paused." in page
    assert [words for words in ("Keep it paused", "Resume sending") if f"{words}</button>" in page] == buttons


def test_the_front_desk_sees_the_pause_and_no_button() -> None:
    """Pausing all sending, and resuming, also after a restore, are a manager's (product rules 25 and 63)."""
    desk = Client()
    desk.force_login(make_user("tom", role=FRONT_DESK))
    pause_sending(cause=Cause.RESTORED)
    page = desk.get("/").content.decode()
    assert "until a manager checks what was sent since then" in page
    assert "/sending/" not in page
    for address in ("/sending/resume/", "/sending/pause/"):
        assert desk.post(address, {"deed": "send"}).status_code == 403
    assert read_switch().cause == Cause.RESTORED


def test_keeping_it_paused_makes_it_a_pause_by_that_user(desk: Client, rosa: User) -> None:
    pause_sending(cause=Cause.ROBOTALKER_FAILING)
    desk.post("/sending/pause/")
    assert (read_switch().cause, read_switch().by, read_switch().probe_at) == (Cause.PERSON, rosa, None)


def test_a_closed_gate_shows_no_banner(desk: Client) -> None:
    close_gate(60)
    assert 'class="banner"' not in desk.get("/").content.decode()
