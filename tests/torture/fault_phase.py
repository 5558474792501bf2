"""The fault phase: workers are killed one after the other, with outages and staff actions in between.

The phase is measured in kills, not in time: some calls must have been accepted before the next kill, so that
a busy machine makes the phase longer instead of emptier.
"""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from reminders.traffic.switch import PROBED
from tests.sandbox_server import SandboxServer
from tests.torture.actions import Staff
from tests.torture.sandbox_faults import FAULTY_EVENTS, FAULTY_REQUESTS, KEY_REFUSED
from tests.torture.servers import Broker, CallboardProcesses, Database
from tests.torture.size import KILL_EVERY, Size
from tests.waiting import wait_until

Step = Callable[[], None]
SHARE_BETWEEN_KILLS = 0.5  # of the reminders should be called between the kills, not only afterwards
MOST_SECONDS_BETWEEN_KILLS = 4.0  # then the next kill comes even if too few calls were accepted
# When each outage happens, as a part of the phase; a long phase repeats them every KILLS_PER_ROUND kills.
KEY_AT, BROKER_AT, DATABASE_AT = 0.2, 0.35, 0.6
KILLS_PER_ROUND = 120


@dataclass(frozen=True)
class SystemUnderTest:
    """Everything that the fault phase acts on."""

    database: Database
    broker: Broker
    sandbox: SandboxServer
    processes: CallboardProcesses
    staff: Staff


class FaultPhase:
    """`run` does everything that is planned; `counts` has how often each thing happened."""

    def __init__(self, system: SystemUnderTest, size: Size) -> None:
        self.system, self.size = system, size
        self.rng = random.Random(size.seed + 1)
        self.counts: Counter[str] = Counter()
        self.faults_used: Counter[str] = Counter()
        self._probed_pause: datetime | None = None  # start of the pause that Callboard is probing

    def run(self) -> None:
        """Run the whole phase; afterwards all faults are off and all processes are running."""
        self.system.sandbox.faults(*FAULTY_REQUESTS, *FAULTY_EVENTS)
        planned = self._plan()
        for kill in range(self.size.kills):
            for step in planned[kill]:
                step()
            self.check_sending_switch()
            self._wait_for_work()
            self.kill_a_worker()
        self._count_faults_used()
        self.system.sandbox.faults()

    def _plan(self) -> dict[int, list[Step]]:
        """Return the steps to do before each kill."""
        planned: dict[int, list[Step]] = defaultdict(list)
        rounds = max(1, self.size.kills // KILLS_PER_ROUND)
        outages = [(KEY_AT, self.refuse_the_key), (BROKER_AT, self.restart_broker)]
        for part in range(rounds):
            for moment, step in [*outages, (DATABASE_AT, self.restart_database)]:
                planned[int((part + moment) * self.size.kills / rounds)].append(step)
        for action in self.system.staff.plan_actions():
            planned[self.rng.randrange(self.size.kills)].append(self._as_step(action))
        return planned

    def _as_step(self, action: Step) -> Step:
        def step() -> None:
            self.system.staff.do(action)
            self.counts["staff actions"] += 1

        return step

    def _wait_for_work(self) -> None:
        """Wait about half a second, and until enough calls were accepted since the last kill."""
        started = time.monotonic()
        least = KILL_EVERY * (0.5 + self.rng.random())
        enough = self._count_accepted() + self.size.reminders * SHARE_BETWEEN_KILLS / self.size.kills
        wait_until(
            lambda: (
                (life := time.monotonic() - started) >= MOST_SECONDS_BETWEEN_KILLS
                or (life >= least and self._count_accepted() >= enough)
            ),
            "the next kill",
        )

    def _count_accepted(self) -> int:
        return int(self.system.sandbox.control("GET", "/sandbox/health")["ledger"])

    def check_sending_switch(self) -> None:
        """Resume sending if it is paused, unless Callboard resumes it automatically."""
        self.system.staff.do(self._check_sending_switch)

    def _check_sending_switch(self) -> None:
        switch = self.system.staff.resume_if_paused()
        if self._probed_pause not in (None, switch.paused_at):
            self.counts["pauses that ended by a probe"] += 1
        self._probed_pause = switch.paused_at if switch.cause in PROBED else None

    def kill_a_worker(self) -> None:
        """Send SIGKILL to one of the workers and its children, and start it again."""
        worker = self.rng.choice(self.system.processes.workers)
        worker.kill()
        worker.start()
        self.counts["workers killed"] += 1

    def restart_broker(self) -> None:
        self.system.broker.restart()
        self.counts["broker restarts, content lost"] += 1

    def restart_database(self) -> None:
        connection.close()
        self.system.database.restart()
        self.counts["database crashes"] += 1

    def refuse_the_key(self) -> None:
        """Let the next few requests fail with 401; this fault rule goes before all others."""
        self._count_faults_used()
        self.system.sandbox.faults(KEY_REFUSED, *FAULTY_REQUESTS, *FAULTY_EVENTS)

    def _count_faults_used(self) -> None:
        for rule in self.system.sandbox.control("GET", "/sandbox/faults")["faults"]:
            self.faults_used[rule["kind"]] += rule["used"]
