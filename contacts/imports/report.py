"""What an import did or would do, as numbers, as text, and as a list for a spreadsheet."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from django.utils.translation import gettext_lazy as _

from contacts.imports.planning import MatchedBy, Plan, RowOutcome
from contacts.imports.problems import NOT_IN_THE_FILE, NOTE, REJECTED, Problem

# The keys of ImportBatch.counts, in the order in which they are shown.
APPOINTMENT_WORDS = {
    "added": _("added"),
    "moved": _("moved"),
    "cancelled": _("cancelled"),
    "booked_again": _("booked again"),
    "updated": _("updated"),
    "unchanged": _("unchanged"),
    "duplicate": _("said twice"),
    "rejected": _("not imported"),
}
CHANGED = (RowOutcome.MOVED, RowOutcome.CANCELLED, RowOutcome.BOOKED_AGAIN, RowOutcome.UPDATED)
CONTACT_WORDS = {
    "contacts_added": _("added"),
    "contacts_updated": _("updated"),
    "contacts_unchanged": _("unchanged"),
}
BESIDES = {
    "added_as_cancelled": _("of those added are cancelled, so they get no calls"),
    "matched_by_id": _("recognised by their id"),
    "matched_by_slot": _("recognised by patient, time and location"),
    "missing": _("booked here but missing from the file"),
}
MOST_LINES_SHOWN = {REJECTED: 100, NOTE: 10}  # of one kind of fault, in the text; JSON and CSV have all
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class AnyProblem(Protocol):
    """A Problem, or the ImportProblem that was kept of it."""

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


@dataclass(frozen=True)
class ImportReport:
    """What became of a file. `counts`: see count_outcomes; `batch_id` is None for a dry run.

    `form` says how the file was read; `unknown_locations` wait for a time zone.
    """

    file_name: str
    source: str
    form: str
    counts: dict[str, int]
    problems: tuple[Problem, ...]
    unknown_locations: tuple[str, ...]
    batch_id: int | None

    @property
    def is_dry_run(self) -> bool:
        return self.batch_id is None

    @property
    def took_something(self) -> bool:
        """Whether any row of the file counts, be it unchanged."""
        return self.taken > 0

    @property
    def taken(self) -> int:
        """Rows that aren't rejected, each appointment once."""
        return self.counts["rows"] - self.counts["rejected"] - self.counts["duplicate"]


@dataclass(frozen=True)
class ProblemGroup:
    """Faults of one kind, said once with their lines. `lines`: the ones to show, `more`: how many others."""

    weight: str
    problem: str
    remedy: str
    lines: tuple[AnyProblem, ...]
    more: int

    @property
    def count(self) -> int:
        return len(self.lines) + self.more


def count_outcomes(outcomes: Counter[RowOutcome], plan: Plan, problems: Sequence[Problem]) -> dict[str, int]:
    """The counts of an import. Those of APPOINTMENT_WORDS add up to "rows".

    Besides them: "changed" (moved, cancelled, booked again or updated), "added_as_cancelled",
    "matched_by_id", "matched_by_slot" (patient, time and location), the contacts', "notes", and
    "missing" (booked here, not in the file).
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


def _count_added_as_cancelled(plan: Plan) -> int:
    return sum(each.outcome == RowOutcome.ADDED and each.row.status == "cancelled" for each in plan.rows)


def group_problems(
    problems: Iterable[AnyProblem], weight: str, most: int | None = None
) -> list[ProblemGroup]:
    """Faults of one weight by what is wrong and what to do, in the order of their first lines.

    `most`: lines to show of each kind; None: all.
    """
    groups: dict[tuple[str, str], list[AnyProblem]] = defaultdict(list)
    for each in problems:
        if each.weight == weight:
            groups[each.problem, each.remedy].append(each)
    return [
        ProblemGroup(weight, problem, remedy, tuple(found[:most]), len(found) - len(found[:most]))
        for (problem, remedy), found in groups.items()
    ]


@dataclass(frozen=True)
class OutcomeCount:
    """One number of an import with its word; `key` is that of ImportBatch.counts."""

    key: str
    word: str
    number: int


def list_counts(counts: dict[str, int]) -> dict[str, list[OutcomeCount]]:
    """The counts for a page: "appointments", "contacts", and "besides" what isn't nought."""
    appointments = [
        OutcomeCount(key, str(word), counts.get(key, 0)) for key, word in APPOINTMENT_WORDS.items()
    ]
    contacts = [OutcomeCount(key, str(word), counts.get(key, 0)) for key, word in CONTACT_WORDS.items()]
    besides = [OutcomeCount(key, str(word), counts[key]) for key, word in BESIDES.items() if counts.get(key)]
    return {"appointments": appointments, "contacts": contacts, "besides": besides}


def report_as_json(report: ImportReport) -> dict[str, Any]:
    """The report as plain values: every problem, whether or not the text shows it."""
    return asdict(report) | {"dry_run": report.is_dry_run}


def report_as_text(report: ImportReport) -> str:
    """The report as the command prints it."""
    counts = report.counts
    lines = [f"{report.file_name}: {counts['rows']} rows ({report.form})", _say_what_was_done(report), ""]
    lines += ["Appointments", *_list_counts(counts, APPOINTMENT_WORDS), *_list_extras(counts), ""]
    lines += ["Contacts", *_list_counts(counts, CONTACT_WORDS)]
    rejected, notes = (_list_groups(report.problems, weight) for weight in (REJECTED, NOTE))
    if rejected:
        lines += ["", "Not imported", *rejected]
    if notes:
        lines += ["", "Imported, but worth a look", *notes]
    return "\n".join(lines)


def _say_what_was_done(report: ImportReport) -> str:
    if report.is_dry_run:
        return f"A dry run for source “{report.source}”: nothing was changed."
    return f"Imported as batch {report.batch_id} of source “{report.source}”."


def _list_counts(counts: dict[str, int], words: Mapping[str, object]) -> list[str]:
    return [f"  {word!s:<14}{counts[key]:>6}" for key, word in words.items()]


def _list_extras(counts: dict[str, int]) -> list[str]:
    return [f"  ({counts[key]} {word})" for key, word in BESIDES.items() if counts[key]]


def _list_groups(problems: Sequence[Problem], weight: str) -> list[str]:
    lines = []
    for group in group_problems(problems, weight, MOST_LINES_SHOWN[weight]):
        lines += [f"  {group.problem}", *(f"    {_describe_place(each)}" for each in group.lines)]
        if group.more:
            lines.append(f"    and {group.more} more (all of them with --json)")
        lines.append(f"    What to do: {group.remedy}")
    return lines


def _describe_place(problem: AnyProblem) -> str:
    value = f"“{problem.value}”" if problem.value else "(empty)"
    where = "not in the file" if problem.line == NOT_IN_THE_FILE else f"line {problem.line}"
    return f"{where}, {problem.column}: {value}"


def problems_as_csv(problems: Iterable[AnyProblem]) -> str:
    """A list for a spreadsheet, in which no cell can start a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["Line", "Imported", "Column", "Value", "What is wrong", "What to do"])
    for each in problems:
        line = "" if each.line == NOT_IN_THE_FILE else str(each.line)
        imported = "no" if each.weight == REJECTED else "yes"
        cells = [line, imported, each.column, each.value, each.problem, each.remedy]
        writer.writerow([neutralise_formula(cell) for cell in cells])
    return out.getvalue()


def neutralise_formula(cell: str) -> str:
    """The cell as text, even where a spreadsheet would run it (OWASP: CSV injection)."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
