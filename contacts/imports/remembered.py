"""What staff said about earlier lists of a source: the answers to questions, and columns chosen by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from contacts.imports.headers import has_column
from contacts.imports.practice import ImportOptions
from contacts.imports.questions import Question
from contacts.models import SourceAnswers


@dataclass(frozen=True)
class EffectiveOptions:
    """The options of an import with what is remembered added.

    `remembered`: keys answered only by memory; `remembered_columns`: fields chosen only by memory.
    """

    options: ImportOptions
    remembered: frozenset[str] = frozenset()
    remembered_columns: frozenset[str] = frozenset()

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
    return EffectiveOptions(
        replace(options, answers=answers, columns=columns),
        frozenset(answers.keys() - options.answers.keys()),
        frozenset(columns.keys() - options.columns.keys()),
    )


def remember_answers(options: ImportOptions, questions: Iterable[Question]) -> None:
    """Remember the answers to these questions, and the columns chosen by hand, for the next list.

    `options`: with what was remembered before, which stays where this list had no such question.
    """
    asked = {
        question.key: options.answers[question.key]
        for question in questions
        if question.key in options.answers and not question.once
    }
    columns = {name: header for name, header in options.columns.items() if header}
    kept = SourceAnswers.objects.filter(source=options.source).first() or SourceAnswers(source=options.source)
    answers = {**kept.answers, **asked}
    if (answers, columns) != (kept.answers, kept.columns):
        kept.answers, kept.columns = answers, columns
        kept.save()
