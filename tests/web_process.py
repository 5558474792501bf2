"""The web process for tests, as `make run` and the image start it, on the database of the tests."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from tests.waiting import find_free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent
WORKER = ["-k", "config.web_server.PatientWorker", "--no-control-socket", "--log-level", "error"]


@contextmanager
def run_web_process(*options: str, host: str = "", **environment: str) -> Iterator[int]:
    """Run it with these options of gunicorn, as on a machine of the name `host`; yield its port."""
    port = find_free_port()
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    module = ["tests.other_host", host, "gunicorn"] if host else ["gunicorn"]
    command = [sys.executable, "-m", *module, "config.wsgi", "--bind", f"127.0.0.1:{port}", *WORKER]
    process = subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database.geturl(), **environment},
    )
    try:
        wait_until(lambda: ask(port, "/healthz")[0] == 200, "the web process", within_seconds=60)
        yield port
    finally:
        process.terminate()
        assert process.wait(timeout=40) == 0


def ask(port: int, path: str, *headers: str, timeout: float = 10.0) -> tuple[int, bytes]:
    """GET it; status (0: no answer within `timeout` seconds) and body."""
    lines = "".join(f"{header}\r\n" for header in headers)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n"
    return exchange(port, request.encode(), timeout=timeout)


def exchange(port: int, request: bytes, *, timeout: float = 10.0) -> tuple[int, bytes]:
    """Send these bytes, and read until the server ends the connection; status (0: no answer) and body."""
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
            client.sendall(request)
            while chunk := client.recv(65_536):
                received += chunk
    except OSError:  # what came before the connection was reset counts
        pass
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body
