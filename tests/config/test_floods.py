"""Forged, slow, huge and half-open requests change no row, and leave the pages of staff as they were.

FLOOD is how many. With FLOOD=10000, as for docs/security.md, the pages of staff must be quick meanwhile, too.
"""

import os
import socket
import time
from collections import Counter
from contextlib import ExitStack
from statistics import median, quantiles
from threading import Event, Thread

import pytest
from django.conf import settings
from django.test import Client

from tests.people import make_appointment, make_user
from tests.table_contents import read_digests
from tests.web_process import ask, exchange, run_web_process
from webhooks.refusal_counts import forget_refusals, read_refusals

pytestmark = pytest.mark.django_db(transaction=True)

FLOOD = int(os.environ.get("FLOOD", "400"))
SENDERS = 4
HELD = 40  # connections of each kind that stay open all the time
TIMED_FROM = 10_000  # requests; the tests of every day measure no time, since other work would change it
QUICK_PAGE = 0.2  # seconds, for 19 of 20 pages
HEAD = b"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
EVENT = b'{"event": "contact.optout", "to": "+12025550100"}'
TOKEN = b"/hooks/robotalker/%d.c.AAAAAAAAAAAAAAAA.status.callboard:1rTk2x:%s"


def write_request(number: int) -> tuple[bytes, set[int]]:
    """One of eight kinds of request, and the statuses that refuse it."""
    event = JSON + b"Content-Length: %d\r\n\r\n" % len(EVENT) + EVENT
    match number % 8:
        case 0 | 1:
            return HEAD % (b"POST", TOKEN % (number, b"x" * 43)) + event, {404}
        case 2:
            return HEAD % (b"POST", b"/hooks/robotalker/") + event, {404}
        case 3:
            return HEAD % (
                b"POST",
                b"/api/v1/opt-outs/",
            ) + b"Authorization: Bearer x%d\r\n" % number + event, {
                401,
                429,
            }
        case 4:
            return HEAD % (b"POST", b"/login/") + b"Content-Length: 314572800\r\n\r\n" + b"x" * 9_000, {413}
        case 5:
            return HEAD % (b"POST", b"/hooks/robotalker/x") + CHUNKED + b"zz\r\n", {400}
        case 6:
            return HEAD % (b"POST", b"/contacts/new/") + b"Content-Length: 3\r\n\r\na=b", {403}
        case _:
            return HEAD.replace(b"localhost", b"example.org") % (b"GET", b"/") + b"\r\n", {400}


KINDS = [
    "forged address",
    "forged address",
    "no address",
    "API with a wrong token",
    "300 MB to log in",
    "bad chunk",
    "form without its token",
    "foreign host",
]
HELD_OPEN = [
    b"",
    b"POST /login/ HTT",
    HEAD % (b"POST", b"/imports/new/") + b"Content-Length: 5000000\r\n\r\n" + b"x" * 1000,
    HEAD % (b"POST", b"/hooks/robotalker/x") + b"Content-Length: 400\r\n\r\nx",
    HEAD % (b"GET", b"/static/vendor/event-calendar/event-calendar.min.js") + b"\r\n",
]


def send_flood(port: int, first: int, wrong: list[str], answers: list[tuple[str, int]]) -> None:
    for number in range(first, FLOOD, SENDERS):
        request, refusals = write_request(number)
        status, _ = exchange(port, request)
        answers.append((KINDS[number % 8], status))
        if status not in refusals | {0}:  # 0: the connection was reset before the answer could be read
            wrong.append(f"{status} for {request[:70]!r}")


def measure_page(port: int, session: str) -> float:
    """How many seconds Today takes."""
    started = time.perf_counter()
    status, body = ask(port, "/", f"Cookie: {settings.SESSION_COOKIE_NAME}={session}", timeout=30)
    assert status == 200
    assert b"Sarah" in body
    return time.perf_counter() - started


def measure_pages(port: int, session: str, done: Event, seconds: list[float], wrong: list[str]) -> None:
    while not done.is_set():
        try:
            seconds.append(measure_page(port, session))
        except AssertionError:
            wrong.append("a page of staff was not answered")
        done.wait(0.1)


def print_figures(answers: Counter[tuple[str, int]], seconds: list[float], alone: float) -> None:
    """As a table, which `FLOOD=10000` and `-s` show."""
    lines = [
        f"| {kind} | {status or 'reset'} | {count} |" for (kind, status), count in sorted(answers.items())
    ]
    lines += [f"| {len(HELD_OPEN)} kinds of half-open and slow | held | {len(HELD_OPEN) * HELD} |"]
    slow = quantiles(seconds, n=20)[-1]
    figures = f"median {median(seconds):.3f} s, 95 of 100 within {slow:.3f} s, longest {max(seconds):.3f} s"
    figures += f"; without a flood median {alone:.3f} s"
    print("", "| request | answer | count |", "| --- | --- | ---: |", *lines, sep="\n")  # noqa: T201
    print(f"{len(seconds)} pages of staff meanwhile: {figures}; no row changed")  # noqa: T201


def test_a_flood_changes_no_row_and_leaves_the_pages_of_staff_as_fast() -> None:
    make_appointment()
    client = Client()
    client.force_login(make_user())
    session, done = client.session.session_key or "", Event()
    seconds: list[float] = []
    wrong: list[str] = []
    answers: list[tuple[str, int]] = []
    forget_refusals()
    with run_web_process("--workers", "2", "--threads", "8") as port, ExitStack() as held:
        for _ in range(6):  # both workers read their templates
            measure_page(port, session)
        alone = median(measure_page(port, session) for _ in range(10))
        before = read_digests()
        for begun in HELD_OPEN * HELD:
            held.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(begun)
        staff = Thread(target=measure_pages, args=[port, session, done, seconds, wrong])
        senders = [Thread(target=send_flood, args=[port, first, wrong, answers]) for first in range(SENDERS)]
        for thread in [staff, *senders]:
            thread.start()
        for thread in senders:
            thread.join()
        done.set()
        staff.join()
    assert not wrong
    assert read_digests() == before
    assert sum(read_refusals().values()) >= FLOOD // 8 * 2, "the forged ones are counted"
    assert len(answers) == FLOOD
    print_figures(Counter(answers), seconds, alone)
    if FLOOD >= TIMED_FROM:
        assert quantiles(seconds, n=20)[-1] < QUICK_PAGE
