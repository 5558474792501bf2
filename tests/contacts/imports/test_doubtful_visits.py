"""What calendars, FHIR and formulas say of a visit that may not take place (product rules 43 and 44)."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import time_machine

from contacts.imports.errors import ImportRefused, QuestionsOpen
from contacts.imports.importing import import_file
from contacts.imports.plan_notes import SERIES_CANCELLED
from contacts.imports.practice import ImportOptions
from contacts.imports.reading.parsed import ParserRefusal
from contacts.imports.reading.workbook_errors import find_broken_cells
from contacts.imports.report import ImportReport
from contacts.models import Appointment, Contact
from tests.contacts.imports.example_lists import make_downtown
from tests.contacts.imports.reading_of_lists import LISTS, MARCH_2027

pytestmark = pytest.mark.django_db
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Stone", "given": ["Ruth"]}],
    "telecom": [{"system": "phone", "use": "mobile", "value": "202-555-0111"}],
}
MOTHER = PATIENT | {"id": "p2", "name": [{"family": "Stone", "given": ["Mei"]}]}
VISIT = {
    "resourceType": "Appointment",
    "id": "a1",
    "status": "booked",
    "start": "2027-03-04T14:30:00Z",
    "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
}
EVENT = "UID:1\nDTSTART:20270304T143000Z\nSUMMARY:Ruth Stone 202-555-0111"


@pytest.fixture(autouse=True)
def elm() -> Iterator[None]:
    """In March 2027, with the location of these files."""
    make_downtown(name="Elm")
    with time_machine.travel(MARCH_2027):
        yield


def import_bundle(*resources: Mapping[str, Any]) -> ImportReport:
    """Import a Bundle of these resources."""
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}
    return import_file(json.dumps(bundle).encode(), "b.json", ImportOptions(answers={"location": "Elm"}))


def import_events(*events: str, head: str = "") -> ImportReport:
    """Import a calendar of these events. `head`: lines above them."""
    text = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    data = f"BEGIN:VCALENDAR\nVERSION:2.0\n{head}{text}END:VCALENDAR\n"
    return import_file(data.encode(), "c.ics", ImportOptions(answers={"location": "Elm"}))


def statuses() -> list[str]:
    return list(Appointment.objects.order_by("local_start").values_list("status", flat=True))


@pytest.mark.parametrize("status", ["proposed", "waitlist", "", None, "on-hold"])
def test_a_time_that_nobody_promised_isnt_booked(status: str | None) -> None:
    report = import_bundle(PATIENT, VISIT | {"status": status})
    assert "This status is unknown" in report.problems[0].problem
    assert statuses() == []


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_a_cancelled_appointment_of_fhir_needs_no_start(status: str) -> None:
    import_bundle(PATIENT, VISIT)
    import_bundle(PATIENT, {"resourceType": "Appointment", "id": "a1", "status": status})
    assert statuses() == ["cancelled"]


def test_of_several_patients_none_is_taken_for_the_one() -> None:
    both = [{"actor": {"reference": f"Patient/p{number}"}} for number in (1, 2)]
    report = import_bundle(PATIENT, MOTHER, VISIT | {"participant": both})
    assert (report.counts["rejected"], statuses()) == (2, [])


def test_who_takes_part_no_more_isnt_the_patient() -> None:
    former = {"actor": {"reference": "Patient/p2"}, "period": {"end": "2020-12-01"}}
    import_bundle(PATIENT, MOTHER, VISIT | {"participant": [former, *VISIT["participant"]]})
    assert Contact.objects.get().first_name == "Ruth"


def test_a_patient_who_declined_is_asked_about() -> None:
    declined = [{"actor": {"reference": "Patient/p1"}, "status": "declined"}]
    report = import_bundle(PATIENT, VISIT | {"participant": declined})
    assert [each.key for each in report.questions] == ["location", "status:declined"]
    assert statuses() == []


def test_an_inactive_record_is_asked_about() -> None:
    with pytest.raises(QuestionsOpen) as asked:
        import_bundle(PATIENT | {"active": False}, VISIT)
    assert [each.key for each in asked.value.questions] == ["column:inactive patient"]


def test_who_has_died_is_never_contacted_however_it_is_written() -> None:
    import_bundle(PATIENT | {"deceasedBoolean": "true"}, VISIT)
    assert Contact.objects.get().preferred_channel == "never"


def test_a_number_that_isnt_theirs_yet_isnt_called() -> None:
    later = {"system": "phone", "use": "mobile", "value": "202-555-0112", "period": {"start": "2028-01-01"}}
    import_bundle(PATIENT | {"telecom": [later, PATIENT["telecom"][0]]}, VISIT)
    contact = Contact.objects.select_related("phone").get()
    assert contact.phone
    assert (contact.phone.e164, contact.other_phone) == ("+12025550111", None)


@pytest.mark.parametrize("event", ["UID:1\nSTATUS:CANCELLED", "UID:1\nSUMMARY:Canceled: Ruth Stone"])
def test_a_cancelled_event_needs_no_start(event: str) -> None:
    import_events(EVENT)
    import_events(event, "UID:2\nDTSTART:20270305T143000Z\nSUMMARY:Mei Hill 202-555-0113")
    assert statuses() == ["cancelled", "booked"]


LONG_UID = "040000008200E00074C5B7101A82E00800000000" + "E05D0F2B7C1ADB01" * 5  # as of Exchange
CALLED_OFF = "UID:{uid}\nDTSTART:{start}\nSUMMARY:Ruth Stone 202-555-0111"


@pytest.mark.parametrize("uid", ["1", "a/b@example.org", LONG_UID, LONG_UID + "F" * 30])
@pytest.mark.parametrize("start", ["20200304T143000Z", "20270304T143000Z"])
def test_a_series_that_is_called_off_by_its_uid_alone_is_cancelled(uid: str, start: str) -> None:
    series = CALLED_OFF.format(uid=uid, start="20270304T143000Z")
    others = [
        f"UID:{other}\nDTSTART:20270304T1{hour}0000Z\nSUMMARY:Mei Hill 202-555-0113\nRRULE:FREQ=DAILY;COUNT=2"
        for hour, other in enumerate(("2", f"{uid}2"), 5)
    ]
    import_events(f"{series}\nRRULE:FREQ=DAILY;COUNT=3", *others)
    assert statuses() == ["booked"] * 7
    report = import_events(CALLED_OFF.format(uid=uid, start=start), head="METHOD:CANCEL\n")
    by_patient = Appointment.objects.values_list("contact__first_name", "status")
    assert set(by_patient) == {("Ruth", "cancelled"), ("Mei", "booked")}
    assert (report.counts["cancelled"], report.counts["rejected"]) == (3, 0)
    assert SERIES_CANCELLED[0] in {each.problem for each in report.problems}


def test_an_event_that_is_called_off_by_itself_cancels_no_series() -> None:
    import_events(
        EVENT, "UID:2\nDTSTART:20270304T150000Z\nRRULE:FREQ=DAILY;COUNT=2\nSUMMARY:Mei Hill 202-555-0113"
    )
    import_events("UID:1\nDTSTART:20270304T143000Z\nSUMMARY:Ruth Stone 202-555-0111", head="METHOD:CANCEL\n")
    assert sorted(statuses()) == ["booked", "booked", "cancelled"]


def test_one_of_a_series_needs_none_either() -> None:
    import_events(f"{EVENT}\nRRULE:FREQ=DAILY;COUNT=3")
    import_events("UID:1\nRECURRENCE-ID:20270305T143000Z\nSTATUS:CANCELLED", head="METHOD:CANCEL\n")
    assert statuses() == ["booked", "cancelled", "booked"]


@pytest.mark.parametrize(
    "event",
    [
        EVENT.replace("Ruth", "Cancelled - Ruth"),
        EVENT.replace("Ruth", "*CANCELED* Ruth"),
        EVENT.replace("Ruth", "CXL Ruth"),
        f"{EVENT} (cancelled)",
        f"{EVENT} - CXL",
        f"{EVENT}\nDESCRIPTION:New patient\\nStatus: Cancelled",
        f"{EVENT}\nDESCRIPTION:<b>Status:</b> Canceled<br>",
    ],
)
def test_what_people_write_into_an_event_cancels_it(event: str) -> None:
    import_events(event)
    assert (statuses(), Contact.objects.get().first_name) == (["cancelled"], "Ruth")


@pytest.mark.parametrize("more", ["DESCRIPTION:Cancellation policy: 24 hours", "DESCRIPTION:Status: paid"])
def test_other_words_dont(more: str) -> None:
    import_events(f"{EVENT}\n{more}")
    assert statuses() == ["booked"]


@pytest.mark.parametrize("method", ["COUNTER", "REPLY", "DECLINECOUNTER"])
def test_an_answer_to_an_invitation_books_nothing(method: str) -> None:
    report = import_events(EVENT, head=f"METHOD:{method}\n")
    assert (report.counts["rejected"], statuses()) == (1, [])


def test_a_guest_who_declined_is_asked_about() -> None:
    guest = "ATTENDEE;CN=Ruth Stone;PARTSTAT=DECLINED:tel:+12025550111"
    report = import_events(f"UID:1\nDTSTART:20270304T143000Z\nSUMMARY:Cleaning\n{guest}")
    assert [each.key for each in report.questions] == ["location", "status:declined"]
    assert statuses() == []


def test_what_the_reader_says_of_a_file_counts_as_a_note() -> None:
    report = import_events(EVENT, "UID:2\nDTSTART:20200304T143000Z\nSUMMARY:Mei Hill 202-555-0113")
    assert (report.counts["notes"], report.counts["missing"]) == (1, 0)


def write_workbook(status: str) -> bytes:
    """An XLSX file, from cell B3 on, with a visit whose status is this cell."""
    headers = ["Appt ID", "First Name", "Last Name", "Mobile", "Date", "Time", "Location", "Status"]
    values = ["A1", "Ruth", "Stone", "202-555-0111", "2027-03-04", "9:30 AM", "Elm"]
    rows = [
        "".join(f'<c r="{column}{row}" t="inlineStr"><is><t>{text}</t></is></c>' for column, text in cells)
        for row, cells in (
            (3, zip("BCDEFGHI", headers, strict=True)),
            (4, zip("BCDEFGH", values, strict=True)),
        )
    ]
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"

    def link(kind: str, target: str) -> str:
        one = f'<Relationship Id="rId1" Type="{types}/{kind}" Target="{target}"/>'
        return f'<Relationships xmlns="{relations}">{one}</Relationships>'

    sheets = '<sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets>'
    data = f'<sheetData><row r="3">{rows[0]}</row><row r="4">{rows[1]}{status}</row></sheetData>'
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": link("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{types}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": link("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f"<worksheet {main}>{data}</worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("cell", "booked"),
    [
        ('<c r="I4" t="e"><v>#N/A</v></c>', []),
        ('<c r="I4" t="e"><f>VLOOKUP(B4,Z:Z,1)</f><v>#REF!</v></c>', []),
        ('<c r="I4"><f>VLOOKUP(B4,Z:Z,1)</f><v></v></c>', []),  # saved by a program that worked nothing out
        ('<c r="I4"/>', ["booked"]),
        ('<c r="I4" t="str"><f>T(Z1)</f><v>Scheduled</v></c>', ["booked"]),
    ],
)
def test_a_status_that_is_an_error_of_a_formula_is_not_an_empty_one(cell: str, booked: list[str]) -> None:
    report = import_file(write_workbook(cell), "list.xlsx", ImportOptions())
    assert (statuses(), report.counts["rejected"]) == (booked, 0 if booked else 1)


def add_styles(data: bytes, strike: str) -> bytes:
    """The XLSX file with a second cell format, whose font is this."""
    out = io.BytesIO(data)
    fonts = f"<fonts><font/><font><sz/>{strike}</font></fonts>"
    formats = '<cellXfs><xf fontId="0"/><xf fontId="1"/></cellXfs>'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/styles.xml", f'<styleSheet xmlns="{main}">{fonts}{formats}</styleSheet>')
    return out.getvalue()


@pytest.mark.parametrize(
    ("strike", "style", "booked"),
    [
        ("<strike/>", ' s="1"', []),
        ('<strike val="1"/>', ' s="1"', []),
        ('<strike val="0"/>', ' s="1"', ["booked"]),
        ("<strike/>", ' s="0"', ["booked"]),
        ("<strike/>", "", ["booked"]),
    ],
)
def test_a_row_that_is_struck_through_is_left_out_and_named(
    strike: str, style: str, booked: list[str]
) -> None:
    other = ["A2", "Mei", "Hill", "202-555-0113", "2027-03-05", "9:30 AM", "Elm", "Scheduled"]
    row = "".join(
        f'<c r="{column}5" t="inlineStr"><is><t>{text}</t></is></c>'
        for column, text in zip("BCDEFGHI", other, strict=True)
    )
    cell = f'<c r="I4"{style} t="inlineStr"><is><t>Scheduled</t></is></c></row><row r="5">{row}'
    data = add_styles(write_workbook(cell), strike)
    report = import_file(data, "list.xlsx", ImportOptions())
    assert statuses() == [*booked, "booked"]
    named = [each.value for each in report.problems if "struck through" in each.problem]
    assert [value.startswith("A1, Ruth, Stone") for value in named] == ([] if booked else [True])


def write_ods(status: str) -> bytes:
    """An ODS file, below a row and beside a column that are empty, with a visit whose status is this cell."""
    headers = ["Appt ID", "First Name", "Last Name", "Mobile", "Date", "Time", "Location", "Status"]
    values = ["A1", "Ruth", "Stone", "202-555-0111", "2027-03-04", "9:30 AM", "Elm"]
    cells = [
        "".join(
            f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
            for text in some
        )
        for some in (headers, values)
    ]
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("table", "office", "text")
    )
    names += ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    left = "<table:table-cell/>"
    rows = f"<table:table-row>{left}{cells[0]}</table:table-row>"
    rows += f"<table:table-row>{left}{cells[1]}{status}</table:table-row>"
    above = '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
    body = f'<table:table table:name="List">{above}{rows}</table:table>'
    content = (
        f"<office:document-content{names}><office:body><office:spreadsheet>{body}</office:spreadsheet>"
        "</office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return out.getvalue()


CELL = "<table:table-cell{marks}>{text}</table:table-cell>"
NA = "<text:p>#N/A</text:p>"
FORMULA = ' table:formula="of:=VLOOKUP([.B4];[.Z:.Z];1)"'
EMPTY_STRING = ' office:value-type="string" office:string-value=""'


@pytest.mark.parametrize(
    ("cell", "booked"),
    [
        (CELL.format(marks=f'{FORMULA}{EMPTY_STRING} calcext:value-type="error"', text=NA), []),
        (CELL.format(marks=f"{FORMULA}{EMPTY_STRING}", text="<text:p>Err:502</text:p>"), []),
        (CELL.format(marks=f"{FORMULA}{EMPTY_STRING}", text=NA.replace("N/A", "REF!")), []),
        (CELL.format(marks=FORMULA, text=""), []),  # never worked out
        (CELL.format(marks="", text=""), ["booked"]),
        (CELL.format(marks=f"{FORMULA}{EMPTY_STRING}", text="<text:p></text:p>"), ["booked"]),
        (CELL.format(marks=' office:value-type="string"', text="<text:p>Scheduled</text:p>"), ["booked"]),
    ],
)
def test_the_same_of_an_ods_file(cell: str, booked: list[str]) -> None:
    report = import_file(write_ods(cell), "list.ods", ImportOptions())
    assert (statuses(), report.counts["rejected"]) == (booked, 0 if booked else 1)


def test_the_same_of_an_xls_file() -> None:
    report = import_file((LISTS / "errors.xls").read_bytes(), "list.xls", ImportOptions())
    there = Appointment.objects.order_by("external_id").values_list("external_id", flat=True)
    assert (list(there), report.counts["rejected"]) == (["A3", "A4", "A5"], 2)


@pytest.mark.parametrize(
    "cell",
    [
        b"\x03\x09\x0c" + bytes(7) + b"\x2a",
        b"\x0b\x13\x0c" + bytes(7) + b"\x17" + bytes(10),  # a formula
    ],
)
def test_the_same_of_an_xlsb_file(cell: bytes) -> None:
    text_cell = b"\x07\x0c\x0c" + bytes(7) + b"\x13\x00\x00\x00"
    out = io.BytesIO()
    with zipfile.ZipFile(LISTS / "binary.xlsb") as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            assert name != "xl/worksheets/sheet1.bin" or text_cell in part
            new.writestr(name, part.replace(text_cell, cell))
    report = import_file(out.getvalue(), "list.xlsb", ImportOptions())
    there = Appointment.objects.values_list("external_id", flat=True)
    assert (list(there), report.counts["rejected"]) == (["A2"], 1)


def test_a_workbook_that_cant_be_followed_is_refused() -> None:
    data = (LISTS / "errors.xls").read_bytes()
    for broken, sheets in ((data[:600], ["Notes", "List"]), (data, ["List"]), (b"PK", ["List"])):
        with pytest.raises(ParserRefusal):
            find_broken_cells(broken, sheets)


def test_a_sheet_full_of_errors_is_refused_in_a_sentence() -> None:
    marks = f'{EMPTY_STRING} calcext:value-type="error" table:number-columns-repeated="900000000"'
    with pytest.raises(ImportRefused, match="more than 200 columns"):
        import_file(write_ods(CELL.format(marks=marks, text=NA)), "list.ods", ImportOptions())
