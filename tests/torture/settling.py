"""After the storm: everything gets the time it waits for, and has to come to an end.

Nobody waits for it by the clock: what is to be tried again later is due at once, and when nothing else
can be done, the time of what still waits (for a cap, for calling hours) is over.
"""

import time

from django.db.models import Q
from django.db.models.functions import Now

from reminders.models import CallRecord, Reminder
from reminders.rules.reasons import Reason
from reminders.rules.states import ReminderState
from tests.sandbox_server import SandboxServer
from tests.torture.facts import read_entries, read_promises
from tests.torture.oracle import Facts, find_unsettled
from tests.torture.storm import Storm
from tests.waiting import wait_until

WITHIN_SECONDS = (
    90  # without anything getting settled: then something was forgotten, and the oracle says what
)
BETWEEN_LOOKS = 0.5  # seconds: looking costs time that the workers need
FOR_A_WHILE = Q(try_after__gt=Now()) | Q(reason__in=[Reason.SENDING_PAUSED, Reason.ROBOTALKER_TROUBLE])
WITH_A_WORKER = Q(state=ReminderState.CLAIMED) | Q(state=ReminderState.PLANNED, next_look_at__lte=Now())


def wait_for_quiet(storm: Storm) -> None:
    """Until nothing is due or under way any more; or so long that something must have been forgotten."""
    left = None
    while left != 0:
        quiet = Quiet(storm, settled_below=left)
        try:
            left = wait_until(quiet.find_fewer, "more to be settled", within_seconds=WITHIN_SECONDS)[0]
        except AssertionError:
            storm.counts["waited in vain for everything to be settled"] += 1
            return


class Quiet:
    """One wait: for fewer unsettled reminders than `settled_below`, or for none and silence everywhere."""

    def __init__(self, storm: Storm, *, settled_below: int | None) -> None:
        self.storm, self.settled_below = storm, settled_below
        self._looks_at = 0.0

    def find_fewer(self) -> tuple[int] | None:
        """The number of unsettled reminders, when it has become smaller; 0 only when all is silent."""
        if time.monotonic() < self._looks_at:
            return None
        self.storm.look_at_the_banner()
        self.storm.parts.staff.do(pass_time)
        left = len(find_unsettled(Facts((), (), read_promises(), read_entries())))
        self._looks_at = time.monotonic() + BETWEEN_LOOKS
        if left == 0:
            return (0,) if _is_silent(self.storm.parts.sandbox) else None
        fewer = self.settled_below is None or left < self.settled_below
        return (left,) if fewer else None


def pass_time() -> None:
    """Bring forward what waits for a while only; when nothing does, end the time of what waits longer."""
    later = Reminder.objects.filter(state=ReminderState.PLANNED, next_look_at__gt=Now())
    if later.filter(FOR_A_WHILE).update(try_after=Now(), next_look_at=Now()):
        return
    waiting = ["submitting", "submitted"]
    under_way = CallRecord.objects.filter(state__in=waiting, reminder__state=ReminderState.IN_PROGRESS)
    if not Reminder.objects.filter(WITH_A_WORKER).exists() and not under_way.exists():
        later.update(not_after=Now(), next_look_at=Now())


def _is_silent(sandbox: SandboxServer) -> bool:
    over = all(call["state"] == "ended" for call in sandbox.calls())
    return over and all(post["state"] != "waiting" for post in sandbox.posts())
