"""A client that shows the raw bytes received and how the connection ends."""

import json
import socket
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal
from urllib.parse import urlsplit

from tests.sandbox_server import SandboxServer


@dataclass(frozen=True)
class RawAnswer:
    """``status`` is None if there was no response; seconds are from the end of the request."""

    raw: bytes
    ending: Literal["closed", "reset"]
    seconds_to_first_byte: float
    seconds: float

    @property
    def head(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[0].decode()

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int | None:
        return int(self.head.split()[1]) if self.raw else None

    def read_header(self, name: str) -> str | None:
        lines = (line.partition(":") for line in self.head.splitlines()[1:])
        return next((value.strip() for key, _, value in lines if key.lower() == name.lower()), None)


def post_raw(sandbox: SandboxServer, path: str, body: Any, *, key: str | None = None) -> RawAnswer:
    """Post over a plain socket, and read until the server closes the connection."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n"
        f"Authorization: Bearer {key or sandbox.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname, address.port), timeout=15) as connection:
        connection.sendall(head.encode() + content)
        return read_to_end(connection)


def read_to_end(connection: socket.socket) -> RawAnswer:
    started = monotonic()
    first_byte, raw = 0.0, b""
    ending: Literal["closed", "reset"] = "closed"
    try:
        while chunk := connection.recv(65_536):
            first_byte = first_byte or monotonic() - started
            raw += chunk
    except ConnectionResetError:
        ending = "reset"
    return RawAnswer(raw, ending, first_byte, monotonic() - started)
