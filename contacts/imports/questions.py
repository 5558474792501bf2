"""Questions about a file that only a person can answer. Pure: no database.

Nothing is imported as long as one is open: the preview shows it, and so does the command, which takes the
answer as an option. An answer is found by the question's `key`, so the same file asks the same question.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One answer: `value` is its code, `words` what staff read, `sample` what the file would then mean."""

    value: str
    words: str
    sample: str = ""


@dataclass(frozen=True)
class Question:
    """One question for staff. `key`: a code such as “column:date”; `lines`: lines of the file to look at.

    `standard`: the value that holds as long as nobody answers, so that the question is never open; "" for
    none. `other`: what to write instead of choosing, such as “The name of the location”; "" if only a choice
    will do. `once`: the answer holds for this file only, so that it is never remembered for the next.
    """

    key: str
    text: str
    choices: tuple[Choice, ...]
    lines: tuple[int, ...] = ()
    standard: str = ""
    other: str = ""
    once: bool = False

    def find_answer(self, answers: Mapping[str, str]) -> str | None:
        """The value that was chosen or written, else `standard`; None if there is neither."""
        given = answers.get(self.key, "").strip()
        if given and (self.other or any(choice.value == given for choice in self.choices)):
            return given
        return self.standard or None


def find_open(questions: Iterable[Question], answers: Mapping[str, str]) -> list[Question]:
    """The questions that still wait for an answer."""
    return [question for question in questions if question.find_answer(answers) is None]
