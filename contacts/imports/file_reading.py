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
from contacts.imports.files import ReadChoices, Table, TableReader, choose_reader, read_table
from contacts.imports.headers import plain_header
from contacts.imports.problems import clip
from contacts.imports.questions import Choice, Question
from contacts.imports.reading.letters import find_certain_encoding
from contacts.imports.reading_options import READING_OPTIONS, list_chosen, say_choice
from contacts.imports.remembered import EffectiveOptions
from contacts.imports.understood import NO_ROWS, FirstRows, Understood, describe_table, take_first_rows

READ_ANEW = "reading"  # key of the question
AS_READ = "yes"
MOST_HEADERS_SAID = 8


@dataclass(frozen=True)
class FileReading:
    """A table, and what became of remembered choices: `used` and `dropped`, as codes by name."""

    table: Table
    understood: Understood
    used: Mapping[str, str]
    dropped: Mapping[str, str]


def read_as_remembered(
    file_name: str,
    data: bytes,
    effective: EffectiveOptions,
    *,
    largest: int,
    readers: Sequence[TableReader],
) -> FileReading:
    """Read the file. Raises UnreadableFile, and WrongChoice for a choice that was made for this file."""
    reader = choose_reader(file_name, data, largest=largest, readers=readers)
    given, kept = effective.options.reading, _list_fitting(effective, reader, data)
    all_kept = {name: code for name, code in effective.kept_choices.items() if name in reader.takes}
    table, used = None, kept
    for used in _list_attempts(kept):
        table = _try(file_name, data, effective, used, largest=largest, readers=readers)
        if table and _has_headers(table, effective.kept_headers):
            break
    else:
        used = {}
        table = read_table(
            file_name,
            data,
            largest=largest,
            readers=readers,
            choices=given,
            answers=effective.options.answers,
        )
    dropped = {name: code for name, code in all_kept.items() if name not in used}
    if dropped:
        table = _tell(table, dropped, is_certain=_has_headers(table, effective.kept_headers))
    understood = replace(
        describe_table(table, reader),
        chosen=tuple(sorted(list_chosen(effective.options).items())),
        remembered=tuple(sorted(used.items())),
        dropped=tuple(sorted(dropped.items())),
    )
    return FileReading(table, understood, used, dropped)


def _list_fitting(effective: EffectiveOptions, reader: TableReader, data: bytes) -> dict[str, str]:
    """The remembered choices that can be true of this file: letters that its bytes disprove can't."""
    kept = {name: code for name, code in effective.kept_choices.items() if name in reader.takes}
    certain = find_certain_encoding(data) if "encoding" in kept else ""
    if certain and certain[:6] != kept["encoding"][:6]:
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


def _try(
    file_name: str,
    data: bytes,
    effective: EffectiveOptions,
    codes: Mapping[str, str],
    *,
    largest: int,
    readers: Sequence[TableReader],
) -> Table | None:
    choices = _merge(effective.options.reading, effective.kept, codes)
    try:
        return read_table(
            file_name,
            data,
            largest=largest,
            readers=readers,
            choices=choices,
            answers=effective.options.answers,
        )
    except UnreadableFile:
        return None


def _merge(given: ReadChoices, kept: ReadChoices, names: Iterable[str]) -> ReadChoices:
    """The choices that were given, with those of these names that were kept."""
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


def show_refused(
    file_name: str,
    data: bytes,
    effective: EffectiveOptions,
    *,
    largest: int,
    readers: Sequence[TableReader],
) -> tuple[Understood, FirstRows] | None:
    """How a refused file looks, so that a person can correct how it is read; None if no correction can help.

    What they chose is tried first, and left out if it is what can't be.
    """
    try:
        reader = choose_reader(file_name, data, largest=largest, readers=readers)
    except UnreadableFile:
        return None
    options = effective.options
    chosen = tuple(sorted(list_chosen(options).items()))
    remembered = tuple(sorted(effective.kept_choices.items()))
    kept = _merge(options.reading, effective.kept, effective.kept_choices)
    best: Table | None = None
    for choices in dict.fromkeys((kept, options.reading, ReadChoices())):
        try:
            table = reader.read(data, choices, options.answers)
        except UnreadableFile:
            continue
        if table.headers and (table.rows or not best):
            best = table
        if table.rows:
            break
    if best:
        understood = replace(describe_table(best, reader), chosen=chosen, remembered=remembered)
        return understood, take_first_rows(best, _find_meanings(best, effective))
    return (Understood(reader.kind, reader.takes, chosen=chosen), NO_ROWS) if reader.kind == "csv" else None


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
