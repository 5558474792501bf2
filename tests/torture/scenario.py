"""One run from the first person made to the facts for the oracle; imported once the environment is set."""

import random
from collections import Counter
from pathlib import Path

import django

django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from reminders.models import FollowUp  # noqa: E402
from reminders.sandbox.faults import EVENT_FAULTS  # noqa: E402
from tests.sandbox_server import SandboxServer  # noqa: E402
from tests.torture.deeds import Staff  # noqa: E402
from tests.torture.facts import read_facts  # noqa: E402
from tests.torture.oracle import Facts, find_unsettled  # noqa: E402
from tests.torture.quiet import wait_for_quiet  # noqa: E402
from tests.torture.servers import Broker, Database, Staffing  # noqa: E402
from tests.torture.size import Size  # noqa: E402
from tests.torture.storm import Parts, Storm  # noqa: E402
from tests.torture.trouble import LOST_ANSWERS, MIX  # noqa: E402
from tests.torture.world import make_world  # noqa: E402
from tests.waiting import wait_until  # noqa: E402

OUTCOMES = frozenset({"answered", "voicemail", "no_answer", "failed", "delivered"})
PATIENT = [20.0] * 20  # the sandbox's pauses between posts of one event: longer than the database is away


def play(
    broker: Broker, sandbox: SandboxServer, staffing: Staffing, folder: Path, size: Size
) -> tuple[Facts, dict[str, int]]:
    """Storm and quiet: the facts for the oracle, and what happened in numbers."""
    sandbox.behave(mix=MIX, repost_after_seconds=PATIENT)
    staff = Staff(random.Random(size.seed + 2))
    world = make_world(size)
    storm = Storm(Parts(Database(folder), broker, sandbox, staffing, staff), size)
    connection.close()
    try:
        staffing.start()
        wait_until(lambda: timezone.now() >= world.starts_at, "the first to fall due", within_seconds=60)
        storm.rage()
        wait_for_quiet(storm)
    finally:
        staffing.stop()
    facts = read_facts(sandbox, world)
    told = {**_tell_calls(facts), **_tell_storm(storm), **_tell_ends(facts)}
    connection.close()
    return facts, told


def _tell_calls(facts: Facts) -> dict[str, int]:
    by_subject = {one.subject: one for one in facts.tries}
    accepted = [(line, by_subject.get(line.subject)) for line in facts.lines]
    lost = [found for line, found in accepted if line.fault in LOST_ANSWERS]
    others = [found for line, found in accepted if line.fault not in LOST_ANSWERS]
    return {
        "reminders": len(facts.promises),
        "calls and texts accepted": len(facts.lines),
        "answers lost after acceptance": len(lost),
        "  of these healed by an event": sum(found is not None and found.state in OUTCOMES for found in lost),
        "accepted, and never written down by its worker": sum(
            found is not None and not found.written_down for found in others
        ),
    }


def _tell_storm(storm: Storm) -> dict[str, int]:
    spoilt = sorted((kind, count) for kind, count in storm.spoilt.items() if count)
    requests = {f"  {kind}": count for kind, count in spoilt if kind not in EVENT_FAULTS}
    events = {f"  {kind}": count for kind, count in spoilt if kind in EVENT_FAULTS}
    return {
        **storm.counts,
        "requests spoilt": sum(requests.values()),
        **requests,
        "events spoilt": sum(events.values()),
        **events,
    }


def _tell_ends(facts: Facts) -> dict[str, int]:
    states = Counter(promise.state for promise in facts.promises)
    left = Counter(f"  left {one.state} {one.reason}" for one in find_unsettled(facts))
    unresolved = FollowUp.objects.exclude(state=FollowUp.State.RESOLVED)
    return {
        "reminders done": states["done"],
        "reminders missed in the open": states["missed"],
        "reminders skipped or withdrawn": states["skipped"] + states["withdrawn"],
        **left,
        "on the worklist at the end": unresolved.count(),
        "  may or may not have been called": unresolved.filter(kind="unknown_outcome").count(),
    }
