"""Dying at every point where it could matter: before and after each commit, and each request.

A round (planning, dispatch, the events that come back) runs in a child process. At the n-th such point it
sends itself SIGKILL. The hooks sit around Django's commit and the client's `send`; the product knows nothing
of them.
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
WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY")

_context = multiprocessing.get_context("forkserver")


class Points:
    """Counts the points passed, and dies at one of them. Threads may share it."""

    def __init__(self, die_at: int) -> None:
        self.die_at, self.passed = die_at, 0
        self._lock = threading.Lock()

    def pass_one(self) -> None:
        """One point; the last thing this process does if it is the one to die at."""
        with self._lock:
            self.passed += 1
            if self.passed == self.die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def around(self) -> Iterator[None]:
        self.pass_one()
        yield
        self.pass_one()

    def install(self) -> None:
        """Put a point before and after each commit, of transactions and of single statements, and request."""
        from django.db.backends.base.base import BaseDatabaseWrapper
        from django.db.backends.signals import connection_created

        from reminders.robotalker.transport import PlainSession

        self._wrap(BaseDatabaseWrapper, "commit")
        self._wrap(PlainSession, "send")
        connection_created.connect(self._watch, weak=False)

    def _wrap(self, owner: type, name: str) -> None:
        original = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.around():
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


def run_round(die_at: int, settings: Mapping[str, Any], numbers: Collection[str]) -> bool:
    """One round in a process of its own, under these settings; True if it came to its end alive.

    `numbers` are those whose events come back in it.

    Raises RuntimeError when it ended in any other way.
    """
    _context.set_forkserver_preload(["tests.torture.warm_round"])
    process = _context.Process(target=_live, args=(die_at, dict(settings), list(numbers)))
    process.start()
    process.join(60)
    code = process.exitcode
    process.kill()
    process.join()
    process.close()
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"The round ended with {code} instead of living or dying.")
    return code == 0


def _live(die_at: int, changes: dict[str, Any], numbers: list[str]) -> None:
    from django.conf import settings

    for name, value in changes.items():
        setattr(settings, name, value)
    Points(die_at).install()
    from reminders.dispatch.rounds import dispatch_due
    from reminders.planning.planner import plan_all

    plan_all()
    dispatch_due()
    deliver_events(changes["ROBOTALKER_BASE_URL"], numbers)


def deliver_events(sandbox_url: str, numbers: Collection[str]) -> None:
    """Everything that Robotalker tells of these numbers, to the door in this very process, in its order."""
    from django.test import Client

    wait_until(lambda: _are_over(sandbox_url, numbers), "the calls to end")
    door = Client()
    for post in _ask(sandbox_url, "posts", numbers):
        path = urlsplit(post["url"]).path
        answer = door.post(path, json.dumps(post["body"]), content_type="application/json")
        assert answer.status_code == 200, answer.status_code


def _are_over(sandbox_url: str, numbers: Collection[str]) -> bool:
    """Each call has ended, and each text message was answered."""
    calls, texts = _ask(sandbox_url, "calls", numbers), _ask(sandbox_url, "sms", numbers)
    answered = {sms["to"] for sms in texts if sms["inbound"]}
    return all(call["state"] == "ended" for call in calls) and all(sms["to"] in answered for sms in texts)


def _ask(sandbox_url: str, what: str, numbers: Collection[str]) -> list[Json]:
    with requests.Session() as session:
        session.trust_env = False
        answer: Json = session.get(f"{sandbox_url}/sandbox/{what}", timeout=10).json()
    found: list[Json] = next(iter(answer.values()))
    return [one for one in found if (one.get("body") or one)["to"] in numbers]
