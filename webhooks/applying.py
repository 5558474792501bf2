"""Applying stored events: what each says is done, or why it can't be is kept with it.

Events that are there together are applied together: their rows are locked in one go, in the order of
reminders/lifecycle/locking.py, and they share one commit. What can't go with the others is applied by
itself; if one of them fails, nothing of the group is kept, and each is.
"""

import logging
import traceback
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from contacts.database.saving import save_rows, saving_together
from contacts.redaction import redact
from reminders.lifecycle.locking import is_lock_timeout, lock_call, lock_calls, wait_briefly_here
from reminders.models import CallRecord
from reminders.results.outcomes import fold_into_call, mark_accepted
from reminders.robotalker.events import RobotalkerEvent, UnreadableEvent
from reminders.rules.backoff import doubled
from reminders.rules.states import CALL_OPEN, CallState
from reminders.traffic.callback_urls import OPTOUTS, key_of
from webhooks.account_optouts import apply_account_event
from webhooks.address_checks import DoesNotFit, check_it_fits, find_member, must_be_verified, read_event
from webhooks.models import WebhookEvent
from webhooks.optout_detection import mentions_optout, read_for_optout, record_heard_optout

log = logging.getLogger(__name__)

State = WebhookEvent.State
# A "no" in it is recorded; or it is nobody's here, which the event says (_quarantine), and never will be.
FINISHED_STATES = frozenset({State.APPLIED, State.UNVERIFIED, State.QUARANTINED})
MOST_ATTEMPTS = 8
MOST_TOGETHER = 50  # what is locked together waits together
# The first news of a call, or more of one that was answered. What overturns a call's end is seldom.
PLAIN = frozenset({*CALL_OPEN, CallState.ANSWERED})
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=64)
TOLD_BY_APPLYING = ["state", "applied_at", "next_attempt_at", "error", "attempts", "kind", "call"]


def apply_events(event_ids: Sequence[int], *, trusted: bool = False) -> dict[int, str]:
    """Apply stored events; the state of each after that. Never raises for what is in an event.

    `trusted`: Robotalker, or a person, stands for what they say, so none is held back to be verified.
    """
    states: dict[int, str] = {}
    for start in range(0, len(event_ids), MOST_TOGETHER):
        group = event_ids[start : start + MOST_TOGETHER]
        if len(group) > 1:
            states |= _try_together(group, trusted=trusted)
        states |= {pk: apply_event(pk, trusted=trusted) for pk in group if pk not in states}
    return states


def apply_event(event_id: int, *, trusted: bool = False, wait: bool = False) -> str:
    """Apply one stored event; its state after that. Never raises for what is in the event.

    `wait`: for whoever is just at it. Where a lock is held for too long, nothing is changed, since the event
    isn't to blame, and the sweep comes back to it.
    """
    try:
        return _apply_or_quarantine(event_id, trusted=trusted, wait=wait)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is kept with the event and tried again
        log.warning("event %s could not be applied: %s", event_id, type(error).__name__)
        if isinstance(error, OperationalError) and is_lock_timeout(error):
            return _read_state(event_id)
        return set_aside(event_id, State.FAILED, redact(traceback.format_exc()))


def apply_at_once(event_id: int) -> bool:
    """Apply an event that must hold before it is answered: whether it does. Tries twice.

    Raises django.db.Error when the database is away.
    """
    if apply_event(event_id, wait=True) in FINISHED_STATES:
        return True
    if not connection.in_atomic_block:
        connection.close()  # it may have been cut
    return apply_event(event_id, wait=True) in FINISHED_STATES


def set_aside(event_id: int, state: str, error: str) -> str:
    """Leave an event as `state`, saying why, to be looked at again after a growing pause.

    What somebody else has applied meanwhile stays applied. The state that it then has.
    """
    attempts = WebhookEvent.objects.values_list("attempts", flat=True).get(pk=event_id) + 1
    pause = doubled(FIRST_PAUSE, attempts + 1, LONGEST_PAUSE)
    kept = (
        WebhookEvent.objects.filter(pk=event_id)
        .exclude(state=State.APPLIED)
        .update(state=state, error=error, attempts=F("attempts") + 1, next_attempt_at=Now() + pause)
    )
    return state if kept else State.APPLIED


def _apply_or_quarantine(event_id: int, *, trusted: bool, wait: bool) -> str:
    try:
        with transaction.atomic():
            wait_briefly_here()
            for event in _lock_events([event_id], wait=wait):
                return _apply_alone(event, trusted=trusted)
    except (DoesNotFit, UnreadableEvent) as error:
        return _quarantine(event_id, f"{type(error).__name__}: {error}")
    return _read_state(event_id)  # applied meanwhile, or somebody is just at it


def _apply_alone(event: WebhookEvent, *, trusted: bool) -> str:
    parsed = _read(event)
    if event.purpose == OPTOUTS:
        apply_account_event(parsed, event.received_at)
        _note_applied(event)
    else:
        _apply_to(lock_call(event.call_id or 0), event, parsed, trusted=trusted)
    save_rows([event], TOLD_BY_APPLYING)
    return event.state


@transaction.atomic
def _quarantine(event_id: int, why: str) -> str:
    """Keep what can't be believed; but a "no" in it is heard."""
    wait_briefly_here()
    event = WebhookEvent.objects.select_related("call__number").get(pk=event_id)
    parsed = read_for_optout(bytes(event.body))
    if parsed and mentions_optout(parsed) and not _record_optout_in(event, parsed):
        log.error("event %s tells of an opt-out, but not whose: it waits for a person", event_id)
        why += "; it tells of an opt-out, which is recorded for nobody: please see to it"
    return set_aside(event_id, State.QUARANTINED, why)


def _record_optout_in(event: WebhookEvent, parsed: RobotalkerEvent) -> bool:
    """Record the "no" in it; whether it is one of its call, or of one of its batch's."""
    call = event.call or _find_call(event, parsed)
    return call is not None and record_heard_optout(call, parsed, event.received_at)


def _find_call(event: WebhookEvent, parsed: RobotalkerEvent) -> CallRecord | None:
    """Which of its batch's calls it is about, if it says so."""
    if event.batch_id is None:
        return None
    with suppress(DoesNotFit):
        return CallRecord.objects.select_related("number").get(pk=find_member(event.batch_id, parsed))
    return None


def _read_state(event_id: int) -> str:
    return WebhookEvent.objects.values_list("state", flat=True).get(pk=event_id)


def _try_together(event_ids: Collection[int], *, trusted: bool) -> dict[int, str]:
    """Apply what can go together; the states of those. The others are for apply_event()."""
    try:
        return _apply_together(event_ids, trusted=trusted)
    except Exception as error:  # noqa: BLE001 - one of them: found out one by one
        log.warning("events could not be applied together: %s", type(error).__name__)
        return {}


@transaction.atomic
def _apply_together(event_ids: Collection[int], *, trusted: bool) -> dict[int, str]:
    wait_briefly_here()
    readings = [(event, parsed) for event in _lock_events(event_ids) if (parsed := _read_if_plain(event))]
    calls = lock_calls(event.call_id for event, _ in readings if event.call_id)
    with saving_together():
        done = _apply_plain(readings, calls, trusted=trusted)
    save_rows(done, TOLD_BY_APPLYING)
    return {event.pk: event.state for event in done}


def _apply_plain(
    readings: Sequence[tuple[WebhookEvent, RobotalkerEvent]], calls: dict[int, CallRecord], *, trusted: bool
) -> list[WebhookEvent]:
    """Apply those that don't get in each other's way; the events, unsaved."""
    done: list[WebhookEvent] = []
    taken: set[tuple[str, int]] = set()
    for event, parsed in readings:
        call = calls.get(event.call_id or 0)
        if call is None or call.state not in PLAIN or taken & (about := _rows_it_touches(call)):
            continue
        try:
            _apply_to(call, event, parsed, trusted=trusted)
        except DoesNotFit:  # found before anything was changed
            continue
        taken |= about
        done.append(event)
    return done


def _lock_events(event_ids: Collection[int], *, wait: bool = False) -> list[WebhookEvent]:
    """Those that are still to be applied, with the time; without `wait` only what nobody else is at."""
    rows = WebhookEvent.objects.select_for_update(of=("self",), skip_locked=not wait, no_key=True)
    rows = rows.annotate(locked_at=Now())
    return list(rows.filter(pk__in=event_ids).exclude(state=State.APPLIED).order_by("pk"))


def _read(event: WebhookEvent) -> RobotalkerEvent:
    """What it says, and which call it is about. Raises UnreadableEvent or DoesNotFit."""
    parsed = read_event(event.purpose, bytes(event.body), event.content_type)
    event.kind = str(parsed.kind)
    if event.purpose != OPTOUTS and event.call_id is None:
        event.call_id = find_member(event.batch_id, parsed)
    return parsed


def _read_if_plain(event: WebhookEvent) -> RobotalkerEvent | None:
    """None for what is better applied by itself: it can't be read, or is about no call."""
    try:
        return _read(event) if event.purpose != OPTOUTS else None
    except (DoesNotFit, UnreadableEvent):
        return None


def _rows_it_touches(call: CallRecord) -> set[tuple[str, int]]:
    """What two events of a group may not share: the second would see it as it was before the first."""
    return {("appointment", call.reminder.appointment_id), ("number", call.number_id)}


def _apply_to(call: CallRecord, event: WebhookEvent, parsed: RobotalkerEvent, *, trusted: bool) -> None:
    """Do what an event says of its call, both locked; the caller saves the event. Raises DoesNotFit."""
    key = key_of(event.purpose)
    check_it_fits(call, parsed, key)
    if not trusted and must_be_verified(call, parsed, key):
        _hold_back(event, call, parsed)
        return
    fold_into_call(call, parsed, key_of_address=key, received_at=event.received_at)
    _note_applied(event)


def _note_applied(event: WebhookEvent) -> None:
    """Dated by the database's clock, as its receipt is: by the time that its lock was asked for."""
    event.applied_at = event.locked_at  # type: ignore[attr-defined]
    event.state, event.error = State.APPLIED, ""
    event.attempts += 1


def _hold_back(event: WebhookEvent, call: CallRecord, parsed: RobotalkerEvent) -> None:
    """Leave it until Robotalker was asked; but who has opted out isn't called meanwhile."""
    event.state, event.next_attempt_at = State.UNVERIFIED, event.received_at  # at once, whatever our clock
    mark_accepted(call, event.received_at)
    record_heard_optout(call, parsed, event.received_at)
