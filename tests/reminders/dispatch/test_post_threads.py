"""The threads that POST: how many there are, how many calls are opened ahead, and what a failure holds."""

from threading import Event

import pytest
from pytest_django import Settings

from reminders.dispatch.post_threads import MOST_AHEAD, AnswerTime, answer_time, open_post_threads
from reminders.dispatch.submission import FRESH_FOR, Accepted, Moment, Submission
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import ConnectionRefused, Rejected, RobotalkerError
from reminders.traffic.local_faults import HeldBack


@pytest.mark.parametrize(
    ("rate", "seconds", "threads"),
    [
        ("100/second", 0.15, 23),  # fifteen are always under way, and not all answers take as long
        ("20/second", 0.15, 8),
        ("100/minute", 0.15, 8),
        ("100/second", None, 8),
        ("1000/second", 0.15, 32),
    ],
)
def test_there_are_as_many_threads_as_the_rate_needs(
    rate: str, seconds: float | None, threads: int, settings: Settings
) -> None:
    settings.ROBOTALKER_RATE = rate
    time = AnswerTime()
    time.seconds = seconds
    assert time.count_threads(32) == threads
    assert time.count_threads(2) == 2


@pytest.mark.parametrize(
    ("rate", "seconds", "ahead"),
    [
        ("1000/second", None, 0),
        ("1000/second", 2.0, 0),
        ("1000/second", 0.1, 16),
        ("1000/second", 0.0001, MOST_AHEAD),
        ("20/second", 0.0001, 4),
    ],
)
def test_no_more_calls_are_opened_ahead_than_are_begun_in_a_fifth_of_a_second(
    rate: str, seconds: float | None, ahead: int, settings: Settings
) -> None:
    settings.ROBOTALKER_RATE = rate
    time = AnswerTime()
    time.seconds = seconds
    assert time.count_ahead(8) == ahead


def accept(_client: RobotalkerClient) -> Accepted:
    return Accepted("cal_1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "held"), [(ConnectionRefused(), 2), (Rejected(status=400), 0)], ids=lambda case: str(case)
)
def test_what_waits_is_held_after_a_failure_that_the_next_request_may_meet_too(
    error: RobotalkerError, held: int
) -> None:
    may_end = Event()

    def fail(_client: RobotalkerClient) -> Accepted:
        may_end.wait()
        raise error

    with open_post_threads(1) as threads:
        for post in (fail, accept, accept):
            threads.start(Submission([], None, post, Moment()))
        may_end.set()
        results = threads.wait_for_results()
        while threads.busy:
            results += threads.wait_for_results()
        assert [result.error for result in results] == [error, None, None]
        assert [result.is_held for result in results].count(True) == held
        assert (answer_time.seconds is None) == bool(held), "nothing is opened ahead until one is accepted"
        assert threads.take_back() == []
        threads.start(Submission([], None, accept, Moment()))
        [result] = threads.wait_for_results()
        assert result.accepted.robotalker_id == "cal_1"


def test_a_call_whose_last_look_is_too_old_is_not_begun() -> None:
    opened = Moment()
    opened._wall -= FRESH_FOR + 1
    result = Submission([], None, accept, opened).submit_with(None)  # type: ignore[arg-type]
    assert isinstance(result.error, HeldBack)
