"""Resuming all sending: at once, or after the question what becomes of what fell due (product rule 29)."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reminders.models import Reminder, SendingSwitch
from reminders.traffic.switch import Cause, pause_sending, read_switch
from tests.office import act
from tests.people import make_contact, make_due_reminder

pytestmark = pytest.mark.django_db

RESUME = "/sending/resume/"


@pytest.fixture
def pause() -> SendingSwitch:
    pause_sending()
    SendingSwitch.objects.update(paused_at=timezone.now() - timedelta(hours=2))
    return read_switch()


def make_fallen_due(count: int, *, too_late: int = 0) -> None:
    now = timezone.now()
    for last in range(count + too_late):
        reminder = make_due_reminder(make_contact(number=f"+120255501{last:02}"))
        ends = now - timedelta(minutes=1) if last >= count else now + timedelta(hours=2)
        Reminder.objects.filter(pk=reminder.pk).update(due_at=now - timedelta(hours=1), not_after=ends)


def answer(pause: SendingSwitch, deed: str) -> dict[str, str]:
    assert pause.paused_at is not None
    return {"deed": deed, "paused_at": pause.paused_at.isoformat()}


def read_states() -> set[tuple[str, str]]:
    return set(Reminder.objects.values_list("state", "reason"))


def test_sending_resumes_at_once_if_nothing_fell_due(office: Client, pause: SendingSwitch) -> None:
    assert office.post(RESUME).status_code == 303
    assert read_switch().paused_at is None


def test_what_is_only_too_late_needs_no_answer(office: Client, pause: SendingSwitch) -> None:
    make_fallen_due(0, too_late=1)
    assert office.post(RESUME).status_code == 303
    assert read_switch().paused_at is None


def test_else_it_asks_with_the_numbers_and_stays_paused(office: Client, pause: SendingSwitch) -> None:
    make_fallen_due(2, too_late=1)
    for page in (office.post(RESUME), office.get(RESUME)):
        said = page.content.decode()
        assert page.status_code == 200
        assert "3 reminders fell due during the pause." in said
        assert "2 are still in time." in said
        assert "1 is too late by now" in said
        assert "Send the 2 still in time</button>" in said
        assert "Skip these 2 and resume</button>" in said
        assert read_switch().paused_at is not None


@pytest.mark.parametrize(
    ("deed", "state"), [("send", ("planned", "")), ("skip", ("skipped", "skipped_after_pause"))]
)
def test_one_press_answers_and_resumes(
    office: Client, sam: User, pause: SendingSwitch, deed: str, state: tuple[str, str]
) -> None:
    make_fallen_due(2)
    assert office.post(RESUME, answer(pause, deed)).status_code == 303
    assert (read_switch().paused_at, read_switch().by) == (None, sam)
    assert read_states() == {state}


def test_an_answer_about_an_earlier_pause_is_asked_again(office: Client, pause: SendingSwitch) -> None:
    make_fallen_due(1)
    SendingSwitch.objects.update(paused_at=timezone.now() - timedelta(minutes=1))
    assert office.post(RESUME, answer(pause, "skip")).status_code == 200
    assert read_states() == {("planned", "")}
    assert read_switch().paused_at is not None


@pytest.mark.parametrize("deed", ["", "everything"])
def test_any_other_answer_is_asked_again(office: Client, pause: SendingSwitch, deed: str) -> None:
    make_fallen_due(1)
    assert office.post(RESUME, answer(pause, deed)).status_code == 200
    assert read_states() == {("planned", "")}


def test_an_answer_after_somebody_else_has_resumed_changes_nothing(
    office: Client, pause: SendingSwitch
) -> None:
    make_fallen_due(1)
    SendingSwitch.objects.update(paused_at=None, cause="")
    page = office.post(RESUME, answer(pause, "skip"), follow=True).content.decode()
    assert "Sending is on already." in page
    assert read_states() == {("planned", "")}


@pytest.mark.parametrize("cause", [Cause.RESTORED, Cause.KEY_REFUSED, Cause.ROBOTALKER_FAILING])
def test_whoever_ends_another_pause_is_asked_as_well(
    office: Client, pause: SendingSwitch, cause: str
) -> None:
    make_fallen_due(1)
    SendingSwitch.objects.update(cause=cause)
    assert "Send the 1 still in time" in office.post(RESUME).content.decode()


def test_the_action_in_the_admin_leads_to_the_question(office: Client, pause: SendingSwitch) -> None:
    make_fallen_due(1)
    page = act(office, SendingSwitch, "resume", SendingSwitch.objects.get())
    assert "Resume sending?" in page
    assert read_switch().paused_at is not None
