"""Probing whether Robotalker works again, after sending was paused because it failed or refused the key.

A probe is a GET of the contact with our own number, so it changes nothing. A good answer resumes sending,
with the breaker one failure short of pausing again. `probes` grows until a call is accepted, so that a
Robotalker which answers probes but accepts no calls is probed less and less often.

Only the status of the answer counts, since the guide doesn't say what a contact looks like. When the probe
keeps failing with a 5xx, sending is resumed so that a call is tried, because a probe that always fails must
not hold sending for ever.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest, Now

from contacts.audit.trail import record_deed
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

PROVES_IT_WORKS = (Rejected, AnswerUnusable, AnswerTooLarge)  # it accepted the key and answered
CALL_AS_PROBE_AFTER = 3  # probes in a row: about two minutes


def probe_robotalker() -> bool | None:
    """Probe when it is time, and no other worker does: whether Robotalker works; None without a probe."""
    switch = SendingSwitch.objects.filter(
        pk=1, paused_at__isnull=False, cause__in=PROBED, probe_at__lte=Now()
    ).first()
    if switch is None or not take_permits(1) or not _claim(switch):
        return None
    error = ask_robotalker()
    if error is None:
        _resume(switch, "Robotalker works again: sending is resumed")
    elif _should_try_a_call(switch, error):
        _resume(switch, f"Robotalker still fails ({error}): sending is resumed to try a call")
    else:
        _probe_later(switch, error)
    return error is None


def ask_robotalker() -> RobotalkerError | None:
    """The error of one probe; None when Robotalker works. One GET, outside any transaction."""
    with make_client() as client:
        try:
            client.check_responds(settings.ROBOTALKER_FROM_NUMBER)
        except RobotalkerError as error:
            return None if isinstance(error, PROVES_IT_WORKS) else error
    return None


def _claim(switch: SendingSwitch) -> bool:
    """Count the probe, and postpone the next until this one must have ended, even if this worker dies."""
    wait = timedelta(seconds=settings.ROBOTALKER_TOTAL_DEADLINE) + probe_wait(switch.probes + 1)
    mine = SendingSwitch.objects.filter(
        pk=1, paused_at=switch.paused_at, cause=switch.cause, probe_at=switch.probe_at
    )
    return bool(mine.update(probe_at=Now() + wait, probes=F("probes") + 1))


def _should_try_a_call(switch: SendingSwitch, error: RobotalkerError) -> bool:
    """Whether a call must be tried to find out. If it fails, the breaker pauses sending again at once."""
    probed_enough = switch.probes + 1 >= CALL_AS_PROBE_AFTER
    return switch.cause == Cause.ROBOTALKER_FAILING and probed_enough and (error.status or 0) >= 500


def _resume(switch: SendingSwitch, why: str) -> None:
    """Resume sending, unless a person has changed the pause meanwhile."""
    last_failure = {"failures": settings.ROBOTALKER_BREAKER - 1}
    with transaction.atomic():
        resumed = _same_pause(switch).update(
            paused_at=None,
            cause="",
            by=None,
            pause_reason="",
            probe_at=None,
            gate_until=Greatest(F("gate_until"), Now()),
            **(last_failure if switch.cause == Cause.ROBOTALKER_FAILING else {}),
        )
        if resumed:
            record_deed("sending_resumed", by=None, about=switch, changes={"cause": (switch.cause, "")})
    if resumed:
        recheck_now(Reminder.objects.filter(reason=Reason.SENDING_PAUSED))
        log.warning(why)


def _probe_later(switch: SendingSwitch, error: RobotalkerError) -> None:
    wait = probe_wait(switch.probes + 1)
    if isinstance(error, RateLimited) and (requested := cap_retry_after(error.retry_after)):
        wait = max(wait, requested)
    _same_pause(switch).update(probe_at=Now() + wait)
    log.warning("Robotalker still fails (%s): it is probed again in %.0f s", error, wait.total_seconds())


def _same_pause(switch: SendingSwitch) -> "QuerySet[SendingSwitch]":
    return SendingSwitch.objects.filter(pk=1, paused_at=switch.paused_at, cause=switch.cause)
