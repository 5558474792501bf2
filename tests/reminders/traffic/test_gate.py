"""What each answer of Robotalker means for all workers: the gate, the breaker, and which pause counts."""

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from contacts.database.clock import read_database_clock
from reminders.models import SendingSwitch
from reminders.robotalker.errors import ServerError
from reminders.traffic.gate import (
    Gate,
    cap_requested_wait,
    close_gate,
    closing_time,
    count_error,
    count_failure,
    count_success,
    pause_for_refused_key,
    read_gate,
)
from reminders.traffic.switch import Cause, pause_sending, probe_wait, read_switch, resume_sending
from tests.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def rosa() -> User:
    return make_user("rosa")


def move_into_the_past(seconds: float) -> None:
    """As if the gate had closed, and sending had been paused, this many seconds earlier."""
    switch = SendingSwitch.objects.get()
    for name in ("gate_until", "paused_at", "probe_at"):
        moment = getattr(switch, name)
        setattr(switch, name, moment and moment - timedelta(seconds=seconds))
    switch.save()


def test_the_gate_is_open_before_any_request() -> None:
    assert read_gate() == Gate(paused=False, closed_for=0.0)


def test_reading_the_gate_takes_one_query() -> None:
    close_gate(5)
    with CaptureQueriesContext(connection) as queries:
        read_gate()
    assert len(queries) == 1


def test_a_429_closes_the_gate_for_as_long_as_robotalker_asks() -> None:
    close_gate(40)
    assert 38 < read_gate().closed_for <= 40
    assert not read_gate().paused


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (None, None),
        (math.nan, None),
        (-5.0, None),
        (0.0, None),
        (0.2, 1),
        (7.0, 7),
        (1e9, 900),
        (math.inf, 900),
    ],
)
def test_a_retry_after_is_capped_and_an_unusable_one_is_ignored(
    retry_after: float | None, seconds: float | None
) -> None:
    assert cap_requested_wait(retry_after) == (seconds and timedelta(seconds=seconds))


def test_without_a_retry_after_it_closes_at_random_for_longer_each_time_up_to_half_a_minute() -> None:
    longest = [max(closing_time(closings) for _ in range(500)).total_seconds() for closings in (1, 3, 5, 99)]
    assert 1.5 < longest[0] <= 2
    assert 6 < longest[1] <= 8
    assert 25 < longest[2] <= 30
    assert 25 < longest[3] <= 30
    assert min(closing_time(99) for _ in range(500)).total_seconds() < 5, "full jitter"
    assert min(closing_time(1) for _ in range(500)).total_seconds() >= 1, (
        "answers to requests already begun find it closed"
    )


def test_each_closing_in_a_row_is_counted() -> None:
    for closings in (1, 2, 3):
        close_gate(None)
        assert SendingSwitch.objects.get().gate_closings == closings
        move_into_the_past(60)


def test_429s_of_requests_begun_before_it_closed_count_as_the_same_closing() -> None:
    asked_at = read_database_clock()
    for _ in range(5):
        close_gate(None)
    move_into_the_past(60)
    SendingSwitch.objects.update(gate_until=Now())
    for _ in range(5):
        close_gate(None, asked_at=asked_at)
    assert read_gate().closed_for == 0
    assert SendingSwitch.objects.get().gate_closings == 1


def test_a_429_of_a_request_begun_before_may_lengthen_the_closing_but_not_shorten_it() -> None:
    asked_at = read_database_clock()
    close_gate(10)
    close_gate(60, asked_at=asked_at)
    assert read_gate().closed_for > 55
    close_gate(2)
    close_gate(None, asked_at=asked_at)
    assert read_gate().closed_for > 55
    assert SendingSwitch.objects.get().gate_closings == 1


@pytest.mark.django_db(transaction=True)
def test_the_429s_of_all_workers_at_once_are_one_closing() -> None:
    together = Barrier(4)

    def work(_: int) -> None:
        try:
            together.wait()
            close_gate(30)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert SendingSwitch.objects.get().gate_closings == 1


def test_a_closed_gate_opens_when_its_time_is_over() -> None:
    close_gate(5)
    assert 4 < read_gate().closed_for <= 5
    move_into_the_past(5)
    assert read_gate() == Gate(paused=False, closed_for=0.0)


def test_a_good_answer_resets_the_counts() -> None:
    count_failure()
    close_gate(5)
    SendingSwitch.objects.update(probes=3)
    count_success()
    switch = SendingSwitch.objects.get()
    assert (switch.failures, switch.gate_closings, switch.probes) == (0, 0, 0)
    assert read_gate().closed_for > 0, "the time that Robotalker asked for still counts"


def test_after_a_pause_only_an_accepted_call_resets_the_counts() -> None:
    count_failure()
    count_success(of_call=False)
    assert SendingSwitch.objects.get().failures == 0, "without a pause any good answer counts"
    SendingSwitch.objects.update(failures=4, probes=2)
    count_success(of_call=False)
    assert (SendingSwitch.objects.get().failures, SendingSwitch.objects.get().probes) == (4, 2)
    count_success()
    assert (SendingSwitch.objects.get().failures, SendingSwitch.objects.get().probes) == (0, 0)


def test_a_good_answer_writes_nothing_when_there_was_no_failure() -> None:
    count_failure()
    count_success()
    with CaptureQueriesContext(connection) as queries:
        count_success()
    assert len(queries) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text FROM reminders_sendingswitch")
        before = cursor.fetchone()  # the position of the row, which each UPDATE changes
        count_success()
        cursor.execute("SELECT ctid::text FROM reminders_sendingswitch")
        assert cursor.fetchone() == before


def test_failures_in_a_row_pause_all_sending(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.ROBOTALKER_BREAKER = 3
    for _ in range(2):
        count_failure()
    count_success()
    for _ in range(2):
        count_failure()
    assert not read_gate().paused, "not in a row"
    count_error(ServerError(status=503), asked_at=read_database_clock())
    switch = read_switch()
    assert (switch.cause, read_gate().paused) == (Cause.ROBOTALKER_FAILING, True)
    assert "Robotalker failed 3 times in a row, at last:" in caplog.text
    assert "(503)" in caplog.text
    assert switch.probe_at is not None
    assert 0 < (switch.probe_at - read_database_clock()).total_seconds() <= 15


def test_a_failure_of_a_request_begun_before_sending_was_resumed_does_not_pause_it(
    settings: Settings, rosa: User
) -> None:
    settings.ROBOTALKER_BREAKER = 1
    asked_at = read_database_clock()
    count_failure(asked_at=asked_at)
    resume_sending(by=rosa)
    count_failure(asked_at=asked_at)
    assert not read_gate().paused
    count_failure(asked_at=read_database_clock())
    assert read_gate().paused


def test_a_401_of_a_request_begun_before_sending_was_resumed_does_not_pause_it(rosa: User) -> None:
    asked_at = read_database_clock()
    pause_for_refused_key(asked_at=asked_at)
    assert read_switch().cause == Cause.KEY_REFUSED
    resume_sending(by=rosa)
    pause_for_refused_key(asked_at=asked_at)
    assert not read_gate().paused
    pause_for_refused_key(asked_at=read_database_clock())
    assert read_switch().cause == Cause.KEY_REFUSED


@pytest.mark.django_db(transaction=True)
def test_failures_of_several_workers_at_once_are_all_counted(settings: Settings) -> None:
    settings.ROBOTALKER_BREAKER = 100
    together = Barrier(4)

    def work(_: int) -> None:
        try:
            together.wait()
            for _ in range(5):
                count_failure()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert SendingSwitch.objects.get().failures == 20


@pytest.mark.parametrize("cause", [Cause.KEY_REFUSED, Cause.ROBOTALKER_FAILING])
def test_a_persons_pause_replaces_a_pause_because_of_robotalker(cause: str, rosa: User) -> None:
    pause_sending(cause=cause)
    assert read_switch().probe_at is not None
    pause_sending(by=rosa)
    switch = read_switch()
    assert (switch.cause, switch.by, switch.probe_at) == (Cause.PERSON, rosa, None)


@pytest.mark.parametrize("cause", [Cause.KEY_REFUSED, Cause.ROBOTALKER_FAILING])
@pytest.mark.parametrize("first", [Cause.PERSON, Cause.RESTORED])
def test_a_pause_because_of_robotalker_does_not_replace_one_that_waits_for_a_person(
    first: str, cause: str
) -> None:
    pause_sending(cause=first)
    before = read_switch().paused_at
    pause_sending(cause=cause)
    switch = read_switch()
    assert (switch.cause, switch.paused_at, switch.probe_at) == (first, before, None)


@pytest.mark.parametrize("cause", [Cause.PERSON, Cause.KEY_REFUSED, Cause.ROBOTALKER_FAILING])
def test_a_restored_database_replaces_any_other_cause_of_a_pause(cause: str, rosa: User) -> None:
    pause_sending(cause=cause)
    pause_sending(cause=Cause.RESTORED)
    pause_sending(by=rosa)
    assert (read_switch().cause, read_switch().probe_at) == (Cause.RESTORED, None)


def test_a_second_persons_pause_does_not_replace_the_first_ones(rosa: User) -> None:
    pause_sending(by=rosa)
    pause_sending(by=make_user("mia"))
    assert read_switch().by == rosa


@pytest.mark.parametrize("cause", list(Cause))
def test_a_person_may_resume_sending_whatever_the_cause(cause: str, rosa: User) -> None:
    pause_sending(cause=cause)
    SendingSwitch.objects.update(failures=9, probes=4)
    resume_sending(by=rosa)
    switch = read_switch()
    assert (switch.paused_at, switch.cause, switch.probe_at) == (None, "", None)
    assert (switch.failures, switch.probes, switch.by) == (0, 0, rosa)
    assert read_gate() == Gate(paused=False, closed_for=0.0)


def test_resuming_while_nothing_is_paused_changes_nothing(rosa: User) -> None:
    close_gate(30)
    move_into_the_past(60)
    resume_sending(by=rosa)
    assert read_switch().by is None


def test_resuming_does_not_open_a_closed_gate(rosa: User) -> None:
    close_gate(30)
    pause_sending(by=rosa)
    resume_sending(by=rosa)
    assert read_gate().closed_for > 25


@pytest.mark.parametrize(
    ("probes", "seconds"), [(0, 15), (1, 30), (2, 60), (4, 240), (5, 300), (10_000, 300)]
)
def test_each_probe_waits_longer_up_to_five_minutes(probes: int, seconds: int) -> None:
    waits = [probe_wait(probes).total_seconds() for _ in range(200)]
    assert seconds * 0.75 <= min(waits) < seconds * 0.8
    assert seconds * 0.95 < max(waits) <= seconds
