"""Applying stored events: each is carried out, or is kept with the reason why it can't be.

Events that are stored at the same time are applied together: their rows are locked at once, in the order of
reminders/lifecycle/locking.py, and they share one commit. Of several that change the same rows each has its
turn. An event that can't be applied with others is applied alone. If one fails, its group is rolled back, and
each half of it is applied by itself, so that the faulty one is soon alone.

An event that can't be applied keeps its error and traceback; the worker tries again with growing pauses, and
after the last attempt a person may choose "Apply again" in the admin.
"""

import logging
import time
import traceback
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.db import connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet, Value, Window
from django.db.models.functions import Now, Power, RowNumber

from contacts.database.arrays import is_any
from contacts.database.saving import Changes
from contacts.redaction import redact
from reminders.health.rounds import is_disk_full, name_error, note_trouble
from reminders.lifecycle.calls import reminders_of
from reminders.lifecycle.locking import BRIEFLY, is_lock_timeout, lock_call, lock_calls, wait_briefly_here
from reminders.models import CallRecord
from reminders.results.outcomes import date_event, fold_into_call, mark_accepted, read_reply_in
from reminders.results.single_texts import keep_received
from reminders.results.unanswered import account_for
from reminders.robotalker.events import EventKind, RobotalkerEvent, UnreadableEvent
from reminders.rules.backoff import doubled
from reminders.traffic.callback_urls import OPTOUTS, key_of
from reminders.traffic.shutdown import is_stopping
from webhooks.account_optouts import apply_account_event
from webhooks.address_checks import (
    DoesNotFit,
    check_it_fits,
    find_member,
    mentions_optout,
    must_be_verified,
    read_event,
    read_for_optout,
)
from webhooks.kept_back import put_on_worklist, record_optout_from_event, take_off_worklist
from webhooks.models import WebhookEvent

log = logging.getLogger(__name__)

State = WebhookEvent.State
# An opt-out in such an event is recorded, or can't be and the event's error says so (_quarantine).
FINISHED_STATES = frozenset({State.APPLIED, State.UNVERIFIED, State.QUARANTINED})
UNTRIED_STATES = frozenset({State.STORED, State.FAILED})  # what is kept back waits for Robotalker or a person
MOST_ATTEMPTS = 8
ROUND_SECONDS = 20.0  # a run takes no more events after this; the next tick goes on
MOST_TOGETHER = 500  # whoever needs one of the rows that a group has locked waits for the whole group
FEW = 4  # of so many at least one must have its turn, else all are applied alone
HARDLY = 0.001  # seconds
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=64)
ROUNDING = timedelta(seconds=1)
SAVED_FIELDS = [
    "state",
    "applied_at",
    "next_attempt_at",
    "error",
    "attempts",
    "kind",
    "call",
    "passed_over",
]


@dataclass
class _Patience:
    """How long each lock is waited for: two seconds until an event has waited in vain, then hardly.

    So rows that somebody holds for long keep other events waiting for two seconds, however many they are.
    """

    seconds: float = BRIEFLY

    def note_timeout(self) -> None:
        self.seconds = HARDLY


def apply_stored(now: datetime | None = None) -> int:
    """Apply what is stored, the oldest first, in full groups while there are some; how many were applied.

    What can't be applied now, such as an event whose rows somebody holds, is left to the next run.
    """
    ends_at = time.monotonic() + ROUND_SECONDS
    applied, left = 0, set[int]()
    while ids := _find_waiting(now or Now(), left):
        states = apply_events(ids)
        applied += list(states.values()).count(State.APPLIED)
        left |= {event_id for event_id, state in states.items() if state not in FINISHED_STATES}
        if len(ids) < MOST_TOGETHER or is_stopping() or time.monotonic() > ends_at:
            break
    return applied


def _find_waiting(now: datetime | Now, leave_out: Collection[int]) -> list[int]:
    """The events to be applied next, of what is new or due again.

    Of each address the one that arrived first, then the second ones: who has learnt one address, and sends as
    many as it may, keeps the answers of others waiting for a group at most.
    """
    due_again = Q(is_due(now), state=State.FAILED, attempts__lt=MOST_ATTEMPTS)
    waiting = WebhookEvent.objects.filter(Q(state=State.STORED) | due_again).exclude(pk__in=leave_out)
    turn = Window(RowNumber(), partition_by=[F("batch"), F("call")], order_by="received_at")
    in_turn = waiting.annotate(turn=turn).order_by("turn", "received_at")
    return list(in_turn.values_list("pk", flat=True)[:MOST_TOGETHER])


def is_stuck() -> Q:
    """Whether an event is no longer tried automatically: it needs a person."""
    given_up = Q(state__in=[State.FAILED, State.UNVERIFIED], attempts__gte=MOST_ATTEMPTS)
    return given_up | Q(state=State.QUARANTINED)


def count_stuck() -> int:
    """The number of events that need a person."""
    return WebhookEvent.objects.filter(is_stuck()).count()


def apply_again(event_ids: Iterable[int]) -> dict[int, str]:
    """Apply events once more because a person asked for it, whatever their state; their states by id.

    One whose rows somebody holds stays as it was: as merely stored it would be applied untrusted.
    """
    return apply_events(list(event_ids), trusted=True)


def apply_events(event_ids: Sequence[int], *, trusted: bool = False) -> dict[int, str]:
    """Apply stored events; the state of each after that. Never raises because of what is in an event.

    `trusted`: Robotalker or a person has confirmed them, so none is held back to be verified.
    """
    states: dict[int, str] = {}
    patience = _Patience()
    for start in range(0, len(event_ids), MOST_TOGETHER):
        states |= _apply_group(event_ids[start : start + MOST_TOGETHER], patience, trusted=trusted)
    return states


def _apply_group(event_ids: Sequence[int], patience: _Patience, *, trusted: bool) -> dict[int, str]:
    states: dict[int, str] = {}
    while len(left := _leave_out(event_ids, states)) > 1:
        try:
            done = _apply_together(left, patience, trusted=trusted)
        except Exception as error:  # noqa: BLE001 - which one failed shows when each half is applied by itself
            log.warning("%s events could not be applied together: %s", len(left), name_error(error))
            if is_lock_timeout(error):
                patience.note_timeout()
            half = len(left) // 2
            for part in (left[:half], left[half:]):
                states |= _apply_group(part, patience, trusted=trusted)
            return states
        states |= done
        if len(done) * FEW < len(left):  # the others change the same rows, or somebody holds theirs
            break
    for event_id in _leave_out(event_ids, states):
        states[event_id] = apply_event(event_id, trusted=trusted, patience=patience)
    return states


def _leave_out(event_ids: Sequence[int], done: Collection[int]) -> list[int]:
    return [event_id for event_id in event_ids if event_id not in done]


def apply_event(
    event_id: int, *, trusted: bool = False, wait: bool = False, patience: _Patience | None = None
) -> str:
    """Apply one stored event; its state after that. Never raises because of what is in the event.

    `trusted` as in apply_events(); untrusted, only what is new or failed is applied. `wait`: if somebody else
    is applying it, wait for them. `patience`: of the run that it belongs to.
    After a lock timeout, or without room on the disk, nothing is changed, since the event isn't the cause,
    and it is tried again.
    """
    patience = patience or _Patience()
    try:
        return _apply_or_quarantine(event_id, patience, trusted=trusted, wait=wait)
    except Exception as error:  # noqa: BLE001 - any error is kept with the event, which is tried again
        log.warning("event %s could not be applied: %s", event_id, name_error(error))
        if is_lock_timeout(error):
            patience.note_timeout()
            return _read_state(event_id)
        note_trouble(error)
        if is_disk_full(error):
            return _read_state(event_id)
        return set_aside(event_id, State.FAILED, redact(traceback.format_exc()))


def apply_at_once(event_id: int) -> bool:
    """Apply an event that must be applied before its request is answered; whether it is. Tries twice.

    Raises django.db.Error when the database is away.
    """
    if apply_event(event_id, wait=True) in FINISHED_STATES:
        return True
    if not connection.in_atomic_block:
        connection.close()  # the connection may have been cut
    return apply_event(event_id, wait=True) in FINISHED_STATES


def set_aside(event_id: int, state: str, error: str) -> str:
    """Give an event this state and error, and plan its next attempt after a growing pause. Its state then.

    An event that was applied meanwhile stays applied.
    """
    attempts = WebhookEvent.objects.values_list("attempts", flat=True).get(pk=event_id) + 1
    pause = doubled(FIRST_PAUSE, attempts + 1, LONGEST_PAUSE)
    changed = (
        WebhookEvent.objects.filter(pk=event_id)
        .exclude(state=State.APPLIED)
        .update(state=state, error=error, attempts=F("attempts") + 1, next_attempt_at=Now() + pause)
    )
    return state if changed else State.APPLIED


def is_due(now: datetime | Now) -> Q:
    """Events whose next attempt is due, of those that have one.

    Also those that would wait for longer than their pause: the clock was set back (product rule 28).
    """
    pause = Value(FIRST_PAUSE) * Power(Value(2.0), F("attempts"))
    longest = Now() + ExpressionWrapper(pause, output_field=DurationField()) + ROUNDING
    return Q(next_attempt_at__lte=now) | Q(next_attempt_at__gt=longest)


def _apply_or_quarantine(event_id: int, patience: _Patience, *, trusted: bool, wait: bool) -> str:
    with transaction.atomic():
        wait_briefly_here(patience.seconds)
        for event in _lock_events([event_id], wait=wait, trusted=trusted):
            try:
                with transaction.atomic():  # what was changed goes, and the event stays locked
                    return _apply_locked(event, trusted=trusted)
            except (DoesNotFit, UnreadableEvent) as error:
                return _quarantine(event_id, f"{type(error).__name__}: {error}")
    return _read_state(event_id)  # applied or kept back meanwhile, or another thread is applying it


def _apply_locked(event: WebhookEvent, *, trusted: bool) -> str:
    parsed, changes, news = _read(event), Changes(), set[int]()
    if event.purpose == OPTOUTS:
        apply_account_event(event.pk, parsed, event.received_at)
        _mark_applied(event)
        changes.save(event, SAVED_FIELDS)
    else:
        news = _apply_to_call(lock_call(event.call_id or 0), event, parsed, changes, trusted=trusted)
    changes.write()
    account_for(news)
    return event.state


def _quarantine(event_id: int, why: str) -> str:
    """Keep a locked event that can't be trusted, tell staff what it seems to say, and record its opt-out."""
    event = WebhookEvent.objects.get(pk=event_id)
    parsed = read_for_optout(bytes(event.body))
    if event.call_id is None and event.batch_id is not None and parsed:
        with suppress(DoesNotFit):
            event.call_id = find_member(event.batch_id, parsed)
            event.save(update_fields=["call"])
    call = CallRecord.objects.select_related("number").filter(pk=event.call_id or 0).first()
    lost_optout = False
    if parsed and mentions_optout(parsed):
        lost_optout = call is None or not _record_optout(call, event, parsed)
    if lost_optout:
        log.error("event %s is an opt-out of an unknown number: a person must look at it", event_id)
        why += "; it is an opt-out, but for no number that we called: a person must look at it"
    put_on_worklist(event, call, parsed, lost_optout=lost_optout)
    return set_aside(event_id, State.QUARANTINED, why)


def _record_optout(call: CallRecord, event: WebhookEvent, parsed: RobotalkerEvent) -> bool:
    """Record the opt-out of an event that doesn't fit its call; whether it could be.

    A call about a person who was erased has no number any more: the event's own number counts.
    """
    if call.number.erased_at is None:
        return record_optout_from_event(call, parsed, event.received_at)
    with suppress(DoesNotFit):
        apply_account_event(event.pk, parsed, event.received_at)
        return True
    return False


def _read_state(event_id: int) -> str:
    return WebhookEvent.objects.values_list("state", flat=True).get(pk=event_id)


@transaction.atomic
def _apply_together(event_ids: Collection[int], patience: _Patience, *, trusted: bool) -> dict[int, str]:
    """Apply the events that can be applied together; their states. The others are left to apply_event()."""
    wait_briefly_here(patience.seconds)
    readable: list[tuple[WebhookEvent, RobotalkerEvent]] = []
    for event in _lock_events(event_ids, trusted=trusted):
        if event.purpose != OPTOUTS:
            with suppress(DoesNotFit, UnreadableEvent):
                readable.append((event, _read(event)))
    calls = lock_calls(event.call_id for event, _ in readable if event.call_id)
    changes, news, done, taken = Changes(), set[int](), dict[int, str](), set[tuple[str, int]]()
    for event, content in readable:
        call = calls.get(event.call_id or 0)
        if call is None:
            continue
        # a second event for one of these rows would see it as it was before the first
        rows = {("appointment", reminder.appointment_id) for reminder in reminders_of(call)}
        rows.add(("number", call.number_id))
        if rows & taken:
            continue
        with suppress(DoesNotFit):  # raised before anything is changed
            news |= _apply_to_call(call, event, content, changes, trusted=trusted)
            taken |= rows
            done[event.pk] = event.state
    changes.write()
    account_for(news)
    return done


def _lock_events(event_ids: Collection[int], *, trusted: bool, wait: bool = False) -> list[WebhookEvent]:
    """Those to be applied, with the time as `locked_at`; without `wait` only rows that are not locked."""
    rows = _with_time_of_lock().filter(is_any("pk", event_ids))
    rows = rows.exclude(state=State.APPLIED) if trusted else rows.filter(state__in=UNTRIED_STATES)
    return list(rows.select_for_update(of=("self",), skip_locked=not wait, no_key=True))


@cache
def _with_time_of_lock() -> "QuerySet[WebhookEvent]":
    """Built once, as in dispatch/opening.py."""
    return WebhookEvent.objects.annotate(locked_at=Now()).order_by("pk")


def _read(event: WebhookEvent) -> RobotalkerEvent:
    """Its content; into `event` goes which call it is about.

    Raises UnreadableEvent or DoesNotFit.
    """
    parsed = read_event(event.purpose, bytes(event.body), event.content_type)
    event.kind = str(parsed.kind)
    event.passed_over = " ".join(parsed.passed_over)[:300]
    if event.purpose != OPTOUTS and event.call_id is None:
        event.call_id = find_member(event.batch_id, parsed)
    return parsed


def _apply_to_call(
    call: CallRecord, event: WebhookEvent, parsed: RobotalkerEvent, changes: Changes, *, trusted: bool
) -> set[int]:
    """Apply an event to its call, both locked; what to write of both goes into `changes`.

    The caller accounts for the appointments whose ids are returned, once the changes are written. Raises
    DoesNotFit, before anything is changed.
    """
    key = key_of(event.purpose)
    check_it_fits(call, parsed, key)
    if not trusted and must_be_verified(call, parsed, key):
        # due at once by the database's clock: ours may be wrong
        event.state, event.next_attempt_at = State.UNVERIFIED, event.received_at
        mark_accepted(call, changes, event.received_at)
        # an opted-out number gets no call meanwhile
        record_optout_from_event(call, parsed, event.received_at)
        changes.save(event, SAVED_FIELDS)
        return set()
    news = fold_into_call(call, parsed, changes, key_of_address=key, received_at=event.received_at)
    if parsed.kind == EventKind.SMS_RECEIVED:
        at = date_event(parsed, call, event.received_at)
        keep_received(event.pk, call.number, parsed.text or "", read_reply_in(parsed), at, call=call)
    _mark_applied(event)
    changes.save(event, SAVED_FIELDS)
    return news


def _mark_applied(event: WebhookEvent) -> None:
    """Dated, like its receipt, by the database's clock: by the time at which its lock was requested."""
    event.applied_at = event.locked_at  # type: ignore[attr-defined]
    was_kept_back = event.error and event.attempts
    event.state, event.error = State.APPLIED, ""
    event.attempts += 1
    if was_kept_back:
        take_off_worklist(event)
