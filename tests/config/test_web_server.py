"""Slow, half-open and huge requests take no thread and no disk; events have threads of their own."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker
from waitress import wasyncore
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
    Listener,
    ReservingDispatcher,
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


@pytest.mark.parametrize(
    "head",
    [
        b"POST /login/ HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n",
        b"POST /login/ HTTP/1.2\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n",
        b"POST /login/ HTTP/1.1\r\nContent-Length: 90\r\nTransfer-Encoding: chunked\r\n",
        b"POST /login/ HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n",
        b"POST /login/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: Chunked\r\n",
        b"POST /login/ HTTP/1.1\r\nTransfer-Encoding:\r\n",
        b"POST /login/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n , chunked\r\n",
    ],
)
def test_of_a_body_whose_end_servers_see_in_different_places_nothing_is_a_second_request(
    web: int, head: bytes
) -> None:
    second = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    length = b"Host: localhost\r\nContent-Length: 5\r\n\r\n" if b"Length" not in head else b"\r\n"
    status, body = exchange(web, head + length + b"0\r\n\r\n" + second)
    assert status == 400
    assert b"200 OK" not in body, "a second answer"


@pytest.mark.parametrize(
    "head", [b"GET http://[::1/ HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nContent-Length: %s\r\n" % (b"9" * 5000)]
)
def test_an_address_or_a_length_that_can_not_be_read_is_answered(web: int, head: bytes) -> None:
    assert exchange(web, head + b"Host: localhost\r\n\r\n")[0] == 400


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n", 200),
        (b"POST /hooks/robotalker/x HTTP/1.1\r\nContent-Length: 0\r\n", 404),
        (b"POST /login/ HTTP/1.1\r\nContent-Length: 999999999\r\n", 413),
        (b"POST /login/ HTTP/1.1\r\nContent-Length: x\r\n", 400),
    ],
)
def test_whoever_asks_whether_to_go_on_and_has_nothing_to_send_gets_an_answer(
    web: int, head: bytes, status: int
) -> None:
    """Not a 100, after which the next request on the connection was read as more headers of this one."""
    ask_first = b"Host: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"
    assert exchange(web, head + ask_first, timeout=5)[0] == status


def test_no_thread_waits_for_whoever_sends_many_requests_and_reads_no_answer(web: int) -> None:
    """Some dozens of these answers are more than a thread may write ahead; each holds an open file."""
    one = b"GET /static/vendor/event-calendar/event-calendar.min.js.map HTTP/1.1\r\n\r\n"
    with ExitStack() as held:
        for _ in range(MANY):
            client = held.enter_context(socket.create_connection(("127.0.0.1", web)))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(one * (8192 // len(one)))
        wait_until(lambda: ask(web, "/login/", timeout=3)[0] == 200, "a page", within_seconds=20)


@contextmanager
def serving(application: Callable[..., Any]) -> Iterator[tuple[socket.socket, Listener]]:
    """A worker's loop in this process, with one thread; a client that has asked, and reads nothing."""
    with ExitStack() as held:
        bound = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        bound.setblocking(False)
        sockinfo = (bound.family, bound.type, bound.proto, bound.getsockname())
        threads, served = ReservingDispatcher(1), dict[int, Any]()
        listener = Listener(
            application, map=served, _sock=bound, dispatcher=threads, adj=Adjustments(cleanup_interval=1),
            sockinfo=sockinfo, bind_socket=False,
        )  # fmt: skip
        client = held.enter_context(socket.socket())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(bound.getsockname())
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            yield client, listener
        finally:
            client.close()
            wasyncore.loop(timeout=0.1, use_poll=True, map=served, count=3)
            threads.shutdown(timeout=5)
            listener.close()


def turn_until(listener: Listener, is_so: Callable[[], bool]) -> bool:
    """Let the loop turn until it is so, for some seconds at most; whether it is."""
    ends_at = time.monotonic() + 20
    while not is_so() and time.monotonic() < ends_at:
        wasyncore.loop(timeout=0.1, use_poll=True, map=listener._map, count=1)
    return is_so()


def test_an_answer_that_nobody_takes_holds_its_thread_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A download that is paused in the browser: the connection lives, and its thread would wait for ever."""
    monkeypatch.setattr("config.web_server.BODY_WITHIN", 1.0)
    monkeypatch.setattr("config.web_server.SLOWEST_BODY", 10**7)
    ended = threading.Event()

    def write_at_length(environ: object, start_response: Callable[..., object]) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            for _ in range(64):
                yield b"x" * 1024**2
        finally:
            ended.set()

    with serving(write_at_length) as (_client, listener):
        assert turn_until(listener, ended.is_set)


def test_a_connection_whose_answer_nobody_takes_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread is free, but the loop can write nothing there, and came to it no more."""
    monkeypatch.setattr("config.web_server.IDLE_FOR", 1.0)

    def write_some(environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [])
        return [b"x" * 10 * 1024**2]

    with serving(write_some) as (_client, listener):
        channels = listener.active_channels
        assert turn_until(listener, lambda: any(one.total_outbufs_len for one in channels.values()))
        assert turn_until(listener, lambda: not channels)


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


def test_a_large_body_that_comes_quickly_takes_the_place_of_one_that_is_slow(web: int) -> None:
    head = (
        b"POST /imports/new/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    )
    whole = head % (LARGE + 1) + bytes(LARGE + 1)
    with ExitStack() as held:
        slow = [held.enter_context(socket.create_connection(("127.0.0.1", web))) for _ in range(MOST_LARGE)]
        for client in slow:
            client.sendall(head)
        wait_until(lambda: exchange(web, whole)[0] == 403, "the quick one to be read", within_seconds=20)
        wait_until(
            lambda: any(is_closed(client) for client in slow), "a slow one to be dropped", within_seconds=20
        )


def is_closed(client: socket.socket) -> bool:
    client.settimeout(0.1)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_body_in_chunks_counts_as_large_only_once_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LimitedParser, "large", set())
    parser = receive_large("10.0.0.1", 0, 0)
    parser.received(b"POST /imports/new/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    part = b"%x\r\n" % (LARGE // 2) + bytes(LARGE // 2) + b"\r\n"
    parser.received(part)
    assert not parser.large
    parser.received(part)
    assert parser.large == {parser}


def test_no_more_than_a_few_large_bodies_are_received_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LimitedParser, "large", {receive_large("10.0.0.1", 0, 0) for _ in range(MOST_LARGE)})
    parser = receive_large("10.0.0.1", 0, 0)
    parser.received(
        b"POST /imports/new/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (LARGE + 1)
    )
    assert (parser.completed, parser.error.code, parser.body_rcv) == (True, 503, None)


def receive_large(address: str, seconds: float, received: int) -> LimitedParser:
    """A large body of which so many bytes have come from there in these seconds."""
    connection = Receiving(began_at=time.time() - seconds)
    connection.addr = (address, 1)
    parser = LimitedParser(Adjustments(), connection)
    parser.body_bytes_received = received
    return parser


# Of other bodies: address, seconds, bytes. Which of them gives up its place to a new one of 10.0.0.1.
PLACES: list[tuple[str, list[tuple[str, float, int]], int | None]] = [
    ("one of the address that has most", [("10.0.0.2", 9, 5), ("10.0.0.2", 1, 9_000), ("10.0.0.3", 9, 1)], 0),
    ("though it is quick", [("10.0.0.2", 1, 9_000_000), ("10.0.0.2", 1, 9_900_000)], 0),
    ("the slowest of its own", [("10.0.0.1", 9, 5_000_000), ("10.0.0.1", 8, 5)], 1),
    ("not one that came just now", [("10.0.0.1", 1, 0), ("10.0.0.1", 1, 0)], None),
    ("not one of an address that has but one", [("10.0.0.2", 9, 0), ("10.0.0.3", 9, 0)], None),
]


@pytest.mark.parametrize(("said", "others", "gives_up"), PLACES)
def test_which_large_body_gives_up_its_place(
    said: str,
    others: list[tuple[str, float, int]],
    gives_up: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = [receive_large(*one) for one in others]
    monkeypatch.setattr(LimitedParser, "large", set(held))
    found = receive_large("10.0.0.1", 0, 0)._find_slowest()
    assert found is (None if gives_up is None else held[gives_up]), said
    for one in held:
        one.completed = True  # it is being answered
    assert receive_large("10.0.0.1", 0, 0)._find_slowest() is None


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
