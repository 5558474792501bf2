"""The web process: gunicorn starts and restarts the workers, and each serves its connections by waitress.

gunicorn's own worker gives a thread to a connection before its request is there, so 24 connections that say
nothing, or say it slowly, stop it. Here one loop receives requests whole, bodies included, and sends answers;
a thread works only while an answer is made. So a slow client costs a connection, and these are limited:

| what | limit |
| --- | --- |
| the headers of a request | 64 kB, and HEADERS_WITHIN |
| its body | config/body_limit.py by its address, counted as it arrives; BODY_WITHIN, longer for a large one |
| bodies over LARGE that are being received at once | MOST_LARGE for each worker; then one is dropped |
| connections | gunicorn's --worker-connections; when they run out, unfinished requests are dropped sooner |
| an address' connections that are silent for PROMPTLY | MOST_UNFINISHED; the oldest are dropped |
| an address' requests for pages that wait for a thread | MOST_WAITING; more are dropped |
| requests of one connection that are sent before the answer to the first | MOST_PIPELINED |
| an answer that its client doesn't take while a thread makes it | BODY_WITHIN, longer for a large one |

What servers may read in different ways is refused: whoever stands in front must not see other requests.

When connections run out, the oldest of the address that has most of them without a whole request are dropped.
A new large body takes the place of the slowest one of the address that has most of them, or of its own, once
that has had PROMPTLY. Where there is none, it gets 503.

Threads take turns between addresses (config/fair_queue.py), so whoever floods keeps others waiting for what
is being answered at most. Behind a proxy the addresses are those of its clients, once the headers of a
request are there.

Robotalker's events and /healthz have threads of their own (RESERVED_THREADS), which no page can occupy.
"""

import copy
import logging
import os
import re
import resource
import socket
import time
from contextlib import suppress
from functools import cached_property, partial
from io import BytesIO
from types import FrameType
from typing import Any, cast
from weakref import WeakSet, proxy

from gunicorn.workers.base import Worker  # type: ignore[import-untyped]
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import FixedStreamReceiver
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error

from config.fair_queue import FairQueue, pick_address
from config.frame_room import call_with_room

RESERVED_THREADS = {"/hooks/": 4, "/healthz": 1}  # by the beginning of the path
HEADERS_WITHIN = 15.0  # seconds from a request's first byte
BODY_WITHIN = 30.0  # seconds from a request's first byte, and more for a large one:
SLOWEST_BODY = 50_000  # bytes a second
IDLE_FOR = 30.0  # seconds until a connection without a request is closed
PATIENCE_WHEN_CROWDED = 0.1  # the part of these times that is left when nearly all connections are taken
CROWDED = 0.8  # of the connections
LOOK_EVERY = 1  # second: for connections that are too slow
LARGE = 128 * 1024  # bytes; such a body is kept in a temporary file
MOST_LARGE = 8  # docker-compose.yml has room for them
MOST_UNFINISHED = 200  # connections of one address, in a worker, that have had PROMPTLY to say something
PROMPTLY = 2.0  # seconds
AT_ONCE = 0.1  # second that a connection has in any case
MOST_WAITING = 100  # requests for pages of one address, in a worker
MOST_PIPELINED = 10  # no browser and no proxy does it; each answer may hold an open file
ACCEPTED_AT_ONCE = 100  # connections, before those that are there have their turn
FILES_BESIDE = 200  # that a worker opens beside its connections
TRANSFER_CODINGS = re.compile(rb"^transfer-encoding[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)
FOLDED_LINE = re.compile(rb"\n[ \t]")
KEEP_ALIVE_FOR = 1.0  # seconds that a worker that is stopping still sends answers that are ready


class TooManyLargeBodies(Error):  # type: ignore[misc]
    """As many large bodies are being received as may be at once."""

    code = 503
    reason = "Service Unavailable"


class _Nothing:
    """A buffer that keeps nothing."""

    def append(self, data: bytes) -> None:
        """Throw it away."""

    def __len__(self) -> int:
        return 0

    def getfile(self) -> BytesIO:
        return BytesIO()

    def close(self) -> None:
        """There is nothing to close."""


class LimitedParser(HTTPRequestParser):  # type: ignore[misc]
    """Reads one request; how large its body may be depends on its address."""

    client = ""  # Connection.client
    large: "WeakSet[LimitedParser]" = WeakSet()  # those that are kept at the moment, in this worker

    def __init__(self, adj: Adjustments, connection: "Connection | None" = None) -> None:
        super().__init__(adj)
        self.connection = connection

    def parse_header(self, header_plus: bytes) -> None:
        from config import body_limit  # the settings must be there first

        try:
            super().parse_header(header_plus)
        except ValueError as error:  # of int() and urlsplit(), which waitress doesn't expect
            raise ParsingError("The address or the length can't be read") from error
        self._refuse_what_is_read_differently(header_plus)
        path = "/" + self.path.lstrip("/")  # as waitress hands it to the application
        limit = body_limit.find_body_limit(path)
        if path == body_limit.UPLOADS and limit < self.content_length <= body_limit.READ_TO_ANSWER:
            # the browser of somebody with a list that is too large gets a page (config/body_limit.py)
            self.body_rcv, limit = FixedStreamReceiver(self.content_length, _Nothing()), self.content_length
        elif self.content_length > LARGE:
            self._find_place()
        self.adj: Adjustments = copy.copy(self.adj)
        self.adj.max_request_body_size = limit + 1  # waitress refuses what is equal or larger

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.chunked and self.body_bytes_received > LARGE and not (self.completed or self in self.large):
            self._find_place()
        if self.completed:
            self.expect_continue = False  # there is nothing to wait for; waitress would go on reading headers
            if self.error:
                self._forget_body()
        return consumed

    def _refuse_what_is_read_differently(self, header_plus: bytes) -> None:
        """Raise ParsingError where another server may see another end of the body.

        waitress takes chunks of HTTP/1.1 alone, passes over the length beside them, and takes “chunked” said
        twice, or a coding without a name, as said once or never.
        """
        if self.version not in ("1.0", "1.1"):
            raise ParsingError("Only HTTP/1.0 and HTTP/1.1 are spoken here")
        if FOLDED_LINE.search(header_plus):
            raise ParsingError("Each header is read in one line")
        codings = TRANSFER_CODINGS.findall(header_plus)
        if codings and [coding.strip(b" \t\r").lower() for coding in codings] != [b"chunked"]:
            raise ParsingError("Only a body in plain chunks is read")
        if "TRANSFER_ENCODING" in self.headers or (self.chunked and "CONTENT_LENGTH" in self.headers):
            raise ParsingError("The body has no certain length")

    def _find_place(self) -> None:
        """Take a place among the large bodies, or refuse this one if there is none and none is given up."""
        if len(self.large) >= MOST_LARGE:
            slowest = self._find_slowest()
            if slowest is None:
                self.error = TooManyLargeBodies("Too many uploads at the moment. Try again in a minute.")
                self.completed = True
                return
            self.large.discard(slowest)
            if slowest.connection:
                slowest.connection.end_soon()
        self.large.add(self)

    def _find_slowest(self) -> "LimitedParser | None":
        """The large body that gives up its place to this one; one that has come whole keeps it."""
        by_address: dict[str, list[LimitedParser]] = {}
        try:
            held = list(self.large)
        except RuntimeError:  # a thread has just answered one, so there is room in a moment
            return None
        for one in held:
            if not one.completed:
                by_address.setdefault(one.address, []).append(one)
        now, own = time.time(), by_address.get(self.address, [])
        most = max(by_address.values(), key=len, default=own)
        if len(most) < len(own) + 2:
            most = [one for one in own if now - one.began_at > PROMPTLY]
        return min(most, key=lambda one: one.body_bytes_received / (now - one.began_at + 1), default=None)

    @property
    def address(self) -> str:
        """That of Connection.client, also while the headers are being read."""
        return pick_address(self.connection, self) if self.connection else ""

    @property
    def began_at(self) -> float:
        """When its first byte came."""
        return self.connection.began_at if self.connection else 0.0

    def _forget_body(self) -> None:
        self.large.discard(self)
        if self.body_rcv is not None:
            self.body_rcv.getbuf().close()
            self.body_rcv = None

    def close(self) -> None:
        self.large.discard(self)
        super().close()


class Connection(HTTPChannel):  # type: ignore[misc]
    """One connection. `began_at`: when the first byte of the request came that is being received.

    `held_since`: since when a thread has waited until the client takes more of its answer, 0 if none does;
    `held_before`: how long it did so before, for the same answer, of which `written` bytes are made.
    """

    began_at = 0.0
    held_since = held_before = 0.0
    written = 0

    def __init__(self, server: "Listener", *others: Any, **named: Any) -> None:
        super().__init__(server, *others, **named)
        self.accepted_in = server.rounds
        self.parser_class = partial(LimitedParser, connection=cast("Connection", proxy(self)))

    @property
    def client(self) -> str:
        """The address that it counts for: behind a proxy that of its request, once the headers are there."""
        request = self.request
        if request is None or not request.headers_finished:
            return self._own_address
        if not request.client:  # asked often, and the header may be long
            request.client = pick_address(self, request)
        return str(request.client)

    @cached_property
    def _own_address(self) -> str:
        return pick_address(self, None)

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.began_at = time.time()
        taken = bool(super().received(data))
        if len(self.requests) > MOST_PIPELINED:
            self.end_soon()
        return taken

    def end_soon(self) -> None:
        """Let the loop close it at its next turn, also where its client takes nothing of an answer.

        Nothing can be written there, so the loop would not come to it before the client takes something.
        """
        self.will_close = True
        if self.total_outbufs_len:
            with suppress(OSError):  # it is closed already
                self.socket.shutdown(socket.SHUT_RDWR)

    def service(self) -> None:
        self.held_before, self.written = 0.0, 0
        super().service()

    def write_soon(self, data: Any) -> int:
        added: int = super().write_soon(data)
        self.written += added
        return added

    def _flush_outbufs_below_high_watermark(self) -> None:
        self.held_since = time.time()
        super()._flush_outbufs_below_high_watermark()
        self.held_before += time.time() - self.held_since
        self.held_since = 0.0

    @property
    def waits_since(self) -> float:
        """Since when it has been without a whole request; infinite if there is one, or an answer to send."""
        if self.requests or self.total_outbufs_len or self.will_close:
            return float("inf")
        return self.last_activity if self.request is None else self.began_at

    def is_too_slow(self, now: float, patience: float) -> bool:
        """Whether it should be closed: nothing comes, or a request or an answer takes too long.

        `patience`: the part of the usual time that it is given.
        """
        if self.requests:  # an answer is being made
            return self._holds_a_thread_too_long(now, patience)
        if self.request is None:
            return bool(now - self.last_activity > IDLE_FOR * patience)
        within = HEADERS_WITHIN
        if self.request.headers_finished:
            within = BODY_WITHIN + self.request.content_length / SLOWEST_BODY
        return now - self.began_at > within * patience

    def _holds_a_thread_too_long(self, now: float, patience: float) -> bool:
        if not self.held_since:
            return False
        taken = max(self.written - self.total_outbufs_len, 0)
        held = self.held_before + now - self.held_since
        return bool(held > (BODY_WITHIN + taken / SLOWEST_BODY) * patience)


class ReservingDispatcher:
    """Hands requests to threads: those of RESERVED_THREADS to some of their own."""

    def __init__(self, threads: int) -> None:
        self._pages = _start_threads(threads, most_waiting=MOST_WAITING)
        self._reserved = {path: _start_threads(count) for path, count in RESERVED_THREADS.items()}

    def add_task(self, connection: Connection) -> None:
        path = "/" + getattr(connection.requests[0], "path", "").lstrip("/")
        found = (threads for begin, threads in self._reserved.items() if path.startswith(begin))
        next(found, self._pages).add_task(connection)

    def shutdown(self, timeout: float) -> None:
        """Return when the threads have ended; requests that no thread has begun are dropped."""
        for threads in (*self._reserved.values(), self._pages):
            threads.set_thread_count(0)
        for threads in (*self._reserved.values(), self._pages):
            threads.shutdown(timeout=timeout)


class RoomyThreads(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Threads in which pages are made as quickly at any depth of calls."""

    def handler_thread(self, thread_no: int) -> None:
        run = super().handler_thread
        call_with_room(lambda: run(thread_no))


def _start_threads(count: int, *, most_waiting: int = 0) -> ThreadedTaskDispatcher:
    dispatcher = RoomyThreads()
    dispatcher.queue = FairQueue(most_waiting)
    dispatcher.set_thread_count(count)
    return dispatcher


class Listener(TcpWSGIServer):  # type: ignore[misc]
    """Accepts the connections of one address."""

    channel_class = Connection
    rounds = 0  # of accepting

    def readable(self) -> bool:
        if self.is_full:
            self._drop_unfinished()
        return bool(super().readable())

    @property
    def is_full(self) -> bool:
        """Whether it accepts no more until a connection ends."""
        return bool(len(self._map) >= self.adj.connection_limit)

    def handle_accept(self) -> None:
        """Accept many, else a flood of new connections is longer than the ones that are taken from it.

        Those of two rounds find room beside the CROWDED, since they have had no turn to be read yet.
        """
        self.rounds += 1
        limit = self.adj.connection_limit
        most = min(ACCEPTED_AT_ONCE, int((1 - CROWDED) / 2 * limit) or 1, limit - len(self._map))
        for _ in range(most):
            before = len(self._map)
            super().handle_accept()
            if len(self._map) == before:
                break
        self._drop_unfinished()

    def _drop_unfinished(self) -> None:
        """Close the oldest connections without a whole request of addresses that have too many of them.

        None that was accepted just now: its request may be there, since many events at once are no flood.
        The loop closes them at its next turn; at once, their numbers would be those of new connections.
        """
        now, surplus = time.time(), self._find_surplus()
        by_address: dict[str, list[Connection]] = {}
        for connection in self.active_channels.values():
            if connection.waits_since != float("inf"):
                by_address.setdefault(connection.client, []).append(connection)
        last: list[Connection] = []
        for unfinished in sorted(by_address.values(), key=len, reverse=True):
            silent = sum(one.waits_since < now - PROMPTLY for one in unfinished)
            drop = max(silent - MOST_UNFINISHED, min(surplus, len(unfinished) - 1), 0)
            surplus -= drop
            last += self._drop_oldest(unfinished, drop, now)
        self._drop_oldest(last, max(surplus, 0), now)

    def _drop_oldest(self, unfinished: list[Connection], count: int, now: float) -> list[Connection]:
        """The others. What is too young to be dropped is, if it says nothing, at one of the next looks."""
        by_age = sorted(unfinished, key=lambda one: one.waits_since)
        for connection in by_age[:count]:
            if connection.accepted_in < self.rounds - 1 and connection.waits_since < now - AT_ONCE:
                connection.end_soon()
        return by_age[count:]

    def _find_surplus(self) -> int:
        """How many more connections there are than CROWDED; those that are about to be closed don't count."""
        closing = sum(one.will_close for one in self.active_channels.values())
        surplus: int = len(self._map) - closing - int(CROWDED * self.adj.connection_limit)
        return surplus

    def maintenance(self, now: float) -> None:
        """Close connections that are too slow."""
        self._drop_unfinished()
        crowded = self._find_surplus() > 0
        for connection in list(self.active_channels.values()):
            if connection.is_too_slow(now, PATIENCE_WHEN_CROWDED if crowded else 1.0):
                connection.end_soon()


class PatientWorker(Worker):  # type: ignore[misc]
    """gunicorn's worker class (`-k config.web_server.PatientWorker`); takes --threads for pages."""

    def run(self) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each request that waits
        logging.getLogger("waitress").setLevel(logging.ERROR)  # its other lines name addresses
        self.connections: dict[int, Any] = {}
        self.dispatcher = ReservingDispatcher(self.cfg.threads)
        adjustments = self._adjust(_raise_file_limit())
        self.listeners = [self._listen(bound.sock, adjustments) for bound in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self.notify()
            self._turn(AT_ONCE if self.listeners[0].is_full else 1.0)
        self._stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop soon: end the wait for a connection."""
        super().handle_exit(sig, frame)
        for listener in getattr(self, "listeners", []):
            listener.pull_trigger()

    def _adjust(self, connections: int) -> Adjustments:
        return Adjustments(
            threads=self.cfg.threads,
            connection_limit=min(self.cfg.worker_connections, connections),
            max_request_header_size=64 * 1024,
            inbuf_overflow=LARGE,
            cleanup_interval=LOOK_EVERY,
            clear_untrusted_proxy_headers=False,  # settings.PROXY_COUNT says which of them count
            log_socket_errors=False,
            ident=None,
        )

    def _listen(self, bound: socket.socket, adjustments: Adjustments) -> Listener:
        bound.setblocking(False)
        return Listener(
            self.wsgi,
            map=self.connections,
            _sock=bound,
            dispatcher=self.dispatcher,
            adj=adjustments,
            sockinfo=(bound.family, bound.type, bound.proto, bound.getsockname()),
            bind_socket=False,
        )

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=True, map=self.connections, count=1)

    def _stop(self) -> None:
        """Accept nothing any more, and answer what has come; what is still coming is dropped."""
        for listener in self.listeners:
            listener.accepting = False
        ends_at = time.monotonic() + self.cfg.graceful_timeout
        while self._is_answering() and time.monotonic() < ends_at:
            self.notify()
            self._turn(0.1)
        self.dispatcher.shutdown(timeout=KEEP_ALIVE_FOR)

    def _is_answering(self) -> bool:
        channels = [one for listener in self.listeners for one in listener.active_channels.values()]
        return any(one.requests or one.total_outbufs_len for one in channels)


def _raise_file_limit() -> int:
    """Allow this process as many open files as it may have; how many connections that makes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16_384 if hard == resource.RLIM_INFINITY else min(hard, 16_384)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    limit = wanted if soft == resource.RLIM_INFINITY else soft
    return max(limit - FILES_BESIDE, 50)
