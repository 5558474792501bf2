"""Fetching the watched calendar addresses, each by one process at a time, and importing what has changed.

1. The turn is taken (contacts/watching/turns.py).
2. The address is asked outside any transaction, with the version that was stored last.
3. In one transaction: the content becomes a batch, if it says something new, and what came is recorded.

A process that is killed before the third step leaves nothing; the calendar is fetched again. Appointments
that vanished from a calendar are listed for review, as with any list (product rule 54), and a calendar
without any appointment is no list at all. Whoever has the address can read the calendar: it is in no log and
no message.
"""

import logging
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.imports.report import LEFT_OUT
from contacts.models import CalendarFault, ImportBatch, WatchedCalendar
from contacts.watching.arrivals import replace_content, store_arrival
from contacts.watching.calendar_requests import FetchedCalendar, as_https, digest_of, fetch_calendar
from contacts.watching.turns import Turn, TurnLost, take_turn
from contacts.worker_hints import hint_worker

log = logging.getLogger(__name__)

FETCH_TASK = "contacts.tasks.fetch_calendars"
FETCH_TICK = 30  # seconds
ROUND_SECONDS = 60.0  # then no other calendar is begun: the next tick goes on
REFUSED = frozenset([CalendarFault.NOT_ALLOWED, CalendarFault.NOT_FOUND, CalendarFault.BAD_ADDRESS])
REFUSED_WAIT = timedelta(hours=6)
LONGEST_WAIT = timedelta(hours=24)
# Series are expanded for a year and a bit ahead, so what hasn't changed is imported again once in a while.
STORED_ANEW_AFTER = timedelta(days=30)

FAILED_ANEW_AFTER = timedelta(hours=1)
ENTERED = ("name", "address", "source", "every", "is_on")  # what a person edits


def fetch_due_calendars() -> int:
    """One round; return how many calendars were fetched."""
    ends_at, fetched = time.monotonic() + ROUND_SECONDS, 0
    for calendar in find_due():
        if time.monotonic() > ends_at:
            break
        turn = take_turn(calendar)
        if turn is None:
            continue
        try:
            fetched += fetch_one(turn)
        except TurnLost:
            log.warning("watched calendar %s: another process has taken over, or it was changed", calendar.pk)
        finally:
            turn.end()
    return fetched


def find_due() -> list[WatchedCalendar]:
    """The calendars that are due, those that have waited longest first.

    One that seems due later than it can be was set so before the clock was set back (product rule 28).
    """
    is_due = Q(due_at=None) | Q(due_at__lte=Now()) | Q(due_at__gt=Now() + LONGEST_WAIT)
    return list(
        WatchedCalendar.objects.filter(is_due, is_on=True).order_by(F("due_at").asc(nulls_first=True))
    )


def fetch_one(turn: Turn) -> bool:
    """Fetch the calendar whose turn it is; return False if another process just did. Raises TurnLost."""
    calendar = WatchedCalendar.objects.filter(pk=turn.row.pk).first()
    if calendar is None:
        raise TurnLost
    now = read_database_clock()
    if not calendar.is_on or (calendar.due_at and now < calendar.due_at <= now + LONGEST_WAIT):
        return False
    is_old = _is_old(calendar, now)
    version = {} if is_old else {"etag": calendar.etag, "last_modified": calendar.last_modified}
    came = fetch_calendar(calendar.address, **version)
    _record(turn, calendar, came, is_old=is_old)
    return True


def _is_old(calendar: WatchedCalendar, now: datetime) -> bool:
    """Whether what was stored last is imported again, even if it is still the same."""
    if calendar.stored_at is None:
        return True
    if calendar.batch and calendar.batch.counts.get(LEFT_OUT):
        return True
    has_failed = calendar.batch is not None and calendar.batch.state == ImportBatch.State.FAILED
    return now - calendar.stored_at >= (FAILED_ANEW_AFTER if has_failed else STORED_ANEW_AFTER)


@transaction.atomic
def _record(turn: Turn, asked: WatchedCalendar, came: FetchedCalendar, *, is_old: bool) -> None:
    """Record what came, and store what is new; nothing if the address was edited since it was asked."""
    turn.renew()
    calendar = WatchedCalendar.objects.select_for_update().get(pk=asked.pk)
    if calendar.address != asked.address or calendar.source != asked.source or not calendar.is_on:
        raise TurnLost
    now = read_database_clock()
    calendar.tried_at = now
    calendar.fault = came.fault or ""
    calendar.failures = calendar.failures + 1 if came.fault else 0
    calendar.due_at = now + find_wait(calendar.every, came.fault, calendar.failures, came.retry_after)
    if not came.fault:
        calendar.succeeded_at = now
    if came.content:
        digest = digest_of(came.content)
        if digest != calendar.digest or is_old:
            calendar.batch = _store(calendar, came.content)
            calendar.digest, calendar.stored_at = digest, now
        calendar.etag, calendar.last_modified = came.etag, came.last_modified
    calendar.save()


def _store(calendar: WatchedCalendar, content: bytes) -> ImportBatch:
    """A new batch; or the last one with the new content, if that waits for answers, or failed altogether."""
    if calendar.batch and replace_content(calendar.batch, content, also_failed=True):
        return calendar.batch
    return store_arrival(content, f"{calendar.name}.ics", calendar.source, ImportBatch.How.CALENDAR)


def find_wait(every: int, fault: CalendarFault | None, failures: int, retry_after: int) -> timedelta:
    """How long until the calendar is fetched again. `every`: minutes; `failures`: in a row, this included.

    It is asked less often the more it fails, and at most every six hours while it is refused.
    """
    usual = timedelta(minutes=every)
    if fault is None:
        return usual
    wait = max(usual, REFUSED_WAIT) if fault in REFUSED else usual * 2 ** min(max(failures - 1, 0), 6)
    if fault == CalendarFault.EMPTY:
        wait = usual
    return min(max(wait, timedelta(seconds=retry_after)), LONGEST_WAIT)


def fetch_soon(calendar: WatchedCalendar) -> None:
    """Let a worker fetch it at once and import it, whether it has changed or not."""
    WatchedCalendar.objects.filter(pk=calendar.pk).update(
        due_at=None, stored_at=None, digest="", etag="", last_modified=""
    )
    hint_worker(FETCH_TASK, worth_seconds=FETCH_TICK)


@transaction.atomic
def save_calendar(calendar: WatchedCalendar) -> None:
    """Save what a person entered. What came from another address, or for another source, is forgotten.

    What a fetch has recorded since the person's page was shown stays. Raises WatchedCalendar.DoesNotExist if
    somebody has removed it.
    """
    calendar.address = as_https(calendar.address)
    calendar.due_at = None
    calendar.lease = calendar.leased_until = None  # a fetch that is under way is dropped
    changed = [*ENTERED, "due_at", "lease", "leased_until"]
    is_new = calendar.pk is None
    old = None if is_new else WatchedCalendar.objects.select_for_update().get(pk=calendar.pk)
    if old and (old.address, old.source) != (calendar.address, calendar.source):
        calendar.digest = calendar.etag = calendar.last_modified = calendar.fault = ""
        calendar.failures, calendar.batch, calendar.stored_at = 0, None, None
        changed += ["digest", "etag", "last_modified", "fault", "failures", "batch", "stored_at"]
    calendar.save(update_fields=None if is_new else changed)
    if calendar.is_on:
        hint_worker(FETCH_TASK, worth_seconds=FETCH_TICK)


def mask_address(address: str) -> str:
    """The address without what is secret: the server's name alone."""
    host = as_https(address).partition("://")[2].partition("/")[0]
    return f"https://{host}/…"
