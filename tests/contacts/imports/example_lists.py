"""Example lists as a practice system exports them, for the tests of imports."""

import csv
import io
from typing import Any

from contacts.imports.importing import import_file, import_next
from contacts.imports.practice import ImportOptions
from contacts.imports.report import ImportReport
from contacts.models import Appointment, Location

HEADERS = {
    "id": "Appt ID", "patient": "Patient ID", "last": "Last Name", "first": "First Name", "mobile": "Mobile",
    "home": "Home Phone", "language": "Language", "date": "Date", "time": "Time", "minutes": "Duration (min)",
    "provider": "Provider", "location": "Location", "kind": "Type", "status": "Status",
}  # fmt: skip
AISHA = {
    "id": "A1", "patient": "P1", "last": "Okafor", "first": "Aisha", "mobile": "(202) 555-0101", "home": "",
    "language": "English", "date": "12/15/2026", "time": "9:30 AM", "minutes": "30",
    "provider": "Dr. S. Chen", "location": "Downtown", "kind": "Cleaning", "status": "Scheduled",
}  # fmt: skip
NOAH = AISHA | {"id": "A2", "patient": "P2", "last": "Brown", "first": "Noah", "mobile": "202-555-0102"}


def write_list(*rows: dict[str, str], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """Return the rows as a CSV file; the header is line 1. Keys not in HEADERS are headers themselves."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    more = list(dict.fromkeys(key for row in rows for key in row if key not in HEADERS))
    writer.writerow([*HEADERS.values(), *more])
    writer.writerows([[row.get(key, "") for key in [*HEADERS, *more]] for row in rows])
    return out.getvalue().encode(encoding)


def make_downtown(**fields: Any) -> Location:
    """Create a location with a time zone."""
    return Location.objects.create(
        **{
            "name": "Downtown",
            "spoken_name": "Elm Street Clinic",
            "time_zone": "America/New_York",
            "callback_number": "+18005550199",
        }
        | fields
    )


def import_rows(*rows: dict[str, str], **options: Any) -> ImportReport:
    """Import those rows as one file."""
    return import_file(write_list(*rows), "list.csv", ImportOptions(**options))


def run_waiting_imports() -> None:
    """Import all files that wait, as a worker does."""
    while import_next():
        pass


def only_appointment(external_id: str = "A1") -> Appointment:
    """Read the appointment with that id from the database."""
    return Appointment.objects.select_related("contact__phone", "location").get(external_id=external_id)
