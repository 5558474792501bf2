"""An import that is stopped between two of its parts, and goes on, comes to the same as one that isn't."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DataError, transaction

from contacts.imports import row_blocks, runs
from contacts.imports.apply import write_plan
from contacts.imports.plans import Plan
from contacts.imports.practice import ImportOptions
from contacts.imports.stored_files import queue_import, store_file
from contacts.merging import lock_pair, merge_contacts
from contacts.models import Appointment, Contact, ImportBatch
from tests.contacts.imports.example_lists import (
    AISHA,
    import_rows,
    make_downtown,
    run_waiting_imports,
    write_list,
)
from tests.contacts.imports.test_import_runs import end_leases
from tests.contacts.imports.test_lists_twice import KOFI, RUTH, draw_list, draw_rows, make_by_hand

pytestmark = pytest.mark.django_db
SEEDS: Sequence[int] = (7, 23, 54, 65, 94, 108, 121, 166, 175, 203, 486, 554, 617, 860)
if "STOPPED" in os.environ:
    SEEDS = range(*map(int, os.environ["STOPPED"].split("-")))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PART_ROWS", 1)


class _RolledBack(Exception):
    pass


@contextmanager
def taken_back() -> Iterator[None]:
    """What is done in the block is as if it hadn't been done."""
    try:
        with transaction.atomic():
            yield
            raise _RolledBack
    except _RolledBack:
        pass


def import_list(
    rows: Sequence[dict[str, str]],
    answers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    stop_at: int = 0,
    meanwhile: Callable[[], None] = lambda: None,
    refused: str = "",
) -> tuple[Any, int]:
    """Import them, stopped before a part (from 1; 0: not at all); the result, and how many parts it had.

    `meanwhile`: is done before it goes on; `refused`: the database refuses a patient of that first name.
    """
    parts = 0

    def write(plan: Plan, *args: Any) -> Any:
        nonlocal parts
        parts += 1
        if parts == stop_at:
            raise OSError("the worker lost its connection")
        if any(row.row.first_name == refused for row in plan.rows):
            raise DataError("no such value")
        return write_plan(plan, *args)

    monkeypatch.setattr(runs, "write_plan", write)
    options = ImportOptions(answers=answers)
    batch = store_file(write_list(*rows), "list.csv", options, how=ImportBatch.How.PAGE)
    assert queue_import(batch)
    run_waiting_imports()
    if stop_at:
        meanwhile()
        end_leases()
        run_waiting_imports()
    batch.refresh_from_db()
    assert batch.state == ImportBatch.State.DONE, batch.error
    return (read_visits(), read_people(), batch.counts), parts


def read_visits() -> list[str]:
    whose = ("contact__first_name", "contact__last_name", "contact__external_id")
    return sorted(map(str, Appointment.objects.values_list(*whose, "external_id", "local_start", "status")))


def read_people() -> list[str]:
    numbers = ("phone__e164", "other_phone__e164")
    return sorted(map(str, Contact.objects.values_list("first_name", "last_name", "external_id", *numbers)))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_list_that_was_stopped_and_went_on_did_what_it_does_otherwise(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STOPPED=0-500 tries more lists."""
    drawn = random.Random(seed)
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", drawn.choice([row_blocks.BLOCK_ROWS, 1]))
    make_by_hand(drawn, make_downtown())
    if drawn.random() < 0.7:
        import_rows(*draw_rows(drawn, patients=drawn.random() < 0.7, visits=drawn.random() < 0.5))
    rows, answers = draw_list(drawn)
    with taken_back():
        right, parts = import_list(rows, answers, monkeypatch)
    for part in range(2, parts + 1):
        with taken_back():
            found, _ = import_list(rows, answers, monkeypatch, stop_at=part)
            assert found == right, f"stopped before part {part} of {parts}"


ANN = AISHA | {"id": "", "patient": "P7", "first": "Ann", "last": "Lee", "mobile": "202-555-0131"}


def test_a_row_finds_whom_staff_merged_with_somebody_new_while_the_import_stood_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_downtown()
    import_rows(ANN | {"patient": "", "mobile": "202-555-0132", "time": "8:00 AM"}, RUTH)
    by_name = Contact.objects.get(first_name="Ann")

    def merge() -> None:
        new = Contact.objects.get(first_name="Ann", external_id="P7")
        merge_contacts(lock_pair(new.pk, by_name.pk), cancelled=[], by=User.objects.create(username="robin"))

    rows = [ANN, RUTH | {"patient": "P2"}, ANN | {"patient": "", "mobile": "202-555-0132", "time": "9:00 AM"}]
    import_list(rows, {"ids": "all_new"}, monkeypatch, stop_at=2, meanwhile=merge)
    assert Contact.objects.filter(first_name="Ann").count() == 1


def test_a_visit_whose_row_was_left_out_before_a_restart_is_not_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_downtown()
    import_rows(ANN, RUTH)
    rows = [ANN | {"status": "Cancelled"}, RUTH, KOFI]
    (_visits, _people, counts), _ = import_list(rows, {}, monkeypatch, stop_at=4, refused="Ann")
    assert (counts["rejected"], counts["missing"]) == (1, 0)
