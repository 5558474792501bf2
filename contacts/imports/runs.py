"""Write a planned file part by part, each part in a short transaction, so that nobody waits for its locks.

With each part its lines, counts and problems are stored. After a restart the other lines are planned again.
A part that the database refuses is planned again and halved, until the rows that it refuses are alone: they
are left out, with a problem on each line.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from django.db import DataError, IntegrityError, OperationalError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from psycopg.errors import DeadlockDetected

from contacts.appointments import lock_zones
from contacts.booking_locks import lock_patients
from contacts.database.saving import ROWS_PER_STATEMENT, take_chunks
from contacts.imports.apply import store_problems, write_plan
from contacts.imports.changes import ImportedChange
from contacts.imports.leases import lock_import_writes, renew_lease
from contacts.imports.plan_parts import find_line, halve_plan, list_lines, list_rows, split_plan
from contacts.imports.plans import Plan, PlannedRow, RefusedRow, RowOutcome
from contacts.imports.practice import KnownPractice, PracticeChanged, is_as_known
from contacts.imports.problems import REJECTED, Problem, clip
from contacts.imports.report import LEFT_OUT, count_file, count_outcomes
from contacts.imports.rows import ImportedLocation
from contacts.imports.staleness import PlanStale, correct_problems
from contacts.models import ImportBatch, ImportFile, ImportPart

log = logging.getLogger(__name__)

PART_ROWS = 300
# What one bad row can cause, or somebody who changes meanwhile what the plan is about. Anything else, such as
# a lost connection, stops the run, which is tried again.
BAD_ROWS = (DataError, IntegrityError, ValueError, OverflowError, PlanStale)


@dataclass
class BlockToWrite:
    """What writing a block of rows needs.

    `problems`: by line, of the rows and people of the plan and of the lines that are in no plan.
    `plan_again`: plans some lines anew, against what is here now.
    """

    plan: Plan
    practice: KnownPractice
    described: dict[str, ImportedLocation]
    problems: dict[int, list[Problem]]
    plan_again: Callable[[Collection[int]], tuple[Plan, list[Problem]]]


@dataclass
class ImportRun:
    """One worker's writing of a batch that it has leased; `problems` and `changes` are of this run alone.

    `written`: the lines of the parts of one block; `left`: problems of lines that are in no part, which are
    stored at the end.
    """

    batch: ImportBatch
    problems: list[Problem] = field(default_factory=list)
    changes: list[ImportedChange] = field(default_factory=list)
    written: set[int] = field(default_factory=set)
    left: list[Problem] = field(default_factory=list)

    def write(self, blocks: Iterable[BlockToWrite], rows: int) -> None:
        """Write the blocks, of lines that aren't written yet, part by part. `rows`: how many the file has.

        Raises PracticeChanged (then read, plan and write again), LeaseLost, and database errors of no row's
        making.
        """
        ImportBatch.objects.filter(pk=self.batch.pk).update(rows_total=rows)
        self.left = []
        for block in blocks:
            self.written = set()
            self._write_block(block)
            del block

    def _write_block(self, block: BlockToWrite) -> None:
        """Write the parts of a block; keep the problems of lines in no part."""
        for part in split_plan(block.plan, PART_ROWS):
            self._write_safely(block, part)
        in_no_part = [some for line, some in block.problems.items() if line not in self.written]
        self.left += [each for some in in_no_part for each in some]

    def finish(
        self, *, rows: int, duplicates: int, notes: Iterable[Problem], keep: Callable[[], None]
    ) -> None:
        """Store what isn't about a part, with the counts of the whole file, and drop the file.

        `rows`, `duplicates`: how many the file has; `notes`: about no row that was read; `keep`: stores what
        the file leaves for later.
        """
        left = [*notes, *self.left]
        with transaction.atomic():
            lock_import_writes()
            renew_lease(self.batch)
            for some in take_chunks(left, ROWS_PER_STATEMENT):
                store_problems(self.batch, some)
            parts = ImportPart.objects.filter(batch=self.batch).values_list("counts", flat=True)
            self.batch.counts = count_file(parts, rows=rows, duplicates=duplicates, others=left)
            ImportBatch.objects.filter(pk=self.batch.pk).update(
                state=ImportBatch.State.DONE,
                counts=self.batch.counts,
                applied_at=Now(),
                source=self.batch.source,
                rows_done=rows,
                lease=None,
                leased_until=None,
            )
            ImportPart.objects.filter(batch=self.batch).delete()
            ImportFile.objects.filter(batch=self.batch).delete()
            keep()
        self.problems += left

    def read_written_lines(self) -> set[int]:
        """The lines of the file that are written."""
        parts = ImportPart.objects.filter(batch=self.batch).values_list("lines", flat=True)
        return {line for lines in parts for line in lines}

    def _write_safely(self, planned: BlockToWrite, part: Plan) -> None:
        """Write the part. What can't be written is planned again and halved until only that is left out.

        A part that was cut from its block's plan isn't fresh: somebody may have added or changed the
        same appointment meanwhile, so it is planned again once before it is given up.
        """
        practice = planned.practice
        known = dict(practice.locations), dict(practice.providers), dict(practice.zones)
        try:
            self._write(planned, part)
            return
        except BAD_ROWS as refused:
            error: Exception = refused
        except OperationalError as failed:
            if part.is_fresh or not isinstance(failed.__cause__, DeadlockDetected):
                raise
            error = failed
        practice.locations, practice.providers, practice.zones = known
        if isinstance(error, IntegrityError) and not is_as_known(practice):
            raise PracticeChanged
        halves = halve_plan(part)
        if len(halves) == 1 and part.is_fresh:
            self._leave_out(part, error)
            return
        for half in halves:
            lines = list_lines(half)
            plan, problems = planned.plan_again(lines)
            planned.problems |= group_by_line(problems, lines)
            plan.is_fresh = True
            self._write_safely(planned, plan)

    @transaction.atomic
    def _write(self, planned: BlockToWrite, part: Plan) -> None:
        lines = list_lines(part)
        self._begin_part(len(lines))
        lock_patients(part.known_contacts)
        practice = planned.practice
        if lock_zones(practice.zones) != practice.zones or not is_as_known(practice):
            raise PracticeChanged
        left_out, changes = write_plan(part, practice, planned.described, self.batch, self.batch.by)
        said = [each for line in sorted(set(lines)) for each in planned.problems.get(line, [])]
        problems = correct_problems(said, left_out)
        counts = count_outcomes(Counter(part.outcomes), part, problems)
        if left_out:
            counts[LEFT_OUT] = len(left_out)
        self._end_part(lines, counts, problems)
        self.changes += changes

    @transaction.atomic
    def _leave_out(self, part: Plan, error: Exception) -> None:
        """Store that these rows can't be stored."""
        lines = list_lines(part)
        log.error("import %s: lines %s are left out: %s", self.batch.pk, lines, type(error).__name__)
        self._begin_part(len(lines))
        problems = [_describe_left_out(row) for row in list_rows(part)]
        counts = count_outcomes(Counter({RowOutcome.REJECTED: len(lines)}), Plan([], {}), problems)
        self._end_part(lines, counts, problems)

    def _begin_part(self, rows: int) -> None:
        lock_import_writes()
        renew_lease(self.batch, rows=rows)

    def _end_part(self, lines: list[int], counts: dict[str, int], problems: list[Problem]) -> None:
        store_problems(self.batch, problems)
        ImportPart.objects.create(batch=self.batch, lines=lines, counts=counts)
        self.problems += problems
        self.written.update(lines)


def group_by_line(problems: Iterable[Problem], lines: Iterable[int] = ()) -> dict[int, list[Problem]]:
    """The problems by their lines; `lines` are there even without any."""
    grouped: defaultdict[int, list[Problem]] = defaultdict(list, {line: [] for line in lines})
    for each in problems:
        grouped[each.line].append(each)
    return dict(grouped)


def _describe_left_out(row: PlannedRow | RefusedRow) -> Problem:
    said = row.row if isinstance(row, PlannedRow) else row.result.partial
    name = f"{said.first_name} {said.last_name}".strip() if said else ""
    return Problem(
        find_line(row),
        _("Row"),
        clip(name),
        _("Something in this row, or in another row of the same patient, can't be stored."),
        _("Look for an unusual value and correct it, or enter the appointment by hand."),
        REJECTED,
    )
