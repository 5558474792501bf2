"""Lists as practice systems export them, of any length, for the measurements of imports."""

import csv
import io
import random
import zipfile
from collections.abc import Iterable
from datetime import timedelta
from xml.sax.saxutils import escape

from django.utils import timezone

HEADERS = [
    "Appt ID", "Patient ID", "Last Name", "First Name", "Mobile", "Home Phone", "Language", "Date", "Time",
    "Duration (min)", "Provider", "Location", "Type", "Status",
]  # fmt: skip
LOCATION = "Elm Street"
LAST = [
    "Stone",
    "Wood",
    "Hill",
    "Lake",
    "Okafor",
    "García",
    "Núñez",
    "Müller",
    "O'Brien",
    "Lindqvist",
    "Nguyen",
]
FIRST = ["Ruth", "Kofi", "Mei", "Omar", "Aisha", "Zoë", "José", "Anna", "Noah", "Ines"]
KINDS = ["Cleaning", "Exam", "Follow-up", "X-ray", "New patient"]
PROVIDERS = [f"Dr. {name}" for name in LAST]
SLOTS = 40  # a day, every quarter of an hour from 8 am
DAYS_AHEAD = 120
# The parts of the smallest workbook.
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="xl/workbook.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/>'
    "</Relationships>",
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": "<Relationships "
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="worksheets/sheet1.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/></Relationships>',
}


def make_rows(count: int, start: int) -> list[list[str]]:
    """Return rows of two visits for each of three patients, in any order. `start`: the first number of ids
    and phones, so that two lists have nobody in common.
    """
    drawn = random.Random(start)
    today = timezone.now().date()
    rows = []
    for place in range(start, start + count):
        patient = start + (place - start) * 2 // 3
        people = random.Random(patient)
        day = today + timedelta(days=1 + place // SLOTS % DAYS_AHEAD)
        quarter = place % SLOTS
        hour = 8 + quarter // 4
        clock = f"{(hour - 1) % 12 + 1}:{quarter % 4 * 15:02} {'AM' if hour < 12 else 'PM'}"
        mobile = f"(212) {200 + patient // 10_000 % 700}-{patient % 10_000:04}"
        rows.append([
            f"A{place:07}", f"P{patient:07}", people.choice(LAST), people.choice(FIRST), mobile, "",
            people.choice(["English", "English", "Spanish"]), f"{day:%m/%d/%Y}", clock, "30",
            drawn.choice(PROVIDERS), LOCATION, drawn.choice(KINDS), "Scheduled",
        ])  # fmt: skip
    return rows


def write_csv(rows: Iterable[list[str]]) -> bytes:
    """Return the rows as CSV with a header."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([HEADERS, *rows])
    return out.getvalue().encode()


def write_xlsx(rows: Iterable[list[str]]) -> bytes:
    """Return the rows as a workbook of texts."""
    lines = (f"<row>{''.join(map(_write_cell, row))}</row>" for row in [HEADERS, *rows])
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"{''.join(lines)}</sheetData></worksheet>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {**PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            archive.writestr(name, part)
    return out.getvalue()


def _write_cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def write_ics(rows: Iterable[list[str]]) -> bytes:
    """Return the rows as a calendar, as Google writes it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Google Inc//Google Calendar 70.9054//EN"]
    for row in rows:
        ahead = int(row[0][1:])
        start = timezone.now().replace(hour=13, minute=0, second=0) + timedelta(
            days=1 + ahead % DAYS_AHEAD, minutes=15 * (ahead // DAYS_AHEAD % SLOTS)
        )
        lines += [
            "BEGIN:VEVENT", f"UID:{row[0]}@google.com", f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{start + timedelta(minutes=30):%Y%m%dT%H%M%SZ}", "STATUS:CONFIRMED",
            f"LOCATION:{LOCATION}",
            f"SUMMARY:{row[12]} - {row[3]} {row[2]} {row[4]}", "END:VEVENT",
        ]  # fmt: skip
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
