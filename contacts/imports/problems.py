"""What is wrong in a file: where, with what value, and what to do about it. Pure."""

from dataclasses import dataclass

REJECTED = "rejected"  # ImportProblem.Weight, which this pure module doesn't import
NOTE = "note"
TEXT_LENGTH = 300
NOT_IN_THE_FILE = 0  # in place of a line number


class CellFault(ValueError):
    """A cell can't be used. `problem` says what is wrong, `remedy` what to do; both are sentences."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True)
class Problem:
    """One fault. `line` counts from 1, the header's; `weight` is REJECTED (row left out) or NOTE."""

    line: int
    column: str
    value: str
    problem: str
    remedy: str
    weight: str = NOTE


def clip(text: str, length: int = TEXT_LENGTH) -> str:
    """The text, cut to `length` characters with a sign that it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"
