"""Rows are judged in blocks, so that a file takes little memory: what belongs together is in one block, and
how a file is cut changes nothing of what comes of it (product rules 20 and 42).
"""

import random
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction

from contacts.imports import row_blocks
from contacts.imports.importing import import_file, preview_file
from contacts.imports.packed_lists import CHUNK, PackedList, SeenKeys
from contacts.imports.practice import ImportOptions
from contacts.imports.report import ImportReport
from contacts.imports.row_blocks import RowBlocks
from contacts.imports.rows import NO_MOMENT, AppointmentRow, RowResult
from contacts.models import Appointment, Contact
from contacts.numbers import parse_number
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown, write_list

RUTH = {"first": "Ruth", "last": "Stone", "mobile": "+12025550111"}
KOFI = {"first": "Kofi", "last": "Wood", "mobile": "+12025550112"}
MEI = {"first": "Mei", "last": "Chan", "mobile": "+12025550113"}


def read(line: int, said: dict[str, str], *, rejected: bool = False) -> RowResult:
    """The result of a row, with a patient, their numbers and ids."""
    numbers = [parse_number(said[key], "US") if said.get(key) else None for key in ("mobile", "home")]
    row = AppointmentRow(
        line=line,
        appointment_id=said.get("id", ""),
        patient_id=said.get("patient", ""),
        first_name=said["first"],
        last_name=said["last"],
        language="",
        preference="",
        mobile=numbers[0],
        home=numbers[1],
        faults=(),
        starts_at=NO_MOMENT,
        local_start=datetime(2027, 3, 4, 9),  # noqa: DTZ001 - wall time
        minutes=None,
        location="Downtown",
        provider="",
        kind="",
        status="booked",
    )
    if rejected:
        return RowResult(line, row.appointment_id, None, (), cancels=True, partial=row)
    return RowResult(line, row.appointment_id, row, ())


TOGETHER = [
    ("the same appointment", RUTH | {"id": "A1"}, KOFI | {"id": "A1"}),
    ("the same appointment but for zeros", RUTH | {"id": "12"}, KOFI | {"id": "0012"}),
    ("the same patient id", RUTH | {"patient": "P1"}, KOFI | {"patient": "P1"}),
    ("the same patient id but for zeros", RUTH | {"patient": "12"}, KOFI | {"patient": "0012"}),
    ("the same name and number", RUTH | {"patient": "P1"}, RUTH),
    ("the same number, once as that at home", RUTH, RUTH | {"mobile": "", "home": "+12025550111"}),
    ("the same name, written differently", RUTH, RUTH | {"first": "RUTH", "last": "Stöne"}),
    ("the same name without a number", RUTH | {"mobile": ""}, RUTH | {"mobile": ""}),
]


@pytest.mark.parametrize(("one", "other"), [case[1:] for case in TOGETHER])
@pytest.mark.parametrize("rejected", [True, False])
def test_rows_that_may_be_of_one_patient_or_appointment_are_judged_together(
    monkeypatch: pytest.MonkeyPatch, one: dict[str, str], other: dict[str, str], rejected: bool
) -> None:
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", 1)
    assert cut(read(2, one), read(3, MEI), read(4, other, rejected=rejected)) == [[2, 4], [3]]


@pytest.mark.parametrize("other", [RUTH | {"first": "Mei"}, KOFI | {"last": "Stone-Chen"}])
@pytest.mark.parametrize("cancels", [True, False])
def test_a_row_that_cancels_is_judged_with_all_of_its_time_and_name_or_number(
    monkeypatch: pytest.MonkeyPatch, other: dict[str, str], cancels: bool
) -> None:
    """It may be about the visit of a row whose patient is written differently."""
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", 1)
    rows = read(2, RUTH), read(3, MEI), read(4, other, rejected=cancels)
    assert cut(*rows) == ([[2, 4], [3]] if cancels else [[2], [3], [4]])


def test_rows_are_joined_by_way_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", 1)
    monkeypatch.setattr(row_blocks, "KEYS_AT_ONCE", 2)
    rows = [RUTH | {"patient": "P1"}, KOFI | {"id": "A2"}, KOFI | {"id": "A1"}, RUTH | {"id": "A1"}]
    assert cut(*(read(line, said) for line, said in enumerate(rows, 2))) == [[2, 3, 4, 5]]


def test_a_block_has_no_more_rows_than_it_may_unless_they_belong_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", 3)
    people = "ABCCCCDBA"
    rows = [read(line, RUTH | {"mobile": "", "last": last}) for line, last in enumerate(people, 1)]
    assert cut(*rows) == [[1, 9], [2, 8], [3, 4, 5, 6], [7]]
    assert cut() == []


def cut(*results: RowResult) -> list[list[int]]:
    """The lines of each block."""
    rows = RowBlocks()
    for each in results:
        rows.add(each)
    rows.divide()
    assert len(rows) == len(results)
    return [[each.line for each in block] for block in rows]


def test_a_packed_list_gives_back_what_was_put_in() -> None:
    items = [read(line, RUTH | {"id": f"A{line}"}) for line in range(2 * CHUNK + 5)]
    packed = PackedList(items)
    assert list(packed) == items
    assert (packed == items, packed == items[1:], items == packed) == (True, False, True)
    assert (packed[0], packed[-1], packed[CHUNK]) == (items[0], items[-1], items[CHUNK])
    assert (packed[:2], packed[-2:], packed[CHUNK : CHUNK + 2]) == (
        tuple(items[:2]), tuple(items[-2:]), tuple(items[CHUNK : CHUNK + 2]),
    )  # fmt: skip
    with pytest.raises(IndexError):
        packed[len(items)]
    assert not PackedList[int]()
    assert list(packed.take_all()) == items
    assert (len(packed), list(packed)) == (0, [])


def test_seen_keys_are_those_that_were_added() -> None:
    seen = SeenKeys()
    for key in ("A1", "A2", "A1"):
        seen.add(key)
    assert ("A1" in seen, "A2" in seen, "A3" in seen) == (True, True, False)
    seen.add("A3")
    assert "A3" in seen


FIRST, LAST = ["Ruth", "Kofi", "Mei"], ["Stone", "Wood"]
NUMBERS = ["202-555-0111", "202-555-0112", "202-555-0113", "", "nobody"]
IDS = ["", "A1", "A2", "3", "003", "A4", "A5"]
PATIENTS = ["", "P1", "P2", "7", "007", "NEW"]
HOURS = ["9:00 AM", "10:00 AM", "25:00"]
STATUSES = ["Scheduled", "Scheduled", "Cancelled", "odd", ""]


def draw_list(drawn: random.Random) -> list[dict[str, str]]:
    """Rows in which ids, names and numbers meet in every way."""
    return [
        AISHA
        | {"id": drawn.choice(IDS), "patient": drawn.choice(PATIENTS)}
        | {"first": drawn.choice(FIRST), "last": drawn.choice(LAST)}
        | {"mobile": drawn.choice(NUMBERS), "home": drawn.choice(NUMBERS)}
        | {"time": drawn.choice(HOURS), "status": drawn.choice(STATUSES)}
        for _ in range(drawn.randint(2, 12))
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(12))
def test_how_a_file_is_cut_changes_nothing_of_its_preview(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    drawn = random.Random(seed)
    make_downtown()
    import_rows(*draw_list(drawn))
    for _ in range(3):
        data = write_list(*draw_list(drawn))
        whole = say(preview_file(data, "list.csv", ImportOptions()))
        with monkeypatch.context() as cutting:
            cutting.setattr(row_blocks, "BLOCK_ROWS", 1)
            assert say(preview_file(data, "list.csv", ImportOptions())) == whole
            import_file(data, "list.csv", ImportOptions())


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_how_a_file_is_cut_changes_nothing_of_what_it_writes(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    drawn = random.Random(100 + seed)
    make_downtown()
    before, data = draw_list(drawn), write_list(*draw_list(drawn))
    results = []
    for rows in (row_blocks.BLOCK_ROWS, 1):
        with monkeypatch.context() as cutting, transaction.atomic():
            cutting.setattr(row_blocks, "BLOCK_ROWS", rows)
            import_rows(*before)
            results.append((say(import_file(data, "list.csv", ImportOptions())), list_records()))
            transaction.set_rollback(True)
    assert results[0] == results[1]


def say(report: ImportReport) -> Any:
    """What a report says, but for numbers of records."""
    changes = [(each.line, each.what, each.about, each.old, each.new) for each in report.changes]
    return report.counts, report.problems, changes, report.questions


def list_records() -> Any:
    """Every appointment and contact, without their numbers."""
    visits = Appointment.objects.order_by("source", "external_id", "local_start", "contact__last_name", "pk")
    people = Contact.objects.order_by("external_id", "last_name", "first_name", "phone__e164", "pk")
    return [
        list(
            visits.values_list("external_id", "local_start", "status", "contact__first_name", "file_values")
        ),
        list(people.values_list("external_id", "first_name", "last_name", "phone__e164", "file_values")),
    ]
