"""An action is called once, when its deadline passes."""

import os
import threading
import time

import pytest

from reminders.robotalker.transport import DEADLINES, Deadlines

LONG = 30.0  # seconds; far longer than any of these tests may take


def in_seconds(seconds: float) -> float:
    return time.monotonic() + seconds


def test_only_the_action_whose_deadline_has_passed_is_called() -> None:
    deadlines, late, in_time = Deadlines(), threading.Event(), threading.Event()
    deadlines.set("in time", in_seconds(LONG), in_time.set)
    deadlines.set("late", in_seconds(0.01), late.set)  # an earlier one, while the thread waits for the other
    assert late.wait(LONG)
    assert not in_time.is_set()


def test_a_cancelled_action_is_not_called() -> None:
    deadlines, forgotten, later = Deadlines(), threading.Event(), threading.Event()
    with deadlines._changed:  # so that its thread sees both changes at once
        deadlines.set("forgotten", in_seconds(-1), forgotten.set)
        deadlines.forget("forgotten")
    deadlines.set("later", in_seconds(0.01), later.set)
    assert later.wait(LONG)
    assert not forgotten.is_set()


def test_an_action_whose_deadline_has_already_passed_is_called_once() -> None:
    deadlines, acted, after = Deadlines(), [], threading.Event()
    deadlines.set("over", in_seconds(-1), lambda: acted.append("over"))
    deadlines.set("after", in_seconds(0.05), after.set)
    assert after.wait(LONG)
    assert acted == ["over"]


@pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"
)  # newer Python versions warn that a forked child may hang
def test_a_forked_process_has_its_own_deadlines() -> None:
    DEADLINES.set("the parent's", in_seconds(LONG), lambda: None)  # so that its thread runs
    child = os.fork()
    if not child:
        acted = threading.Event()
        DEADLINES.set("the child's", in_seconds(0.01), acted.set)
        os._exit(0 if acted.wait(LONG) else 1)
    DEADLINES.forget("the parent's")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
