"""The hammer: requests over kept-alive connections to a port of this machine, and how long each took.

One process and one loop, so that it takes as little as possible from the two cores it shares with those
it measures. It speaks just enough HTTP: status, Content-Length, and a connection that was closed.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

RENEW_AFTER = 50  # requests; a new connection may reach another worker, so that none stays idle
BROWSE = 65_536
HEADERS = "Host: callboard.example.org\r\nX-Forwarded-Proto: https\r\nContent-Type: application/json\r\n"


@dataclass
class Volley:
    """What came of some requests: the seconds for all, and each one's latency in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0  # answers other than 200
    unanswered: list[float] = field(default_factory=list)  # how long they had waited when time was over

    @property
    def rate(self) -> float:
        """Requests answered per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """The latency, in seconds, that so many percent of the requests stayed within.

        What was never answered counts with the time it had waited: the true latency is longer.
        """
        ordered = sorted(self.latencies + self.unanswered)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def post(path: str, body: bytes) -> bytes:
    """A request as it goes over the wire."""
    return f"POST {path} HTTP/1.1\r\n{HEADERS}Content-Length: {len(body)}\r\n\r\n".encode() + body


def fire(
    port: int, requests: Sequence[bytes], *, connections: int, within: float, rate: float = 0.0
) -> Volley:
    """Send every request once, as fast as the answers come, or `rate` a second whatever comes.

    At a rate, a latency counts from the moment the request was due, so that waiting for a free connection
    is part of it. What isn't answered `within` seconds is given up.
    """
    started = time.perf_counter()
    gap = 1 / rate if rate else 0.0
    waiting = deque((started + place * gap, request) for place, request in enumerate(requests))
    with selectors.DefaultSelector() as selector:
        volley = _Battery(port, connections, selector).fire(waiting, started + within)
    volley.seconds = time.perf_counter() - started
    return volley


class _Line:
    """One connection, and the request on its way over it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._left = 0
        self._answer = b""
        self.request = b""
        self.due = 0.0
        self.socket: socket.socket | None = None

    def send(self, due: float, request: bytes) -> socket.socket:
        self.due, self.request, self._answer = due, request, b""
        if self.socket is None or not self._left:
            self._connect()
        assert self.socket is not None
        self._left -= 1
        self.socket.sendall(request)
        return self.socket

    def receive(self) -> int:
        """The status of the answer; 0 while it isn't whole. Raises ConnectionError when it was cut off."""
        assert self.socket is not None
        received = self.socket.recv(BROWSE)
        if not received:
            raise ConnectionResetError
        self._answer += received
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank or len(body) < _read_length(head):
            return 0
        return int(head[9:12])

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _connect(self) -> None:
        self.close()
        self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = RENEW_AFTER


class _Battery:
    def __init__(self, port: int, connections: int, selector: selectors.BaseSelector) -> None:
        self._idle = deque(_Line(port) for _ in range(connections))
        self._selector = selector
        self._volley = Volley()

    def fire(self, waiting: deque[tuple[float, bytes]], ends_at: float) -> Volley:
        while (waiting or self._selector.get_map()) and (now := time.perf_counter()) < ends_at:
            while self._idle and waiting and waiting[0][0] <= now:
                self._send(self._idle.popleft(), *waiting.popleft())
            pause = max(waiting[0][0] - now, 0) if self._idle and waiting else 0.2
            for key, _ in self._selector.select(pause):
                self._receive(key.data)
        busy: list[_Line] = [key.data for key in self._selector.get_map().values()]
        due = [*(line.due for line in busy), *(due for due, _ in waiting)]
        self._volley.unanswered = [max(ends_at - moment, 0) for moment in due]
        for line in [*self._idle, *busy]:
            line.close()
        return self._volley

    def _send(self, line: _Line, due: float, request: bytes) -> None:
        try:
            connection = line.send(due, request)
        except ConnectionError:  # it was closed while idle
            line.close()
            connection = line.send(due, request)
        self._selector.register(connection, selectors.EVENT_READ, line)

    def _receive(self, line: _Line) -> None:
        try:
            status = line.receive()
        except ConnectionError:  # closed just as we wrote to it
            self._let_go(line)
            line.close()
            self._send(line, line.due, line.request)
            return
        if not status:
            return
        if status == 200:
            self._volley.latencies.append(time.perf_counter() - line.due)
        else:
            self._volley.refused += 1
        self._let_go(line)
        self._idle.append(line)

    def _let_go(self, line: _Line) -> None:
        assert line.socket is not None
        self._selector.unregister(line.socket)


def _read_length(head: bytes) -> int:
    for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")):
        if name.lower() == b"content-length":
            return int(value)
    return 0
