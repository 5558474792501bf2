"""One run, from generating the clinic to reading the facts. Import it after setting the environment."""

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
from tests.torture.actions import Staff  # noqa: E402
from tests.torture.facts import read_facts  # noqa: E402
from tests.torture.fault_phase import FaultPhase, SystemUnderTest  # noqa: E402
from tests.torture.generated_clinic import generate_clinic  # noqa: E402
from tests.torture.oracle import Facts, find_unsettled  # noqa: E402
from tests.torture.sandbox_faults import LOST_ANSWER_FAULTS, PATIENT_BEHAVIOUR  # noqa: E402
from tests.torture.servers import Broker, CallboardProcesses, Database  # noqa: E402
from tests.torture.settling import find_still_unsettled, wait_until_settled  # noqa: E402
from tests.torture.size import Size  # noqa: E402
from tests.waiting import wait_until  # noqa: E402

OUTCOMES = frozenset({"answered", "voicemail", "no_answer", "failed", "delivered"})
# The sandbox's pauses in seconds between posts of one event; longer than the database is down.
REPOST_PAUSES = [20.0] * 20


def run_scenario(
    broker: Broker, sandbox: SandboxServer, processes: CallboardProcesses, folder: Path, size: Size
) -> tuple[Facts, dict[str, int]]:
    """Run the fault phase and wait until all is settled; return the facts, and counts of what happened."""
    sandbox.behave(mix=PATIENT_BEHAVIOUR, repost_after_seconds=REPOST_PAUSES)
    staff = Staff(random.Random(size.seed + 2))
    clinic = generate_clinic(size)
    phase = FaultPhase(SystemUnderTest(Database(folder), broker, sandbox, processes, staff), size)
    connection.close()
    try:
        processes.start()
        wait_until(
            lambda: timezone.now() >= clinic.starts_at, "the first reminder to become due", within_seconds=60
        )
        phase.run()
        while wait_until_settled(phase):
            processes.stop()
            if not find_still_unsettled():
                break
            processes.start()  # the last answer came just before the end, and asks for another try
    finally:
        processes.stop()
    facts = read_facts(sandbox, clinic)
    counts = {**_count_calls(facts), **_count_faults(phase), **_count_final_states(facts)}
    connection.close()
    return facts, counts


def _count_calls(facts: Facts) -> dict[str, int]:
    by_subject = {one.subject: one for one in facts.tries}
    accepted = [(line, by_subject.get(line.subject)) for line in facts.lines]
    lost = [found for line, found in accepted if line.fault in LOST_ANSWER_FAULTS]
    others = [found for line, found in accepted if line.fault not in LOST_ANSWER_FAULTS]
    return {
        "reminders": len(facts.reminders),
        "calls and texts accepted": len(facts.lines),
        "answers lost after acceptance": len(lost),
        "  of these, outcome learned from an event": sum(
            found is not None and found.state in OUTCOMES for found in lost
        ),
        "accepted, but the answer was never recorded": sum(
            found is not None and not found.answer_recorded for found in others
        ),
    }


def _count_faults(phase: FaultPhase) -> dict[str, int]:
    faults_used = sorted((kind, count) for kind, count in phase.faults_used.items() if count)
    requests = {f"  {kind}": count for kind, count in faults_used if kind not in EVENT_FAULTS}
    events = {f"  {kind}": count for kind, count in faults_used if kind in EVENT_FAULTS}
    return {
        **phase.counts,
        "requests with a fault": sum(requests.values()),
        **requests,
        "events with a fault": sum(events.values()),
        **events,
    }


def _count_final_states(facts: Facts) -> dict[str, int]:
    states = Counter(reminder.state for reminder in facts.reminders)
    left = Counter(f"  left {one.state} {one.reason}" for one in find_unsettled(facts))
    unresolved = FollowUp.objects.exclude(state=FollowUp.State.RESOLVED)
    return {
        "reminders done": states["done"],
        "reminders marked as missed": states["missed"],
        "reminders skipped or withdrawn": states["skipped"] + states["withdrawn"],
        **left,
        "on the worklist at the end": unresolved.count(),
        "  may or may not have been called": unresolved.filter(kind="unknown_outcome").count(),
    }
