"""A server of calendars for tests: it answers as it is told, and keeps what it was asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class CalendarServer:
    """`answers` are given in turn, the last one for ever; `requests`: (path, headers in lower case)."""

    base: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    before_answering: Callable[[], None] | None = None

    @property
    def address(self) -> str:
        return f"{self.base}/private-4711/basic.ics?key=hush"


@contextmanager
def run_calendar_server() -> Iterator[CalendarServer]:
    calendars = CalendarServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calendars.requests.append(
                (self.path, {name.lower(): text for name, text in self.headers.items()})
            )
            if calendars.before_answering:
                calendars.before_answering()
            status, headers, body = calendars.answers[0]
            if len(calendars.answers) > 1:
                calendars.answers.pop(0)
            with suppress(OSError):
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    calendars.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield calendars
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
