"""How a plan is cut into parts: what belongs together is never cut. Pure."""

from types import SimpleNamespace
from typing import Any

import pytest

from contacts.imports.plan_parts import halve_plan, list_lines, split_plan
from contacts.imports.plans import Plan, PlannedRow, RefusedRow, RowOutcome


def make_row(line: int, patient: str, appointment: int = 0, contact: int = 0) -> PlannedRow:
    row: Any = SimpleNamespace(line=line, patient_id=patient, same_as=())
    booked: Any = SimpleNamespace(pk=appointment, contact_id=contact) if appointment else None
    return PlannedRow(row, RowOutcome.UNCHANGED, booked)


def make_refused(line: int, appointment: int, contact: int) -> RefusedRow:
    result: Any = SimpleNamespace(line=line)
    booked: Any = SimpleNamespace(pk=appointment, contact_id=contact)
    return RefusedRow(result, booked, RowOutcome.CANCELLED, {})


def make_plan_of(rows: list[PlannedRow | RefusedRow], contacts: dict[str, int]) -> Plan:
    people: dict[Any, Any] = {
        ("id", patient): SimpleNamespace(contact=SimpleNamespace(pk=pk)) for patient, pk in contacts.items()
    }
    planned = [row for row in rows if isinstance(row, PlannedRow)]
    return Plan(planned, people, [row for row in rows if isinstance(row, RefusedRow)])


FOUR = [make_row(2, "A"), make_row(3, "B"), make_row(4, "C"), make_row(5, "D")]
CASES: list[tuple[str, list[Any], dict[str, int], list[list[int]]]] = [
    ("strangers", FOUR, {}, [[2, 3], [4, 5]]),
    ("a patient's rows", [make_row(2, "A"), make_row(3, "B"), make_row(4, "A")], {}, [[2, 4], [3]]),
    ("more than a part", [make_row(line, "A") for line in (2, 3, 4)], {}, [[2, 3, 4]]),
    ("two people of one contact", [*FOUR[:3], make_row(9, "E")], {"A": 7, "E": 7}, [[2, 9], [3, 4]]),
    (
        "an appointment that goes to another record",
        [make_row(2, "A", appointment=1, contact=7), *FOUR[1:3], make_row(9, "E")],
        {"E": 7},
        [[2, 9], [3, 4]],
    ),
    (
        "swapped by way of a third",
        [make_row(2, "A", 1, 7), make_row(3, "B", 2, 8), make_row(4, "C", 3, 9)],
        {"A": 8, "B": 9, "C": 7},
        [[2, 3, 4]],
    ),
    ("a refused row", [*FOUR[:2], make_refused(8, 5, 7)], {"A": 7}, [[2, 8], [3]]),
    ("a refused row of nobody else", [make_refused(8, 5, 7), FOUR[0]], {}, [[2, 8]]),
    ("nothing", [], {}, []),
]


@pytest.mark.parametrize(("rows", "contacts", "lines"), [case[1:] for case in CASES])
def test_what_belongs_together_is_in_one_part(
    rows: list[Any], contacts: dict[str, int], lines: list[list[int]]
) -> None:
    parts = split_plan(make_plan_of(rows, contacts), 2)
    assert [list_lines(part) for part in parts] == lines
    for part in parts:
        assert part.contacts.keys() <= {("id", row.row.patient_id) for row in part.rows}


@pytest.mark.parametrize(
    ("rows", "halves"),
    [(FOUR, [[2, 3], [4, 5]]), (FOUR[:3], [[2, 3], [4]]), ([make_row(2, "A"), make_row(3, "A")], [[2, 3]])],
)
def test_a_part_is_halved_until_what_is_left_belongs_together(
    rows: list[Any], halves: list[list[int]]
) -> None:
    assert [list_lines(half) for half in halve_plan(make_plan_of(rows, {}))] == halves
