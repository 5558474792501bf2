"""After the fault phase: wait until every reminder is settled, skipping the waiting times.

Reminders that wait for a retry are made due immediately. When no work is left, the time of those that wait
longer, for a cap or for calling hours, is ended.
"""

import time

from django.db.models import Q
from django.db.models.functions import Now

from reminders.models import CallRecord, Reminder
from reminders.rules.reasons import Reason
from reminders.rules.states import ReminderState
from tests.sandbox_server import SandboxServer
from tests.torture.facts import read_follow_ups, read_reminders
from tests.torture.fault_phase import FaultPhase
from tests.torture.oracle import Facts, ReminderRow, find_unsettled
from tests.waiting import wait_until

WITHIN_SECONDS = 90  # without progress; then a reminder was forgotten, and the oracle reports it
CHECK_EVERY = 0.5  # seconds; each check takes CPU time from the workers
WAITING_FOR_A_RETRY = Q(try_after__gt=Now()) | Q(
    reason__in=[Reason.SENDING_PAUSED, Reason.ROBOTALKER_TROUBLE]
)
CLAIMED_OR_DUE = Q(state=ReminderState.CLAIMED) | Q(state=ReminderState.PLANNED, next_look_at__lte=Now())


def wait_until_settled(phase: FaultPhase) -> bool:
    """Wait until no reminder is due or in progress; False if there is no progress for WITHIN_SECONDS."""
    left = None
    while left != 0:
        wait = SettlingWait(phase, unsettled_below=left)
        try:
            left = wait_until(
                wait.find_progress, "more reminders to be settled", within_seconds=WITHIN_SECONDS
            )[0]
        except AssertionError:
            phase.counts["timeouts while waiting for all reminders to be settled"] += 1
            return False
    return True


def find_still_unsettled() -> list[ReminderRow]:
    """The reminders that are neither in a final state nor on the worklist."""
    return find_unsettled(Facts((), (), read_reminders(), read_follow_ups()))


class SettlingWait:
    """Waits for fewer unsettled reminders than `unsettled_below`, or for none and an idle sandbox."""

    def __init__(self, phase: FaultPhase, *, unsettled_below: int | None) -> None:
        self.phase, self.unsettled_below = phase, unsettled_below
        self._next_check = 0.0

    def find_progress(self) -> tuple[int] | None:
        """Return the number of unsettled reminders if it has decreased; 0 only if the sandbox is idle."""
        if time.monotonic() < self._next_check:
            return None
        self.phase.check_sending_switch()
        self.phase.system.staff.do(skip_waiting_times)
        left = len(find_still_unsettled())
        self._next_check = time.monotonic() + CHECK_EVERY
        if left == 0:
            return (0,) if _is_sandbox_idle(self.phase.system.sandbox) else None
        fewer = self.unsettled_below is None or left < self.unsettled_below
        return (left,) if fewer else None


def skip_waiting_times() -> None:
    """Make reminders that wait for a retry due now; if no work is left, end the time of all others."""
    later = Reminder.objects.filter(state=ReminderState.PLANNED, next_look_at__gt=Now())
    if later.filter(WAITING_FOR_A_RETRY).update(try_after=Now(), next_look_at=Now()):
        return
    waiting = ["submitting", "submitted"]
    open_calls = CallRecord.objects.filter(state__in=waiting, reminder__state=ReminderState.IN_PROGRESS)
    if not Reminder.objects.filter(CLAIMED_OR_DUE).exists() and not open_calls.exists():
        later.update(not_after=Now(), next_look_at=Now())


def _is_sandbox_idle(sandbox: SandboxServer) -> bool:
    over = all(call["state"] == "ended" for call in sandbox.calls())
    return over and all(post["state"] != "waiting" for post in sandbox.posts())
