"""A flood of connections from one address, with no web server in front, keeps nobody else waiting."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker, Settings

from config.fair_queue import FairQueue
from tests.web_process import ask, run_web_process

pytestmark = pytest.mark.django_db  # else, run alone, these have no database

FLOODER = "127.0.0.9"
ROOM = 100  # connections of the worker
LONG = 5.0  # seconds; what says nothing is otherwise dropped after 1.5 s and more, a room full at once
MANY = 400
EVENT = b"POST /hooks/robotalker/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
PAGE = b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def web(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    options = ("--threads", "2", "--worker-connections", str(ROOM))
    with django_db_blocker.unblock(), run_web_process(*options) as port:
        yield port


def connect(port: int, held: ExitStack, begun: bytes) -> None:
    client = held.enter_context(socket.socket())
    client.bind((FLOODER, 0))
    client.connect(("127.0.0.1", port))
    client.sendall(begun)


@pytest.mark.parametrize("begun", [b"", b"GET /login/ HTT"])
def test_connections_without_a_request_leave_room_for_those_of_others(web: int, begun: bytes) -> None:
    with ExitStack() as held, socket.create_connection(("127.0.0.1", web), timeout=30) as slow:
        slow.sendall(PAGE[:20])
        for _ in range(8 * ROOM):
            connect(web, held, begun)
        assert ask(web, "/login/", timeout=LONG)[0] == 200
        slow.sendall(PAGE[20:])
        assert slow.recv(12) == b"HTTP/1.1 200", "of the flooder's the oldest go, not the oldest of all"


def test_whole_requests_of_one_address_do_not_keep_those_of_others_waiting(web: int) -> None:
    with ExitStack() as held:
        for _ in range(3 * ROOM):
            connect(web, held, PAGE)
        assert ask(web, "/login/", timeout=LONG)[0] == 200


def test_many_events_at_the_same_moment_from_one_address_are_all_answered(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock(), run_web_process() as port, ExitStack() as held:
        senders = [held.enter_context(socket.socket()) for _ in range(MANY)]
        for sender in senders:
            sender.setblocking(False)
            sender.connect_ex(("127.0.0.1", port))
        answers = Counter[bytes]()
        for sender in senders:
            sender.settimeout(30)
            sender.sendall(EVENT)
        for sender in senders:
            with suppress(ConnectionError):
                answers[sender.recv(12)] += 1
    assert answers == {b"HTTP/1.1 404": MANY}


def make_waiting(address: str, *, forwarded: str = "") -> Any:
    request = SimpleNamespace(headers={"X_FORWARDED_FOR": forwarded} if forwarded else {})
    waiting = SimpleNamespace(addr=(address, 1), requests=[request], is_cancelled=False)
    waiting.cancel = lambda: setattr(waiting, "is_cancelled", True)
    return waiting


def test_the_addresses_take_turns_and_one_has_only_so_many_waiting() -> None:
    queue = FairQueue(most=3)
    flood = [make_waiting("203.0.113.1") for _ in range(5)]
    others = [make_waiting("203.0.113.2"), make_waiting("203.0.113.3"), make_waiting("203.0.113.2")]
    for one in (*flood, *others):
        queue.append(one)
    assert [one.is_cancelled for one in flood] == [False] * 3 + [True] * 2
    taken = [queue.popleft() for _ in range(len(queue))]
    assert taken == [flood[0], others[0], others[1], flood[1], others[2], flood[2]]
    assert not queue


def test_behind_a_proxy_its_clients_take_turns(settings: Settings) -> None:
    settings.PROXY_COUNT = 1
    queue = FairQueue()
    first = [make_waiting("10.0.0.1", forwarded="198.51.100.1, 203.0.113.1") for _ in range(2)]
    other = make_waiting("10.0.0.1", forwarded="203.0.113.2")
    for one in (*first, other):
        queue.append(one)
    assert [queue.popleft() for _ in range(3)] == [first[0], other, first[1]]


@pytest.fixture(scope="module")
def proxied(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    """The same behind a web server, from whose address all connections come."""
    options = ("--threads", "2", "--worker-connections", str(ROOM))
    with django_db_blocker.unblock(), run_web_process(*options, PROXY_COUNT="1") as port:
        yield port


def begin_upload(port: int, held: ExitStack, client: str) -> socket.socket:
    head = f"POST /login/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n"
    connection = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
    connection.sendall(head.encode() + b"Connection: close\r\nContent-Length: 3\r\n\r\na")
    return connection


def test_behind_a_proxy_one_clients_slow_bodies_leave_those_of_others_alone(proxied: int) -> None:
    with ExitStack() as held:
        slow = begin_upload(proxied, held, "203.0.113.2")
        for _ in range(3 * ROOM):
            begin_upload(proxied, held, "203.0.113.1")
        assert ask(proxied, "/login/", "X-Forwarded-For: 203.0.113.3", timeout=LONG)[0] == 200
        slow.sendall(b"=b")
        assert slow.recv(12) == b"HTTP/1.1 403", "of the flooder's the oldest go, not the oldest of all"
