"""A file is applied part by part: after a restart, beside staff, with rows that can't be stored.

(Product rule 20: the same file twice changes nothing.)
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection
from django.utils import timezone

from contacts.imports import runs
from contacts.imports.apply import write_plan
from contacts.imports.importing import import_next, run_import
from contacts.imports.leases import LeaseLost, take_next_batch
from contacts.imports.plans import PlannedContact
from contacts.imports.practice import ImportOptions
from contacts.imports.runs import ImportRun
from contacts.imports.stored_files import (
    IMPORT_TASK,
    queue_import,
    read_stored_file,
    retry_import,
    store_file,
)
from contacts.models import Appointment, Contact, ImportBatch, ImportChange, ImportFile, ImportPart, Location
from contacts.tasks import run_imports
from tests.contacts.imports.example_lists import (
    AISHA,
    NOAH,
    import_rows,
    make_downtown,
    run_waiting_imports,
    write_list,
)

pytestmark = pytest.mark.django_db
PEOPLE = [
    AISHA | {"id": f"A{n}", "patient": f"P{n}", "first": f"Ann{n}x", "mobile": f"202-555-01{n:02}"}
    for n in range(7)
]
BAD_DATE = NOAH | {"date": "02/30/2027"}
FILE = [*PEOPLE, BAD_DATE, PEOPLE[0]]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PART_ROWS", 2)


@pytest.fixture
def downtown() -> Location:
    return make_downtown()


def queue(*rows: dict[str, str], **options: Any) -> ImportBatch:
    batch = store_file(write_list(*rows), "list.csv", ImportOptions(**options), how=ImportBatch.How.PAGE)
    assert queue_import(batch)
    return batch


def stop_at(monkeypatch: pytest.MonkeyPatch, part: int, error: Exception) -> None:
    """Let the run fail in that part, once; parts are counted from 1."""
    count = iter(range(1, 100))

    def write(*args: Any) -> Any:
        if next(count) == part:
            raise error
        return write_plan(*args)

    monkeypatch.setattr(runs, "write_plan", write)


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, error: Callable[[], Exception]) -> None:
    """Let the database refuse every part with that person in it."""

    def write(plan: Any, *args: Any) -> Any:
        if any(row.row.first_name == name for row in plan.rows):
            raise error()
        return write_plan(plan, *args)

    monkeypatch.setattr(runs, "write_plan", write)


Result = tuple[dict[str, int], list[tuple[int, str, str]], list[tuple[int, str]]]


def read_result(batch: ImportBatch) -> Result:
    """The counts, problems and changes of an import."""
    batch.refresh_from_db()
    return (
        batch.counts,
        list(batch.problems.values_list("line", "weight", "problem")),
        list(batch.changes.values_list("line", "what")),
    )


def end_leases() -> None:
    ImportBatch.objects.update(leased_until=timezone.now() - timedelta(seconds=1))


def test_a_file_in_parts_has_the_counts_and_problems_of_one_in_one_part(
    downtown: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = queue(*FILE)
    run_waiting_imports()
    in_parts = read_result(batch)
    Appointment.objects.all().delete()
    Contact.objects.all().delete()
    monkeypatch.setattr(runs, "PART_ROWS", 300)
    whole = queue(*FILE)
    run_waiting_imports()
    assert read_result(whole) == in_parts
    assert in_parts[0]["added"] == in_parts[0]["contacts_added"] == 7
    assert (in_parts[0]["rows"], in_parts[0]["rejected"], in_parts[0]["duplicate"]) == (9, 1, 1)
    whole.refresh_from_db()
    assert (whole.state, whole.rows_done, whole.rows_total) == ("done", 9, 9)
    assert not ImportFile.objects.exists()
    assert not ImportPart.objects.exists()


@pytest.mark.parametrize("is_of_earlier_release", [True, False])
def test_a_file_is_kept_compressed_and_one_of_an_earlier_release_is_read_too(
    downtown: Location, is_of_earlier_release: bool
) -> None:
    batch, data = queue(*PEOPLE), write_list(*PEOPLE)
    assert len(ImportFile.objects.get().content) < len(data) / 2
    if is_of_earlier_release:
        ImportFile.objects.update(content=data, is_compressed=False)
    assert read_stored_file(batch).content.read_whole() == data
    run_waiting_imports()
    assert read_result(batch)[0]["added"] == 7


def test_a_run_that_goes_on_after_an_error_gives_the_counts_of_the_whole_file(
    downtown: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_rows(*PEOPLE[:3])
    changed = [row | {"last": "Stone", "minutes": "45"} for row in FILE]
    stop_at(monkeypatch, 3, OperationalError("the database is away"))
    batch = queue(*changed)
    assert import_next()
    batch.refresh_from_db()
    assert (batch.state, batch.rows_done, batch.rows_total) == ("running", 4, 9)
    assert not import_next(), "it is tried again in a while, and nothing else overtakes it"
    end_leases()
    run_waiting_imports()
    counts, problems, changes = read_result(batch)
    assert batch.state == "done"
    assert (counts["updated"], counts["added"], counts["rejected"], counts["duplicate"]) == (3, 4, 1, 1)
    assert (counts["contacts_updated"], counts["contacts_added"]) == (3, 4)
    assert [what for _, what in changes].count("renamed") == 3
    assert [what for _, what in changes].count("contact_added") == 4
    assert [line for line, weight, _ in problems if weight == "rejected"] == [9]
    assert Appointment.objects.count() == 7
    assert counts["missing"] == 0


def test_appointments_without_ids_that_this_import_added_are_not_missing(downtown: Location) -> None:
    rows = [row | {"id": "", "patient": ""} for row in PEOPLE]
    first, again = queue(*rows), queue(*rows)
    run_waiting_imports()
    assert (read_result(first)[0]["missing"], read_result(again)[0]["missing"]) == (0, 0)
    assert read_result(again)[0]["unchanged"] == 7


@pytest.mark.parametrize(
    "error", [lambda: DataError("too long"), lambda: IntegrityError("twice"), lambda: ValueError("NUL")]
)
def test_a_row_that_the_database_refuses_is_left_out_and_the_others_are_imported(
    downtown: Location, monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception]
) -> None:
    monkeypatch.setattr(runs, "PART_ROWS", 300)
    refuse(monkeypatch, "Ann3x", error)
    batch = queue(*PEOPLE, PEOPLE[3] | {"id": "A9", "time": "11:30 AM"})
    run_waiting_imports()
    counts, problems, _ = read_result(batch)
    assert batch.state == "done"
    assert (counts["added"], counts["rejected"], counts["contacts_added"]) == (6, 2, 6)
    rejected = [line for line, weight, text in problems if weight == "rejected" and "be stored" in text]
    assert rejected == [5, 9]
    assert not Contact.objects.filter(first_name="Ann3x").exists()


def test_a_value_that_postgresql_refuses_leaves_out_its_row_only(
    downtown: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here PostgreSQL itself refuses, in a transaction that is then rolled back."""

    def say(planned: PlannedContact) -> dict[str, str]:
        return {"last_name": "\ud800"} if planned.person.first_name == "Ann2x" else {}

    monkeypatch.setattr(PlannedContact, "said", property(say))
    batch = queue(*PEOPLE)
    run_waiting_imports()
    assert read_result(batch)[0]["rejected"] == 1
    assert Appointment.objects.count() == 6


def test_an_appointment_that_was_added_meanwhile_is_planned_again_and_not_given_up(
    downtown: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = import_rows(AISHA | {"id": "X1", "patient": "X1"})
    made = Appointment.objects.get(external_id="X1")
    planned: list[int] = []

    def write(plan: Any, *args: Any) -> Any:
        if not planned:  # somebody else adds A3 after the plan was made
            Appointment.objects.filter(pk=made.pk).update(external_id="A3", contact=made.contact)
            Contact.objects.filter(pk=made.contact_id).update(external_id="P3", first_name="Ann3x")
        planned.append(len(plan.rows))
        return write_plan(plan, *args)

    monkeypatch.setattr(runs, "write_plan", write)
    batch = queue(*PEOPLE)
    run_waiting_imports()
    assert other.counts["added"] == 1
    counts, problems, _ = read_result(batch)
    assert (counts["added"], counts["rejected"]) == (6, 0), problems
    assert Appointment.objects.count() == 7


def test_a_new_location_of_a_part_that_failed_is_made_by_the_next_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a rolled-back part has made is forgotten."""
    refuse(monkeypatch, "Ann0x", lambda: DataError("too long"))
    refusing = vars(runs)["write_plan"]

    def write(plan: Any, practice: Any, *args: Any) -> Any:
        made = Location(pk=10**6, name="Harbour", time_zone="America/Denver")
        practice.locations.setdefault("harbour", made) if plan.rows[0].row.first_name == "Ann0x" else None
        return refusing(plan, practice, *args)

    monkeypatch.setattr(runs, "write_plan", write)
    batch = queue(*[row | {"location": "Harbour"} for row in PEOPLE], zones={"Harbour": "America/Denver"})
    run_waiting_imports()
    assert read_result(batch)[0]["added"] == 6
    assert Appointment.objects.filter(location=Location.objects.get()).count() == 6


def test_a_zone_that_was_corrected_meanwhile_lets_the_file_be_read_again(
    downtown: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(product rule 27)"""
    original, count = ImportRun._end_part, iter(range(9))

    def end_part(*args: Any) -> None:
        original(*args)
        if next(count) == 1:
            Location.objects.update(time_zone="America/Denver")

    monkeypatch.setattr(ImportRun, "_end_part", end_part)
    batch = queue(*PEOPLE)
    run_waiting_imports()
    assert read_result(batch)[0]["added"] == 7
    zones = dict(Appointment.objects.values_list("external_id", "time_zone"))
    assert zones["A1"] == "America/New_York", "the zone was right when it was imported"
    assert zones["A6"] == "America/Denver"


def test_what_staff_changed_between_two_parts_stays(
    downtown: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_rows(*PEOPLE)
    original, count = ImportRun._end_part, iter(range(9))

    def end_part(*args: Any) -> None:
        original(*args)
        if next(count) == 0:
            for contact in Contact.objects.filter(external_id="P6"):
                contact.last_name = "Corrected"
                contact.save()

    monkeypatch.setattr(ImportRun, "_end_part", end_part)
    batch = queue(*[row | {"last": "Stone"} for row in PEOPLE])
    run_waiting_imports()
    assert Contact.objects.get(external_id="P6").last_name == "Corrected"
    counts, problems, _ = read_result(batch)
    assert counts["contacts_updated"] == 6
    assert any("was changed here and in the file" in text for *_, text in problems)


@pytest.mark.parametrize("is_erased", [True, False])
def test_a_patient_who_was_erased_or_merged_between_two_parts_gets_no_visit_under_the_old_record(
    downtown: Location, monkeypatch: pytest.MonkeyPatch, is_erased: bool
) -> None:
    """(product rule 64)"""
    import_rows(PEOPLE[6])
    old = Contact.objects.get()
    original, count = ImportRun._end_part, iter(range(9))

    def end_part(*args: Any) -> None:
        original(*args)
        if next(count) == 0:
            if is_erased:
                erase(old)
            else:
                Appointment.objects.all().filter(contact=old).update(contact=Contact.objects.first())
                old.delete()

    monkeypatch.setattr(ImportRun, "_end_part", end_part)
    batch = queue(*PEOPLE, PEOPLE[6] | {"id": "A9", "time": "11:30 AM"})
    run_waiting_imports()
    counts, problems, _ = read_result(batch)
    assert (batch.state, counts["added"]) == ("done", 8 if is_erased else 7), problems
    new = Contact.objects.get(external_id="P6")
    assert new.pk != old.pk
    assert Appointment.objects.get(external_id="A9").contact == new


def erase(contact: Contact) -> None:
    """What matters here of contacts/erasing.py."""
    Appointment.objects.filter(contact=contact).update(source="", external_id="", file_values={})
    Contact.objects.filter(pk=contact.pk).update(
        erased_at=timezone.now(), first_name="", last_name="", source="", external_id="", phone=None
    )


def test_a_worker_whose_lease_was_taken_over_writes_nothing_more(
    downtown: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(*PEOPLE)
    slow = take_next_batch()
    assert slow is not None
    assert take_next_batch() is None
    end_leases()
    quick = take_next_batch()
    assert quick is not None
    assert quick.pk == slow.pk
    with pytest.raises(LeaseLost):
        run_import(slow)
    assert not Appointment.objects.exists()
    run_import(quick)
    assert Appointment.objects.count() == 7


def test_after_three_attempts_without_progress_it_fails_and_can_be_tried_again(
    downtown: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(runs, "write_plan", lambda *_: 1 / 0)
        batch = queue(*PEOPLE)
        for _ in range(3):
            assert import_next()
            end_leases()
    batch.refresh_from_db()
    assert (batch.state, batch.lease) == ("failed", None)
    assert "Try again" in batch.error
    assert not import_next()
    assert retry_import(batch)
    assert not retry_import(batch), "it waits already"
    run_waiting_imports()
    assert read_result(batch)[0]["added"] == 7
    assert (batch.state, batch.error) == ("done", "")


def test_a_file_that_kills_every_worker_is_given_up(downtown: Location) -> None:
    batch = queue(*PEOPLE)
    for _ in range(3):
        assert take_next_batch()
        end_leases()
    assert take_next_batch() is None
    batch.refresh_from_db()
    assert batch.state == "failed"


def test_a_file_whose_questions_are_open_goes_back_to_staff(downtown: Location) -> None:
    batch = queue(AISHA | {"Deleted at": "2026-11-01"})
    run_waiting_imports()
    batch.refresh_from_db()
    assert (batch.state, batch.lease) == ("asking", None)
    assert "Answer this first." in batch.error
    assert not Appointment.objects.exists()
    assert queue_import(batch, options=ImportOptions(answers={"column:Deleted at": "cancels"}))
    run_waiting_imports()
    assert Appointment.objects.get().status == "cancelled"


def test_the_oldest_file_comes_first_and_the_command_waits_its_turn(downtown: Location) -> None:
    """A newer list must not be undone by an older one."""
    queue(AISHA | {"time": "11:00 AM"})
    queue(AISHA | {"time": "1:00 PM"})
    import_rows(AISHA | {"time": "2:00 PM"})
    assert Appointment.objects.get().local_start.hour == 14
    assert set(ImportBatch.objects.values_list("state", flat=True)) == {"done"}
    moved = ImportChange.objects.filter(what="moved").order_by("pk")
    assert [each.new["time"][-5:] for each in moved] == ["13:00", "14:00"]


def test_the_task_of_the_hint_exists_and_imports(downtown: Location) -> None:
    batch = queue(*PEOPLE)
    assert run_imports.name == IMPORT_TASK
    run_imports()
    batch.refresh_from_db()
    assert batch.state == "done"


def test_looking_for_work_is_one_statement_when_there_is_none(
    django_assert_num_queries: Callable[[int], Any],
) -> None:
    with django_assert_num_queries(1):
        assert not import_next()
    assert connection.in_atomic_block
