"""The example export in tests/data: 240 rows, about fifteen of them with errors.

docs/importing.md has the same counts.
"""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    ImportBatch,
    ImportProblem,
    Location,
    PhoneNumber,
    Provider,
)
from tests.contacts.imports.example_lists import make_downtown

EXPORT = Path(__file__).parents[2] / "data" / "appointments-export.csv"
MOST_QUERIES = 71  # 25 of them keep the file, its lease and its progress; more only with more parts

FIRST = {
    "rows": 240, "added": 235, "moved": 0, "cancelled": 0, "booked_again": 0, "updated": 0, "unchanged": 0,
    "duplicate": 1, "rejected": 4, "changed": 0, "added_as_cancelled": 20, "matched_by_id": 0,
    "matched_by_slot": 0, "contacts_added": 177, "contacts_updated": 0, "contacts_unchanged": 0, "notes": 68,
    "missing": 0,
}  # fmt: skip
SECOND = FIRST | {
    "added": 0, "added_as_cancelled": 0, "unchanged": 235, "matched_by_id": 234, "matched_by_slot": 1,
    "contacts_added": 0, "contacts_unchanged": 177,
}  # fmt: skip

FAULTY = [  # line, column, value, whether the row was imported
    (9, "Mobile", "555-01", True),
    (21, "Mobile", "", True),
    (35, "Mobile", "call wife (202) 555-0133", True),
    (43, "Date", "02/30/2027", False),
    (57, "Time", "", False),
    (62, "Appt ID", "A10459", True),
    (74, "Mobile", "(202) 555-0172 x12", True),
    (90, "First Name", "", False),
    (92, "Last Name", "", True),
    (103, "Mobile", "+44 20 7946 0101", True),
    (122, "Location", "Westend", False),
    (135, "Date", "2026-12-11", True),
    (152, "Time", "14:30", True),
    (173, "Appt ID", "", True),
]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def downtown_and_eastside() -> None:
    make_downtown()
    make_downtown(name="Eastside")


def run_command(*options: str) -> str:
    out = StringIO()
    call_command("import_appointments", str(EXPORT), *options, stdout=out)
    return out.getvalue()


def run_for_report(*options: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(run_command("--json", *options))
    return report


def test_an_import_gives_the_documented_counts_and_a_second_import_changes_nothing() -> None:
    """(product rule 20)"""
    first = run_for_report()
    before = snapshot()
    second = run_for_report()
    assert first["counts"] == FIRST
    assert second["counts"] == SECOND
    assert snapshot() == before
    assert [batch.counts for batch in ImportBatch.objects.order_by("pk")] == [FIRST, SECOND]


def snapshot() -> list[Any]:
    """Return everything an import could change, except its own report."""
    models = (Appointment, AppointmentChange, Contact, PhoneNumber, Location, Provider)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def test_each_row_with_an_error_is_reported_with_line_column_value_and_what_to_do() -> None:
    report = run_for_report()
    faults = [
        (each["line"], each["column"], each["value"], each["weight"] == "note")
        for each in sorted(report["problems"], key=lambda each: each["line"])
        if each["column"] != "Patient ID"
    ]
    assert faults == FAULTY
    assert all(each["problem"] and each["remedy"] for each in report["problems"])


def test_each_patient_whose_lines_differ_is_noted() -> None:
    notes = [each for each in run_for_report()["problems"] if each["column"] == "Patient ID"]
    assert len(notes) == 58
    assert notes[0]["value"] == "P2000: last name, home phone (lines 2, 182)"


def test_the_problems_are_stored_with_the_batch() -> None:
    report = run_for_report()
    kept = ImportProblem.objects.values("line", "column", "value", "problem", "remedy", "weight")
    assert sorted(map(str, kept)) == sorted(map(str, report["problems"]))


def test_names_times_and_languages_are_parsed() -> None:
    run_for_report()
    zoe = Appointment.objects.select_related("contact__phone", "provider").get(external_id="A10410")
    assert zoe.contact.first_name == "Zoë"
    assert zoe.contact.phone
    assert zoe.contact.phone.e164 == "+12025550110"
    assert zoe.starts_at.isoformat() == "2026-12-01T19:30:00+00:00"
    assert (zoe.ends_at - zoe.starts_at).total_seconds() == 45 * 60
    assert zoe.provider
    assert zoe.provider.name == "Dr. S. Chen"
    assert set(Contact.objects.values_list("language", flat=True)) == {"en", "es", "fr"}


def test_a_number_shared_by_two_patients_has_one_row() -> None:
    run_for_report()
    number = PhoneNumber.objects.get(e164="+12025550100")
    assert number.contacts.count() == 2


def test_each_appointment_gets_the_first_entry_of_its_history() -> None:
    run_for_report()
    changes = AppointmentChange.objects.filter(what="imported", how="import")
    assert changes.values("appointment").distinct().count() == changes.count() == 235


def test_a_dry_run_gives_the_same_counts_and_writes_nothing() -> None:
    before = snapshot()
    report = run_for_report("--dry-run")
    assert report["counts"] == FIRST
    assert report["dry_run"]
    assert snapshot() == before
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize("run", ["first", "second"])
def test_an_import_of_240_rows_makes_few_queries(run: str) -> None:
    if run == "second":
        run_for_report()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        run_for_report()
    assert len(queries) <= MOST_QUERIES, "\n".join(query["sql"][:120] for query in queries)


def test_the_rows_of_a_new_location_are_imported_if_its_time_zone_is_given() -> None:
    run_for_report()
    report = run_for_report("--location-zone", "Westend=America/Chicago")
    assert (report["counts"]["added"], report["counts"]["rejected"]) == (1, 3)
    westend = Appointment.objects.get(external_id="A10520")
    assert westend.location.time_zone == "America/Chicago"
    assert westend.location.spoken_name == "Westend"
    assert westend.starts_at.isoformat() == "2026-12-12T15:45:00+00:00"


def test_the_printed_report_says_what_to_do() -> None:
    printed = run_command()
    assert "240 rows (Windows-1252, commas, dates month first (as line 2 shows))" in printed
    assert "line 43, Date: “02/30/2027”" in printed
    assert '--location-zone "Westend=America/New_York"' in printed
    assert "and 48 more (all of them with --json)" in printed
