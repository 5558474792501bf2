"""The two long paths through the code, followed as a reader would follow them, while they really run.

An opening: from dispatch_due() to the client's POST of one claimed reminder.
An event: from a POST of `call.completed` with key 1 to the commit that confirms the appointment.

How it is counted: a reader follows the calls in their order, and reads each function once, the first time
that it is entered. A visit is each move of the reader into another of our files:

- into the file of a function that is read now (from its caller's file: a reader who is elsewhere goes there
  first, which is a visit, too);
- back into the caller's file when that function returns, if more is read there: the caller goes on to
  another line, or calls another function that wasn't read yet.

Libraries aren't read, but our functions that they call are. The database backend counts as a library: below
each query it waits for the answer, and makes rows of it (config/postgresql/, contacts/database/). A
comprehension is read as part of its function. Where work is handed to other threads, the reader follows the
work. What happens only once in a process doesn't count: each path is run once before it is counted.
"""

import json
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FrameType
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import requests
from django.db import connection, transaction
from django.test import Client
from django.test.utils import override_settings

from contacts.models import Appointment
from reminders.dispatch import submission
from reminders.dispatch.post_threads import PostThreads
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord
from reminders.traffic.callback_urls import status_url
from tests.people import SARAH, make_contact, make_due_reminder
from tests.sandbox_server import SandboxServer
from tests.structure.source import PACKAGES, ROOT
from tests.webhooks.robotalker import ANSWERED
from webhooks.tasks import apply_new_events

PEOPLE = {"Sarah": SARAH, "Noah": "+12025550142"}
OPENING, EVENT = "an opening", "an event"
OURS = tuple(f"{ROOT / package}/" for package in PACKAGES)
BACKEND = (
    *("config/postgresql/base.py", "contacts/database/patience.py"),
    "contacts/database/quick_rows.py",
)
COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
HAND_OVER, SEND = PostThreads.start.__code__, requests.Session.send.__code__


@dataclass
class Way:
    """The files in the order in which the reader visits them, and how many functions and lines are read."""

    visits: list[str] = field(default_factory=list)
    functions: int = 0
    lines: int = 0  # of these functions

    @property
    def files(self) -> list[str]:
        """Each file once, in the order of the first visit."""
        return list(dict.fromkeys(self.visits))

    @property
    def returns(self) -> int:
        """How often the reader comes back to a file left before."""
        return len(self.visits) - len(self.files)


class Reader:
    """A profile function that follows a path until its end."""

    def __init__(self) -> None:
        self.way = Way()
        self.is_over = False
        self._threads = [threading.get_ident()]  # the last one is followed
        self._is_handed_over = False
        self._read: set[CodeType] = set()
        self._stack: list[tuple[FrameType, bool]] = []  # with whether it is read for the first time
        self._came_back: tuple[FrameType, int] | None = None  # frame and line of the last visit, if a return

    def end(self) -> None:
        self.is_over = True

    def __call__(self, frame: FrameType, event: str, _arg: object) -> None:
        if self.is_over:
            sys.setprofile(None)
        elif event in {"call", "return"} and self._follows_this_thread(frame.f_code):
            if frame.f_code is SEND:
                self.end()
            elif frame.f_code is HAND_OVER:
                self._enter(frame)
                self._is_handed_over = True
            elif _is_ours(frame.f_code):
                self._enter(frame) if event == "call" else self._leave(frame)

    def _follows_this_thread(self, code: CodeType) -> bool:
        thread = threading.get_ident()
        if self._is_handed_over and thread not in self._threads and _is_ours(code):
            self._threads.append(thread)
            self._stack, self._is_handed_over = [], False
        return thread == self._threads[-1] and not self._is_handed_over

    def _enter(self, frame: FrameType) -> None:
        is_new = frame.f_code not in self._read
        if is_new:
            self._read.add(frame.f_code)
            self.way.functions += 1
            self.way.lines += _count_lines(frame.f_code)
            for read in [*(caller for caller, _ in self._stack[-1:]), frame]:
                self._look_into(read)
        self._stack.append((frame, is_new))

    def _leave(self, frame: FrameType) -> None:
        _, is_new = self._stack.pop()
        if self._came_back == (frame, frame.f_lineno):  # nothing more was read there
            self.way.visits.pop()
            self._came_back = None
        if is_new and self._stack:
            caller, _ = self._stack[-1]
            if self._look_into(caller):
                self._came_back = (caller, caller.f_lineno)

    def _look_into(self, frame: FrameType) -> bool:
        """Whether the reader has to move into another file for it."""
        file = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
        self._came_back = None
        if self.way.visits[-1:] == [file]:
            return False
        self.way.visits.append(file)
        return True


def read_ways(sandbox: SandboxServer) -> dict[str, Way]:
    """Run both paths in an empty database, with a sandbox in which no phone rings; leaves rows behind.

    Raises RuntimeError when one of them doesn't end where it should.
    """
    client = Client()
    ways: dict[str, Way] = {}
    with override_settings(ROBOTALKER_BASE_URL=sandbox.url, ROBOTALKER_API_KEY=sandbox.api_key):
        for name, number in PEOPLE.items():  # what is counted for the first is dropped: see above
            ways = {OPENING: _follow_opening(name, number), EVENT: _follow_event(client, number)}
    return ways


def _follow_opening(name: str, number: str) -> Way:
    make_due_reminder(make_contact(name, number=number))
    reader = Reader()
    # on a slow machine the first try would grow too old, and the way of a second one be counted with it
    with patch.object(submission, "FRESH_FOR", math.inf), _following(reader):
        report = dispatch_due()
    if not reader.is_over or report.calls != 1:
        raise RuntimeError(f"{name}'s reminder was not submitted")
    return reader.way


def _follow_event(client: Client, number: str) -> Way:
    call = CallRecord.objects.get(number__e164=number)
    body = json.dumps(ANSWERED | {"call_id": call.robotalker_id, "to": number})
    url = urlsplit(status_url(call))
    reader = Reader()

    def end_with_commit(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith(f'UPDATE "{Appointment._meta.db_table}"'):
            transaction.on_commit(reader.end)
        return execute(sql, *rest)

    post = partial(client.post, secure=url.scheme == "https", headers={"host": url.netloc})
    with connection.execute_wrapper(end_with_commit), _following(reader):
        post(url.path, body, "application/json")
        apply_new_events()  # as the worker that was told of it
    if not reader.is_over or not Appointment.objects.get(contact__phone__e164=number).is_confirmed:
        raise RuntimeError("the appointment was not confirmed")
    return reader.way


@contextmanager
def _following(reader: Reader) -> Iterator[None]:
    """Let the reader follow this thread, and new threads to which work is handed over."""
    before, before_in_threads = sys.getprofile(), threading.getprofile()
    threading.setprofile(reader)
    sys.setprofile(reader)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(before_in_threads)


def _count_lines(code: CodeType) -> int:
    return max(line or 0 for _, _, line in code.co_lines()) - code.co_firstlineno + 1


def _is_ours(code: CodeType) -> bool:
    file = code.co_filename
    return file.startswith(OURS) and not file.endswith(BACKEND) and code.co_name not in COMPREHENSIONS
