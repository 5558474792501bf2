"""Ids that a system or a spreadsheet writes in another way make of one person no two (product rule 51)."""

import pytest

from contacts.imports.plan_notes import ID_WRITTEN_ANEW, WITHOUT_ZEROS
from contacts.models import Appointment, Contact
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown

pytestmark = pytest.mark.django_db
WAYS = [
    ("A12", "a12"), ("a12", "A12"), ("Appt-12", "APPT-12"), ("APPT-12", "Appt-12"), ("7", "7.0"),
    ("7.0", "7"), ("007", "7"), ("7", "007"), ("007", "7.0"),
]  # fmt: skip
NOAH = AISHA | {"last": "Brown", "first": "Noah", "mobile": "202-555-0102"}


@pytest.fixture(autouse=True)
def downtown() -> None:
    make_downtown()


def row(written: str, **cells: str) -> dict[str, str]:
    return AISHA | {"id": written, "patient": f"{written}"} | cells


def booked() -> list[tuple[str, str]]:
    visits = Appointment.objects.order_by("starts_at").values_list("external_id", "status")
    return list(visits)


@pytest.mark.parametrize(("one", "other"), WAYS)
def test_the_same_visit_under_an_id_written_anew_is_one(one: str, other: str) -> None:
    import_rows(row(one))
    report = import_rows(row(other))
    assert (Contact.objects.count(), booked()) == (1, [(one, "booked")])
    assert (report.counts["added"], report.counts["contacts_added"]) == (0, 0)
    said = {each.problem for each in report.problems}
    assert said & {ID_WRITTEN_ANEW[0], WITHOUT_ZEROS[0]}
    assert import_rows(row(one, time="10:30 AM")).counts["moved"] == 1


@pytest.mark.parametrize(("one", "other"), WAYS)
def test_it_is_moved_and_cancelled_under_its_new_id(one: str, other: str) -> None:
    import_rows(row(one))
    assert import_rows(row(other, time="11:30 AM")).counts["moved"] == 1
    import_rows(row(other, time="11:30 AM", status="Cancelled", first="", mobile=""))
    assert booked() == [(one, "cancelled")]


@pytest.mark.parametrize(("one", "other"), WAYS)
def test_of_somebody_else_it_is_no_guess(one: str, other: str) -> None:
    import_rows(row(one))
    import_rows(NOAH | {"id": other, "patient": other, "date": "12/16/2026"})
    assert [each for each, _ in booked()] == [one, other]
    assert Contact.objects.count() == 2


def test_two_ids_that_are_both_here_stay_two() -> None:
    import_rows(row("A12"), row("a12", date="12/16/2026", patient="A12"))
    assert booked() == [("A12", "booked"), ("a12", "booked")]
    report = import_rows(row("a12", date="12/17/2026", patient="A12"), row("A12"))
    assert (report.counts["moved"], report.counts["unchanged"]) == (1, 1)
    assert booked() == [("A12", "booked"), ("a12", "booked")]


def test_one_patient_whose_id_is_written_in_two_ways_in_a_file_is_one() -> None:
    import_rows(row("A1", patient="P12"), row("A2", patient="p12", date="12/16/2026"))
    assert Contact.objects.count() == 1
