"""Run the sandbox in its own process for tests, read what it accepted, and control its phones.

server = SandboxServer()
server.start()
...
server.stop()
"""

import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from tests.waiting import find_free_port, wait_until

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN_SECONDS = 20.0


class SandboxServer:
    """``python -m reminders.sandbox`` on a free port of 127.0.0.1, unattended and fast by default.

    ``options`` are further options of the command line, such as ``["--attended", "--speed", "5"]``.
    The ledger is in its own directory, which is kept until the tests end.
    """

    api_key = "test-key"

    def __init__(self, options: Sequence[str] = (), *, speed: float = 50.0, seed: int = 1) -> None:
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        directory = tempfile.mkdtemp(prefix="sandbox-")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        self.ledger_path = Path(directory) / "ledger.jsonl"
        self._options = ["--unattended", "--speed", str(speed), "--seed", str(seed), *options]
        if "--attended" in options:
            self._options.remove("--unattended")
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    def start(self) -> "SandboxServer":
        """Start the process and wait until it answers. Can be called again after ``stop`` or ``kill``."""
        command = [sys.executable, "-m", "reminders.sandbox", "--port", str(self.port)]
        command += ["--api-key", self.api_key, "--ledger", str(self.ledger_path), *self._options]
        self._process = subprocess.Popen(command, cwd=ROOT)
        wait_until(self._is_up, "the sandbox to answer", within_seconds=START_WITHIN_SECONDS)
        return self

    def stop(self) -> None:
        """Stop it with SIGTERM."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)  # after an hour of calls it has much to free
            self._process = None
        self._session.close()

    def kill(self) -> None:
        """Kill it with SIGKILL. Everything it acknowledged is in the ledger."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _is_up(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"The sandbox ended with {self._process.returncode} before it answered.")
        try:
            return self._session.get(f"{self.url}/sandbox/health", timeout=1).ok
        except requests.ConnectionError:
            return False

    def control(self, method: str, path: str, body: Any = None) -> Json:
        """Send a request to the sandbox's own control API, such as ``("GET", "/sandbox/health")``.

        Raises requests.HTTPError if it is refused.
        """
        answer = self._session.request(method, f"{self.url}{path}", json=body, timeout=10)
        answer.raise_for_status()
        result: Json = answer.json()
        return result

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Send a request to the guide's API with the right key, such as ``("POST", "/api/v1/calls", {})``."""
        named = {"Authorization": f"Bearer {self.api_key}"} | headers
        return requests.request(
            method, f"{self.url}{path}", json=body, headers=named, timeout=10, allow_redirects=False
        )

    def reset(self) -> None:
        """Delete all calls, messages, contacts, posts, ledger entries and faults; reset the behaviour."""
        self.control("POST", "/sandbox/reset")

    def ledger(self, to: str | None = None) -> list[Json]:
        """Return all accepted calls and messages, oldest first; with ``to``, only those to that number."""
        entries: list[Json] = self.control("GET", "/sandbox/ledger")["entries"]
        return [entry for entry in entries if to in {None, entry["to"]}]

    def requests(self) -> list[datetime]:
        """Return when each API request was received, oldest first, including refused ones."""
        moments: list[str] = self.control("GET", "/sandbox/requests")["requests"]
        return [datetime.fromisoformat(moment) for moment in moments]

    def calls(self, to: str | None = None, state: str | None = None) -> list[Json]:
        """Return all calls in their current state; ``state``: queued, ringing, answered or ended."""
        calls: list[Json] = self.control("GET", "/sandbox/calls")["calls"]
        return [call for call in calls if to in {None, call["to"]} and state in {None, call["state"]}]

    def texts(self, to: str | None = None) -> list[Json]:
        """Return all text messages, sent and received; ``to`` is the patient's number."""
        texts: list[Json] = self.control("GET", "/sandbox/sms")["texts"]
        return [sms for sms in texts if to in {None, sms["to"]}]

    def posts(self, event: str | None = None, to: str | None = None) -> list[Json]:
        """Return what was posted to webhooks, with the responses, oldest first."""
        posts: list[Json] = self.control("GET", "/sandbox/posts")["posts"]
        return [
            post for post in posts if event in {None, post["event"]} and to in {None, post["body"].get("to")}
        ]

    def post_again(self, post_id: str) -> Json:
        """Post this event again."""
        return self.control("POST", f"/sandbox/posts/{post_id}/again")

    def answer(self, call_id: str) -> Json:
        """Answer a ringing call."""
        return self.control("POST", f"/sandbox/calls/{call_id}/answer")

    def press(self, call_id: str, digit: str) -> Json:
        """Press a key in an answered call."""
        return self.control("POST", f"/sandbox/calls/{call_id}/press", {"digit": digit})

    def hang_up(self, call_id: str) -> Json:
        """Hang up an answered call, or reject a ringing one."""
        return self.control("POST", f"/sandbox/calls/{call_id}/hangup")

    def reply(self, to: str, text: str) -> Json:
        """Send a reply from this number to the newest text message it was sent."""
        return self.control("POST", "/sandbox/sms/reply", {"to": to, "text": text})

    def faults(self, *rules: Json) -> None:
        """Replace all fault rules by these; no argument removes all.

        ``server.faults({"kind": "drop_after", "endpoint": "calls", "next": 1})``
        """
        self.control("PUT", "/sandbox/faults", {"faults": list(rules)})

    def behave(self, **changes: Any) -> None:
        """Change the behaviour: ``speed``, ``attended``, ``ring_seconds``, ``mix``, ``scenarios``, ..."""
        self.control("PUT", "/sandbox/behaviour", changes)

    def set_scenarios(self, scenarios: Mapping[str, str | Sequence[str]]) -> None:
        """Set what each number does in each try: ``{"+12125550100": ["no_answer", "press_1"]}``."""
        self.behave(scenarios=dict(scenarios))

    def wait_for_call(self, to: str, state: str) -> Json:
        """Wait until a call to this number is in this state, and return the newest one."""
        return wait_until(
            lambda: next(iter(self.calls(to, state)[-1:]), None), f"a call to be {state}", within_seconds=15
        )

    def wait_for_post(self, event: str, to: str, *, state: str = "delivered") -> Json:
        """Wait until a post of this event about this number is in this state; return the newest one."""
        return wait_until(
            lambda: next((post for post in self.posts(event, to)[::-1] if post["state"] == state), None),
            f"{event} to be {state}",
            within_seconds=15,
        )


@contextmanager
def run_sandbox(
    options: Sequence[str] = (), *, speed: float = 50.0, seed: int = 1
) -> Iterator[SandboxServer]:
    """Run a sandbox for the duration of a ``with`` block."""
    server = SandboxServer(options, speed=speed, seed=seed)
    try:
        yield server.start()
    finally:
        server.stop()
