"""Read a file as a person chose, now or for an earlier list of its source.

A choice that was remembered is used only where it gives the columns that it gave before: a header that moved,
or another delimiter, must not make appointments of the wrong cells. Otherwise the file is read anew, and a
person is asked whether that is right, unless it has the same columns.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from contacts.imports.columns import find_columns, title_of
from contacts.imports.errors import MissingColumns, UnreadableFile
from contacts.imports.file_content import FileContent
from contacts.imports.files import (
    NO_CHOICES,
    ReadChoices,
    Table,
    TableReader,
    choose_reader,
    read_table,
)
from contacts.imports.headers import has_mended_rows, plain_header
from contacts.imports.practice import ImportOptions
from contacts.imports.problems import clip
from contacts.imports.questions import Choice, Question
from contacts.imports.reading.letters import may_be_encoding
from contacts.imports.reading_options import READING_OPTIONS, list_chosen, say_choice
from contacts.imports.remembered import EffectiveOptions
from contacts.imports.understood import NO_ROWS, FirstRows, Understood, describe_table, take_first_rows

READ_ANEW = "reading"  # key of the question
AS_READ = "yes"
MOST_HEADERS_SAID = 8


@dataclass(frozen=True)
class RawFile:
    """A file as it came, and how many bytes (`largest`) of which kinds (`readers`) can be read."""

    name: str
    content: FileContent
    largest: int
    readers: Sequence[TableReader]

    def choose_reader(self) -> TableReader:
        """The reader of its kind. Raises UnreadableFile."""
        return choose_reader(self.name, self.content, largest=self.largest, readers=self.readers)

    def read(self, choices: ReadChoices, answers: Mapping[str, str]) -> Table:
        """Its table. Raises UnreadableFile, and WrongChoice."""
        return read_table(
            self.name,
            self.content,
            largest=self.largest,
            readers=self.readers,
            choices=choices,
            answers=answers,
        )


def read_as_remembered(file: RawFile, effective: EffectiveOptions) -> tuple[Table, Understood]:
    """Read a file as somebody chose for it, else as for earlier lists of its source, if that fits.

    Raises UnreadableFile, and WrongChoice for a choice that was made for this file.
    """
    reader = file.choose_reader()
    table, used = _read_where_it_fits(file, effective, _list_fitting(effective, reader, file.content))
    dropped = {
        name: code
        for name, code in effective.kept_choices.items()
        if name in reader.takes and name not in used
    }
    if dropped:
        table = _tell(table, dropped, is_certain=_has_headers(table, effective.kept_headers))
    understood = replace(
        describe_table(table, reader),
        chosen=_list_given(effective),
        remembered=tuple(sorted({**used, **effective.remembered_besides}.items())),
        dropped=tuple(sorted(dropped.items())),
    )
    return table, understood


def has_headers_of_mending(file: RawFile, options: ImportOptions) -> bool:
    """Whether a file is one of rows to mend, read as somebody chose for it."""
    try:
        return has_mended_rows(file.read(options.reading, options.answers).headers)
    except UnreadableFile:
        return False


def _read_where_it_fits(
    file: RawFile, effective: EffectiveOptions, kept: Mapping[str, str]
) -> tuple[Table, dict[str, str]]:
    """The table read with as many remembered choices as give the columns that they gave before; those."""
    for codes in _list_attempts(kept):
        try:
            table = file.read(_merge(effective, codes), effective.options.answers)
        except UnreadableFile:
            continue
        if _has_headers(table, effective.kept_headers):
            return _read_from_first_header(file, effective, table, codes)
    return file.read(effective.options.reading, effective.options.answers), {}


def _read_from_first_header(
    file: RawFile, effective: EffectiveOptions, table: Table, codes: dict[str, str]
) -> tuple[Table, dict[str, str]]:
    """The table and its choices, without the line of the header if the same header stands above it.

    A header is repeated on each printed page; below a later one, the rows of the first would be lost.
    """
    if "header_line" not in codes:
        return table, codes
    others = {name: code for name, code in codes.items() if name != "header_line"}
    try:
        anew = file.read(_merge(effective, others), effective.options.answers)
    except UnreadableFile:
        return table, codes
    is_above = anew.understood.header_line < table.understood.header_line
    return (anew, others) if is_above and anew.headers == table.headers else (table, codes)


def _list_given(effective: EffectiveOptions) -> tuple[tuple[str, str], ...]:
    """The choices that were made for this file, as codes."""
    chosen = list_chosen(effective.options)
    return tuple(
        sorted((name, code) for name, code in chosen.items() if name not in effective.remembered_besides)
    )


def _list_fitting(effective: EffectiveOptions, reader: TableReader, content: FileContent) -> dict[str, str]:
    """The remembered choices that can be true of this file: letters other than those found out can't."""
    kept = {name: code for name, code in effective.kept_choices.items() if name in reader.takes}
    if "encoding" in kept and not may_be_encoding(content, kept["encoding"]):
        del kept["encoding"]
    return kept


def _list_attempts(kept: Mapping[str, str]) -> Iterable[dict[str, str]]:
    """All remembered choices, then without the line of the header, then without the sheet too."""
    attempt = dict(kept)
    if attempt:
        yield dict(attempt)
    for name in ("header_line", "sheet"):
        if attempt.pop(name, "") and attempt:
            yield dict(attempt)


def _merge(effective: EffectiveOptions, names: Iterable[str]) -> ReadChoices:
    """The choices that were made for this file, with those of these names that were kept."""
    given, kept = effective.options.reading, effective.kept
    return replace(given, **{name: getattr(kept, name) for name in names if not getattr(given, name)})


def _has_headers(table: Table, kept: Sequence[str]) -> bool:
    """Whether at least half of the columns are those of the earlier list."""
    before = set(filter(None, map(plain_header, kept)))
    return len(before & set(map(plain_header, table.headers))) * 2 >= len(before)


def _tell(table: Table, dropped: Mapping[str, str], *, is_certain: bool) -> Table:
    """Note that remembered choices don't fit; ask whether it is read right, unless its columns say so."""
    said = ", ".join(f"{_label_of(name)}: {say_choice(name, code)}" for name, code in dropped.items())
    if is_certain:
        note = gettext("What was chosen for earlier lists doesn't fit this file (%(said)s); its columns do.")
        return replace(table, notes=(*table.notes, note % {"said": said}))
    headers = ", ".join(clip(header, 40) for header in table.headers[:MOST_HEADERS_SAID])
    question = Question(
        key=READ_ANEW,
        text=gettext(
            "What was chosen for earlier lists doesn't fit this file (%(said)s), so it was read anew. "
            "Its columns are: %(headers)s. Is that right? If not, correct how the file is read."
        )
        % {"said": said, "headers": headers},
        choices=(
            Choice(
                AS_READ,
                gettext("Yes, it is read as it was meant"),
                clip(", ".join(filter(None, table.rows[0].cells)), 120),
            ),
        ),
        lines=tuple(filter(None, (table.understood.header_line,))),
        once=True,
    )
    return replace(table, questions=(*table.questions, question))


def _label_of(name: str) -> str:
    return str(next(option.label for option in READING_OPTIONS if option.name == name))


def show_refused(file: RawFile, effective: EffectiveOptions) -> tuple[Understood, FirstRows] | None:
    """How a refused file looks, so that a person can correct how it is read; None if no correction can help.

    What they chose is tried first, and left out if it is what can't be.
    """
    try:
        reader = file.choose_reader()
    except UnreadableFile:
        return None
    found = _read_somehow(file.content, reader, effective)
    if not found and reader.kind != "csv":
        return None
    understood = replace(
        describe_table(found, reader) if found else Understood(reader.kind, reader.takes),
        chosen=_list_given(effective),
        remembered=tuple(sorted({**effective.kept_choices, **effective.remembered_besides}.items())),
    )
    return understood, take_first_rows(found, _find_meanings(found, effective)) if found else NO_ROWS


def _read_somehow(content: FileContent, reader: TableReader, effective: EffectiveOptions) -> Table | None:
    """The first table that has rows: by all choices, by those made for this file, by none; else a header."""
    best: Table | None = None
    options = effective.options
    for choices in dict.fromkeys((_merge(effective, effective.kept_choices), options.reading, NO_CHOICES)):
        try:
            table = reader.read(content, choices, options.answers)
        except UnreadableFile:
            continue
        if table.headers and table.rows:
            return table
        best = best or (table if table.headers else None)
    return best


def _find_meanings(table: Table, effective: EffectiveOptions) -> dict[int, str]:
    """What each column would be taken for, as far as that can be told."""
    answers = effective.options.answers
    try:
        positions = find_columns(
            table.headers, effective.list_columns(table.headers), table.rows, answers
        ).positions
    except MissingColumns as missing:
        positions = missing.positions
    return {at: title_of(name) for name, at in positions.items()}
