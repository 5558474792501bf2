"""The storm: kills one after the other, and between them what is restarted and what people do.

It goes by kills, not by the clock: before the next one, something has to have got done, so that a busy
machine makes the storm longer and not emptier.
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
from tests.torture.deeds import Staff
from tests.torture.servers import Broker, Database, Staffing
from tests.torture.size import KILL_EVERY, Size
from tests.torture.trouble import EVENTS, KEY_REFUSED, REQUESTS
from tests.waiting import wait_until

Act = Callable[[], None]
IN_THE_STORM = 0.5  # of the reminders should be called for between the kills, and not only afterwards
LONGEST_LIFE = 4.0  # seconds that workers get for their part before the next kill comes all the same
# When what happens, as a part of the storm; a long storm has one more of each for every so many kills.
KEY_AT, BROKER_AT, DATABASE_AT = 0.2, 0.35, 0.6
LONG_STORM = 120


@dataclass(frozen=True)
class Parts:
    """Everything a storm can strike."""

    database: Database
    broker: Broker
    sandbox: SandboxServer
    staffing: Staffing
    staff: Staff


class Storm:
    """`rage` until all that was planned has happened; `counts` says how often what did."""

    def __init__(self, parts: Parts, size: Size) -> None:
        self.parts, self.size = parts, size
        self.rng = random.Random(size.seed + 1)
        self.counts: Counter[str] = Counter()
        self.spoilt: Counter[str] = Counter()
        self._asked_about: datetime | None = None  # since when Callboard has been asking whether to go on

    def rage(self) -> None:
        """Let everything happen, in its order; afterwards the faults are off and all processes run."""
        self.parts.sandbox.faults(*REQUESTS, *EVENTS)
        planned = self._plan()
        for kill in range(self.size.kills):
            for act in planned[kill]:
                act()
            self.look_at_the_banner()
            self._let_them_work()
            self.kill_a_worker()
        self._count_spoilt()
        self.parts.sandbox.faults()

    def _plan(self) -> dict[int, list[Act]]:
        """What happens before which kill."""
        planned: dict[int, list[Act]] = defaultdict(list)
        rounds = max(1, self.size.kills // LONG_STORM)
        strikes = [(KEY_AT, self.refuse_the_key), (BROKER_AT, self.restart_broker)]
        for part in range(rounds):
            for moment, act in [*strikes, (DATABASE_AT, self.restart_database)]:
                planned[int((part + moment) * self.size.kills / rounds)].append(act)
        for deed in self.parts.staff.plan_deeds():
            planned[self.rng.randrange(self.size.kills)].append(self._as_act(deed))
        return planned

    def _as_act(self, deed: Act) -> Act:
        def act() -> None:
            self.parts.staff.do(deed)
            self.counts["deeds of the staff"] += 1

        return act

    def _let_them_work(self) -> None:
        """Until half a second is over, more or less, and a fair part of the calls was accepted."""
        started = time.monotonic()
        least = KILL_EVERY * (0.5 + self.rng.random())
        enough = self._count_accepted() + self.size.reminders * IN_THE_STORM / self.size.kills
        wait_until(
            lambda: (
                (life := time.monotonic() - started) >= LONGEST_LIFE
                or (life >= least and self._count_accepted() >= enough)
            ),
            "the next kill",
        )

    def _count_accepted(self) -> int:
        return int(self.parts.sandbox.control("GET", "/sandbox/health")["ledger"])

    def look_at_the_banner(self) -> None:
        """Somebody sees that sending is paused, and turns it on again unless Callboard does so by itself."""
        self.parts.staff.do(self._look_at_the_banner)

    def _look_at_the_banner(self) -> None:
        switch = self.parts.staff.see_to_the_banner()
        if self._asked_about not in (None, switch.paused_at):
            self.counts["pauses that ended by a probe"] += 1
        self._asked_about = switch.paused_at if switch.cause in PROBED else None

    def kill_a_worker(self) -> None:
        """SIGKILL to one of the workers with its children, and start it again."""
        worker = self.rng.choice(self.parts.staffing.workers)
        worker.kill()
        worker.start()
        self.counts["workers killed"] += 1

    def restart_broker(self) -> None:
        self.parts.broker.restart()
        self.counts["broker restarts, content lost"] += 1

    def restart_database(self) -> None:
        connection.close()
        self.parts.database.restart()
        self.counts["database crashes"] += 1

    def refuse_the_key(self) -> None:
        """A few 401 in a row, first of all rules."""
        self._count_spoilt()
        self.parts.sandbox.faults(KEY_REFUSED, *REQUESTS, *EVENTS)

    def _count_spoilt(self) -> None:
        for rule in self.parts.sandbox.control("GET", "/sandbox/faults")["faults"]:
            self.spoilt[rule["kind"]] += rule["used"]
