"""Why a whole file can't be imported. Each message is one or two sentences for staff.

ImportRefused
├── UnreadableFile   the file isn't a table we can read
├── MissingColumns   the table lacks a column that an appointment list needs
├── UnknownZone      a given time zone doesn't exist
└── QuestionsOpen    a person has to answer something first
"""

from collections.abc import Sequence

from contacts.imports.questions import Question


class ImportRefused(Exception):
    """Nothing was imported. The message says why and what to do."""


class UnreadableFile(ImportRefused):
    """The file is empty, too large, of another kind, or broken."""


class MissingColumns(ImportRefused):
    """A required column is missing."""


class UnknownZone(ImportRefused):
    """A given time zone doesn't exist."""


class QuestionsOpen(ImportRefused):
    """What the file means isn't clear. `questions`: those without an answer."""

    def __init__(self, questions: Sequence[Question]) -> None:
        many = f"There are {len(questions)} questions about this file. Answer them first."
        super().__init__(many if len(questions) > 1 else f"{questions[0].text} Answer this first.")
        self.questions = tuple(questions)
