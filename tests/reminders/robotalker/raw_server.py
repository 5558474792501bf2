"""A server on plain sockets that sends the responses a test gives it, valid or broken."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

ONE_BYTE_EVERY = 0.02  # seconds


@dataclass(frozen=True)
class Request:
    """One request as received."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Play = Callable[["RawServer", socket.socket], None]


@dataclass
class RawServer:
    """Receives requests on a free port and calls `play` to respond; a list of plays is used in order."""

    play: Play | list[Play]
    tls: ssl.SSLContext | None = None
    breaks_handshake: bool = False  # calls play right after the client's hello, without reading a request
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=[client])
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(5)
        try:
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
            self._answer_all(client)
        except OSError:  # the client closed the connection
            return
        finally:
            client.close()

    def _answer_all(self, client: socket.socket) -> None:
        if self.breaks_handshake:
            client.recv(65_536)
            self._next_play()(self, client)
            return
        with client.makefile("rb") as incoming:
            while request := read_request(incoming):
                self.requests.append(request)
                self._next_play()(self, client)

    def _next_play(self) -> Play:
        if not isinstance(self.play, list):
            return self.play
        return self.play.pop(0) if len(self.play) > 1 else self.play[0]


def read_request(incoming: Any) -> Request | None:
    """The next request on a connection; None at its end."""
    start = incoming.readline().decode().split()
    if not start:
        return None
    headers: dict[str, str] = {}
    while (text := incoming.readline().decode().strip()) != "":
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return Request(start[0], start[1], headers, incoming.read(int(headers.get("content-length", 0))))


def write_answer(status: int, body: bytes | dict[str, Any] = b"", **headers: str) -> bytes:
    """A complete HTTP response; header names are written with underscores."""
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    named = {"Content_Length": str(len(content)), **headers}
    reason = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Odd"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{k.replace('_', '-')}: {v}" for k, v in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


def answer(status: int, body: bytes | dict[str, Any] = b"", **headers: str) -> Play:
    """Sends a well-formed response."""
    return send(write_answer(status, body, **headers))


def send(whole: bytes) -> Play:
    """Sends these bytes and keeps the connection open."""
    return lambda _, client: client.sendall(whole)


def send_and_close(whole: bytes) -> Play:
    """Sends these bytes and closes the connection."""

    def play(_: RawServer, client: socket.socket) -> None:
        client.sendall(whole)
        client.shutdown(socket.SHUT_RDWR)

    return play


def drip(at_once: bytes, slowly: Callable[[], Iterable[bytes]]) -> Play:
    """Sends some bytes, then slowly the pieces, until the server stops or the client disconnects."""

    def play(server: RawServer, client: socket.socket) -> None:
        client.sendall(at_once)
        for piece in slowly():
            if server.stopping.wait(ONE_BYTE_EVERY):
                return
            client.sendall(piece)

    return play


def stay_silent(server: RawServer, _: socket.socket) -> None:
    """Sends nothing for as long as the server runs."""
    server.stopping.wait(30)


def reset(_: RawServer, client: socket.socket) -> None:
    """Ends the connection by RST, which closing does with SO_LINGER of 0 seconds."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionAbortedError
