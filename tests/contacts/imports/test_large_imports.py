"""Large lists: how many statements an import needs, how many parameters each has, and how many rows are in
memory.

PostgreSQL takes at most 65,535 parameters in a statement, and a list may have 200,000 rows.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts import listed_appointments, people
from contacts.imports import apply, list_planning, overwriting, row_blocks
from contacts.imports.importing import preview_file
from contacts.imports.planning import make_plan
from contacts.imports.plans import PlannedRow
from contacts.imports.practice import ImportOptions
from contacts.imports.rows import AppointmentRow
from contacts.models import Appointment, AppointmentChange, ImportChange
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown, write_list

pytestmark = pytest.mark.django_db
ROWS = 300
A_YEAR_AHEAD = f"06/15/{timezone.now().year + 1}"


@contextmanager
def counting_parameters() -> Iterator[list[int]]:
    """Collect the number of parameters of each statement."""
    found: list[int] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        found.append(len(params or ()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def make_rows(*, with_ids: bool = True, **changed: str) -> list[dict[str, str]]:
    rows = []
    for n in range(ROWS):
        ids = {"id": f"A{n}", "patient": f"P{n}"} if with_ids else {"id": "", "patient": ""}
        minute = {"time": f"{7 + n // 60}:{n % 60:02} AM"} if "time" not in changed else {}
        rows.append(
            AISHA
            | ids
            | {"first": f"Ann{n}x", "mobile": f"202-555-{2000 + n}", "date": A_YEAR_AHEAD}
            | minute
            | changed
        )
    return rows


@pytest.mark.parametrize("with_ids", [True, False])
def test_no_statement_has_parameters_for_all_rows(monkeypatch: pytest.MonkeyPatch, with_ids: bool) -> None:
    for module in (apply, overwriting):
        monkeypatch.setattr(module, "ROWS_PER_STATEMENT", 5)
    monkeypatch.setattr(people, "BATCH_SIZE", 5)
    monkeypatch.setattr(listed_appointments, "CHANGES_AT_ONCE", 5)
    make_downtown()
    with counting_parameters() as found:
        import_rows(*make_rows(with_ids=with_ids))
        import_rows(*make_rows(with_ids=with_ids, kind="Recall", provider="Dr. Lind", language="Spanish"))
        import_rows(*make_rows(with_ids=with_ids, status="Cancelled"))
    assert max(found) < ROWS


@pytest.mark.parametrize("with_ids", [True, False])
def test_only_rows_of_one_block_are_in_memory(monkeypatch: pytest.MonkeyPatch, with_ids: bool) -> None:
    """Neither read rows nor plans, of people who are new and of known ones, in a preview and an import."""
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", 20)
    found: list[int] = []
    planned = make_plan

    def plan_and_count(*args: Any, **options: Any) -> Any:
        plan = planned(*args, **options)
        gc.collect()
        found.append(sum(type(each) in (AppointmentRow, PlannedRow) for each in gc.get_objects()))
        return plan

    monkeypatch.setattr(list_planning, "make_plan", plan_and_count)
    make_downtown()
    rows = make_rows(with_ids=with_ids)[:120]
    for _ in range(2):
        preview_file(write_list(*rows), "list.csv", ImportOptions())
        import_rows(*rows)
    assert len(found) >= 4 * 120 // 20
    assert max(found) <= 3 * 2 * 20, "rows and plans of two or three blocks, of six"


def test_changed_rows_are_written_together() -> None:
    """Not a statement for each: 300 that move, then 300 that are cancelled, with new numbers."""
    make_downtown()
    import_rows(*make_rows())
    changes: list[dict[str, Any]] = [{"time": "2:00 PM", "language": "Spanish"}, {"status": "Cancelled"}]
    for changed in changes:
        rows = [row | {"mobile": f"202-556-{2000 + n}"} for n, row in enumerate(make_rows(**changed))]
        with counting_parameters() as found:
            report = import_rows(*rows)
        assert report.counts["changed"] == ROWS
        assert len(found) < 80  # that keep the file, its lease and its progress, too
    assert AppointmentChange.objects.filter(what="moved").count() == ROWS
    assert AppointmentChange.objects.filter(what="cancelled").count() == ROWS
    assert ImportChange.objects.filter(what="moved").count() == ROWS
    assert {(each.status, each.local_start.hour) for each in Appointment.objects.all()} == {("cancelled", 14)}
