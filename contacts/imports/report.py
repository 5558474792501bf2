"""The report of an import or a preview: as counts, text, JSON and CSV."""

import csv
import io
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from contacts.csv_cells import guard_cell
from contacts.imports.change_words import describe_deed, describe_fields, group_changes
from contacts.imports.changes import ImportedChange
from contacts.imports.column_uses import ColumnUse
from contacts.imports.mending import RowsToMend
from contacts.imports.plans import MatchedBy, Plan, RowOutcome
from contacts.imports.problems import (
    NOT_IN_THE_FILE,
    NOTE,
    REJECTED,
    AnyProblem,
    Problem,
    clip,
)
from contacts.imports.questions import Question, find_open
from contacts.imports.understood import NO_ROWS, FirstRows, Understood, understood_as_lines
from contacts.imports.visits_ahead import PlannedAnew

# Keys of ImportBatch.counts with their labels, in the order in which they are shown.
APPOINTMENT_LABELS = {
    "added": pgettext_lazy("of a count of appointments", "added"),
    "moved": pgettext_lazy("of a count of appointments", "moved"),
    "cancelled": pgettext_lazy("of a count of appointments", "cancelled"),
    "booked_again": pgettext_lazy("of a count of appointments", "booked again"),
    "updated": pgettext_lazy("of a count of appointments", "updated"),
    "unchanged": pgettext_lazy("of a count of appointments", "unchanged"),
    "duplicate": pgettext_lazy("of a count of appointments", "repeated"),
    "rejected": pgettext_lazy("of a count of appointments", "not imported"),
}
CHANGED = (RowOutcome.MOVED, RowOutcome.CANCELLED, RowOutcome.BOOKED_AGAIN, RowOutcome.UPDATED)
CONTACT_LABELS = {
    "contacts_added": pgettext_lazy("of a count of contacts", "added"),
    "contacts_updated": pgettext_lazy("of a count of contacts", "updated"),
    "contacts_unchanged": pgettext_lazy("of a count of contacts", "unchanged"),
}
LEFT_OUT = "left_out"
OTHER_LABELS = {
    "added_as_cancelled": _("added as cancelled, so they get no reminders"),
    "matched_by_id": _("matched by id"),
    "matched_by_slot": _("matched by patient, time and location"),
    "missing": _("booked here but not in the file"),
    LEFT_OUT: _("left out, since somebody changed it here meanwhile"),
}
MOST_LINES_SHOWN = {
    REJECTED: 100,
    NOTE: 10,
}  # of one kind of problem, in the text report; JSON and CSV have all
MOST_GROUPS = 100  # kinds of problems with one weight, on a page and in the text report
MOST_LISTED = 20  # new locations in the text report
MOST_CHANGES_SHOWN = 100  # of one kind, likewise


@dataclass(frozen=True)
class ImportReport:
    """The result of an import. `counts`: see count_outcomes(); `batch_id` is None for a dry run.

    `form` says how the file was read; `unknown_locations` are new and need a time zone; `changes` are those
    of what was here before. `questions`: about the file, with the `answers` to them, of which those in
    `remembered` were given for an earlier list; as long as one is open, nothing is imported. `columns`: what
    became of each; `chosen_columns`: field -> the column that was chosen by hand, now or for an earlier list;
    `understood`: how the file was read; `first_rows`: for the page, and not in the JSON. `planned_anew`: for
    what reminders would be planned, of a preview; `to_mend`: the rows that were rejected.
    """

    file_name: str
    source: str
    form: str
    counts: dict[str, int]
    problems: tuple[Problem, ...]
    unknown_locations: tuple[str, ...]
    batch_id: int | None
    changes: tuple[ImportedChange, ...] = ()
    questions: tuple[Question, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    remembered: frozenset[str] = frozenset()
    columns: tuple[ColumnUse, ...] = ()
    chosen_columns: Mapping[str, str] = field(default_factory=dict)
    understood: Understood | None = None
    first_rows: FirstRows = NO_ROWS
    planned_anew: PlannedAnew = field(default_factory=PlannedAnew)
    to_mend: RowsToMend | None = None

    @property
    def open_questions(self) -> list[Question]:
        """Those that a person must answer before anything is imported."""
        return find_open(self.questions, self.answers)

    @property
    def unused_columns(self) -> list[ColumnUse]:
        return [column for column in self.columns if not column.is_used]

    @property
    def is_dry_run(self) -> bool:
        return self.batch_id is None

    @property
    def took_something(self) -> bool:
        """Whether at least one row was accepted, even if it changed nothing."""
        return self.taken > 0

    @property
    def deed(self) -> str:
        """What importing does, for a button; "" if it changes nothing."""
        return describe_deed(self.counts)

    @property
    def taken(self) -> int:
        """The number of accepted rows: neither rejected nor repeated."""
        return self.counts["rows"] - self.counts["rejected"] - self.counts["duplicate"]


@dataclass(frozen=True)
class ProblemGroup:
    """Problems of one kind. `lines`: the ones to show; `more`: the number of others."""

    weight: str
    problem: str
    remedy: str
    lines: tuple[AnyProblem, ...]
    more: int

    @property
    def count(self) -> int:
        return len(self.lines) + self.more


def count_outcomes(outcomes: Counter[RowOutcome], plan: Plan, problems: Sequence[Problem]) -> dict[str, int]:
    """Return the counts of an import. Those of APPOINTMENT_LABELS add up to "rows".

    The others are "changed" (moved, cancelled, booked again or updated), "added_as_cancelled",
    "matched_by_id", "matched_by_slot" (patient, time and location), those of contacts, "notes", and
    "missing" (booked here, not in the file). A batch has "left_out" too if somebody changed rows or patients
    here again and again while they were imported.
    """
    contacts = Counter(each.outcome for each in plan.contacts.values())
    matched = Counter(each.matched_by for each in plan.rows)
    missing = sum(each.line == NOT_IN_THE_FILE for each in problems)
    return {
        "rows": sum(outcomes.values()),
        **{str(outcome): outcomes[outcome] for outcome in RowOutcome},
        "changed": sum(outcomes[outcome] for outcome in CHANGED),
        "added_as_cancelled": _count_added_as_cancelled(plan),
        "matched_by_id": matched[MatchedBy.ID],
        "matched_by_slot": matched[MatchedBy.SLOT],
        "contacts_added": contacts[RowOutcome.ADDED],
        "contacts_updated": contacts[RowOutcome.UPDATED],
        "contacts_unchanged": contacts[RowOutcome.UNCHANGED],
        "notes": sum(each.weight == NOTE for each in problems) - missing,
        "missing": missing,
    }


def count_file(
    parts: Iterable[Mapping[str, int]], *, rows: int, duplicates: int, others: Sequence[Problem]
) -> dict[str, int]:
    """The counts of a whole file, as by count_outcomes(): of its parts, and of the rows that are in none.

    `rows`, `duplicates`: how many the file has; `others`: problems that the parts don't count.
    """
    total: Counter[str] = Counter()
    for counts in parts:
        total.update(counts)
    rejected = rows - duplicates - total["rows"]
    in_none = Counter({RowOutcome.DUPLICATE: duplicates, RowOutcome.REJECTED: rejected})
    counts = count_outcomes(in_none, Plan([], {}), others)
    return {name: counts.get(name, 0) + total[name] for name in counts | total}


def _count_added_as_cancelled(plan: Plan) -> int:
    return sum(each.outcome == RowOutcome.ADDED and each.row.status == "cancelled" for each in plan.rows)


def group_problems(
    problems: Iterable[AnyProblem], weight: str, most: int | None = None
) -> list[ProblemGroup]:
    """Group the problems of one weight by problem and remedy, in the order of their first lines.

    `most`: how many lines of each group to show, and then the last of MOST_GROUPS are all others together;
    None for all.
    """
    shown: dict[tuple[str, str], list[AnyProblem]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    others = (
        gettext("There are other problems too."),
        gettext("Mend those above first, then look at the list again."),
    )
    for each in problems:
        if each.weight == weight:
            key = each.problem, each.remedy
            if most is not None and key not in counts and len(counts) >= MOST_GROUPS:
                key = others
            counts[key] += 1
            lines = shown.setdefault(key, [])
            if most is None or (len(lines) < most and key != others):
                lines.append(each)
    return [
        ProblemGroup(weight, *key, tuple(shown[key]), count - len(shown[key]))
        for key, count in counts.items()
    ]


@dataclass(frozen=True)
class OutcomeCount:
    """One count of an import with its label; `key` is its key in ImportBatch.counts."""

    key: str
    word: str
    number: int


def list_counts(counts: dict[str, int]) -> dict[str, list[OutcomeCount]]:
    """Return the counts for a page: "appointments", "contacts", and "besides" those that aren't 0."""
    appointments = [
        OutcomeCount(key, str(word), counts.get(key, 0)) for key, word in APPOINTMENT_LABELS.items()
    ]
    contacts = [OutcomeCount(key, str(word), counts.get(key, 0)) for key, word in CONTACT_LABELS.items()]
    besides = [
        OutcomeCount(key, str(word), counts[key]) for key, word in OTHER_LABELS.items() if counts.get(key)
    ]
    return {"appointments": appointments, "contacts": contacts, "besides": besides}


@dataclass(frozen=True)
class AskedQuestion:
    """A question with its answer, for a page. `written`: an answer that is none of the choices."""

    question: Question
    given: str
    written: str
    is_open: bool
    is_remembered: bool


def list_questions(report: ImportReport) -> list[AskedQuestion]:
    """Return the questions for a page, those that are open first."""
    asked = []
    for question in report.questions:
        given = question.find_answer(report.answers) or ""
        is_choice = given in {choice.value for choice in question.choices}
        asked.append(
            AskedQuestion(
                question, given, "" if is_choice else given, not given, question.key in report.remembered
            )
        )
    return sorted(asked, key=lambda each: not each.is_open)


def report_as_json(report: ImportReport) -> dict[str, Any]:
    """Return the report as plain values, with every problem and every change."""
    plain = asdict(replace(report, planned_anew=PlannedAnew(), to_mend=None, first_rows=NO_ROWS))
    del plain["planned_anew"], plain["to_mend"]
    return plain | {
        "dry_run": report.is_dry_run,
        "deed": report.deed,
        "remembered": sorted(report.remembered),
        "open_questions": [question.key for question in report.open_questions],
    }


def report_as_text(report: ImportReport) -> str:
    """Return the report as the command prints it."""
    counts = report.counts
    rows = gettext("%(rows)d rows") % counts
    lines = [f"{report.file_name}: {rows} ({report.form})", _describe_run(report), ""]
    if report.is_dry_run and report.understood:
        lines += [gettext("How the file was read"), *understood_as_lines(report.understood), ""]
    if report.unused_columns:
        lines += [
            gettext("Columns that aren't used"),
            *(f"  {_describe_column(each)}" for each in report.unused_columns),
            "",
        ]
    taking_off = [each for each in report.columns if each.takes_off]
    if taking_off:
        lines += [
            gettext("Columns besides the status"),
            *(f"  {each.label}: {each.meaning}" for each in taking_off),
            "",
        ]
    if report.questions:
        lines += [gettext("Questions"), *questions_as_lines(report.questions, report.answers), ""]
    lines += [
        gettext("Appointments"),
        *_list_counts(counts, APPOINTMENT_LABELS),
        *_list_other_counts(counts),
        "",
    ]
    lines += [gettext("Contacts"), *_list_counts(counts, CONTACT_LABELS)]
    lines += _list_changes(report)
    rejected, notes = (_list_groups(report.problems, weight) for weight in (REJECTED, NOTE))
    if rejected:
        lines += ["", gettext("Not imported"), *rejected]
    if notes:
        lines += ["", gettext("Imported, but please check"), *notes]
    if report.unknown_locations:
        options = (
            f'--location-zone "{clip(name, 120)}=America/New_York"'
            for name in report.unknown_locations[:MOST_LISTED]
        )
        lines += [
            "",
            gettext("Give each new location its time zone, such as:"),
            *(f"  {option}" for option in options),
        ]
    return "\n".join(lines)


def _describe_column(column: ColumnUse) -> str:
    return (
        f"{column.label}: {', '.join(column.samples)}"
        if column.samples
        else f"{column.label} {gettext('(empty)')}"
    )


def questions_as_lines(questions: Iterable[Question], answers: Mapping[str, str]) -> list[str]:
    """Return the questions as the command prints them, each answer with the option that gives it."""
    lines = []
    for question in questions:
        given = question.find_answer(answers)
        lines.append(f"  {question.text}")
        if question.lines:
            numbers = ", ".join(map(str, question.lines))
            lines.append(f"    ({gettext('line %(lines)s') % {'lines': numbers}})")
        for choice in question.choices:
            sample = f" ({choice.sample})" if choice.sample else ""
            mark = "*" if choice.value == given else " "
            option = shlex.quote(f"{question.key}={choice.value}")
            lines.append(f"   {mark} {choice.words}{sample}: --answer {option}")
        if question.other:
            mark = "*" if given and given not in {choice.value for choice in question.choices} else " "
            lines.append(f"   {mark} {question.other}: --answer {shlex.quote(f'{question.key}=NAME')}")
        state = gettext("Not answered yet.") if given is None else gettext("* holds now.")
        lines.append(f"    {state}")
    return lines


def _describe_run(report: ImportReport) -> str:
    if report.is_dry_run:
        text = gettext("Dry run for source “%(source)s”. Nothing was changed.")
        return text % {"source": report.source}
    text = gettext("Imported as batch %(batch)d of source “%(source)s”.")
    return text % {"batch": report.batch_id or 0, "source": report.source}


def _list_counts(counts: dict[str, int], words: Mapping[str, object]) -> list[str]:
    return [f"  {word!s:<14}{counts[key]:>6}" for key, word in words.items()]


def _list_other_counts(counts: dict[str, int]) -> list[str]:
    return [f"  ({counts[key]} {word})" for key, word in OTHER_LABELS.items() if counts.get(key)]


def _list_groups(problems: Sequence[Problem], weight: str) -> list[str]:
    lines = []
    for group in group_problems(problems, weight, MOST_LINES_SHOWN[weight]):
        lines += [f"  {group.problem}", *(f"    {_describe_cell(each)}" for each in group.lines)]
        if group.more:
            lines.append(f"    {_and_more(group.more)}")
        lines.append(f"    {gettext('What to do: %(remedy)s') % {'remedy': group.remedy}}")
    return lines


def _list_changes(report: ImportReport) -> list[str]:
    """Each change by name, old and new."""
    deed = gettext("To do: %(deed)s") if report.is_dry_run else gettext("Done: %(deed)s")
    lines = ["", deed % {"deed": report.deed}] if report.deed else []
    for group in group_changes(report.changes, MOST_CHANGES_SHOWN):
        lines += ["", f"{group.title} ({group.count})"]
        lines += [f"  {_name_line(each.line)}, {each.about}: {describe_fields(each)}" for each in group.lines]
        if group.more:
            lines.append(f"  {_and_more(group.more)}")
    return lines


def _and_more(count: int) -> str:
    return gettext("and %(count)d more (all of them with --json)") % {"count": count}


def _describe_cell(problem: AnyProblem) -> str:
    value = f"“{problem.value}”" if problem.value else gettext("(empty)")
    where = gettext("not in the file") if problem.line == NOT_IN_THE_FILE else _name_line(problem.line)
    return f"{where}, {problem.column}: {value}"


def _name_line(line: int) -> str:
    return gettext("line %(line)d") % {"line": line}


def problems_as_csv(problems: Iterable[AnyProblem]) -> str:
    """Return the problems as CSV for a spreadsheet, in which no cell is run as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(
        [
            gettext("Line"),
            gettext("Imported"),
            gettext("Column"),
            gettext("Value"),
            gettext("What is wrong"),
            gettext("What to do"),
        ]
    )
    for each in problems:
        line = "" if each.line == NOT_IN_THE_FILE else str(each.line)
        imported = gettext("no") if each.weight == REJECTED else gettext("yes")
        cells = [line, imported, each.column, each.value, each.problem, each.remedy]
        writer.writerow([guard_cell(cell) for cell in cells])
    return out.getvalue()
