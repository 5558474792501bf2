"""What staff said about earlier lists of a source: answers, columns chosen by hand, and how it is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contacts.imports.files import NO_CHOICES, ReadChoices
from contacts.imports.headers import has_column, is_numbered
from contacts.imports.practice import ImportOptions
from contacts.imports.questions import Question
from contacts.imports.reading_options import OF_THE_TABLE, code_choices, list_chosen, read_kept_choices
from contacts.models import SourceAnswers

HEADERS = "headers"  # in SourceAnswers.reading: the columns that the choices gave
NUMBERED_HEADERS = "numbered_headers"  # there: those among which an answer such as “Date (2)” was given


@dataclass(frozen=True)
class EffectiveOptions:
    """The options of an import with what is remembered added.

    `remembered`: keys answered only by memory; `remembered_columns`: fields chosen only by memory;
    `remembered_besides`: the country of numbers, if only memory has it. How the cells are read is kept
    apart, since it may not fit this file: `kept`, and the headers that it gave before. `numbered_headers`:
    those among which columns were chosen by number.
    """

    options: ImportOptions
    remembered: frozenset[str] = frozenset()
    remembered_columns: frozenset[str] = frozenset()
    remembered_besides: Mapping[str, str] = field(default_factory=dict)
    kept: ReadChoices = NO_CHOICES
    kept_headers: tuple[str, ...] = ()
    numbered_headers: tuple[str, ...] = ()

    @property
    def kept_choices(self) -> dict[str, str]:
        """The choices that are remembered and neither made anew nor taken back, as codes by name."""
        return code_choices(self.kept)

    def list_columns(self, headers: Sequence[str]) -> dict[str, str]:
        """The columns chosen by hand, by field. A remembered one that this file lacks is left out."""
        return {
            name: header
            for name, header in self.options.columns.items()
            if header and (name not in self.remembered_columns or has_column(headers, header))
        }


def add_remembered(options: ImportOptions) -> EffectiveOptions:
    """Add what is remembered of the source; what is given now counts more."""
    kept = SourceAnswers.objects.filter(source=options.source).first()
    if kept is None:
        return EffectiveOptions(options)
    answers, columns = {**kept.answers, **options.answers}, {**kept.columns, **options.columns}
    besides: dict[str, Any] = {
        name: str(kept.reading[name])
        for name in ("region",)
        if kept.reading.get(name) and not getattr(options, name) and name not in options.as_recognised
    }
    return EffectiveOptions(
        replace(options, answers=answers, columns=columns, **besides),
        frozenset(answers.keys() - options.answers.keys()),
        frozenset(columns.keys() - options.columns.keys()),
        besides,
        _read_kept(kept.reading, options),
        tuple(map(str, kept.reading.get(HEADERS, ()))),
        tuple(map(str, kept.reading.get(NUMBERED_HEADERS, ()))),
    )


def forget_numbered(effective: EffectiveOptions, headers: Sequence[str]) -> EffectiveOptions:
    """Without remembered columns such as “Date (2)”, if they were chosen among other headers than these.

    Then the second may be another column, so the question is asked again (product rule 47).
    """
    if tuple(headers) == effective.numbered_headers:
        return effective
    options = effective.options
    stale = {key for key in _list_numbered(options.answers, headers) if key in effective.remembered}
    columns = {
        name: header
        for name, header in options.columns.items()
        if name not in effective.remembered_columns or not is_numbered(header, headers)
    }
    answers = {key: answer for key, answer in options.answers.items() if key not in stale}
    return replace(
        effective,
        options=replace(options, answers=answers, columns=columns),
        remembered=effective.remembered - stale,
    )


def _list_numbered(answers: Mapping[str, str], headers: Sequence[str]) -> list[str]:
    """The keys of the answers that name a column by its number."""
    return [
        key
        for key, answer in answers.items()
        if key.startswith("column:") and is_numbered(str(answer), headers)
    ]


def _read_kept(reading: Mapping[str, Any], options: ImportOptions) -> ReadChoices:
    """The remembered choices, without those that are made anew or taken back."""
    fresh = {*code_choices(options.reading), *options.as_recognised}
    return read_kept_choices({name: code for name, code in reading.items() if name not in fresh})


def remember_answers(
    options: ImportOptions,
    questions: Iterable[Question],
    *,
    headers: Sequence[str] = (),
    dropped: Iterable[str] = (),
) -> None:
    """Remember the answers to these questions, the columns chosen by hand, and how the list was read.

    `options`: with what was remembered before, which stays where this list had no such question; `headers`:
    of this list; `dropped`: remembered choices that didn't fit it. An answer that says what holds without one
    isn't remembered, and takes an earlier one back.
    """
    kept = SourceAnswers.objects.filter(source=options.source).first() or SourceAnswers(source=options.source)
    stale = set(_list_numbered(kept.answers, headers)) - options.answers.keys()
    answers = {key: answer for key, answer in kept.answers.items() if key not in stale}
    for question in questions:
        if question.key in options.answers and not question.once:
            answer = question.find_answer(options.answers)
            answers[question.key] = options.answers[question.key]
            if question.standard and answer == question.standard:
                del answers[question.key]
    columns = {name: header for name, header in options.columns.items() if header}
    reading = _remember_reading(kept.reading, options, headers, {*dropped, *options.as_recognised})
    reading.pop(NUMBERED_HEADERS, None)
    if _list_numbered(answers, headers) or any(is_numbered(each, headers) for each in columns.values()):
        reading[NUMBERED_HEADERS] = list(headers)
    if (answers, columns, reading) != (kept.answers, kept.columns, kept.reading):
        kept.answers, kept.columns, kept.reading = answers, columns, reading
        kept.save()


def _remember_reading(
    before: Mapping[str, Any], options: ImportOptions, headers: Sequence[str], forgotten: set[str]
) -> dict[str, Any]:
    """How the next list is read, with the headers by which it is told whether that fits."""
    choices = {name: code for name, code in before.items() if name not in forgotten and name != HEADERS}
    choices |= list_chosen(options)
    choices.pop("time_zone", None)  # of the new locations of one list; the next new one is asked about
    if any(name in choices for name in OF_THE_TABLE):
        return choices | {HEADERS: list(headers or before.get(HEADERS, ()))}
    return choices
