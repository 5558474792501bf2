"""Readers of workbooks, web pages, calendars and FHIR, and the sentence for each file that can't be read."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from contacts.imports.errors import UnreadableFile, WrongChoice
from contacts.imports.file_content import FileContent
from contacts.imports.files import (
    LARGEST_CELL,
    LOOKED_AT,
    NO_ANSWERS,
    NO_CHOICES,
    RawRow,
    ReadChoices,
    SkippedLine,
    Skips,
    Table,
    describe_too_many_columns,
    describe_too_many_rows,
)
from contacts.imports.packed_lists import PackedList
from contacts.imports.questions import Choice, Question
from contacts.imports.reading.cell_mending import CellMender
from contacts.imports.reading.layout import Layout, check_header_line, count_known_headers, lay_out
from contacts.imports.reading.letters import DecodedText, decode_file, find_encoding_name
from contacts.imports.reading.parsed import ParsedSheet, ParserRefusal
from contacts.imports.reading.parser_process import parse_apart

SHEET = "sheet"  # key of the question
# Headers of calendars.py and fhir.py whose column is left out if no record fills it, so that a person is
# asked for the location.
OFTEN_EMPTY = ("location", "inactive patient")
MOST_SHEETS_NAMED = 10
ZIP, OLE = (b"PK\x03\x04", b"PK\x05\x06"), b"\xd0\xcf\x11\xe0"
MOST_INFLATED = 600 * 1024**2  # bytes of a workbook's parts, as its directory says
MACROS = (b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0", b"_VBA_PROJECT")
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
XML_SPREADSHEET = b"urn:schemas-microsoft-com:office:spreadsheet"
CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
REFUSALS = {
    "encrypted": gettext_lazy("This workbook is protected by a password. Save it without one."),
    "macros": gettext_lazy("This workbook has macros, which are never run. Save it as XLSX without them."),
    "broken_workbook": gettext_lazy(
        "This workbook is damaged or of another kind. Open it, and save it as XLSX."
    ),
    "empty_workbook": gettext_lazy("The workbook has no sheet with cells. Export the list again."),
    "too_large": gettext_lazy("The file is far too large once it is unpacked. Export fewer days at a time."),
    "broken": gettext_lazy("The file can't be read. Export the list as CSV and upload the CSV file."),
    "no_table": gettext_lazy("This is a web page without a table. Export the list as CSV."),
    "broken_calendar": gettext_lazy("This calendar file is damaged. Export the calendar again."),
    "slow_calendar": gettext_lazy(
        "Reading this calendar takes too long. Export fewer days, or one calendar at a time."
    ),
    "slow_series": gettext_lazy(
        "The repeating events of this calendar take too long to work out. Shorten those that repeat for "
        "years or have many exceptions, or export the calendar without them."
    ),
    "no_events": gettext_lazy(
        "The calendar has no appointment between yesterday and 400 days ahead. "
        "Events that last a whole day aren't read."
    ),
    "other_json": gettext_lazy("This is JSON, but not FHIR. Export the list as CSV, or as a FHIR Bundle."),
    "broken_json": gettext_lazy("This JSON file is cut off or damaged. Export the list again."),
    "no_fhir_appointments": gettext_lazy("This FHIR file has no Appointment. Export these, with Patient."),
    "document": gettext_lazy("This is a text document, not a list. Export the list as CSV or XLSX."),
    "archive": gettext_lazy("This is an archive. Unpack it, and upload the list that is in it."),
    "pdf": gettext_lazy("This is a PDF. Export the list as CSV and upload the CSV file."),
    "picture": gettext_lazy("This is a picture. Export the list as CSV and upload the CSV file."),
    "people": gettext_lazy("This is a file of people, not of appointments. Export the appointments."),
    "xml_spreadsheet": gettext_lazy("This is a spreadsheet stored as XML. Open it, and save it as XLSX."),
    "web_archive": gettext_lazy("This is a web page saved as one file. Open it, and save it as XLSX or CSV."),
    "xml": gettext_lazy("This is XML. Export the list as CSV, XLSX or FHIR JSON."),
}  # fmt: skip
STARTS = (  # of kinds that nobody can read here
    (b"%PDF", "pdf"), (b"{\\rtf", "document"), (b"\x1f\x8b", "archive"), (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"), (b"\x89PNG", "picture"), (b"\xff\xd8\xff", "picture"), (b"GIF8", "picture"),
)  # fmt: skip


@dataclass(frozen=True)
class SheetRead:
    """A sheet of a workbook, or a table of a web page, laid out."""

    name: str
    layout: Layout
    mender: CellMender


def plain_start(start: bytes) -> bytes:
    """Return the first bytes in lower case as ASCII, without a byte order mark, NULs and white space."""
    return start[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe").replace(b"\0", b"").lstrip().lower()


def refuse(code: str) -> UnreadableFile:
    """Return the error with the sentence for a code of REFUSALS."""
    sentences = {"too_many_rows": describe_too_many_rows(), "too_many_columns": describe_too_many_columns()}
    return UnreadableFile(str(sentences.get(code) or REFUSALS.get(code, REFUSALS["broken"])))


class WorkbookReader:
    """Reads XLSX, XLSB, XLS and ODS."""

    kind = "workbook"
    takes = ("header_line", "sheet")

    def is_mine(self, file_name: str, start: bytes) -> bool:
        return start.startswith((*ZIP, OLE))

    def read(
        self,
        content: FileContent,
        choices: ReadChoices = NO_CHOICES,
        answers: Mapping[str, str] = NO_ANSWERS,
    ) -> Table:
        data = content.read_whole()
        code = _find_fault_of_zip(data) if data.startswith(ZIP) else _find_fault_of_ole(data)
        if code:
            raise refuse(code)
        return _read_sheets("workbook", data, gettext("Workbook"), choices, answers)


class WebPageReader:
    """Reads the tables of a web page, which several systems call .xls."""

    kind = "web_page"
    takes = ("encoding", "header_line", "sheet")

    def is_mine(self, file_name: str, start: bytes) -> bool:
        plain = plain_start(start)
        has_table = b"<table" in start.replace(b"\0", b"").lower()
        return plain.startswith((b"<!doctype html", b"<html", b"<table")) or (
            plain.startswith(b"<") and has_table and XML_SPREADSHEET not in plain
        )

    def read(
        self,
        content: FileContent,
        choices: ReadChoices = NO_CHOICES,
        answers: Mapping[str, str] = NO_ANSWERS,
    ) -> Table:
        declared = CHARSET.search(content.read_start(4096))
        name = find_encoding_name(declared[1].decode()) if declared else ""
        decoded = decode_file(content, choices.encoding or ("" if _is_utf8(content) else name), answers)
        return _read_sheets("web_page", _encode(decoded), gettext("Web page"), choices, answers, decoded)


class CalendarReader:
    """Reads iCalendar files."""

    kind = "calendar"
    takes = ("encoding",)

    def is_mine(self, file_name: str, start: bytes) -> bool:
        return plain_start(start).startswith(b"begin:vcalendar")

    def read(
        self,
        content: FileContent,
        choices: ReadChoices = NO_CHOICES,
        answers: Mapping[str, str] = NO_ANSWERS,
    ) -> Table:
        return _read_records("calendar", content, gettext("Calendar"), choices, answers)


class FhirReader:
    """Reads FHIR R4 Bundles and bulk exports."""

    kind = "fhir"
    takes = ("encoding",)

    def is_mine(self, file_name: str, start: bytes) -> bool:
        plain = plain_start(start)
        return plain.startswith((b"{", b"[{", b"[ {", b"[\n", b"[\r")) and not plain.startswith(b"{\\rtf")

    def read(
        self,
        content: FileContent,
        choices: ReadChoices = NO_CHOICES,
        answers: Mapping[str, str] = NO_ANSWERS,
    ) -> Table:
        return _read_records("fhir", content, "FHIR", choices, answers)


class RefusingReader:
    """Refuses kinds of file that can't be read, each with what to do instead."""

    kind = "refused"
    takes = ()

    def is_mine(self, file_name: str, start: bytes) -> bool:
        return bool(_name_kind(start))

    def read(
        self,
        content: FileContent,
        choices: ReadChoices = NO_CHOICES,
        answers: Mapping[str, str] = NO_ANSWERS,
    ) -> Table:
        raise refuse(_name_kind(content.read_start(LOOKED_AT)))


def _name_kind(start: bytes) -> str:
    for mark, code in STARTS:
        if start.startswith(mark):
            return code
    text = plain_start(start)
    if text.startswith(b"begin:vcard"):
        return "people"
    if text.startswith(b"mime-version:") and b"multipart/related" in text:
        return "web_archive"
    if text.startswith((b"<?xml", b"<")) and re.match(rb"<[?!a-z]", text):
        return "xml_spreadsheet" if XML_SPREADSHEET in text else "xml"
    return ""


def _find_fault_of_zip(data: bytes) -> str:
    """Return a code, or "" for a workbook whose parts have a size that can be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            kind = archive.read("mimetype")[:200] if _is_small(archive, "mimetype") else b""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError, KeyError):
        return "broken_workbook"
    if any(name.lower().endswith("vbaproject.bin") or name.startswith("Basic/") for name in names):
        return "macros"
    if "word/document.xml" in names or b"opendocument.text" in kind:
        return "document"
    if not names & {"xl/workbook.xml", "xl/workbook.bin"} and b"spreadsheet" not in kind:
        return "archive" if "[Content_Types].xml" not in names else "broken_workbook"
    return "too_large" if sum(part.file_size for part in parts) > MOST_INFLATED else ""


def _is_small(archive: zipfile.ZipFile, name: str) -> bool:
    return name in archive.namelist() and archive.getinfo(name).file_size < 1000


def _find_fault_of_ole(data: bytes) -> str:
    if ENCRYPTED in data:
        return "encrypted"
    if any(mark in data for mark in MACROS):
        return "macros"
    return "document" if "WordDocument".encode("utf-16-le") in data else ""


def _is_utf8(content: FileContent) -> bool:
    data = content.read_whole()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return True


def _encode(decoded: DecodedText) -> bytes:
    return decoded.read_whole().encode("utf-8", "replace")


def _parse(kind: str, data: bytes) -> list[ParsedSheet]:
    try:
        return parse_apart(kind, data, timezone.now())
    except ParserRefusal as refusal:
        raise refuse(refusal.code) from None


def _read_sheets(
    kind: str,
    data: bytes,
    form: str,
    choices: ReadChoices,
    answers: Mapping[str, str],
    decoded: DecodedText | None = None,
) -> Table:
    """Return the table of the sheet that a person chose, or of the one that looks like a list."""
    sheets = _parse(kind, data)
    found = []
    for sheet in sheets:
        mender = CellMender()
        found.append(SheetRead(sheet.name, lay_out(_clean(sheet, mender), choices.header_line), mender))
    chosen, question = _choose_sheet(found, choices.sheet, answers)
    layout = chosen.layout
    last = max((line for sheet in sheets if sheet.name == chosen.name for line, _ in sheet.rows), default=0)
    check_header_line(layout, choices.header_line, last)
    questions = tuple(filter(None, (decoded.question if decoded else None, question)))
    return Table(
        headers=layout.headers,
        rows=layout.rows,
        form=f"{form}, {chosen.name}" if len(sheets) > 1 else form,
        understood=ReadChoices("", decoded.encoding if decoded else "", layout.header_line, chosen.name),
        skipped=(*layout.skipped, *_list_skipped(sheets, chosen.name)),
        questions=questions,
        damaged=frozenset(chosen.mender.damaged),
        notes=chosen.mender.describe_repairs(),
        sheets=tuple(each.name for each in found),
    )


def _list_skipped(sheets: Iterable[ParsedSheet], name: str) -> Iterator[SkippedLine]:
    """The lines of that sheet that its parser left out."""
    for sheet in sheets:
        if sheet.name == name:
            yield from (SkippedLine(line, text, Skips(why)) for line, text, why in sheet.skipped)


def _clean(sheet: ParsedSheet, mender: CellMender) -> PackedList[RawRow]:
    rows: PackedList[RawRow] = PackedList()
    for line, cells in sheet.rows:
        if any(len(cell) > LARGEST_CELL for cell in cells):
            raise refuse("too_large")
        row = RawRow(line, mender.mend_row(cells, line))
        if any(row.cells):
            rows.append(row)
    rows.pack()
    return rows


def _choose_sheet(
    found: Sequence[SheetRead], chosen: str, answers: Mapping[str, str]
) -> tuple[SheetRead, Question | None]:
    """Return the sheet, and a question if several could be meant."""
    if chosen:
        for each in found:
            if each.name == chosen:
                return each, None
        names = ", ".join(f"“{each.name[:40]}”" for each in found[:MOST_SHEETS_NAMED])
        raise WrongChoice(
            "sheet",
            gettext("The file has no sheet “%(name)s”. It has: %(names)s.")
            % {"name": chosen[:60], "names": names},
        )
    known = [count_known_headers(each.layout.headers) for each in found]
    lists = [each for each, count in zip(found, known, strict=True) if count >= 3 and each.layout.rows]
    if len(lists) < 2:
        return lists[0] if lists else found[known.index(max(known))], None
    choices = tuple(
        Choice(each.name, each.name, ", ".join(filter(None, each.layout.rows[0].cells))[:120])
        for each in lists[:20]
    )
    text = gettext("Several sheets look like a list. Which one is to be imported?")
    question = Question(SHEET, text, choices)
    answer = question.find_answer(answers)
    return next((each for each in lists if each.name == answer), lists[0]), question


def _read_records(
    kind: str, content: FileContent, form: str, choices: ReadChoices, answers: Mapping[str, str]
) -> Table:
    """Return the table of a kind that has no header of its own."""
    decoded = decode_file(content, choices.encoding, answers)
    [sheet] = _parse(kind, _encode(decoded))
    mender = CellMender()
    if len(sheet.rows) < 2:
        raise refuse("no_fhir_appointments" if kind == "fhir" else "no_events")
    _line, headers = sheet.rows[0]
    empty = {at for at, header in enumerate(headers) if header in OFTEN_EMPTY}
    for _line, cells in islice(sheet.rows, 1, None):
        empty = {at for at in empty if not cells[at]}
    kept = [at for at in range(len(headers)) if at not in empty]
    rows = PackedList(
        RawRow(line, mender.mend_row([cells[place] for place in kept], line))
        for line, cells in islice(sheet.rows, 1, None)
    )
    outside = sheet.notes.get("outside_window", 0)
    text = ngettext(
        "%(count)d event is outside the time that is read: from yesterday to 400 days ahead.",
        "%(count)d events are outside the time that is read: from yesterday to 400 days ahead.",
        outside,
    )
    return Table(
        headers=tuple(headers[place] for place in kept),
        rows=rows,
        form=form,
        understood=ReadChoices(encoding=decoded.encoding),
        skipped=tuple(SkippedLine(line, text, Skips(why)) for line, text, why in sheet.skipped),
        questions=(decoded.question,) if decoded.question else (),
        damaged=frozenset(mender.damaged),
        notes=(*mender.describe_repairs(), *((text % {"count": outside},) if outside else ())),
    )
