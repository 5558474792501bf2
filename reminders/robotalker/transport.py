"""One HTTP exchange with Robotalker: at most one request, within a total deadline, with a limited response.

Two things that `requests` doesn't offer are done at the socket itself:

- `Exchange.has_sent` says whether a byte of the request was handed to the socket. This tells NeverLeft from
  MayHaveArrived without guessing from the class of an exception.
- The total deadline: a read timeout starts again with each byte, so the socket is shut down when the deadline
  passes, whether during the handshake, sending, the headers or the body.
"""

import http.client
import http.cookiejar
import logging
import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from itertools import chain
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from reminders.robotalker.errors import (
    ConnectionLost,
    ConnectionRefused,
    ConnectTimedOut,
    DeadlinePassed,
    NameNotFound,
    NeverLeft,
    ReadTimedOut,
    RobotalkerError,
    TlsFailed,
)
from reminders.robotalker.masking import mask_numbers_in

_current_exchange: ContextVar["Exchange | None"] = ContextVar("_current_exchange", default=None)

# What sending and reading can raise; ValueError comes from host names that can't be encoded.
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


Action = Callable[[], None]  # must not raise and must return quickly


class Deadlines:
    """Functions to call at a time of the monotonic clock, unless they are cancelled before.

    One thread per process calls them: a threading.Timer for each request would start a thread each time, and
    take half as long as the request.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._actions: dict[object, tuple[float, Action]] = {}
        self._wakes_at = math.inf  # when the thread wakes up, if not woken before
        self._thread: threading.Thread | None = None

    def set(self, subject: object, moment: float, action: Action) -> None:
        """Call `action` at `moment`, from another thread."""
        with self._changed:
            self._actions[subject] = (moment, action)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif moment < self._wakes_at:
                self._changed.notify()

    def forget(self, subject: object) -> None:
        """Cancel the action of this subject, if it isn't running already."""
        with self._changed:
            self._actions.pop(subject, None)

    def _run(self) -> None:
        while True:
            for action in self._wait_for_expired():
                action()

    def _wait_for_expired(self) -> list[Action]:
        with self._changed:
            self._wakes_at = min((moment for moment, _ in self._actions.values()), default=math.inf)
            seconds = self._wakes_at - time.monotonic()
            if seconds > 0:
                self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
            now = time.monotonic()
            expired = [subject for subject, (moment, _) in self._actions.items() if moment <= now]
            return [self._actions.pop(subject)[1] for subject in expired]

    def reset(self) -> None:
        """Start empty in a forked process: the thread and its actions belong to the parent."""
        Deadlines.__init__(self)


DEADLINES = Deadlines()
os.register_at_fork(after_in_child=DEADLINES.reset)


class Exchange:
    """One request and its response, as a context manager. `deadline` is in seconds from now."""

    def __init__(self, deadline: float) -> None:
        self.has_sent = False
        self.is_over_time = False
        self._ends_at = time.monotonic() + deadline
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        self._token = _current_exchange.set(self)
        DEADLINES.set(self, self._ends_at, self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        DEADLINES.forget(self)
        _current_exchange.reset(self._token)
        with self._lock:
            self._close_duplicate()

    def watch(self, sock: socket.socket) -> None:
        """Remember the socket to shut down. A duplicate, since wrapping it in TLS detaches the original."""
        with self._lock:
            self._close_duplicate()
            self._socket = socket.socket(fileno=os.dup(sock.fileno()))
            if self.is_over_time:
                self._shut_down()

    def start_sending(self) -> None:
        """Call this just before bytes are sent. Raises TimeoutError if the deadline has passed."""
        if not self.has_sent and (self.is_over_time or time.monotonic() >= self._ends_at):
            self.is_over_time = True
            raise TimeoutError("the deadline passed before the request was sent")
        self.has_sent = True

    def _end(self) -> None:
        """Called when the deadline passes."""
        with self._lock:
            self.is_over_time = True
            self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # the other side has closed it already
                self._socket.shutdown(socket.SHUT_RDWR)

    def _close_duplicate(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Watched(HTTPConnection):
    """A connection that reports its socket and its first byte to the current exchange."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        if exchange := _current_exchange.get():
            exchange.watch(sock)
        return sock

    def send(self, data: Any) -> None:
        exchange = _current_exchange.get()
        if exchange and self.sock is None:
            self.connect()
        if exchange and not exchange.has_sent:
            exchange.watch(self.sock)  # a reused connection isn't watched by this exchange yet
            exchange.start_sending()
        super().send(data)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class WatchedAdapter(HTTPAdapter):
    """Sends through watched connections, without retries."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def close(self) -> None:
        """Close every idle connection now; urllib3 would leave that to the garbage collector."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 (can't be iterated)
            if pool := self.poolmanager.pools.get(key):
                pool.close()
        super().close()


class PlainSession(requests.Session):
    """A session that ignores the environment, stores no cookies and looks at no redirect."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(_NoCookies())
        for prefix in ("http://", "https://"):
            self.mount(prefix, WatchedAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Always None; else requests would read the whole body of a redirect, whatever its size."""


class _NoCookies(http.cookiejar.DefaultCookiePolicy):
    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def read_limited(response: requests.Response, limit: int) -> bytes | None:
    """The response's body as received, or None if it is longer than `limit` bytes."""
    body = bytearray()
    for chunk in response.raw.stream(8192, decode_content=False):
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def explain_failure(error: BaseException, exchange: Exchange) -> RobotalkerError:
    """The error for a failed send or read. `exchange` decides; the class of `error` only refines it."""
    links = list(walk_causes(error))
    if exchange.has_sent:
        if exchange.is_over_time:
            return DeadlinePassed()
        timed_out = requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError
        return ReadTimedOut() if any(isinstance(link, timed_out) for link in links) else ConnectionLost()
    if any(isinstance(link, urllib3.exceptions.NameResolutionError | socket.gaierror) for link in links):
        return NameNotFound()
    if any(isinstance(link, ConnectionRefusedError) for link in links):
        return ConnectionRefused()
    if exchange.is_over_time or any(isinstance(link, requests.Timeout | TimeoutError) for link in links):
        return ConnectTimedOut()
    if any(isinstance(link, ssl.SSLError | urllib3.exceptions.SSLError) for link in links):
        return TlsFailed()
    return NeverLeft()


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all its causes; requests and urllib3 also keep causes in `args` and `reason`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += chain(link.args, [getattr(link, "reason", None), link.__cause__, link.__context__])


class _MaskedAddresses(logging.Filter):
    """Masks numbers in urllib3's log lines: the URL of GET /contacts contains one."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask_numbers_in(unquote(record.getMessage()))
        record.args = ()
        return True


for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_MaskedAddresses())
