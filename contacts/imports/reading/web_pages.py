"""Tables of a web page that was saved as .xls. Runs in the parser process; knows no Django."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from contacts.imports.reading.parsed import Budget, ParsedSheet, ParserRefusal

MOST_SPAN = 100  # columns that one cell can take
CELLS = frozenset(["td", "th"])
# An element within an element within … takes a time that grows with its square.
MOST_OPEN = 1500  # elements that are never closed
OPENED = re.compile(
    rb"<(?!br|img|hr|input|meta|link|col|td|th|tr|tbody|p|li|option|font|o:)[a-z]", re.IGNORECASE
)
NOT_TEXT = ["script", "style", "template", "noscript"]


def parse_web_page(data: bytes) -> list[ParsedSheet]:
    """Return each table of the page that has rows; the cells of a table within a cell belong to that one.

    `data`: UTF-8. Raises ParserRefusal.
    """
    if len(OPENED.findall(data)) - data.count(b"</") > MOST_OPEN:
        raise ParserRefusal("broken")
    page = LexborHTMLParser(data.decode("utf-8", "replace"))
    page.strip_tags(NOT_TEXT)
    budget = Budget()
    tables = []
    for number, table in enumerate(page.css("table"), 1):
        parsed = ParsedSheet(_name_table(table, number))
        for line, row in enumerate(_own_rows(table), 1):
            cells = _read_cells(row)
            if any(cells):
                budget.take(cells)
                parsed.rows.append((line, cells))
        if parsed.rows:
            tables.append(parsed)
    if not tables:
        raise ParserRefusal("no_table")
    return tables


def _name_table(table: LexborNode, number: int) -> str:
    caption = table.css_first("caption")
    text = " ".join(caption.text().split())[:60] if caption else ""
    return text or f"Table {number}"


def _own_rows(table: LexborNode) -> Iterator[LexborNode]:
    for child in table.iter():
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in child.iter() if row.tag == "tr")


def _read_cells(row: LexborNode) -> list[str]:
    cells: list[str] = []
    for cell in row.iter():
        if cell.tag in CELLS:
            text = " ".join(cell.text(separator=" ").split())
            cells += [text, *[""] * (_read_span(cell) - 1)]
    return cells


def _read_span(cell: LexborNode) -> int:
    span = (cell.attributes.get("colspan") or "1").strip()
    return min(max(int(span), 1), MOST_SPAN) if span.isascii() and span.isdigit() and len(span) < 6 else 1
