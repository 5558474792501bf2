"""Which delimiter, quotation marks and escapes a CSV file has. Pure: no database."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clevercsv.detect import Detector
from django.utils.translation import gettext_lazy

from contacts.imports.headers import has_mended_rows
from contacts.imports.reading.letters import take_start

DELIMITERS = {
    ",": gettext_lazy("commas"),
    ";": gettext_lazy("semicolons"),
    "\t": gettext_lazy("tabs"),
    "|": gettext_lazy("bars"),
}
RARE_DELIMITERS = {
    "^": gettext_lazy("carets"),
    "~": gettext_lazy("tildes"),
    ":": gettext_lazy("colons"),
    "#": gettext_lazy("number signs"),
    "\x1f": gettext_lazy("unit separators"),
}
QUOTE = '"'
# Excel adds this first line to say which delimiter it used: sep=; and saves it as "sep=;" or sep=;;;; again.
SEPARATOR_LINE = re.compile(r'"?sep=(?P<mark>[^\w\r\n"])?"?[;,\t| "]*(?:\r\n|\r|\n)', re.IGNORECASE)
SAMPLE_LINES, SAMPLE_LENGTH, LONGEST_SAMPLED = 60, 8_000, 500  # lines, characters, characters of a line
# ="9:00" keeps a cell as text in a spreadsheet; without its equals sign it is a cell in quotation marks.
TEXT_FORMULA_START = re.compile(r'((?:^|[,;\t|\r\n])[ ]?)=(?=")')
BACKSLASH_QUOTE = re.compile(r'\\"(?!\s*(?:[,;\t|\r\n]|$))')


@dataclass(frozen=True)
class CsvDialect:
    """How cells are told apart. `escape`: the character before a quotation mark in a cell, or ""."""

    delimiter: str
    quote: str = QUOTE
    escape: str = ""


def read_separator_line(lines: Iterable[str]) -> tuple[str, bool]:
    """Return the delimiter that Excel's "sep=" line names, "" if none, and whether the first line is one."""
    stated = SEPARATOR_LINE.match(next(iter(lines), ""))
    mark = (stated["mark"] or "") if stated else ""
    return mark if is_delimiter(mark) else "", bool(stated)


def is_delimiter(mark: str) -> bool:
    """Whether a file can have this delimiter."""
    return mark in {**DELIMITERS, **RARE_DELIMITERS}


def name_delimiter(mark: str) -> str:
    """Return a delimiter's name, such as commas."""
    names = {**DELIMITERS, **RARE_DELIMITERS}
    return str(names[mark]) if mark in names else mark


def find_dialect(lines: Iterable[str], delimiter: str = "") -> CsvDialect:
    """Return the dialect of the lines below a "sep=" line. `delimiter`: what a person or the file says.

    clevercsv judges by the whole of a sample's rows, their lengths and the kinds of their cells, so that a
    comma in each name of a file with semicolons doesn't count. Rows to mend have the dialect that they are
    written with, whatever their cells look like; a spreadsheet may have saved them with another delimiter.
    """
    for mark in [delimiter] if delimiter else DELIMITERS:
        if has_mended_rows(_read_first_record(lines, mark)):
            return CsvDialect(mark)
    sample = "\n".join(_sample_lines(lines)).encode("utf-8", "replace").decode()
    escape = "\\" if any(map(BACKSLASH_QUOTE.search, lines)) else ""
    quote = "'" if _has_single_quotes(sample, delimiter) else QUOTE
    if delimiter:
        return CsvDialect(delimiter, quote, escape)
    found = Detector().detect(sample, delimiters=list(DELIMITERS)) if sample else None
    if found and found.delimiter in DELIMITERS:
        return CsvDialect(found.delimiter, quote, escape)
    return CsvDialect(max(DELIMITERS, key=sample.count), quote, escape)


def _read_first_record(lines: Iterable[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return []


def _sample_lines(all_lines: Iterable[str]) -> Iterator[str]:
    """Yield lines from the start and from further on, without those that are very long."""
    start = take_start(all_lines, 50 * SAMPLE_LENGTH)
    lines = [line for line in start.splitlines() if line.strip()]
    step = max(1, len(lines) // SAMPLE_LINES)
    length = 0
    for line in [*lines[:SAMPLE_LINES], *lines[SAMPLE_LINES::step]]:
        length += len(line) if len(line) <= LONGEST_SAMPLED else 0
        if length > SAMPLE_LENGTH:
            return
        if len(line) <= LONGEST_SAMPLED:
            yield line


def _has_single_quotes(sample: str, delimiter: str) -> bool:
    """Whether cells stand in apostrophes, as MySQL writes them: 'A1','Stone, Ruth'."""
    lines = sample.splitlines()[:20]
    marks = re.escape(delimiter) or "[,;\t|]"
    cell = r"'(?:[^']|'')*'"
    return bool(lines) and all(re.fullmatch(f"{cell}(?:{marks}{cell})+", line) for line in lines)


def drop_text_formulas(line: str) -> str:
    """Return the line with each cell ="9:00" as "9:00", so that a comma in it doesn't end it."""
    return TEXT_FORMULA_START.sub(r"\1", line) if '="' in line else line


def split_records(lines: Iterable[str], dialect: CsvDialect) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record starts, and its cells. Raises csv.Error."""
    reader = csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape or None,
        skipinitialspace=True,
    )
    before = 0
    for cells in reader:
        yield before + 1, cells
        before = reader.line_num
