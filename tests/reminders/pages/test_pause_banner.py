"""The banner while sending is paused: what happened, what Callboard does, what a person may do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from reminders.models import SendingSwitch
from reminders.pages.pause_banner import describe_pause
from reminders.traffic.gate import close_gate
from reminders.traffic.switch import Cause, pause_sending, read_switch

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 7, 14, 13, 30, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def rosa() -> User:
    return User.objects.create_user(
        "rosa", first_name="Rosa", last_name="Quint 100%", password="a quiet desk"
    )


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


def tell(cause: str, *, by: User | None = None, asked_again_in: int | None = None) -> str:
    """The words for a pause since 9:05 at New York, on 14 July at 9:30."""
    switch = SendingSwitch(
        paused_at=NOW - timedelta(minutes=25),
        cause=cause,
        by=by,
        probe_at=None if asked_again_in is None else NOW + timedelta(minutes=asked_again_in),
    )
    with time_machine.travel(NOW):  # the year isn't said when it is this one
        pause = describe_pause(switch, NOW, NEW_YORK)
    assert pause is not None
    assert pause.ends_by_itself is (asked_again_in is not None)
    return pause.words


def test_nothing_is_told_while_sending_is_on() -> None:
    assert describe_pause(SendingSwitch(), NOW, NEW_YORK) is None


def test_a_persons_pause_is_told_by_name(rosa: User) -> None:
    assert tell(Cause.PERSON, by=rosa) == (
        "Rosa Quint 100% paused it on Tue 14 Jul at 9:05. No call goes out until it is switched on again."
    )


def test_a_refused_key_is_told_with_what_to_do() -> None:
    assert tell(Cause.KEY_REFUSED, asked_again_in=2) == (
        "Robotalker refused the API key on Tue 14 Jul at 9:05. "
        "Callboard asks it again at 9:32, and goes on by itself when all is well. "
        "No reminder is lost. If the key was changed, whoever runs Callboard puts the right one in."
    )


def test_a_failing_robotalker_is_told_with_what_callboard_does() -> None:
    assert tell(Cause.ROBOTALKER_FAILING, asked_again_in=0) == (
        "Robotalker failed again and again, the last time on Tue 14 Jul at 9:05. "
        "Callboard is asking it again just now, and goes on by itself when all is well. "
        "What is due waits. You may also send again now."
    )


def test_a_restored_database_waits_for_somebody_who_looks() -> None:
    assert tell(Cause.RESTORED) == (
        "The database was restored or moved on Tue 14 Jul at 9:05. "
        "Nothing is sent until somebody looks at what was sent since, and presses Send again."
    )


@pytest.mark.parametrize("address", ["/", "/worklist/", "/pulse/"])
@pytest.mark.parametrize(
    ("cause", "buttons"),
    [
        (Cause.PERSON, ["Send again"]),
        (Cause.RESTORED, ["Send again"]),
        (Cause.KEY_REFUSED, ["Keep it paused", "Send again"]),
        (Cause.ROBOTALKER_FAILING, ["Keep it paused", "Send again"]),
    ],
)
def test_every_page_tells_it_with_what_a_person_may_do(
    desk: Client, address: str, cause: str, buttons: list[str]
) -> None:
    pause_sending(cause=cause)
    page = desk.get(address).content.decode()
    assert "All sending is paused." in page
    assert [words for words in ("Keep it paused", "Send again") if f"{words}</button>" in page] == buttons


def test_a_pause_that_a_person_keeps_is_theirs(desk: Client, rosa: User) -> None:
    pause_sending(cause=Cause.ROBOTALKER_FAILING)
    desk.post("/sending/pause/")
    assert (read_switch().cause, read_switch().by, read_switch().probe_at) == (Cause.PERSON, rosa, None)


def test_a_closed_gate_is_nobodys_business(desk: Client) -> None:
    close_gate(60)
    assert 'class="banner"' not in desk.get("/").content.decode()
