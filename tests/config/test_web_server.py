"""Slow, half-open and huge requests take no thread and no disk; events have threads of their own."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.conf import settings
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker
from waitress.adjustments import Adjustments

from config.body_limit import READ_TO_ANSWER, find_body_limit
from config.web_server import (
    BODY_WITHIN,
    HEADERS_WITHIN,
    IDLE_FOR,
    LARGE,
    MOST_LARGE,
    PATIENCE_WHEN_CROWDED,
    SLOWEST_BODY,
    Connection,
    LimitedParser,
)
from reminders.robotalker.events import MAX_EVENT_BYTES
from tests.waiting import wait_until
from tests.web_process import ask, exchange, run_web_process

MANY = 60  # connections, of 4 threads
HALF = b"GET /login/ HTTP/1.1\r\nHost: loc"
SLOW_BODY = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx"
SLOW_EVENT = b"POST /hooks/robotalker/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx"
UNREAD = b"GET /static/vendor/event-calendar/event-calendar.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 8


@pytest.fixture(scope="module")
def web(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("uploads")
    with django_db_blocker.unblock(), run_web_process("--threads", "4", TMPDIR=str(folder)) as port:
        yield port


@pytest.mark.parametrize("begun", [b"", HALF, SLOW_BODY, SLOW_EVENT, UNREAD])
def test_connections_that_say_nothing_or_little_stop_nobody(web: int, begun: bytes) -> None:
    with ExitStack() as held:
        for _ in range(MANY):
            client = held.enter_context(socket.create_connection(("127.0.0.1", web)))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(begun)
        for path in ("/healthz", "/login/", "/healthz", "/login/"):
            assert ask(web, path)[0] == 200


def test_a_large_body_is_refused_before_it_is_sent(web: int) -> None:
    for path, most in [
        ("/login/", settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
        ("/hooks/robotalker/x", MAX_EVENT_BYTES),
    ]:
        assert find_body_limit(path) == most
        for length in (most + 1, 300 * 1024**2, 10**30):
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
            assert exchange(web, head.encode())[0] == 413


def test_a_chunked_body_is_counted_as_it_comes(web: int) -> None:
    head = b"POST /hooks/robotalker/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert exchange(web, head + b"4000\r\n" + b"x" * 0x4000 + b"\r\n1\r\nx\r\n0\r\n\r\n")[0] == 413
    whole = head.replace(b"Host", b"Connection: close\r\nHost") + b"3\r\n{ }\r\n0\r\n\r\n"
    assert exchange(web, whole)[0] == 404, "a forged address"


@pytest.mark.parametrize(
    "chunks", [b"no number\r\n", b"3\r\n{ }x\r\n0\r\n\r\n", b"-3\r\n{ }\r\n", b"3;\x00\r\n"]
)
def test_a_bad_chunk_is_answered_with_400(web: int, chunks: bytes) -> None:
    head = b"POST /hooks/robotalker/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert exchange(web, head + chunks)[0] == 400


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Content-Length: +5\r\n",
        b"Bad Name: x\r\n",
    ],
)  # fmt: skip
def test_a_request_that_servers_read_in_different_ways_is_refused(web: int, smuggled: bytes) -> None:
    answer = exchange(web, b"POST /login/ HTTP/1.1\r\nHost: localhost\r\n" + smuggled + b"\r\nhello")
    assert answer[0] in (400, 501)


def test_endless_headers_are_refused(web: int) -> None:
    assert exchange(web, b"GET / HTTP/1.1\r\n" + b"X-Filler: x\r\n" * 6_000 + b"\r\n")[0] == 431


def test_a_list_that_is_too_large_gets_its_page_and_reaches_no_disk(
    web: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    length = settings.IMPORT_MAX_BYTES + 2 * 1024**2
    head = (
        f"POST /imports/new/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n"
    )
    form = "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    status, body = exchange(web, (head + form).encode() + bytes(length))
    assert (status, b"The file is larger than 20 MB" in body) == (413, True)
    too_much = (
        f"POST /imports/new/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {READ_TO_ANSWER + 1}\r\n\r\n"
    )
    assert exchange(web, too_much.encode())[0] == 413


def test_no_more_than_a_few_large_bodies_are_received_at_once(web: int) -> None:
    head = f"POST /imports/new/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LARGE + 1}\r\n\r\n".encode()
    with ExitStack() as held:
        for _ in range(MOST_LARGE):
            held.enter_context(socket.create_connection(("127.0.0.1", web))).sendall(head)
        wait_until(
            lambda: exchange(web, head, timeout=1)[0] == 503, "the next one to be refused", within_seconds=20
        )
    wait_until(
        lambda: exchange(web, head, timeout=0.5)[0] == 0, "their room to be free again", within_seconds=20
    )


@pytest.mark.django_db(transaction=True)
def test_events_are_answered_while_every_thread_for_pages_works(web: int) -> None:
    """The pages' threads are held by requests that wait for a lock in the database."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        with ExitStack() as held:
            page = b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: %s=abcdefghijklmnop0123456789abcdef\r\n\r\n"
            for _ in range(8):
                client = held.enter_context(socket.create_connection(("127.0.0.1", web)))
                client.sendall(page % settings.SESSION_COOKIE_NAME.encode())
            wait_until(
                lambda: ask(web, "/login/", timeout=1)[0] == 0, "all threads to wait", within_seconds=20
            )
            assert ask(web, "/healthz")[0] == 200
            event = SLOW_EVENT.replace(b"Host", b"Connection: close\r\nHost").replace(b"1000", b"1")
            assert exchange(web, event)[0] == 404


class Receiving(Connection):
    """A connection that is receiving a request, without a socket."""

    def __init__(self, *, began_at: float, headers_finished: bool = False, content_length: int = 0) -> None:
        self.requests: list[LimitedParser] = []
        self.last_activity = self.began_at = began_at
        self.request: LimitedParser | None = LimitedParser(Adjustments())
        self.request.headers_finished, self.request.content_length = headers_finished, content_length


@pytest.mark.parametrize(
    ("headers_finished", "length", "within"),
    [(False, 0, HEADERS_WITHIN), (True, 100, BODY_WITHIN), (True, SLOWEST_BODY * 60, BODY_WITHIN + 60)],
)
def test_a_request_has_to_come_in_time_however_often_a_byte_of_it_comes(
    headers_finished: bool, length: int, within: float
) -> None:
    connection = Receiving(began_at=1000.0, headers_finished=headers_finished, content_length=length)
    connection.last_activity = 1000.0 + within
    assert not connection.is_too_slow(1000.0 + within - 1, 1.0)
    assert connection.is_too_slow(1000.0 + within + 1, 1.0)
    assert connection.is_too_slow(1000.0 + within * PATIENCE_WHEN_CROWDED + 1, PATIENCE_WHEN_CROWDED)
    connection.requests = [LimitedParser(Adjustments())]
    assert not connection.is_too_slow(9000.0, 1.0), "an answer is being made"


def test_a_connection_without_a_request_is_closed_after_a_while() -> None:
    connection = Receiving(began_at=1000.0)
    connection.request = None
    assert not connection.is_too_slow(1000.0 + IDLE_FOR - 1, 1.0)
    assert connection.is_too_slow(1000.0 + IDLE_FOR + 1, 1.0)
