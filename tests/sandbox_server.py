"""A real sandbox in its own process, for tests: the oracle of what was accepted, and the hand on the phones.

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
    """``python -m reminders.sandbox`` on a free port of 127.0.0.1, unattended and fast unless told otherwise.

    ``options`` are further options of the command line, such as ``["--attended", "--speed", "5"]``.
    The ledger lives in a directory of its own, kept until the tests are over.
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
        """Start the process and return when it answers. May be called again after ``stop`` or ``kill``."""
        command = [sys.executable, "-m", "reminders.sandbox", "--port", str(self.port)]
        command += ["--api-key", self.api_key, "--ledger", str(self.ledger_path), *self._options]
        self._process = subprocess.Popen(command, cwd=ROOT)
        wait_until(self._is_up, "the sandbox to answer", within_seconds=START_WITHIN_SECONDS)
        return self

    def stop(self) -> None:
        """Stop it as Ctrl-C would."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None
        self._session.close()

    def kill(self) -> None:
        """End it in the middle of whatever it does; what it acknowledged is in the ledger."""
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
        """One request to the sandbox's own controls, such as ``("GET", "/sandbox/health")``.

        Raises requests.HTTPError when it is refused.
        """
        answer = self._session.request(method, f"{self.url}{path}", json=body, timeout=10)
        answer.raise_for_status()
        result: Json = answer.json()
        return result

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """One request to the guide's API with the right key, such as ``("POST", "/api/v1/calls", {...})``."""
        named = {"Authorization": f"Bearer {self.api_key}"} | headers
        return requests.request(
            method, f"{self.url}{path}", json=body, headers=named, timeout=10, allow_redirects=False
        )

    def reset(self) -> None:
        """Forget all calls, messages, contacts, posts, the ledger and faults; behave as at the start."""
        self.control("POST", "/sandbox/reset")

    def ledger(self, to: str | None = None) -> list[Json]:
        """Every call and message accepted, oldest first; those to one number with ``to``."""
        entries: list[Json] = self.control("GET", "/sandbox/ledger")["entries"]
        return [entry for entry in entries if to in {None, entry["to"]}]

    def requests(self) -> list[datetime]:
        """When each request of the API came in, oldest first, those that were refused included."""
        moments: list[str] = self.control("GET", "/sandbox/requests")["requests"]
        return [datetime.fromisoformat(moment) for moment in moments]

    def calls(self, to: str | None = None, state: str | None = None) -> list[Json]:
        """Every call, live; ``state`` is queued, ringing, answered or ended."""
        calls: list[Json] = self.control("GET", "/sandbox/calls")["calls"]
        return [call for call in calls if to in {None, call["to"]} and state in {None, call["state"]}]

    def texts(self, to: str | None = None) -> list[Json]:
        """Every text message, out and in; ``to`` is the patient's number."""
        texts: list[Json] = self.control("GET", "/sandbox/sms")["texts"]
        return [sms for sms in texts if to in {None, sms["to"]}]

    def posts(self, event: str | None = None, to: str | None = None) -> list[Json]:
        """What was posted to webhooks, with the answers, oldest first."""
        posts: list[Json] = self.control("GET", "/sandbox/posts")["posts"]
        return [
            post for post in posts if event in {None, post["event"]} and to in {None, post["body"].get("to")}
        ]

    def post_again(self, post_id: str) -> Json:
        """Post this event once more."""
        return self.control("POST", f"/sandbox/posts/{post_id}/again")

    def answer(self, call_id: str) -> Json:
        """Pick up a ringing phone."""
        return self.control("POST", f"/sandbox/calls/{call_id}/answer")

    def press(self, call_id: str, digit: str) -> Json:
        """Press a key in a call that is answered."""
        return self.control("POST", f"/sandbox/calls/{call_id}/press", {"digit": digit})

    def hang_up(self, call_id: str) -> Json:
        """Hang up, or turn a ringing call away."""
        return self.control("POST", f"/sandbox/calls/{call_id}/hangup")

    def reply(self, to: str, text: str) -> Json:
        """Let the patient answer the newest text message sent to this number."""
        return self.control("POST", "/sandbox/sms/reply", {"to": to, "text": text})

    def faults(self, *rules: Json) -> None:
        """Put these fault rules in force in place of all others; none clears them.

        ``server.faults({"kind": "drop_after", "endpoint": "calls", "next": 1})``
        """
        self.control("PUT", "/sandbox/faults", {"faults": list(rules)})

    def behave(self, **changes: Any) -> None:
        """Change the behaviour: ``speed``, ``attended``, ``ring_seconds``, ``mix``, ``scenarios``, ..."""
        self.control("PUT", "/sandbox/behaviour", changes)

    def tell_stories(self, stories: Mapping[str, str | Sequence[str]]) -> None:
        """Say what each number does: ``{"+12125550100": ["no_answer", "press_1"]}``, one for each try."""
        self.behave(scenarios=dict(stories))

    def wait_for_call(self, to: str, state: str) -> Json:
        """The newest call to this number, once it is in this state."""
        return wait_until(
            lambda: next(iter(self.calls(to, state)[-1:]), None), f"a call to be {state}", within_seconds=15
        )

    def wait_for_post(self, event: str, to: str, *, state: str = "delivered") -> Json:
        """The newest post of this event about this number, once it is in this state."""
        return wait_until(
            lambda: next((post for post in self.posts(event, to)[::-1] if post["state"] == state), None),
            f"{event} to be {state}",
            within_seconds=15,
        )


@contextmanager
def run_sandbox(
    options: Sequence[str] = (), *, speed: float = 50.0, seed: int = 1
) -> Iterator[SandboxServer]:
    """A running sandbox for the length of a ``with`` block."""
    server = SandboxServer(options, speed=speed, seed=seed)
    try:
        yield server.start()
    finally:
        server.stop()
