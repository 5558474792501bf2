"""Why a whole file can't be imported. Each message is one or two sentences for staff.

ImportRefused
├── UnreadableFile   the file isn't a table we can read
│   └── WrongChoice  it can't be read as a person chose, such as by a sheet that it doesn't have
├── MissingColumns   the table lacks a column that an appointment list needs
├── QuestionsOpen    a person must answer questions first
└── UnknownZone      a given time zone doesn't exist
"""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext

from contacts.imports.questions import Question


class ImportRefused(Exception):
    """Nothing was imported. The message says why and what to do."""


class UnreadableFile(ImportRefused):
    """The file is empty, too large, of another kind, or broken."""


class WrongChoice(UnreadableFile):
    """The file can't be read as a person chose. `choice`: the name of a ReadingOption."""

    def __init__(self, choice: str, message: str) -> None:
        super().__init__(message)
        self.choice = choice


class MissingColumns(ImportRefused):
    """A required column is missing. `labels`: the columns of the file, for staff to choose from;
    `positions`: of those that were found, by field.
    """

    def __init__(
        self, message: str, labels: Sequence[str] = (), positions: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(message)
        self.labels = tuple(labels)
        self.positions = dict(positions or {})


class UnknownZone(ImportRefused):
    """A given time zone doesn't exist."""


class QuestionsOpen(ImportRefused):
    """What the file means isn't clear. `questions`: those without an answer."""

    def __init__(self, questions: Sequence[Question]) -> None:
        text = gettext("There are %(count)d questions about this file. Answer them first.")
        one = gettext("%(question)s Answer this first.") % {"question": questions[0].text}
        super().__init__(text % {"count": len(questions)} if len(questions) > 1 else one)
        self.questions = tuple(questions)
