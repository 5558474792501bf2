"""Columns that say beside the status whether an appointment still takes place. Pure: no database.

A cancellation must not be overlooked because it stands in a column nobody reads (product rule 43): a column
that smells of it is asked about, unless nothing is set in it, or only for rows that are cancelled anyway.
"""

import re
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext, ngettext

from contacts.imports.files import RawRow
from contacts.imports.headers import label_headers, plain_header
from contacts.imports.problems import clip
from contacts.imports.questions import Choice, Question
from contacts.imports.status_words import CANCELLED, NO_SHOW, find_status
from contacts.imports.words import NO, YES

# Headers of which everybody knows what they mean, if their cells are yes or no.
CERTAIN = frozenset([
    "cancelled", "canceled", "iscancelled", "iscanceled", "apptcancelled", "apptcanceled",
    "appointmentcancelled", "appointmentcanceled", "cancelledflag", "canceledflag",
])  # fmt: skip
SMELL = re.compile(
    r"cancel|\bcxl|delet|no[ _-]?show|did ?n.?o?t (?:arrive|attend|show|come)|not arrived"
    r"|\bdna\b|\bdnka\b|\bfta\b"
    r"|broken|\bvoid|archiv|in-?active|missed|failed|remov|resched|absent|no longer|entered in error"
    r"|deceas|\bdied\b|death|\bdod\b|fallec|\bd[eé]c[eé]d|verstorb|withdr|declin|refus"
    r"|wait ?-?list|\bon ?hold|tentativ|\bmoved\b|postpon|replaced|\bblocked|storn"
    r"|abgesagt|gel[oö]scht|anulad|annul|eliminad|borrad|supprim",
    re.IGNORECASE,
)
CELL_SMELL = re.compile(
    r"\W*(?:pt |patient )?"
    r"(?:(?:cancell?ed|cancellation|cancelad[oa]|cxl?|deleted|no[- ]?show(?:ed)?|dnka|voided|inactive"
    r"|did not (?:arrive|attend|show)|deceased|died|passed away|fallecid[oa]|rescheduled|withdrawn)\b"
    r"|(?:cancel|delete|remove)\W*$)",
    re.IGNORECASE,
)
NEGATED = re.compile(  # set to no, it says that the appointment is off
    r"(?:is ?)?(?:active|booked|attending|coming|valid|enabled|current)", re.IGNORECASE
)
NOTHING_SET = frozenset({"", "none", "null", "na", "nil", "never", "notcancelled", "notcanceled", "n"}) | NO
NO_DATE = ("00010101", "18991230", "19000101")  # what databases write for no date
CANCELS, MISSED, IGNORED = "cancels", "no_show", "ignore"
OFF = (CANCELLED, NO_SHOW)
# Fields in whose cells a cancellation may be hidden: a provider or a type called "Cancelled".
LOOKED_INTO = frozenset({"kind", "provider", "location"})
MOST_SHOWN, MOST_SAMPLES = 5, 3


@dataclass(frozen=True)
class CancellingColumn:
    """A column that takes an appointment off when it is set: `status` is cancelled or no_show.

    `by_words`: only cells that say so count, as in a column of notes. `is_certain`: nobody had to be asked.
    """

    position: int
    status: str
    by_words: bool = False
    is_negated: bool = False
    is_certain: bool = False

    def is_set(self, cells: Sequence[str]) -> bool:
        """Whether the row's cell takes the appointment off."""
        cell = cells[self.position] if self.position < len(cells) else ""
        if self.by_words:
            return CELL_SMELL.match(cell) is not None
        word = _fold(cell)
        if self.is_negated:
            return word in NO
        return word not in NOTHING_SET and bool(word.strip("0")) and not word.startswith(NO_DATE)


@dataclass
class _SetCells:
    """The cells of a column that are set in rows that would be booked: how many, and the first of them."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    samples: dict[str, None] = field(default_factory=dict)

    def add(self, line: int, cell: str) -> None:
        self.count += 1
        if len(self.lines) < MOST_SHOWN:
            self.lines.append(line)
        if len(self.samples) < MOST_SAMPLES:
            self.samples[clip(cell, 40)] = None


def find_cancelling(
    headers: Sequence[str],
    rows: Sequence[RawRow],
    used: Mapping[str, int],
    answers: Mapping[str, str],
    *,
    fields: Container[str],
    undecided: Collection[int] = (),
) -> tuple[tuple[CancellingColumn, ...], list[Question]]:
    """Return the columns that take appointments off, and the questions about those that may.

    `used`: the column of each field; `fields`: the names of all fields; `undecided`: those
    of which one may be the status.
    """
    certain = [
        CancellingColumn(at, CANCELLED, is_certain=True)
        for at, header in enumerate(headers)
        if at not in used.values() and plain_header(header) in CERTAIN and _is_yes_or_no(rows, at)
    ]
    labels = label_headers(headers)
    found, questions = list(certain), []
    doubtful = list(_list_doubtful(headers, used, {each.position for each in certain} | set(undecided)))
    open_rows = (row for row in rows if not is_off(row.cells, used.get("status"), certain))
    for column, seen in zip(doubtful, _find_set(open_rows, doubtful), strict=True):
        key = cancelling_key(labels[column.position], fields)
        if not seen.count and key not in answers:
            continue
        question = _ask(key, labels[column.position], column, seen)
        answer = question.find_answer(answers)
        questions.append(question)
        if answer in (CANCELS, MISSED):
            status = CANCELLED if answer == CANCELS else NO_SHOW
            found.append(CancellingColumn(column.position, status, column.by_words, column.is_negated))
    return tuple(found), questions


def _find_set(rows: Iterable[RawRow], columns: Sequence[CancellingColumn]) -> list[_SetCells]:
    """The cells that are set in each of these columns, in one pass."""
    found = [_SetCells() for _ in columns]
    for row in rows if columns else ():
        for column, seen in zip(columns, found, strict=True):
            if column.is_set(row.cells):
                seen.add(row.line, row.cells[column.position])
    return found


def is_off(cells: Sequence[str], status_at: int | None, columns: Iterable[CancellingColumn]) -> bool:
    """Whether the row's status or one of these columns says that the visit doesn't take place."""
    status = cells[status_at] if status_at is not None and status_at < len(cells) else ""
    return find_status(status) in OFF or any(column.is_set(cells) for column in columns)


def cancelling_key(label: str, fields: Container[str]) -> str:
    """The key of the question about a column; never that of a field, such as column:status."""
    return f"column:{label}:set" if label in fields else f"column:{label}"


def _list_doubtful(
    headers: Sequence[str], used: Mapping[str, int], clear: set[int]
) -> Iterable[CancellingColumn]:
    by_position = {at: name for name, at in used.items()}
    for at, header in enumerate(headers):
        name = by_position.get(at, "")
        if at in clear or (name and name not in LOOKED_INTO):
            continue
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header.replace("_", " "))
        is_negated = NEGATED.fullmatch(plain_header(header)) is not None
        if not name and (is_negated or SMELL.search(spaced)):
            yield CancellingColumn(at, CANCELLED, is_negated=is_negated)
        else:
            yield CancellingColumn(at, CANCELLED, by_words=True)


def _is_yes_or_no(rows: Sequence[RawRow], at: int) -> bool:
    return all(_fold(row.cells[at]) in YES | NO | {""} for row in rows if at < len(row.cells))


def _fold(cell: str) -> str:
    return re.sub(r"[^\w]|_", "", cell.casefold())


def _ask(key: str, label: str, column: CancellingColumn, found: _SetCells) -> Question:
    samples = ", ".join(f"“{cell}”" for cell in found.samples)
    text, cancels, missed = _word_question(column, found.count)
    return Question(
        key=key,
        text=text % {"column": clip(label, 60), "count": found.count},
        choices=(
            Choice(CANCELS, cancels, samples),
            Choice(MISSED, missed, samples),
            Choice(IGNORED, gettext("It means nothing here")),
        ),
        lines=tuple(found.lines),
    )


def _word_question(column: CancellingColumn, count: int) -> tuple[str, str, str]:
    """The question, and the answers that it cancels, and that the patient didn't come."""
    if column.is_negated:
        return (
            ngettext(
                "The column “%(column)s” says no in %(count)d row that would be booked. What does it mean?",
                "The column “%(column)s” says no in %(count)d rows that would be booked. What does it mean?",
                count,
            ),
            gettext("It cancels the appointment when it says no"),
            gettext("The patient didn't come when it says no"),
        )
    if column.by_words:
        return (
            ngettext(
                "The column “%(column)s” speaks of one that is off in %(count)d row that would be booked. "
                "What does it mean?",
                "The column “%(column)s” speaks of one that is off in %(count)d rows that would be booked. "
                "What does it mean?",
                count,
            ),
            gettext("It cancels the appointment when it says so"),
            gettext("The patient didn't come when it says so"),
        )
    return (
        ngettext(
            "The column “%(column)s” is set in %(count)d row that would be booked. What does it mean?",
            "The column “%(column)s” is set in %(count)d rows that would be booked. What does it mean?",
            count,
        ),
        gettext("It cancels the appointment when it is set"),
        gettext("The patient didn't come when it is set"),
    )
