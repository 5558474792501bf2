"""Deleting what is kept no longer, a little at a time, at night.

Each part is a short transaction of at most PART rows that nobody else is using (SKIP LOCKED), in the order of
their ids, which also counts them. A sweep that is stopped anywhere has lost nothing: the next tick goes on.
If two ticks overlap, each deletes what the other doesn't. Triggers that keep lists append-only let only
`ledger_open()` through, which lasts as long as the transaction.
"""

import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import ProtectedError

from contacts.consent_ledger import ledger_open
from contacts.database.clock import read_database_clock
from contacts.models import Location
from reminders.lifecycle.locking import is_lock_timeout, wait_briefly_here
from reminders.reports.counting import freeze_counts
from webhooks.models import RetentionRun
from webhooks.retention.table import KINDS, RetentionKind

log = logging.getLogger(__name__)

PART = 200  # rows, and what hangs on them, in one transaction
SECONDS_A_TICK = 40.0  # the sweep leaves the worker to others after that, until the next tick
NIGHT = range(5)  # hours by the clock of the first location
LATEST = timedelta(hours=44)  # by day as well, if the nights didn't do
A_NIGHT = timedelta(hours=18)
TRIALS_KEPT = 50
BEGINNING = 7_364_012  # key of the advisory lock under which a run begins: two ticks at once begin one


def sweep_if_due(now: datetime | None = None) -> RetentionRun | None:
    """A tick: begin tonight's run, or go on with it; None if it is done, or it isn't night."""
    run = _find_or_begin_run(now or read_database_clock())
    if run is not None:
        sweep(run, stop_at=time.monotonic() + SECONDS_A_TICK)
    return run


@transaction.atomic
def _find_or_begin_run(now: datetime) -> RetentionRun | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BEGINNING])
    run = RetentionRun.objects.filter(is_trial=False, begun_at__lte=now).order_by("-begun_at", "-pk").first()
    if run is not None and run.ended_at is None:
        return run
    age = now - run.begun_at if run else LATEST
    if age < A_NIGHT or (not _is_night(now) and age < LATEST):
        return None
    return RetentionRun.objects.create(begun_at=now)


def sweep(run: RetentionRun, *, stop_at: float = float("inf")) -> None:
    """Delete what is old, and count it in the run; `stop_at` by the monotonic clock. Ends the run if done."""
    is_done = True
    for kind in KINDS:
        before = find_end(kind, read_database_clock())
        if before is None:
            continue
        if kind.code == "visits":  # what they counted for stays, whatever is counted again
            freeze_counts((before + timedelta(days=2)).date())
        last, is_over, old = None, False, kind.find(before)
        while time.monotonic() < stop_at and not is_over:
            last, is_over = _delete_part(run, kind, old, last)
        if not is_over:
            is_done = False
            break
    if is_done:
        RetentionRun.objects.filter(pk=run.pk).update(ended_at=read_database_clock())
    run.refresh_from_db()
    if is_done and run.counts:
        log.info("what is kept no longer was deleted: %s", write_counts(run.counts))


def try_sweep() -> RetentionRun:
    """Count what a sweep would delete now, and delete nothing."""
    now = read_database_clock()
    counts: dict[str, int] = {}
    for kind in KINDS:
        before = find_end(kind, now)
        if before is not None:
            counts[kind.code] = kind.count(before) if kind.count else kind.find(before).count()
    kept = RetentionRun.objects.filter(is_trial=True).values_list("pk", flat=True)[: TRIALS_KEPT - 1]
    RetentionRun.objects.filter(is_trial=True).exclude(pk__in=list(kept)).delete()
    return RetentionRun.objects.create(
        begun_at=now,
        ended_at=read_database_clock(),
        is_trial=True,
        counts={code: count for code, count in counts.items() if count},
    )


def find_end(kind: RetentionKind, now: datetime) -> datetime | None:
    """The moment before which this kind is old; None if it is kept for ever."""
    if not kind.setting:
        return now
    return now - timedelta(days=kind.days) if kind.days else None


def write_counts(counts: dict[str, int]) -> str:
    """For a log or a terminal, such as "events 1200, visits 31"."""
    return ", ".join(f"{code} {count}" for code, count in counts.items()) or "nothing"


def _delete_part(
    run: RetentionRun, kind: RetentionKind, old: Any, last: Any, at_most: int = PART
) -> tuple[Any, bool]:
    """Delete the next of the `old` rows behind `last`; the last that is done with, and whether none is left.

    A part that somebody else holds up is passed over until the next night. Of one with a row to which
    something refers, half is tried, and so on, until that row alone is passed over.
    """
    rows = old.order_by("pk")
    rows = rows if last is None else rows.filter(pk__gt=last)
    ids: list[Any] = []
    try:
        with transaction.atomic():
            wait_briefly_here()
            locked = rows.select_for_update(of=("self",), skip_locked=True, no_key=kind.is_left)
            ids = list(locked.values_list("pk", flat=True)[:at_most])
            if not ids:
                return last, True
            with ledger_open():
                deleted = kind.delete(ids) if kind.delete else _delete_rows(rows, ids)
            _add_to_counts(run, kind.code, deleted)
            if kind.most and deleted >= kind.most:
                return last, False  # there may be more of these
    except (IntegrityError, ProtectedError):
        if len(ids) > 1:
            return _delete_part(run, kind, old, last, len(ids) // 2)
        log.info("%s %s is old, but something refers to it: it stays", kind.code, ids[-1] if ids else "")
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
    return (ids[-1], False) if ids else (last, True)


def _add_to_counts(run: RetentionRun, code: str, deleted: int) -> None:
    """In the transaction that deletes, as its last statement: another tick waits no longer for the row."""
    if deleted:
        counted = RetentionRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        counted.counts[code] = counted.counts.get(code, 0) + deleted
        counted.save(update_fields=["counts"])


def _delete_rows(rows: Any, ids: Iterable[Any]) -> int:
    deleted: int = rows.model._default_manager.filter(pk__in=ids).delete()[0]
    return deleted


def _is_night(now: datetime) -> bool:
    location = Location.objects.first()
    return now.astimezone(location.zone if location else UTC).hour in NIGHT
