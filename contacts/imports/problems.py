"""Problems in a file: where, which value, what is wrong and what to do. Pure: no database."""

from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext

from contacts.imports.packed_lists import reduce_to_fields

REJECTED = "rejected"  # ImportProblem.Weight, which this pure module doesn't import
NOTE = "note"
TEXT_LENGTH = 300
NOT_IN_THE_FILE = 0  # line number of a problem about an appointment that the file doesn't have


class CellFault(ValueError):
    """A cell can't be used. `problem` says what is wrong, `remedy` what to do; both are sentences."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `line`: the header is line 1; `weight`: REJECTED (row not imported) or NOTE."""

    line: int
    column: str
    value: str
    problem: str
    remedy: str
    weight: str = NOTE
    __reduce__ = reduce_to_fields


class AnyProblem(Protocol):
    """A Problem, or the ImportProblem row that stores it."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def remedy(self) -> str: ...
    @property
    def weight(self) -> str: ...


def translate(reason: tuple[str, str]) -> tuple[str, str]:
    """What is wrong and what to do, in the language of whoever imports; the English is in a constant."""
    return gettext(reason[0]), gettext(reason[1])


def clip(text: str, length: int = TEXT_LENGTH) -> str:
    """Return the text, cut to `length` characters; "…" shows that it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"
