"""The load generator: sends requests over keep-alive connections to a local port and measures latencies.

It is one process with one loop, so that it takes little CPU time from the servers it measures on the same
cores. It supports only the parts of HTTP that it needs: status, Content-Length, and closed connections.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

RENEW_AFTER = 50  # requests; a new connection can reach another worker, so that no worker stays idle
RECEIVE_BYTES = 65_536
ANSWERED = (200, 204)
HOST = "Host: callboard.example.org\r\nX-Forwarded-Proto: https\r\n"
HEADERS = f"{HOST}Content-Type: application/json\r\n"


@dataclass
class LoadResult:
    """The result of a load: the seconds it took, and the latency of each request in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0  # responses other than 200, and 204 for nothing new
    unanswered: list[float] = field(default_factory=list)  # seconds they had waited at the end

    @property
    def rate(self) -> float:
        """Requests answered per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Return the latency in seconds that this percentage of the requests didn't exceed.

        A request without a response counts with the time it had waited; its true latency is longer.
        """
        ordered = sorted(self.latencies + self.unanswered)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def post(path: str, body: bytes) -> bytes:
    """Return the bytes of an HTTP request."""
    return f"POST {path} HTTP/1.1\r\n{HEADERS}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str, headers: Mapping[str, str]) -> bytes:
    """The same, to read something."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\n{HOST}{lines}\r\n".encode()


def send_load(
    port: int, requests: Sequence[bytes], *, connections: int, within: float, rate: float = 0.0
) -> LoadResult:
    """Send every request once, as fast as responses arrive, or `rate` per second regardless of them.

    With a rate, latency is measured from the moment the request was due, so it includes waiting for a free
    connection. Requests without a response `within` seconds are given up.
    """
    started = time.perf_counter()
    gap = 1 / rate if rate else 0.0
    waiting = deque((started + index * gap, request) for index, request in enumerate(requests))
    with selectors.DefaultSelector() as selector:
        result = _LoadGenerator(port, connections, selector).run(waiting, started + within)
    result.seconds = time.perf_counter() - started
    return result


class _Connection:
    """One connection, and the request that is waiting for its response."""

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
        """Return the response's status, 0 while incomplete. Raises ConnectionError if it is cut off."""
        assert self.socket is not None
        received = self.socket.recv(RECEIVE_BYTES)
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


class _LoadGenerator:
    def __init__(self, port: int, connections: int, selector: selectors.BaseSelector) -> None:
        self._idle = deque(_Connection(port) for _ in range(connections))
        self._selector = selector
        self._result = LoadResult()

    def run(self, waiting: deque[tuple[float, bytes]], ends_at: float) -> LoadResult:
        while (waiting or self._selector.get_map()) and (now := time.perf_counter()) < ends_at:
            while self._idle and waiting and waiting[0][0] <= now:
                self._send(self._idle.popleft(), *waiting.popleft())
            pause = max(waiting[0][0] - now, 0) if self._idle and waiting else 0.2
            for key, _ in self._selector.select(pause):
                self._receive(key.data)
        busy: list[_Connection] = [key.data for key in self._selector.get_map().values()]
        due = [*(each.due for each in busy), *(due for due, _ in waiting)]
        self._result.unanswered = [max(ends_at - moment, 0) for moment in due]
        for each in [*self._idle, *busy]:
            each.close()
        return self._result

    def _send(self, connection: _Connection, due: float, request: bytes) -> None:
        try:
            sent_on = connection.send(due, request)
        except ConnectionError:  # it was closed while idle
            connection.close()
            sent_on = connection.send(due, request)
        self._selector.register(sent_on, selectors.EVENT_READ, connection)

    def _receive(self, connection: _Connection) -> None:
        try:
            status = connection.receive()
        except ConnectionError:  # it was closed just when the request was sent
            self._unregister(connection)
            connection.close()
            self._send(connection, connection.due, connection.request)
            return
        if not status:
            return
        if status in ANSWERED:
            self._result.latencies.append(time.perf_counter() - connection.due)
        else:
            self._result.refused += 1
        self._unregister(connection)
        self._idle.append(connection)

    def _unregister(self, connection: _Connection) -> None:
        assert connection.socket is not None
        self._selector.unregister(connection.socket)


def _read_length(head: bytes) -> int:
    for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")):
        if name.lower() == b"content-length":
            return int(value)
    return 0
