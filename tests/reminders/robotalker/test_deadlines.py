"""What is over time is acted on, once, whatever else is still in time."""

import os
import threading
import time

import pytest

from reminders.robotalker.deadlines import DEADLINES, Deadlines

LONG = 30.0  # seconds; far longer than any of these tests may take


def in_seconds(seconds: float) -> float:
    return time.monotonic() + seconds


def test_what_is_over_time_is_acted_on_and_what_is_in_time_is_not() -> None:
    deadlines, late, in_time = Deadlines(), threading.Event(), threading.Event()
    deadlines.set("in time", in_seconds(LONG), in_time.set)
    deadlines.set("late", in_seconds(0.01), late.set)  # a nearer one, while the thread waits for the other
    assert late.wait(LONG)
    assert not in_time.is_set()


def test_what_is_forgotten_in_time_is_never_acted_on() -> None:
    deadlines, forgotten, later = Deadlines(), threading.Event(), threading.Event()
    with deadlines._changed:  # so that its thread sees neither before the other
        deadlines.set("forgotten", in_seconds(-1), forgotten.set)
        deadlines.forget("forgotten")
    deadlines.set("later", in_seconds(0.01), later.set)
    assert later.wait(LONG)
    assert not forgotten.is_set()


def test_a_deadline_that_is_over_already_is_acted_on_at_once_and_only_once() -> None:
    deadlines, acted, after = Deadlines(), [], threading.Event()
    deadlines.set("over", in_seconds(-1), lambda: acted.append("over"))
    deadlines.set("after", in_seconds(0.05), after.set)
    assert after.wait(LONG)
    assert acted == ["over"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # later Pythons say that a child may hang
def test_a_forked_process_has_deadlines_of_its_own() -> None:
    DEADLINES.set("the parent's", in_seconds(LONG), lambda: None)  # so that its thread runs
    child = os.fork()
    if not child:
        acted = threading.Event()
        DEADLINES.set("the child's", in_seconds(0.01), acted.set)
        os._exit(0 if acted.wait(LONG) else 1)
    DEADLINES.forget("the parent's")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
