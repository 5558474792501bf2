"""Compare a list with the practice's records: what importing it would do, and what to say of it.

Its rows are planned block by block (row_blocks), so that the plan of a whole file is never in memory.
"""

from array import array
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from contacts.imports.changes import describe_appointment
from contacts.imports.columns import Columns
from contacts.imports.contact_plans import describe_person_notes
from contacts.imports.doubts import (
    OTHER_SYSTEM,
    RowSpan,
    ask_ids,
    ask_source,
)
from contacts.imports.known import Known, OtherRows
from contacts.imports.known_visits import find_visits_by_time
from contacts.imports.list_reading import ListBlock, ReadList
from contacts.imports.matching import find_known, match_people
from contacts.imports.missing import find_missing
from contacts.imports.one_person import join_people
from contacts.imports.packed_lists import SeenKeys
from contacts.imports.people import collect_people, describe_number_faults, find_differences
from contacts.imports.plan_notes import OLDER_VERSION, ONLY_CANCELLED, OTHER_TIMES, SERIES_CANCELLED
from contacts.imports.planning import is_surely_of, make_plan
from contacts.imports.plans import MatchedBy, Plan, RowOutcome
from contacts.imports.problems import NOTE, Problem, clip, translate
from contacts.imports.reading.descriptions import describe_lines
from contacts.imports.rows import RowResult
from contacts.imports.status_words import CANCELLED
from contacts.imports.weak_ids import is_household_header
from contacts.imports.written_records import WrittenRecords
from contacts.models import ImportBatch


@dataclass
class PlannedBlock:
    """What to do with the rows of a block (`results`), and the problems of these rows and their patients."""

    plan: Plan
    problems: list[Problem]
    results: Sequence[RowResult]


@dataclass
class ListPlanning:
    """The planning of one list. `span`: of its accepted rows; `duplicates`: how many rows are repeats.

    `batch`: None for a preview; what it has added itself isn't known here yet, and isn't missing. `used`:
    appointments (ids here) that rows of the blocks before were matched with, but not by an id that is in the
    file; `taken`: contacts (ids) to whom these blocks give another name or number. When a batch is planned
    again, both have what its written parts did (written_records). `matched`: `used`, and what lines are about
    that a written part has refused.
    """

    file: ReadList
    batch: ImportBatch | None = None
    span: RowSpan = field(default_factory=RowSpan)
    duplicates: int = 0
    used: SeenKeys = field(default_factory=SeenKeys)
    taken: SeenKeys = field(default_factory=SeenKeys)
    matched: SeenKeys = field(default_factory=SeenKeys)
    _written: WrittenRecords | None = None

    def plan_blocks(self, written: Collection[int] = ()) -> Iterator[PlannedBlock]:
        """Compare one block after the other with what is here at that moment.

        `written`: lines that the batch has written already, before a restart; they are left out. Whoever goes
        through the blocks lets go of one (`del`) before the next one is planned, as is done here: the records
        of known people are large.
        """
        self.used, self.taken, self.matched = SeenKeys(), SeenKeys(), SeenKeys()
        self._written = WrittenRecords(self.batch) if self.batch else None
        refused: Collection[int] = ()
        if self._written and written:
            self._note_written()
            refused = self._written.read_refused_lines() & {*written}
        for block in self.file.read_blocks():
            rest = [result for result in block.results if result.line not in written]
            self._note_refused([result for result in block.results if result.line in refused], block)
            beside = block.results if len(rest) < len(block.results) else ()
            planned = PlannedBlock(*self._plan_rows(rest, beside=beside), block.results)
            yield planned
            self._note_matches(planned.plan)
            del block, planned

    def _note_matches(self, plan: Plan) -> None:
        for pk in _list_used(self.file, plan):
            self.used.add(pk)
            self.matched.add(pk)
        for pk in _list_renamed(plan):
            self.taken.add(pk)

    def _note_refused(self, refused: Sequence[RowResult], block: ListBlock) -> None:
        """Note what lines are about that written parts have refused: it isn't missing."""
        if not refused:
            return
        plan, _problems = self._plan_rows(refused, beside=block.results)
        for pk in _list_used(self.file, plan):
            self.matched.add(pk)

    def _note_written(self) -> None:
        """Note what the parts written since the last time did."""
        if self._written:
            for pk in self._written.read_new_contacts():
                self.taken.add(pk)
            for pk in self._written.read_new_appointments():
                self.used.add(pk)
                self.matched.add(pk)

    def plan_lines(self, block: PlannedBlock, lines: Collection[int]) -> tuple[Plan, list[Problem]]:
        """Plan some lines of the last block again, of which none is written, against what is here now."""
        self._note_written()
        some = [result for result in block.results if result.line in lines]
        plan, problems = self._plan_rows(some, beside=block.results)
        return plan, [each for each in problems if each.line in lines]

    def find_missing(self) -> list[Problem]:
        """What was booked for these days and isn't in the list; nothing for one of mended rows, which is a
        part. To be called when all blocks are planned.
        """
        if self.file.is_part or self.span.days is None:
            return []
        return find_missing(
            self.span.days,
            ids=self.file.rows.appointment_ids,
            matched=self.matched,
            source=self.file.options.source,
            id_header=self.file.columns.header_of("appointment_id"),
            added_by=self.batch,
        )

    def _plan_rows(
        self, results: Sequence[RowResult], *, beside: Sequence[RowResult] = ()
    ) -> tuple[Plan, list[Problem]]:
        """Compare some rows with what is here; return what to do, and their problems. `beside`: all rows of
        their block, if these are some of them.
        """
        file, options, columns = self.file, self.file.options, self.file.columns
        people = collect_people(result.row for result in results if result.row)
        block = collect_people(result.row for result in beside if result.row)
        refused = [result for result in results if result.row is None and result.cancels]
        ignore_ids = bool(file.reading and file.reading.ids_changed)
        known = find_known(
            people,
            options.source,
            refused=refused,
            household=is_household_header(columns.header_of("patient_id")),
            ignore_ids=ignore_ids,
            others=_describe_others(file, self.used, self.batch, self.taken),
            renamed=file.changed_events.renamed,
            beside=block,
        )
        join_people(known, options.source, block)
        plan = make_plan(
            known, file.practice, columns, source=options.source, refused=refused, ignore_ids=ignore_ids
        )
        problems = _describe_rows(file, results, plan)
        problems += _describe_people(plan, known, columns)
        return plan, problems


def begin_planning(file: ReadList, batch: ImportBatch | None = None) -> ListPlanning:
    """Look at all rows once; add the questions that come of what is here to those of the list, and take the
    source that was answered. `batch`: None for a preview.

    Of mended rows, hardly any is known: what is asked about the ids was settled with their list.
    """
    planning = ListPlanning(file, batch)
    for block in file.read_blocks():
        planning.duplicates += block.duplicates
        for result in block.results:
            if result.row:
                planning.span.add(result.row)
    _settle_source(file)
    _put_contacts_together(file)
    if file.is_part:
        return planning
    if asked := ask_ids(planning.span, _count_matched(planning), file.practice, file.options.source):
        file.questions.append(asked)
    return planning


def _count_matched(planning: ListPlanning) -> Iterator[int]:
    """How many rows of each block were matched with what is here."""
    for block in planning.plan_blocks():
        yield sum(each.matched_by != MatchedBy.NOTHING for each in block.plan.rows)
        del block


def describe_list(file: ReadList) -> list[Problem]:
    """The problems that are of no row that was read."""
    return [*describe_lines(file.table), *file.notes]


def _settle_source(file: ReadList) -> None:
    """Ask whether the source is right, and take the one that was answered."""
    people = (
        collect_people(result.row for result in block.results if result.row).values()
        for block in file.read_blocks()
    )
    if asked := ask_source(people, file.options.source):
        file.questions.append(asked)
        answer = asked.find_answer(file.options.answers)
        if answer and answer != OTHER_SYSTEM:
            file.options = replace(file.options, source=answer)


def _put_contacts_together(file: ReadList) -> None:
    """Have rows about one contact in one block, also if they have no id, name or number in common."""
    if not file.rows.is_divided:
        return
    contacts, blocks, lines = array("q"), array("I"), array("I")  # a few bytes for each of very many rows
    for at, block in enumerate(file.read_blocks()):
        known = match_people(
            collect_people(result.row for result in block.results if result.row),
            file.options.source,
            others=_describe_others(file),
            household=is_household_header(file.columns.header_of("patient_id")),
            ignore_ids=bool(file.reading and file.reading.ids_changed),
            renamed=file.changed_events.renamed,
        )
        for pk, line in [*_list_contacts(known), *_list_cancelled(known, block.results)]:
            contacts.append(pk)
            blocks.append(at)
            lines.append(line)
        del block, known
    together = []
    for _pk, places in groupby(sorted(range(len(contacts)), key=contacts.__getitem__), contacts.__getitem__):
        line_of = {blocks[place]: lines[place] for place in places}
        if len(line_of) > 1:
            together.append(list(line_of.values()))
    file.rows.join_lines(together)


def _list_contacts(known: Known) -> Iterator[tuple[int, int]]:
    """The contacts (ids) whom rows may be about, with a line of each: also those who have a visit of theirs,
    since it may turn out among other rows whether they are.
    """
    for key, person in known.people.items():
        if contact := known.contacts.get(key) or known.rivals.get(key):
            yield contact.pk, person.rows[0].line
        for row in person.rows:
            if visit := known.by_id.get(row.appointment_id):
                yield visit.contact_id, row.line


def _list_cancelled(known: Known, results: Sequence[RowResult]) -> Iterator[tuple[int, int]]:
    """The contacts (ids) of whom a row may cancel a visit by its time, with the row's line: another row may
    be about that visit, though nothing but a number recorded here tells that both are of one person.
    """
    rows = [
        row
        for each in results
        if (row := each.row or each.partial) and (each.cancels or row.status == CANCELLED)
    ]
    find_visits_by_time(known, rows, lambda _visit: False)
    for row in rows:
        for visit in known.by_time.get(row.local_start, ()):
            if is_surely_of(row, visit.contact):
                yield visit.contact_id, row.line


def _describe_others(
    file: ReadList,
    used: Container[int] = (),
    batch: ImportBatch | None = None,
    taken: Container[int] = (),
) -> OtherRows:
    rows = file.rows
    return OtherRows(rows.appointment_ids, rows.patient_ids, used, rows.lacks_patient_ids, batch, taken)


def _list_used(file: ReadList, plan: Plan) -> set[int]:
    """The appointments that rows are about, but for those whose id is in the file."""
    return {each.pk for each in plan.known_appointments if each.external_id not in file.rows.appointment_ids}


def _list_renamed(plan: Plan) -> set[int]:
    """The contacts (ids) who get another name or number."""
    names = ("first_name", "last_name")
    return {
        each.contact.pk
        for each in plan.contacts.values()
        if each.contact and (each.phone or each.other_phone or not each.fields.keys().isdisjoint(names))
    }


def _describe_rows(file: ReadList, results: Sequence[RowResult], plan: Plan) -> list[Problem]:
    """The problems of each row. Where a rejected row cancels all the same, they are notes."""
    cancelling = {each.result.line for each in plan.refused}
    problems: list[Problem] = []
    for result in results:
        found = result.problems
        if result.line in cancelling:
            found = tuple(replace(each, weight=NOTE) for each in found)
        problems += found
    header = file.columns.header_of("status")
    id_header = file.columns.header_of("appointment_id")
    replaced = {visit.id for visit, _ in file.changed_events.replaced}
    for each in plan.refused:
        if each.is_outdated:
            uid = each.result.appointment_id
            problems.append(Problem(each.result.line, id_header, uid, *translate(OLDER_VERSION)))
        if each.outcome == RowOutcome.CANCELLED:
            about = clip(describe_appointment(each.appointment))
            is_replaced = each.appointment.external_id in replaced
            # what cancels a visit of a series is no row, and has no errors
            of_series = OTHER_TIMES if is_replaced else SERIES_CANCELLED
            why = translate(ONLY_CANCELLED if each.result.problems else of_series)
            each.cancelled_note = Problem(each.result.line, header, about, *why)
            problems.append(each.cancelled_note)
    return problems + [note for each in plan.rows for note in each.notes]


def _describe_people(plan: Plan, known: Known, columns: Columns) -> list[Problem]:
    notes: list[Problem] = []
    for planned in plan.contacts.values():
        held = planned.contact.phone.e164 if planned.contact and planned.contact.phone else ""
        notes += describe_number_faults(planned.person, held, columns.header_of("mobile"))
        notes += find_differences(planned.person, columns.header_of("patient_id"))
        notes += describe_person_notes(planned, known, columns)
    return notes
