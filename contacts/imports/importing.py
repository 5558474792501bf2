"""Preview and import a file; the command and the upload page both use this module."""

import logging
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePath

from django.contrib.auth.models import User
from django.db import connection, transaction

from contacts.imports.changes import ImportedChange, list_changes
from contacts.imports.column_uses import describe_columns
from contacts.imports.errors import ImportRefused, QuestionsOpen
from contacts.imports.file_content import pack_file
from contacts.imports.file_reading import READ_ANEW
from contacts.imports.leases import (
    LeaseLost,
    ask_again,
    fail_batch,
    find_running,
    find_waiting,
    give_batch_back,
    keeping_lease,
    lease_batch,
    lock_import_writes,
    take_next_batch,
)
from contacts.imports.list_order import lock_order
from contacts.imports.list_planning import ListPlanning, begin_planning, describe_list
from contacts.imports.list_reading import ReadList, read_list
from contacts.imports.mending import find_rows_to_mend, store_rows_to_mend
from contacts.imports.practice import ImportOptions, PracticeChanged
from contacts.imports.problems import REJECTED, Problem
from contacts.imports.questions import find_open
from contacts.imports.remembered import remember_answers
from contacts.imports.report import ImportReport, count_file, count_outcomes
from contacts.imports.runs import BlockToWrite, ImportRun, group_by_line
from contacts.imports.stored_files import (
    StoredFile,
    discard_file,
    read_stored_file,
    save_options,
    store_file,
)
from contacts.imports.understood import take_first_rows
from contacts.imports.visits_ahead import PlannedAnew
from contacts.models import ImportBatch
from contacts.worker_hints import hint_planning

WAIT_SECONDS = 0.2  # until the command looks again whether it is its turn
log = logging.getLogger(__name__)


def preview_file(data: bytes, file_name: str, options: ImportOptions) -> ImportReport:
    """Report what importing the file would change, as preview_stored() does. Raises ImportRefused."""
    stored = StoredFile(pack_file(data), file_name, options)
    del data
    return preview_stored(stored)


def preview_stored(stored: StoredFile) -> ImportReport:
    """Report what importing the file would change, and what must be answered first. Writes nothing.

    Raises ImportRefused.
    """
    file = read_list(stored.content, stored.file_name, stored.options)
    planning = begin_planning(file)
    problems, changes, ahead = describe_list(file), list[ImportedChange](), PlannedAnew()
    counts: list[dict[str, int]] = []
    for block in planning.plan_blocks():
        problems += block.problems
        changes += list_changes(block.plan)
        counts.append(count_outcomes(Counter(block.plan.outcomes), block.plan, ()))
        ahead.add(block.plan, file.practice, file.described)
        del block
    problems += planning.find_missing()
    total = count_file(counts, rows=len(file.rows), duplicates=planning.duplicates, others=problems)
    return replace(_report(file, total, problems, changes, stored.file_name), planned_anew=ahead)


def import_file(
    data: bytes, file_name: str, options: ImportOptions, *, by: User | None = None
) -> ImportReport:
    """Import the file at once. Imports that are running, or were queued before, come first.

    Raises ImportRefused if the whole file can't be read, QuestionsOpen if staff must say first what it means;
    nothing is stored then. Rows with errors are in the report. After any other error, what is imported stays,
    and staff find the rest on the imports page, as an import that failed.
    """
    batch = _begin_in_turn(data, file_name, options, by)
    del data  # it is stored
    try:
        return run_import(batch)
    except ImportRefused as refused:
        ask_again(batch, str(refused))
        discard_file(batch)
        raise
    except Exception:
        fail_batch(batch)
        raise


def import_next() -> bool:
    """Import the file that has waited longest, or that a dead worker began; return whether there was one.

    A file with open questions goes back to staff. After any other error it is tried again in a while.
    """
    batch = take_next_batch()
    if batch is None:
        return False
    try:
        run_import(batch)
    except ImportRefused as refused:
        ask_again(batch, str(refused))
    except LeaseLost:
        log.warning("import %s: another worker has taken over", batch.pk)
    except Exception:
        log.exception("import %s stopped", batch.pk)
        if not connection.in_atomic_block:  # as in a test
            connection.close_if_unusable_or_obsolete()
        give_batch_back(batch)
    return True


def run_import(batch: ImportBatch) -> ImportReport:
    """Import the file of a batch that this worker has leased, or the rest of it; see ImportRun.

    Raises ImportRefused, QuestionsOpen, LeaseLost.
    """
    run = ImportRun(batch)
    with keeping_lease(batch):
        while True:
            file, planning = _read_stored_list(batch)
            try:
                run.write(_list_to_write(planning, run.read_written_lines()), rows=len(file.rows))
                break
            except PracticeChanged:
                log.info("import %s: the practice was changed, so the file is read again", batch.pk)
        run.finish(
            rows=len(file.rows),
            duplicates=planning.duplicates,
            notes=[*describe_list(file), *planning.find_missing()],
            keep=partial(_keep_for_later, file, batch),
        )
    hint_planning()
    return _report(file, batch.counts, run.problems, run.changes, batch.file_name, batch)


def _read_stored_list(batch: ImportBatch) -> tuple[ReadList, ListPlanning]:
    """Read the file of a batch, and begin to plan it. Raises ImportRefused, QuestionsOpen."""
    stored = read_stored_file(batch)
    options, file = stored.options, read_list(stored.content, stored.file_name, stored.options)
    planning = begin_planning(file, batch)
    if still_open := find_open(file.questions, file.options.answers):
        raise QuestionsOpen(still_open)
    if batch.source != file.options.source:  # as it was answered; a second run doesn't ask again
        batch.source = file.options.source
        save_options(batch, replace(options, source=batch.source))
    return file, planning


def _list_to_write(planning: ListPlanning, written: Collection[int]) -> Iterator[BlockToWrite]:
    """Plan each block when the one before is written, without the lines that are `written` already."""
    file = planning.file
    for block in planning.plan_blocks(written):
        yield BlockToWrite(
            block.plan,
            file.practice,
            file.described,
            group_by_line(block.problems),
            partial(planning.plan_lines, block),
        )
        del block


def _keep_for_later(file: ReadList, batch: ImportBatch) -> None:
    """Remember what was answered for the next list, and keep the rejected rows to be mended."""
    remember_answers(
        file.options,
        file.questions,
        headers=file.table.headers,
        dropped=dict(file.understood.dropped) if READ_ANEW in file.options.answers else (),
    )
    rejected = batch.problems.filter(weight=REJECTED)
    if file.reading:
        to_mend = find_rows_to_mend(file.table, rejected.iterator(), file.reading, file.options.source)
        store_rows_to_mend(batch, to_mend)


def _begin_in_turn(data: bytes, file_name: str, options: ImportOptions, by: User | None) -> ImportBatch:
    """Store the file and lease its batch, as soon as no other import runs or waits."""
    while True:
        with transaction.atomic():
            lock_import_writes()
            lock_order(options.source)
            if not find_running().exists() and not find_waiting().exists():
                return lease_batch(store_file(data, file_name, options, how=ImportBatch.How.COMMAND, by=by))
        if not import_next():
            time.sleep(WAIT_SECONDS)


def _report(
    file: ReadList,
    counts: dict[str, int],
    problems: Sequence[Problem],
    changes: Sequence[ImportedChange],
    file_name: str,
    batch: ImportBatch | None = None,
) -> ImportReport:
    source, reading = file.options.source, file.reading
    to_mend = find_rows_to_mend(file.table, problems, reading, source) if reading else None
    return ImportReport(
        file_name=PurePath(file_name).name,
        source=source,
        form=file.form,
        counts=counts,
        problems=tuple(sorted(problems, key=lambda each: (each.weight != "rejected", each.line))),
        changes=tuple(sorted(changes, key=lambda each: each.line)),
        unknown_locations=tuple(file.unknown_locations),
        batch_id=batch.pk if batch else None,
        questions=tuple(file.questions),
        answers=dict(file.options.answers),
        remembered=file.remembered,
        columns=(uses := describe_columns(file.columns, file.table.rows)),
        understood=file.understood,
        first_rows=take_first_rows(file.table, {at: use.meaning for at, use in enumerate(uses)}),
        chosen_columns={name: label for name, label in file.options.columns.items() if label},
        to_mend=to_mend if to_mend and to_mend.rows else None,
    )
