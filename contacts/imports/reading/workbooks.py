"""XLSX, XLSB, XLS and ODS to rows of text, by calamine. Runs in the parser process; knows no Django."""

import io
from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from contacts.imports.reading.binary_errors import Broken
from contacts.imports.reading.parsed import Budget, ParsedSheet, ParserRefusal
from contacts.imports.reading.struck_rows import find_struck_rows
from contacts.imports.reading.workbook_errors import ERROR, find_broken_cells

MOST_SHEETS = 50
EXACT = 10**15  # from here on a spreadsheet has lost digits of a whole number
ZERO_DAY_BEFORE = 1901  # a time of day that was stored with a date has the day 0: 1899-12-30


def parse_workbook(data: bytes) -> list[ParsedSheet]:
    """Return the sheets that can be seen and have a cell. Raises ParserRefusal."""
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        every = workbook.sheets_metadata
        shown = [
            sheet.name
            for sheet in every
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        budget, broken = Budget(), find_broken_cells(data, [sheet.name for sheet in every])
        struck = find_struck_rows(data)
        sheets = [
            _leave_out(
                _parse_sheet(workbook, name, budget, broken.get(name, frozenset())), struck.get(name, ())
            )
            for name in shown[:MOST_SHEETS]
        ]
    except PasswordError:
        raise ParserRefusal("encrypted") from None
    except CalamineError as error:
        raise ParserRefusal("encrypted" if "password" in str(error).lower() else "broken_workbook") from None
    found = [sheet for sheet in sheets if sheet.rows]
    if not found:
        raise ParserRefusal("empty_workbook")
    return found


def _parse_sheet(workbook: CalamineWorkbook, name: str, budget: Budget, broken: Broken) -> ParsedSheet:
    sheet = workbook.get_sheet_by_name(name)
    parsed = ParsedSheet(name)
    broken_rows = {row for row, _ in broken}
    left = sheet.start[1] if sheet.start else 0  # columns left of the first that is filled aren't given
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells = [render_cell(value) for value in values]
        if number - 1 in broken_rows:
            cells = [ERROR if (number - 1, left + at) in broken else cell for at, cell in enumerate(cells)]
        if any(cells):
            budget.take(cells)
            parsed.rows.append((number, cells))
    return parsed


def _leave_out(sheet: ParsedSheet, struck: Collection[int]) -> ParsedSheet:
    """The sheet without its struck rows, which are named."""
    if not struck:
        return sheet
    kept = ParsedSheet(sheet.name)
    for number, cells in sheet.rows:
        if number in struck:
            kept.skipped.append((number, ", ".join(filter(None, cells))[:100], "struck_through"))
        else:
            kept.rows.append((number, cells))
    return kept


def render_cell(value: object) -> str:
    """Return the text that a person sees in a cell: 2027-03-04, 14:30, 2027-03-04 14:30, 45, true."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < EXACT
        return str(int(value)) if whole else f"{value:.15g}"
    if isinstance(value, datetime):
        return _render_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _render_clock(value)
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60}:{minutes % 60:02}"
    return str(value)


def _render_moment(value: datetime) -> str:
    rounded = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
    if rounded.year < ZERO_DAY_BEFORE:
        return _render_clock(rounded.time())
    if rounded.time() == time(0):
        return rounded.date().isoformat()
    return f"{rounded.date().isoformat()} {_render_clock(rounded.time())}"


def _render_clock(value: time) -> str:
    return value.isoformat("seconds" if value.second else "minutes")
