"""What a person should know about the reading of a file: lines left out, letters lost. Pure: no database."""

from collections.abc import Iterator

from django.utils.translation import gettext

from contacts.imports.files import Skips, Table
from contacts.imports.problems import NOTE, Problem, clip

LINES_OF_A_PAGE = frozenset([Skips.HEADER_AGAIN, Skips.DASHES])  # of no interest to anybody
MOST_NAMED = 200  # lines and cells of each kind


def describe_lines(table: Table) -> Iterator[Problem]:
    """Yield a note for each line that was left out, each damaged cell, and each note of the reader."""
    for note in table.notes:
        yield Problem(
            max(1, table.understood.header_line),
            gettext("File"),
            "",
            clip(note),
            gettext("Check that this is right."),
            NOTE,
        )
    named = [skipped for skipped in table.skipped if skipped.why not in LINES_OF_A_PAGE]
    for skipped in named[:MOST_NAMED]:
        remedy = gettext("Nothing to do, unless it should be an appointment.")
        yield Problem(skipped.line, gettext("Line"), clip(skipped.text), skipped.reason, remedy, NOTE)
    yield from _describe_damage(table)


def _describe_damage(table: Table) -> Iterator[Problem]:
    damaged = sorted(table.damaged)[:MOST_NAMED]
    lines = {line for line, _ in damaged}
    cells = {row.line: row.cells for row in (table.rows if lines else ()) if row.line in lines}
    for line, position in damaged:
        if position < len(cells.get(line, ())):
            header = table.headers[position] if position < len(table.headers) else ""
            yield Problem(
                line,
                clip(header, 80),
                clip(cells[line][position]),
                gettext("Letters of this cell were lost before it came here."),
                gettext("Correct it in your practice system, and export the list as UTF-8."),
                NOTE,
            )
