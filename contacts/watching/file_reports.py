"""What is written beside a file that came by the watched folder, once it has ended."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from contacts.clock_habits import write_day_and_clock
from contacts.imports.changes import ImportedChange
from contacts.imports.problems import Problem
from contacts.imports.report import ImportReport, report_as_text
from contacts.models import ImportBatch, WatchedFile

State, Ending = ImportBatch.State, WatchedFile.Ending


@dataclass(frozen=True)
class FileEnd:
    """`is_good`: the file goes to done/, not to failed/. `text`: its report."""

    is_good: bool
    text: str


def has_ended(file: WatchedFile) -> bool:
    """Whether nothing more will happen with the content of a file that was taken."""
    if file.ending or file.batch is None:  # without a batch: staff declined it, or nobody answered in time
        return True
    return file.batch.state in (State.DONE, State.FAILED)


def describe_end(file: WatchedFile, at: datetime) -> FileEnd:
    """What became of a file that has ended; `at`: by the practice's clock."""
    is_good, words = _describe(file)
    return FileEnd(is_good, f"{file.name}\nCallboard, {write_day_and_clock(at)}\n\n{words}\n")


def _describe(file: WatchedFile) -> tuple[bool, str]:
    if file.ending == Ending.NOTHING_NEW:
        return True, _("Nothing new: the last list of this source had exactly the same content.")
    if file.ending == Ending.ALREADY_HERE:
        return True, _(
            "Not imported again: the same list came before, and is on its way or waits for answers."
        )
    if file.ending == Ending.REPLACED:
        return False, _(
            "Not imported: a newer list of the same name came before this one's questions were answered."
        )
    if file.batch is None:
        return False, _("Not imported: somebody chose not to import it, or nobody answered in time.")
    if file.batch.state == State.FAILED:
        return False, _("Not imported: %(reason)s") % {"reason": file.batch.error}
    return True, report_as_text(read_report(file.batch))


def read_report(batch: ImportBatch) -> ImportReport:
    """The report of a batch that is imported, as it is stored."""
    problems = [
        Problem(each.line, each.column, each.value, each.problem, each.remedy, each.weight)
        for each in batch.problems.all()
    ]
    changes = [
        ImportedChange(each.line, each.what, each.about, each.old, each.new) for each in batch.changes.all()
    ]
    return ImportReport(
        file_name=batch.file_name,
        source=batch.source,
        form=str(batch.get_how_display()),
        counts=batch.counts,
        problems=tuple(problems),
        changes=tuple(changes),
        unknown_locations=(),
        batch_id=batch.pk,
    )
