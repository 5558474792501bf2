"""One import at a time: whoever imports a file holds a lease on its batch, and renews it while it works.

A worker that dies stops renewing, and after LEASE another one takes the batch and goes on with it. Leases are
in the table, so they work behind a pooler that gives each transaction another connection.
"""

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error, connection, transaction
from django.db.models import Exists, F, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from contacts.models import ImportBatch

log = logging.getLogger(__name__)

State = ImportBatch.State
ONE_AT_A_TIME = 7_305_022_011  # key of the advisory lock that keeps two transactions of imports apart
LEASE = timedelta(seconds=90)
RENEW_EVERY = 20.0  # seconds, while a file is read and planned
MOST_ATTEMPTS = 3  # without a part that was imported
NEXT_ATTEMPT_AFTER = timedelta(seconds=20)


class LeaseLost(Exception):
    """Another worker has taken over, or the batch is gone: nothing more may be written."""


def lock_import_writes() -> None:
    """Hold the lock under which imports write, until the transaction ends: waits for the part that is being
    written, and lets none begin.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])


def find_running() -> QuerySet[ImportBatch]:
    """The batch that holds the place of the one being imported: leased, or paused after an error until its
    next attempt.
    """
    return ImportBatch.objects.filter(state=State.RUNNING, leased_until__gt=Now())


def find_waiting() -> QuerySet[ImportBatch]:
    """The batches to be imported that nobody imports at this moment, those that have waited longest first."""
    is_dead = Q(state=State.RUNNING, leased_until=None) | Q(state=State.RUNNING, leased_until__lte=Now())
    return ImportBatch.objects.filter(Q(state=State.WAITING) | is_dead).order_by("queued_at", "pk")


def take_next_batch() -> ImportBatch | None:
    """Lease the oldest batch that waits, or whose worker died; None if there is none or one is running.

    A batch that was taken MOST_ATTEMPTS times, with nothing imported of it, fails instead.
    """
    while find_waiting().exists():
        with transaction.atomic():
            lock_import_writes()
            if find_running().exists():
                return None
            batch = find_waiting().first()
            if batch and batch.attempts < MOST_ATTEMPTS:
                return lease_batch(batch)
            if batch:
                batch.lease = uuid.uuid4()
                ImportBatch.objects.filter(pk=batch.pk).update(state=State.RUNNING, lease=batch.lease)
                fail_batch(batch)
    return None


def lease_batch(batch: ImportBatch) -> ImportBatch:
    """Take the batch. The caller's transaction holds the lock of lock_import_writes()."""
    token = uuid.uuid4()
    ImportBatch.objects.filter(pk=batch.pk).update(
        state=State.RUNNING,
        lease=token,
        leased_until=Now() + LEASE,
        queued_at=Coalesce("queued_at", Now()),
        attempts=F("attempts") + 1,
        error="",
    )
    batch.refresh_from_db()
    return batch


def renew_lease(batch: ImportBatch, *, rows: int = 0) -> None:
    """Renew it in the transaction that imports `rows` more rows, which holds lock_import_writes().

    Raises LeaseLost, also if it ran out and another batch is being imported: what two files say would mix.
    """
    progress = {"rows_done": F("rows_done") + rows, "attempts": 0} if rows else {}
    alone = _find_held(batch).filter(~Exists(find_running().exclude(pk=batch.pk)))
    if not alone.update(leased_until=Now() + LEASE, **progress):
        raise LeaseLost


@contextmanager
def keeping_lease(batch: ImportBatch) -> Iterator[None]:
    """Renew the lease in a thread, for as long as the block takes: reading a large file may take a minute."""
    done = threading.Event()
    thread = threading.Thread(target=_renew_until_done, args=(batch, done), name="import-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _renew_until_done(batch: ImportBatch, done: threading.Event) -> None:
    """Renew the lease again and again. One that ran out stays so: another batch may be leased by now."""
    while not done.wait(RENEW_EVERY):
        try:
            _find_held(batch).filter(leased_until__gt=Now()).update(leased_until=Now() + LEASE)
        except Error as error:  # the database may be back for the next time
            log.warning("the lease of import %s could not be renewed: %s", batch.pk, type(error).__name__)
            connection.close()
    connection.close()


def ask_again(batch: ImportBatch, reason: str) -> None:
    """Give the batch back to staff: something must be answered before it can be imported."""
    _find_held(batch).update(state=State.ASKING, error=reason[:300], lease=None, leased_until=None)


def give_batch_back(batch: ImportBatch) -> None:
    """After an error: let it be tried again in a while, or fail if that was the last attempt.

    What counts are the attempts that are stored: a part that was imported has set them back. If another
    batch is being imported, this one waits until that has ended.
    """
    with transaction.atomic():
        lock_import_writes()
        held = _find_held(batch)
        is_overtaken = find_running().exclude(pk=batch.pk).exists()
        until = None if is_overtaken else Now() + NEXT_ATTEMPT_AFTER
        if not held.filter(attempts__lt=MOST_ATTEMPTS).update(leased_until=until):
            fail_batch(batch)


def fail_batch(batch: ImportBatch) -> None:
    """Stop trying. The file is kept, so that staff can let it be tried again."""
    reason = _(
        "Something went wrong while this list was imported. Try again. If that fails too, ask whoever looks "
        "after Callboard: its log says what went wrong."
    )
    _find_held(batch).update(state=State.FAILED, error=reason[:300], lease=None, leased_until=None)


def _find_held(batch: ImportBatch) -> QuerySet[ImportBatch]:
    return ImportBatch.objects.filter(Q(state=State.RUNNING), pk=batch.pk, lease=batch.lease)
