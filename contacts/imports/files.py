"""Choose the reader for a file. docs/importing.md says how to add a reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from django.utils.translation import gettext, gettext_lazy

from contacts.imports.errors import UnreadableFile, WrongChoice
from contacts.imports.file_content import FileContent
from contacts.imports.packed_lists import reduce_to_fields
from contacts.imports.questions import Question

MOST_ROWS = 200_000
MOST_COLUMNS = 200
LOOKED_AT = 256 * 1024  # bytes from the start of a file, by which its kind is told
LARGEST_CELL = 32_767  # characters; the most a spreadsheet's cell can hold


@dataclass(frozen=True)
class ReadChoices:
    """How a file is read, as found out or as a person corrected it; "" and 0: not chosen, or it has none.

    `delimiter`: one character; `encoding`: Python's name of it; `header_line`: as RawRow.line counts;
    `sheet`: the name of a workbook's sheet.
    """

    delimiter: str = ""
    encoding: str = ""
    header_line: int = 0
    sheet: str = ""


NO_CHOICES = ReadChoices()
NOT_OF_THIS_KIND = {  # a choice -> the sentence for a kind of file that has no such thing
    "delimiter": gettext_lazy("This kind of file has no delimiter, so none can be chosen."),
    "encoding": gettext_lazy("This kind of file says itself how its letters are stored."),
    "header_line": gettext_lazy("This kind of file has no header row, so none can be chosen."),
    "sheet": gettext_lazy("This kind of file has no sheets, so none can be chosen."),
}
NO_ANSWERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class RawRow:
    """One record as text. `line` is where it starts in the file; the header is usually line 1.

    No two rows of a table have the same line.
    """

    line: int
    cells: tuple[str, ...]
    __reduce__ = reduce_to_fields


class Skips(StrEnum):
    """Why a line of a file isn't a row of its table; REASONS_TO_SKIP has the sentences."""

    ABOVE = "above"
    HEADER_AGAIN = "header_again"
    DASHES = "dashes"
    TOTAL = "total"
    ALL_DAY = "all_day"
    NO_START = "no_start"
    TOO_OFTEN = "too_often"
    BROKEN_SERIES = "broken_series"
    REPLACED = "replaced"
    STRUCK_THROUGH = "struck_through"


REASONS_TO_SKIP = {
    Skips.ABOVE: gettext_lazy("It stands above the header."),
    Skips.HEADER_AGAIN: gettext_lazy("It repeats the header."),
    Skips.DASHES: gettext_lazy("It is a ruled line."),
    Skips.TOTAL: gettext_lazy("It is a total or a footer, not an appointment."),
    Skips.ALL_DAY: gettext_lazy("It lasts all day, so it has no time to remind of."),
    Skips.NO_START: gettext_lazy("It has no start."),
    Skips.TOO_OFTEN: gettext_lazy("It recurs more often than once a day, so it isn't an appointment."),
    Skips.BROKEN_SERIES: gettext_lazy("Its recurrence can't be understood."),
    Skips.REPLACED: gettext_lazy("A later version of it is in the file."),
    Skips.STRUCK_THROUGH: gettext_lazy(
        "It is struck through, so it isn't clear whether the patient is expected."
    ),
}


@dataclass(frozen=True, slots=True)
class SkippedLine:
    """A line of the file that is no row, the start of its text, and why."""

    line: int
    text: str
    why: Skips

    @property
    def reason(self) -> str:
        """The sentence for staff."""
        return str(REASONS_TO_SKIP[self.why])


@dataclass(frozen=True)
class Table:
    """A file as rows of text. `form` says how it was read, such as “Windows-1252, commas”.

    `understood`: the same as choices that a person can correct; `skipped`: lines that aren't rows;
    `questions`: to be answered before anything is imported (the table is the likeliest reading meanwhile);
    `damaged`: (line, position of the column) of cells whose letters were lost; `notes`: sentences for staff.
    `quote`, `escape`: around a cell, and before such a mark within it; `sheets`: of which one was taken.
    A row has the cells that it has in the file: fewer than the header, or more. `rows` is a PackedList, to go
    through rather than to look up rows in.
    """

    headers: tuple[str, ...]
    rows: Sequence[RawRow]
    form: str
    understood: ReadChoices = NO_CHOICES
    skipped: tuple[SkippedLine, ...] = ()
    questions: tuple[Question, ...] = ()
    damaged: frozenset[tuple[int, int]] = frozenset()
    notes: tuple[str, ...] = ()
    quote: str = ""
    escape: str = ""
    sheets: tuple[str, ...] = ()


class TableReader(Protocol):
    """Reads one kind of file. Needs no database and keeps no state.

    `kind`: a code of understood.KINDS; `takes`: the fields of ReadChoices that this kind has.
    """

    @property
    def kind(self) -> str: ...

    @property
    def takes(self) -> tuple[str, ...]: ...

    def is_mine(self, file_name: str, start: bytes) -> bool:
        """Whether this reader can read the file, by its first LOOKED_AT bytes rather than its name."""
        ...

    def read(
        self,
        content: FileContent,
        choices: ReadChoices = NO_CHOICES,
        answers: Mapping[str, str] = NO_ANSWERS,
    ) -> Table:
        """Return the file's table. Raises UnreadableFile with a message for staff.

        `answers`: key of a Question -> value of one of its choices.
        """
        ...


def read_table(
    file_name: str,
    content: FileContent,
    *,
    largest: int,
    readers: Sequence[TableReader],
    choices: ReadChoices = NO_CHOICES,
    answers: Mapping[str, str] = NO_ANSWERS,
) -> Table:
    """Return the file's table, read by the first reader that accepts it. `largest`: in bytes.

    Raises UnreadableFile if the file is empty, larger than that, of a kind that no reader accepts, or has
    no rows; WrongChoice if `choices` don't fit it.
    """
    reader = choose_reader(file_name, content, largest=largest, readers=readers)
    for name, sentence in NOT_OF_THIS_KIND.items():
        if getattr(choices, name) and reader.takes and name not in reader.takes:
            raise WrongChoice(name, str(sentence))
    table = reader.read(content, choices, answers)
    check_sizes(table, choices)
    return table


def choose_reader(
    file_name: str, content: FileContent, *, largest: int, readers: Sequence[TableReader]
) -> TableReader:
    """Return the first reader that accepts the file. Raises UnreadableFile if it is empty or too large."""
    if sum(map(len, content.read_pieces())) > largest:
        raise UnreadableFile(describe_too_large(largest))
    if all(piece.isspace() for piece in content.read_pieces()):
        raise UnreadableFile(gettext("The file is empty. Export the list again and upload the new file."))
    start = content.read_start(LOOKED_AT)
    reader = next((each for each in readers if each.is_mine(file_name, start)), None)
    if reader is None:
        raise UnreadableFile(gettext("This kind of file can't be read. Export the list as CSV or XLSX."))
    return reader


def check_sizes(table: Table, choices: ReadChoices = NO_CHOICES) -> None:
    """Raise UnreadableFile if a table has no rows, too many, or too many columns."""
    if not table.rows and choices.header_line:
        raise WrongChoice(
            "header_line",
            gettext("Below line %(line)d, which was chosen as the header, the file has no rows.")
            % {"line": choices.header_line},
        )
    if len(table.headers) > MOST_COLUMNS:
        raise UnreadableFile(describe_too_many_columns())
    if not table.rows:
        raise UnreadableFile(
            gettext("The file has a header but no rows. Export the list again and choose the days you need.")
        )
    if len(table.rows) > MOST_ROWS:
        raise UnreadableFile(describe_too_many_rows())


def describe_too_large(largest: int) -> str:
    """Return the message for a file of more than `largest` bytes."""
    size = f"{largest / 1024**2:g} MB" if largest >= 1024**2 else gettext("%d bytes") % largest
    return gettext("The file is larger than %(size)s. Export fewer days at a time.") % {"size": size}


def describe_too_many_rows() -> str:
    """Return the message for a file of more than MOST_ROWS rows."""
    return gettext("The file has more than %(most)s rows. Export fewer days at a time.") % {
        "most": f"{MOST_ROWS:,}"
    }


def describe_too_many_columns() -> str:
    """Return the message for a file of more than MOST_COLUMNS columns."""
    return gettext("The file has more than %(most)s columns. Export only the appointment list.") % {
        "most": MOST_COLUMNS
    }
