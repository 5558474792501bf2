"""Files made to break the reader are refused in one sentence, within seconds and a fixed amount of memory."""

import gc
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.imports.dates import guess_order
from contacts.imports.errors import UnreadableFile
from contacts.imports.file_content import pack_file
from contacts.imports.files import read_table
from contacts.imports.list_reading import READERS
from contacts.imports.reading.calendars import parse_calendar
from contacts.imports.reading.fhir import parse_fhir
from contacts.imports.reading.names_check import IMPOSSIBLE, rate_word
from contacts.imports.reading.other_files import refuse
from contacts.imports.reading.parsed import ParserRefusal
from contacts.imports.reading.time_limits import refuse_after
from contacts.imports.reading.web_pages import parse_web_page
from contacts.imports.times import has_am_pm, split_date_and_time
from tests.bench.lists import write_xlsx
from tests.contacts.imports.reading_of_lists import LISTS, MARCH_2027, read_bytes

HEADER = b"Appt ID,Last Name,First Name,Mobile,Date,Time,Location\n"
WITHIN = 20  # seconds on a busy machine; what is found wanting here takes minutes, or never ends
WORKBOOK = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "xl/workbook.xml": "<workbook/>",
}
ENTITIES = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{more}]>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheets>&j;</sheets></workbook>"""


def zip_parts(**more: str | bytes) -> bytes:
    """Return a workbook with more parts; `__` in a name stands for a slash, `_dot_` for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        named = {name.replace("__", "/").replace("_dot_", "."): part for name, part in more.items()}
        for name, part in {**WORKBOOK, **named}.items():
            archive.writestr(name, part)
    return out.getvalue()


def write_entity_bomb() -> bytes:
    """Return a workbook whose XML grows tenfold nine times, if entities are expanded."""
    names = "abcdefghij"
    more = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(names))
    return zip_parts(xl__workbook_dot_xml=ENTITIES.format(more=more))


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "an entity bomb": (write_entity_bomb, "workbook"),
    "a cell in the last row and column": (
        lambda: (LISTS / "far_cell.xlsx").read_bytes(),
        "far too large once it is unpacked",
    ),
    "a workbook with macros": (lambda: zip_parts(xl__vbaProject_dot_bin=b"x"), "has macros"),
    "an old workbook with macros": (
        lambda: b"\xd0\xcf\x11\xe0" + bytes(600) + "_VBA_PROJECT_CUR".encode("utf-16-le"),
        "has macros",
    ),
    "a locked workbook": (lambda: (LISTS / "encrypted.xlsx").read_bytes(), "protected by a password"),
    "an empty workbook": (lambda: (LISTS / "empty.xlsx").read_bytes(), "no sheet with cells"),
    "a text document": (lambda: zip_parts(word__document_dot_xml="<x/>"), "a text document"),
    "an old text document": (
        lambda: b"\xd0\xcf\x11\xe0" + bytes(600) + "WordDocument".encode("utf-16-le"),
        "a text document",
    ),
    "some other archive": (
        lambda: zip_parts().replace(b"xl/workbook", b"xl/worxbook"),
        "damaged or of another",
    ),
    "half a workbook": (lambda: (LISTS / "libreoffice.xlsx").read_bytes()[:4000], "damaged or of another"),
    "a damaged workbook": (lambda: zip_parts(), "workbook"),
    "half an old workbook": (lambda: (LISTS / "libreoffice.xls").read_bytes()[:3000], "workbook"),
    "a compressed file": (lambda: b"\x1f\x8b\x08\x00" + bytes(100), "an archive"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "a picture"),
    "rich text": (lambda: b"{\\rtf1 x}", "a text document"),
    "people": (lambda: b"BEGIN:VCARD\nEND:VCARD\n", "a file of people"),
    "a web archive": (
        lambda: b"MIME-Version: 1.0\nContent-Type: multipart/related\n\n<table>",
        "saved as one",
    ),
    "a spreadsheet as XML": (
        lambda: b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        "stored as XML",
    ),
    "some XML": (lambda: b'<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"/>', "This is XML"),
    "a page without a table": (lambda: b"<!DOCTYPE html><p>Please log in</p>", "web page without a table"),
    "a page with an empty table": (lambda: b"<html><table></table>", "web page without a table"),
    "100,000 columns": (lambda: b"a," * 100_000 + b"\n1,2\n", "more than 200 columns"),
    "100,000 columns of a page": (
        lambda: b"<table><tr>" + b"<td>a</td>" * 100_000 + b"</table>",
        "more than 200 columns",
    ),
    "one cell of 15 MB": (
        lambda: HEADER + b'A1,"' + b"x" * 15 * 1024**2 + b'"\n',
        "has no end or is far too large",
    ),
    "a workbook with one cell of 50 MB": (lambda: write_xlsx([["x" * 50 * 1024**2]]), "far too large"),
    "one line of 15 MB of dots": (lambda: HEADER + b"a." * 7 * 1024**2, "has no end or is far too large"),
    "other JSON": (lambda: b'{"a": 1}', "JSON, but not FHIR"),
    "half of JSON": (lambda: b'{"resourceType": "Bundle", "entry": [', "cut off or damaged"),
    "JSON without an end": (lambda: b"[" * 100_000 + b"\n", "has no end"),
    "deep JSON": (lambda: b'{"a":' * 100_000, "can't be read|damaged|too large"),
    "a bundle without appointments": (
        lambda: b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}',
        "has no Appointment",
    ),
    "a calendar that isn't one": (lambda: b"BEGIN:VCALENDAR\nhello\n", "damaged|no appointment"),
    "an event each second": (
        lambda: b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20200101T000000Z\nRRULE:FREQ=SECONDLY\n"
        b"END:VEVENT\nEND:VCALENDAR\n",
        "no appointment between yesterday",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_made_to_break_the_reader_is_refused_in_a_sentence_within_seconds(name: str) -> None:
    make, sentence = BOMBS[name]
    data, began = make(), time.monotonic()
    with pytest.raises(UnreadableFile, match=sentence) as refused:
        read_bytes(data)
    assert time.monotonic() - began < WITHIN
    assert "\n" not in str(refused.value)


def test_a_cell_of_50_megabytes_is_refused_where_so_large_a_file_is_allowed() -> None:
    data, began = HEADER + b'A1,"' + b"x" * 50 * 1024**2 + b'"\n', time.monotonic()
    with pytest.raises(UnreadableFile, match="has no end or is far too large"):
        read_table("list.csv", pack_file(data), largest=100 * 1024**2, readers=READERS)
    assert time.monotonic() - began < WITHIN


# Series that would take minutes: one that never comes, one from the year 1901, one with thousands of moments.
MOMENTS = ",".join(f"{MARCH_2027 + timedelta(minutes=minute):%Y%m%dT%H%M%SZ}" for minute in range(5000))
SLOW_SERIES = {
    "never": ["DTSTART:20270304T093000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"] * 20,
    "from the year 1901": ["DTSTART:19010104T093000Z\nRRULE:FREQ=DAILY"] * 20,
    "many moments": [f"DTSTART:20270304T093000Z\nRDATE:{MOMENTS}"] * 3,
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Stop Python's garbage collector: Hypothesis listens to it, and a refusal raised there is lost."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("name", SLOW_SERIES)
def test_a_series_that_takes_minutes_is_refused_in_a_sentence(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is of processor time: here a tenth of a second instead of some seconds."""
    for limit in ("SECONDS_OF_SERIES", "SECONDS"):
        monkeypatch.setattr(f"contacts.imports.reading.calendars.{limit}", 0.1)
    events = "".join(
        f"BEGIN:VEVENT\nUID:{at}\n{lines}\nEND:VEVENT\n" for at, lines in enumerate(SLOW_SERIES[name])
    )
    with pytest.raises(ParserRefusal) as refused:
        parse_calendar(f"BEGIN:VCALENDAR\n{events}END:VCALENDAR\n".encode(), MARCH_2027)
    assert refused.value.code in ("slow_series", "slow_calendar")
    assert "take" in str(refuse(refused.value.code))


def test_a_limit_of_time_ends_with_its_block() -> None:
    with refuse_after(0.05, "slow_calendar"):
        pass
    work_for(0.1)
    with pytest.raises(ParserRefusal), refuse_after(0.05, "slow_calendar"):
        work_for(60)


def work_for(seconds: float) -> None:
    """Use so much processor time."""
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass


@pytest.mark.parametrize(
    "cell", ["2026" + "," * 16_000, "2026" + " " * 16_000, "1:" * 16_000, "Mon" + "," * 16_000, "9" * 16_000]
)
def test_a_long_cell_takes_no_long_time_in_a_column_of_dates(cell: str) -> None:
    began = time.monotonic()
    assert split_date_and_time(cell) == (cell, "")
    guess_order([(2, cell)], "US")
    has_am_pm([cell])
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("opened", [b"<div>", b"<table><tr><td>", b"<b>"])
def test_a_deep_page_is_refused_before_it_is_parsed(opened: bytes) -> None:
    with pytest.raises(ParserRefusal):
        parse_web_page(opened * 200_000)


def test_too_many_rows_are_refused_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts.imports.csv_files.MOST_ROWS", 5)
    monkeypatch.setattr("contacts.imports.csv_files.MOST_OTHER_LINES", 1)
    assert len(read_bytes(HEADER + b"A1,x,x\n" * 5).rows) == 5
    with pytest.raises(UnreadableFile, match="more than 200,000 rows"):
        read_bytes(HEADER + b"A1,x,x\n" * 6)


def test_a_bundle_of_many_empty_entries_is_refused() -> None:
    with pytest.raises(ParserRefusal):
        parse_fhir(
            json.dumps({"resourceType": "Bundle", "entry": [{"resource": {}}] * 50_000}).encode(), MARCH_2027
        )


def test_a_workbook_that_is_far_larger_once_unpacked_is_refused_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("contacts.imports.reading.other_files.MOST_INFLATED", 1024**2)
    with pytest.raises(UnreadableFile, match="far too large once it is unpacked"):
        read_bytes(zip_parts(xl__worksheets__sheet1_dot_xml=bytes(2 * 1024**2)))


def test_a_letter_that_is_two_is_a_capital_where_a_name_begins() -> None:
    """“ǅ” is neither upper nor lower case."""
    assert rate_word("ǅemal") < IMPOSSIBLE <= rate_word("aǅemal")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")),
        st.text(alphabet="ab1é\"'\\,;\t|\r\n =?\ufeff\u2028", max_size=300).map(str.encode),
        st.binary(max_size=200).map(lambda data: HEADER + data),
        st.text(alphabet="ÀÉñßŠ\x80\xa0 ,\n", max_size=60).map(lambda text: text.encode("cp1252", "replace")),
    ).filter(lambda data: not data.startswith((b"PK", b"\xd0\xcf", b"<", b"{", b"[")))
)
def test_any_bytes_give_a_table_or_one_sentence(data: bytes) -> None:
    try:
        table = read_bytes(data)
    except UnreadableFile:
        return
    assert table.headers
    assert len({row.line for row in table.rows}) == len(table.rows) > 0
    assert not any("\0" in cell for row in table.rows for cell in row.cells)
    assert read_bytes(data, table.understood).headers
