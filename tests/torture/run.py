"""One run of one strategy, in a process of its own: `python -m tests.torture.run STRATEGY FOLDER`.

FOLDER holds the running database; `DATABASE_URL` names the run's copy. Writes `STRATEGY.json` there.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from config.local.processes import ENVIRONMENT as OF_PROCESSES
from tests.sandbox_server import SandboxServer, run_sandbox
from tests.torture.servers import Broker, Database, Staffing, run_broker
from tests.torture.size import Size, read_size
from tests.torture.trouble import LOST_ANSWERS, MIX
from tests.waiting import find_free_port, wait_until

if TYPE_CHECKING:
    from tests.torture.oracle import Facts
    from tests.torture.storm import Storm

# Everything short, so that what takes minutes in a practice takes seconds here.
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "tests.torture.settings",
    "DEBUG": "true",
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "WEBHOOK_KEYS": "only-for-tests-" + "y" * 50,
    "ALLOWED_HOSTS": "127.0.0.1",
    "ROBOTALKER_API_KEY": SandboxServer.api_key,
    "ROBOTALKER_FROM_NUMBER": "+18005550199",
    "ROBOTALKER_ON_500": "unknown",
    "ROBOTALKER_CONNECT_TIMEOUT": "1",
    "ROBOTALKER_READ_TIMEOUT": "1",
    "ROBOTALKER_TOTAL_DEADLINE": "1.5",
    "ROBOTALKER_THREADS": "3",
    "ROBOTALKER_RATE": "60/second",
    "CAP_PER_DAY": "2",  # so that some are tried again
    "DISPATCH_LEASE": "4",
    "DISPATCH_BATCH": "20",
    "CAMPAIGN_MINIMUM": "8",
    "UNKNOWN_GRACE": "4",
    "EVENT_PATIENCE": "6",
    "LOG_LEVEL": "WARNING",
}
SPEED = 40.0  # of the sandbox: an answered call takes about half a second


def main() -> int:
    """Run it; 0 whatever the oracle says: that is judged by who reads the result."""
    signal.signal(signal.SIGTERM, _stop)
    strategy, folder = sys.argv[1], Path(sys.argv[2])
    try:
        result = run(strategy, folder, read_size())
    except KeyboardInterrupt:  # a person's Ctrl-C, or the end of the program that started this one
        return 130
    (folder / f"{strategy}.json").write_text(json.dumps(result))
    return 0


def _stop(number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what was started is being ended
    raise KeyboardInterrupt


def run(strategy: str, folder: Path, size: Size) -> dict[str, Any]:
    """Storm, quiet, oracle: what its rules count (`rules`) and what happened (`told`)."""
    started = time.monotonic()
    own = folder / strategy
    own.mkdir()
    with ExitStack() as stack:
        broker = stack.enter_context(run_broker(folder))
        sandbox = stack.enter_context(run_sandbox(speed=SPEED, seed=size.seed))
        port = find_free_port()
        _set_environment(strategy, broker, sandbox, port)
        facts, storm = _run_in_environment(Database(folder), broker, sandbox, Staffing(own, port), size)
    from tests.torture.oracle import judge

    return {"rules": judge(facts), "told": _tell(facts, storm, time.monotonic() - started)}


def _set_environment(strategy: str, broker: Broker, sandbox: SandboxServer, port: int) -> None:
    os.environ.update(ENVIRONMENT | OF_PROCESSES)
    os.environ["TORTURE_STRATEGY"] = strategy
    os.environ["REDIS_URL"] = broker.url
    os.environ["ROBOTALKER_BASE_URL"] = sandbox.url
    os.environ["PUBLIC_BASE_URL"] = f"http://127.0.0.1:{port}"


def _run_in_environment(
    database: Database, broker: Broker, sandbox: SandboxServer, staffing: Staffing, size: Size
) -> "tuple[Facts, Storm]":
    import django

    django.setup()
    import random

    from django.db import connection
    from django.utils import timezone

    from tests.torture.deeds import Staff
    from tests.torture.facts import read_facts
    from tests.torture.quiet import wait_for_quiet
    from tests.torture.storm import Parts, Storm
    from tests.torture.world import make_world

    sandbox.behave(mix=MIX, repost_after_seconds=[20.0] * 20)
    staff = Staff(random.Random(size.seed + 2))
    world = make_world(size)
    storm = Storm(Parts(database, broker, sandbox, staffing, staff), size)
    connection.close()
    try:
        staffing.start()
        is_time = lambda: timezone.now() >= world.starts_at  # noqa: E731
        wait_until(is_time, "the first reminder to fall due", within_seconds=60)
        storm.rage()
        wait_for_quiet(storm)
    finally:
        staffing.stop()
    facts = read_facts(sandbox, world)
    connection.close()
    return facts, storm


def _tell(facts: "Facts", storm: "Storm", seconds: float) -> dict[str, int]:
    from reminders.models import FollowUp
    from tests.torture.oracle import find_unsettled

    states = Counter(promise.state for promise in facts.promises)
    outcomes = {"answered", "voicemail", "no_answer", "failed", "delivered"}
    by_subject = {one.subject: one for one in facts.tries}
    lost = [by_subject.get(line.subject) for line in facts.lines if line.fault in LOST_ANSWERS]
    cut = [one for one in facts.tries if not one.written_down]
    accepted = {line.subject for line in facts.lines}
    unresolved = FollowUp.objects.exclude(state=FollowUp.State.RESOLVED)
    return {
        "reminders": len(facts.promises),
        "calls and texts accepted": len(facts.lines),
        **storm.counts,
        "requests spoilt": sum(storm.requests_spoilt.values()),
        **{f"  {kind}": count for kind, count in sorted(storm.requests_spoilt.items()) if count},
        "answers lost after acceptance": len(lost),
        "  of these healed by an event": sum(one is not None and one.state in outcomes for one in lost),
        "accepted, and never written down by its worker": sum(
            one.subject in accepted for one in cut if one not in lost
        ),
        "reminders done": states["done"],
        "reminders missed in the open": states["missed"],
        "reminders skipped or withdrawn": states["skipped"] + states["withdrawn"],
        **{f"  left {one.state} ({one.reason})": 1 for one in find_unsettled(facts)},
        "on the worklist at the end": unresolved.count(),
        "  may or may not have been called": unresolved.filter(kind="unknown_outcome").count(),
        "seconds": round(seconds),
    }


if __name__ == "__main__":
    sys.exit(main())
