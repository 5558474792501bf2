"""Asking Robotalker whether it is well again, after sending was paused because of it.

The question is harmless: what does it know of our own number? A good answer switches sending on, with the
breaker at its last failure. `probes` goes on growing until a POST succeeds, so that a Robotalker which
answers questions and takes no calls is tried ever more rarely.

The answer's status tells, never its body: the guide doesn't say what a contact looks like. And where the
question itself goes on failing with a 5xx, a call is the next question, so that an address which is broken
for good can't hold sending for ever.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest, Now

from reminders.lifecycle.reminders import recheck_now
from reminders.models import Reminder, SendingSwitch
from reminders.robotalker.errors import (
    AnswerTooLarge,
    AnswerUnusable,
    RateLimited,
    Rejected,
    RobotalkerError,
)
from reminders.rules.backoff import cap_retry_after
from reminders.rules.reasons import Reason
from reminders.traffic.client import make_client
from reminders.traffic.rate import take_permits
from reminders.traffic.switch import PROBED, Cause, probe_wait

log = logging.getLogger(__name__)

STILL_PROVES_WELL = (Rejected, AnswerUnusable, AnswerTooLarge)  # it knew the key, and had an answer
CALL_AS_PROBE_AFTER = 3  # probes in a row: some two minutes


def probe_robotalker() -> bool | None:
    """Ask, if it is time and nobody else does: whether Robotalker is well; None when it wasn't asked."""
    switch = _find_due()
    if switch is None or not take_permits(1) or not _claim(switch):
        return None
    error = ask_robotalker()
    if error is None:
        _resume(switch, "Robotalker is well again: calls go out")
    elif _may_be_the_question(switch, error):
        _resume(switch, f"Robotalker isn't well yet ({error}), and a call is tried")
    else:
        _ask_later(switch, error)
    return error is None


def ask_robotalker() -> RobotalkerError | None:
    """What is wrong with Robotalker, if anything: one GET, outside any transaction."""
    with make_client() as client:
        try:
            client.check_responds(settings.ROBOTALKER_FROM_NUMBER)
        except RobotalkerError as error:
            return None if isinstance(error, STILL_PROVES_WELL) else error
    return None


def _find_due() -> SendingSwitch | None:
    due = SendingSwitch.objects.filter(pk=1, paused_at__isnull=False, cause__in=PROBED, probe_at__lte=Now())
    return due.first()


def _claim(switch: SendingSwitch) -> bool:
    """Count the probe, and put the next off until this one must be over, even if this worker dies."""
    over = timedelta(seconds=settings.ROBOTALKER_TOTAL_DEADLINE) + probe_wait(switch.probes + 1)
    mine = SendingSwitch.objects.filter(
        pk=1, paused_at=switch.paused_at, cause=switch.cause, probe_at=switch.probe_at
    )
    return bool(mine.update(probe_at=Now() + over, probes=F("probes") + 1))


def _may_be_the_question(switch: SendingSwitch, error: RobotalkerError) -> bool:
    """Whether only a call can tell. With the breaker at its last failure one that fails pauses again."""
    asked_enough = switch.probes + 1 >= CALL_AS_PROBE_AFTER
    return switch.cause == Cause.ROBOTALKER_FAILING and asked_enough and (error.status or 0) >= 500


def _resume(switch: SendingSwitch, why: str) -> None:
    """Send again, unless a person has decided otherwise meanwhile."""
    last_failure = {"failures": settings.ROBOTALKER_BREAKER - 1}
    resumed = _same_pause(switch).update(
        paused_at=None,
        cause="",
        by=None,
        probe_at=None,
        gate_until=Greatest(F("gate_until"), Now()),
        **(last_failure if switch.cause == Cause.ROBOTALKER_FAILING else {}),
    )
    if resumed:
        recheck_now(Reminder.objects.filter(reason=Reason.SENDING_PAUSED))
        log.warning(why)


def _ask_later(switch: SendingSwitch, error: RobotalkerError) -> None:
    wait = probe_wait(switch.probes + 1)
    if isinstance(error, RateLimited) and (wish := cap_retry_after(error.retry_after)):
        wait = max(wait, wish)
    _same_pause(switch).update(probe_at=Now() + wait)
    log.warning("Robotalker isn't well yet (%s): asked again in %.0f s", error, wait.total_seconds())


def _same_pause(switch: SendingSwitch) -> "QuerySet[SendingSwitch]":
    return SendingSwitch.objects.filter(pk=1, paused_at=switch.paused_at, cause=switch.cause)
