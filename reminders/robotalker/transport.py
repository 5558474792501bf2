"""One HTTP exchange with Robotalker: at most one request, within a total deadline, with an answer of
limited size.

Two things that `requests` does not tell are found out at the socket itself:

- whether a byte of the request was handed to it (`Exchange.has_left`), which parts NeverLeft from
  MayHaveArrived without guessing by the class of an exception;
- the total deadline: read timeouts start anew with each byte, so a watchdog shuts the socket down when time
  is over, whatever is going on: handshake, sending, headers or body.
"""

import http.client
import http.cookiejar
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
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

from reminders.robotalker.deadlines import DEADLINES
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

# What sending and reading can raise; ValueError is for host names that can't be encoded.
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


class Exchange:
    """One request on its way, used as context manager. Times are seconds of the monotonic clock."""

    def __init__(self, deadline: float) -> None:
        self.has_left = False
        self.is_over_time = False
        self._ends_at = time.monotonic() + deadline
        self._lock = threading.Lock()
        self._line: socket.socket | None = None

    def __enter__(self) -> Self:
        self._token = _current_exchange.set(self)
        DEADLINES.set(self, self._ends_at, self._cut)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        DEADLINES.forget(self)
        _current_exchange.reset(self._token)
        with self._lock:
            self._let_go()

    def hold(self, sock: socket.socket) -> None:
        """Remember the socket to cut. A duplicate, since wrapping it in TLS takes the original away."""
        with self._lock:
            self._let_go()
            self._line = socket.socket(fileno=os.dup(sock.fileno()))
            if self.is_over_time:
                self._shut_down(self._line)

    def leave(self) -> None:
        """Called just before bytes of the request are sent. Raises TimeoutError when it is too late."""
        if not self.has_left and (self.is_over_time or time.monotonic() >= self._ends_at):
            self.is_over_time = True
            raise TimeoutError("the deadline passed before the request was sent")
        self.has_left = True

    def _cut(self) -> None:
        with self._lock:
            self.is_over_time = True
            if self._line is not None:
                self._shut_down(self._line)

    def _shut_down(self, line: socket.socket) -> None:
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other side was faster
            return

    def _let_go(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class _Watched(HTTPConnection):
    """A connection that tells the current exchange about its socket and its first byte."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        if exchange := _current_exchange.get():
            exchange.hold(sock)
        return sock

    def send(self, data: Any) -> None:
        exchange = _current_exchange.get()
        if exchange and self.sock is None:
            self.connect()
        if exchange and not exchange.has_left:
            exchange.hold(self.sock)  # a kept connection is new to this exchange
            exchange.leave()
        super().send(data)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class WatchedAdapter(HTTPAdapter):
    """Sends through watched connections; retries nothing."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def close(self) -> None:
        """Close every idle connection now; urllib3 waits until the garbage collector finds its pools."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 (can't be iterated)
            if pool := self.poolmanager.pools.get(key):
                pool.close()
        super().close()


class PlainSession(requests.Session):
    """A session without surprises: nothing from the environment, no cookies kept, no redirect looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(_NoCookies())
        for prefix in ("http://", "https://"):
            self.mount(prefix, WatchedAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, always; else requests reads a redirect's whole body, of any size."""


class _NoCookies(http.cookiejar.DefaultCookiePolicy):
    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def read_limited(response: requests.Response, limit: int) -> bytes | None:
    """The answer's body as it came over the wire, or None when it is longer than `limit` bytes."""
    body = bytearray()
    for chunk in response.raw.stream(8192, decode_content=False):
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def explain_failure(error: BaseException, exchange: Exchange) -> RobotalkerError:
    """What a failure of sending or reading means. The exchange decides; the error's class only refines."""
    links = list(walk_causes(error))
    if exchange.has_left:
        return _explain_lost(links, exchange)
    if any(isinstance(link, urllib3.exceptions.NameResolutionError | socket.gaierror) for link in links):
        return NameNotFound()
    if any(isinstance(link, ConnectionRefusedError) for link in links):
        return ConnectionRefused()
    if exchange.is_over_time or any(isinstance(link, requests.Timeout | TimeoutError) for link in links):
        return ConnectTimedOut()
    if any(isinstance(link, ssl.SSLError | urllib3.exceptions.SSLError) for link in links):
        return TlsFailed()
    return NeverLeft()


def _explain_lost(links: list[BaseException], exchange: Exchange) -> RobotalkerError:
    if exchange.is_over_time:
        return DeadlinePassed()
    timed_out = requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError
    return ReadTimedOut() if any(isinstance(link, timed_out) for link in links) else ConnectionLost()


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all it wraps: requests and urllib3 keep causes in arguments and in `reason`, too."""
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
    """Masks numbers in urllib3's own log lines: GET /contacts has one in its address."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask_numbers_in(unquote(record.getMessage()))
        record.args = ()
        return True


for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_MaskedAddresses())
