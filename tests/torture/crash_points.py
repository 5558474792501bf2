"""Crash a process at every point where it could matter: before and after each commit and each request.

A round (planning, dispatch, and the events that follow) runs in a child process, which sends itself SIGKILL
at the n-th such point. The hooks wrap Django's commit and the client's `send`; the application's code has
no part in them.

What a crash leaves behind is the same before a commit as after the last one: the database rolls back what
wasn't committed. So a round may count only the points at which something new is left.
"""

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.waiting import wait_until

Json = dict[str, Any]
QUICK_ANSWER = 0.001  # seconds
WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY")

_context = multiprocessing.get_context("forkserver")


class CrashPoints:
    """Counts the points reached and kills the process at one of them. Thread-safe.

    `only_new`: leaves out those before a commit, which leave the same behind as the point before them.
    """

    def __init__(self, crash_at: int, *, only_new: bool = False) -> None:
        self.crash_at, self.reached = crash_at, 0
        self._only_new = only_new
        self._lock = threading.Lock()

    def reach(self) -> None:
        """Count one point, and kill the process if this is the one to crash at."""
        with self._lock:
            self.reached += 1
            if self.reached == self.crash_at:
                os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def around(self, *, request: bool = False) -> Iterator[None]:
        if request or not self._only_new:
            self.reach()
        yield
        self.reach()

    def install(self) -> None:
        """Add a point before and after each request, each commit, and each write outside a transaction."""
        from django.db.backends.base.base import BaseDatabaseWrapper
        from django.db.backends.signals import connection_created

        from reminders.robotalker.transport import PlainSession

        self._wrap(BaseDatabaseWrapper, "commit", request=False)
        self._wrap(PlainSession, "send", request=True)
        connection_created.connect(self._watch, weak=False)

    def _wrap(self, owner: type, name: str, *, request: bool) -> None:
        original = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.around(request=request):
                return original(*args, **kwargs)

        setattr(owner, name, wrapped)

    def _watch(self, connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(self._execute)

    def _execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Mapping[str, Any]
    ) -> Any:
        writes = str(sql).lstrip().upper().startswith(WRITES)
        if context["connection"].in_atomic_block or not writes:
            return execute(sql, params, many, context)
        with self.around():
            return execute(sql, params, many, context)


def run_round(
    crash_at: int, settings: Mapping[str, Any], numbers: Collection[str], *, is_planned: bool = False
) -> bool:
    """Run one round in a child process with these settings; return True if it finished without crashing.

    `numbers`: the numbers whose events are delivered in it. `is_planned`: planning is done, so the round
    begins with dispatch, and crashes only where something new is left behind. Raises RuntimeError if the
    process ended in any way other than finishing or SIGKILL.
    """
    _context.set_forkserver_preload(["tests.torture.preload_round"])
    arguments = (crash_at, dict(settings), list(numbers), is_planned)
    process = _context.Process(target=_run_in_child, args=arguments)
    process.start()
    process.join(60)
    code = process.exitcode
    process.kill()
    process.join()
    process.close()
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"The round ended with exit status {code}, which is neither 0 nor SIGKILL.")
    return code == 0


def _run_in_child(crash_at: int, changes: dict[str, Any], numbers: list[str], is_planned: bool) -> None:
    from django.conf import settings

    from reminders.dispatch.post_threads import answer_time

    for name, value in changes.items():
        setattr(settings, name, value)
    answer_time.seconds = QUICK_ANSWER  # so that several calls are opened in one look
    CrashPoints(crash_at, only_new=is_planned).install()
    from reminders.dispatch.rounds import dispatch_due
    from reminders.planning.planner import plan_all

    if not is_planned:
        plan_all()
    dispatch_due()
    deliver_events(changes["ROBOTALKER_BASE_URL"], numbers)


def deliver_events(sandbox_url: str, numbers: Collection[str]) -> None:
    """Post all of the sandbox's events about these numbers to the webhook view of this process, in order, and
    apply them together, as a worker does.
    """
    from django.test import Client

    from webhooks.applying import apply_stored

    wait_until(lambda: _are_finished(sandbox_url, numbers), "the calls to end")
    client = Client()
    for post in _read_from_sandbox(sandbox_url, "posts", numbers):
        path = urlsplit(post["url"]).path
        answer = client.post(path, json.dumps(post["body"]), content_type="application/json")
        assert answer.status_code == 200, answer.status_code
    apply_stored()


def _are_finished(sandbox_url: str, numbers: Collection[str]) -> bool:
    """Whether every call has ended and every text message was answered."""
    calls, texts = (
        _read_from_sandbox(sandbox_url, "calls", numbers),
        _read_from_sandbox(sandbox_url, "sms", numbers),
    )
    answered = {sms["to"] for sms in texts if sms["inbound"]}
    return all(call["state"] == "ended" for call in calls) and all(sms["to"] in answered for sms in texts)


def _read_from_sandbox(sandbox_url: str, what: str, numbers: Collection[str]) -> list[Json]:
    with requests.Session() as session:
        session.trust_env = False
        answer: Json = session.get(f"{sandbox_url}/sandbox/{what}", timeout=10).json()
    found: list[Json] = next(iter(answer.values()))
    return [one for one in found if (one.get("body") or one)["to"] in numbers]
