"""Whoever imports a list holds a lease: it outlives errors, and there is one at a time (product rule 20)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from contacts.imports import leases, runs
from contacts.imports.importing import import_next, run_import
from contacts.imports.leases import (
    MOST_ATTEMPTS,
    LeaseLost,
    give_batch_back,
    keeping_lease,
    renew_lease,
    take_next_batch,
)
from contacts.models import Appointment, ImportBatch
from tests.contacts.imports.example_lists import AISHA, NOAH, make_downtown
from tests.contacts.imports.test_import_runs import PEOPLE, end_leases, queue, stop_at

pytestmark = pytest.mark.django_db


def take() -> ImportBatch:
    batch = take_next_batch()
    assert batch
    return batch


def let_another_one_run(batch: ImportBatch) -> ImportBatch:
    """The lease of the batch runs out, and another batch is leased."""
    end_leases()
    other = queue(NOAH)
    ImportBatch.objects.filter(pk=other.pk).update(queued_at=timezone.now() - timedelta(days=1))
    running = take()
    assert running.pk == other.pk != batch.pk
    return running


def test_a_list_that_made_progress_in_its_last_attempt_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_downtown()
    monkeypatch.setattr(runs, "PART_ROWS", 2)
    batch = queue(*PEOPLE)
    ImportBatch.objects.filter(pk=batch.pk).update(attempts=MOST_ATTEMPTS - 1)
    stop_at(monkeypatch, 2, OperationalError("the database is away"))
    assert import_next()
    batch.refresh_from_db()
    assert (batch.state, batch.attempts, batch.rows_done) == ("running", 0, 2)
    end_leases()
    assert import_next()
    assert Appointment.objects.count() == 7


def test_a_worker_that_was_too_slow_writes_nothing_while_another_list_is_imported() -> None:
    make_downtown()
    queue(AISHA)
    slow = take()
    running = let_another_one_run(slow)
    with pytest.raises(LeaseLost):
        run_import(slow)
    assert not Appointment.objects.exists()
    run_import(running)
    assert take().pk == slow.pk, "it goes on afterwards"


def test_a_lease_that_ran_out_is_renewed_if_no_other_list_is_imported() -> None:
    queue(AISHA)
    slow = take()
    end_leases()
    renew_lease(slow)
    assert take_next_batch() is None


def test_giving_back_a_list_never_overtakes_one_that_is_being_imported() -> None:
    make_downtown()
    queue(AISHA)
    slow = take()
    running = let_another_one_run(slow)
    give_batch_back(slow)
    run_import(running)
    assert Appointment.objects.count() == 1
    assert take().pk == slow.pk


class Clock(threading.Event):
    """Ends after so many waits, without waiting."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.left = waits

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0


def renew_with_errors(monkeypatch: pytest.MonkeyPatch, batch: ImportBatch, errors: int, waits: int) -> int:
    """Let that many renewals fail; return how often the connection was closed."""
    find_held = leases._find_held
    closed: list[int] = []

    def find(batch: ImportBatch) -> Any:
        nonlocal errors
        errors -= 1
        if errors >= 0:
            raise OperationalError("the database is away")
        return find_held(batch)

    with monkeypatch.context() as patched:
        patched.setattr(leases, "_find_held", find)
        patched.setattr(connection, "close", lambda: closed.append(1))
        leases._renew_until_done(batch, Clock(waits))
    return len(closed)


def test_a_lease_is_still_renewed_after_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    queue(AISHA)
    batch = take()
    soon = timezone.now() + timedelta(seconds=5)
    ImportBatch.objects.update(leased_until=soon)
    assert renew_with_errors(monkeypatch, batch, errors=2, waits=3) == 3
    batch.refresh_from_db()
    assert batch.leased_until is not None
    assert batch.leased_until > soon


def test_a_thread_never_renews_a_lease_that_ran_out(monkeypatch: pytest.MonkeyPatch) -> None:
    queue(AISHA)
    batch = take()
    end_leases()
    renew_with_errors(monkeypatch, batch, errors=0, waits=1)
    assert take().pk == batch.pk


def test_the_thread_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    names: Callable[[], set[str]] = lambda: {thread.name for thread in threading.enumerate()}  # noqa: E731
    with keeping_lease(ImportBatch(pk=1)):
        assert "import-lease" in names()
    assert "import-lease" not in names()
