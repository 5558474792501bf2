"""Waits until everything responds, and writes the message that says where to go."""

import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from config.local.processes import WORKER_QUEUES

READY_WITHIN = 60.0  # seconds
CHECK_EVERY = 0.2  # seconds


@dataclass(frozen=True)
class Addresses:
    """The URLs of what was started; `robotalker` is set if it isn't our sandbox."""

    web: str
    sandbox: str
    robotalker: str = ""


def wait_until_ready(addresses: Addresses) -> list[str]:
    """Wait until web, workers and sandbox respond; returns the names of those that don't within a minute."""
    checks: dict[str, Callable[[], bool]] = {
        "web": lambda: _answers(f"{addresses.web}/healthz"),
        "workers": _workers_answer,
    }
    if addresses.sandbox:
        checks["sandbox"] = lambda: _answers(f"{addresses.sandbox}/sandbox/health")
    deadline = time.monotonic() + READY_WITHIN
    while checks and time.monotonic() < deadline:
        checks = {name: check for name, check in checks.items() if not check()}
        time.sleep(CHECK_EVERY if checks else 0)
    return list(checks)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  always one of our own http URLs
            return bool(answer.status == 200)
    except OSError:
        return False


def _workers_answer() -> bool:
    from kombu.exceptions import OperationalError
    from redis import RedisError

    from config.celery import app

    try:
        given = app.control.ping(timeout=0.5)
    except (OperationalError, RedisError, OSError):  # the broker is away, or is being stopped
        return False
    answers = {name.partition("@")[0] for answer in given or [] for name in answer}
    return answers >= set(WORKER_QUEUES)


def describe_ready(addresses: Addresses) -> str:
    """The message that says where to go and what to try."""
    lines = ["Callboard is ready.", "", f"  The front desk   {addresses.web}/"]
    lines += [f"  The admin        {addresses.web}/admin/"]
    if addresses.sandbox:
        lines += [f"  The phones       {addresses.sandbox}/", "", *TO_TRY]
    else:
        lines += [f"  Robotalker       {addresses.robotalker}", "", *NO_SANDBOX]
    lines += ["", *YOUR_OWN_LIST, "", "  Ctrl-C stops everything; the data stays under var/."]
    rule = "─" * max(map(len, lines))
    return "\n".join(["", rule, *lines, rule, ""])


TO_TRY = [
    "  Log in as frontdesk, manager or admin; the password of each is callboard.",
    "  Open the phones next to the Today page. The first ones ring within a minute: answer one,",
    "  press 1, and see its appointment become confirmed. 2 asks for another time, 9 opts the",
    "  number out. No real calls are made.",
]
NO_SANDBOX = [
    "  This server is used instead of the sandbox. The demo clinic is created only if the server is on",
    "  this machine. It must be able to reach PUBLIC_BASE_URL, where it posts its events.",
]
YOUR_OWN_LIST = [
    "  Your own list: Import in the menu, or in a second terminal",
    "    .venv/bin/python manage.py import_appointments FILE --dry-run",
]
