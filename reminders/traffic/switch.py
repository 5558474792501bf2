"""The switch that pauses all sending.

A pause has a cause. A pause because of Robotalker (PROBED) may end by itself, by probing.py. A pause by a
person, or because the database was restored, waits for a person.
"""

import logging
import random
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from contacts.audit.trail import record_deed
from reminders.lifecycle.reminders import recheck_now
from reminders.models import DatabaseIdentity, Reminder, SendingSwitch
from reminders.rules.backoff import doubled
from reminders.rules.reasons import Reason

log = logging.getLogger(__name__)

Cause = SendingSwitch.Cause

PROBED = frozenset({Cause.KEY_REFUSED, Cause.ROBOTALKER_FAILING})
# Which cause counts when there are two: the one that needs a person most.
WEIGHTS = {
    "": 0,
    Cause.KEY_REFUSED: 1,
    Cause.ROBOTALKER_FAILING: 1,
    Cause.PERSON: 2,
    Cause.RESTORED: 3,
}
PROBE_WAIT = timedelta(seconds=15)
PROBE_WAIT_CAP = timedelta(minutes=5)

_rng = random.SystemRandom()


def read_switch() -> SendingSwitch:
    """The switch; not paused when there is no row yet."""
    return SendingSwitch.objects.filter(pk=1).first() or SendingSwitch()


def lock_switch() -> SendingSwitch:
    """The switch's row, created if missing, locked until the transaction ends; lock it after all others."""
    SendingSwitch.objects.get_or_create(pk=1)
    return SendingSwitch.objects.select_for_update(no_key=True).get(pk=1)


def pause_sending(*, by: User | None = None, cause: str = Cause.PERSON, reason: str = "") -> None:
    """Pause all sending, in all workers. Each worker checks it just before a call is sent.

    `reason`: why, in the words of the person who pauses.

    An earlier pause stays, unless this one needs a person more: a person's pause replaces one because of
    Robotalker (which is then no longer probed), and a restored database replaces either.
    """
    if _outweighs(cause, read_switch()):  # don't even lock else: a hundred refusals may come at once
        _pause(by, cause, reason)


@transaction.atomic
def _pause(by: User | None, cause: str, reason: str) -> None:
    switch = lock_switch()
    if _outweighs(cause, switch):
        probe_at = Now() + probe_wait(switch.probes) if cause in PROBED else None
        SendingSwitch.objects.filter(pk=1).update(
            paused_at=Now(), cause=cause, by=by, pause_reason=reason[:200], probe_at=probe_at
        )
        changes = {"cause": (switch.cause, cause)}
        record_deed("sending_paused", by=by, about=switch, note=reason, changes=changes)
        log.warning("all sending is paused: %s", cause)


def _outweighs(cause: str, switch: SendingSwitch) -> bool:
    return switch.paused_at is None or WEIGHTS[cause] > WEIGHTS.get(switch.cause, 0)


def resume_sending(*, by: User) -> None:
    """Resume sending. Reminders past their `not_after` are missed, never sent late.

    After a restore the `since` of the DatabaseIdentity is set to now: events of calls from before are known
    to be of lost calls, and don't pause sending again.
    """
    _resume(by)
    recheck_now(
        Reminder.objects.filter(reason=Reason.SENDING_PAUSED)
    )  # not in _resume(): the switch must be the last row locked


@transaction.atomic
def _resume(by: User) -> None:
    switch = read_switch()
    if switch.cause == Cause.RESTORED:
        DatabaseIdentity.objects.filter(pk=1).update(since=Now())
    resumed = SendingSwitch.objects.filter(pk=1, paused_at__isnull=False).update(
        paused_at=None,
        cause="",
        by=by,
        pause_reason="",
        probe_at=None,
        probes=0,
        failures=0,
        gate_until=Greatest(F("gate_until"), Now()),
    )
    if resumed:
        record_deed("sending_resumed", by=by, about=switch, changes={"cause": (switch.cause, "")})


def probe_wait(probes: int) -> timedelta:
    """How long until the next probe after `probes` failed ones: 15 s, doubling to 5 minutes.

    Up to a quarter less, at random, so that many practices don't probe at the same moment.
    """
    return doubled(PROBE_WAIT, probes + 1, PROBE_WAIT_CAP) * _rng.uniform(0.75, 1)
