"""When everything answers, and what a person is told then."""

import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from config.local.processes import WORKER_QUEUES

READY_WITHIN = 60.0  # seconds
BETWEEN_LOOKS = 0.2  # seconds


@dataclass(frozen=True)
class Addresses:
    """Where a person finds what was started; `robotalker` is named when it isn't our sandbox."""

    web: str
    sandbox: str
    robotalker: str = ""


def wait_until_ready(addresses: Addresses) -> list[str]:
    """Wait for web, workers and sandbox to answer; the names of those that don't within a minute."""
    looks: dict[str, Callable[[], bool]] = {
        "web": lambda: _answers(f"{addresses.web}/healthz"),
        "workers": _workers_answer,
    }
    if addresses.sandbox:
        looks["sandbox"] = lambda: _answers(f"{addresses.sandbox}/sandbox/health")
    deadline = time.monotonic() + READY_WITHIN
    while looks and time.monotonic() < deadline:
        looks = {name: look for name, look in looks.items() if not look()}
        time.sleep(BETWEEN_LOOKS if looks else 0)
    return list(looks)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  always one of ours, by http
            return bool(answer.status == 200)
    except OSError:
        return False


def _workers_answer() -> bool:
    from config.celery import app

    answers = {name.partition("@")[0] for answer in app.control.ping(timeout=0.5) or [] for name in answer}
    return answers >= set(WORKER_QUEUES)


def describe_ready(addresses: Addresses) -> str:
    """The block that says where to go and what to try."""
    lines = ["Callboard is ready.", "", f"  The front desk   {addresses.web}/"]
    lines += [f"  The admin        {addresses.web}/admin/"]
    if addresses.sandbox:
        lines += [f"  The phones       {addresses.sandbox}/", "", *TO_TRY]
    else:
        lines += [f"  Robotalker       {addresses.robotalker}", "", *NO_SANDBOX]
    lines += ["", *YOUR_OWN_LIST, "", "  Ctrl-C stops everything; the data stay under var/."]
    rule = "─" * max(map(len, lines))
    return "\n".join(["", rule, *lines, rule, ""])


TO_TRY = [
    "  Log in as frontdesk, manager or admin; the password of each is callboard.",
    "  Open the phones beside the front desk's Today page. The first ones ring within a minute:",
    "  answer one, press 1, and watch its appointment turn to confirmed. 2 asks for another time,",
    "  9 opts the number out. No call leaves this machine.",
]
NO_SANDBOX = [
    "  That server is used as it is: the sandbox isn't started, and no made-up clinic is added unless",
    "  it is on this machine. Its answers come in at PUBLIC_BASE_URL, which it must be able to reach.",
]
YOUR_OWN_LIST = [
    "  Your own list: Import in the menu, or in a second terminal",
    "    .venv/bin/python manage.py import_appointments FILE --dry-run",
]
