"""How far the import of a file is, in words for staff."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.database.clock import read_database_clock
from contacts.imports.leases import find_running
from contacts.models import ImportBatch, ImportFile
from contacts.stored_sentences import translate_stored

State = ImportBatch.State
SOON = 10  # seconds that a file may wait before the page says that nothing imports it


@dataclass(frozen=True)
class ImportProgress:
    """`words`: one or two sentences; `goes_on`: whether it changes without anybody's doing.

    `done`, `total`: rows; `total` is 0 until the file is read. `can_retry`: it failed, and its file is kept.
    """

    words: str
    goes_on: bool
    done: int
    total: int
    can_retry: bool


def describe_progress(batch: ImportBatch) -> ImportProgress:
    """Say what happens with the file now."""
    describe = {State.WAITING: _describe_wait, State.RUNNING: _describe_run}
    words = describe.get(State(batch.state), _describe_end)
    goes_on = batch.state in (State.WAITING, State.RUNNING)
    can_retry = batch.state == State.FAILED and ImportFile.objects.filter(batch=batch).exists()
    return ImportProgress(words(batch), goes_on, batch.rows_done, batch.rows_total, can_retry)


def _describe_wait(batch: ImportBatch) -> str:
    if find_running().exists():
        return _("This list waits for its turn: another one is being imported.")
    now = read_database_clock()
    waited = int((now - (batch.queued_at or now)).total_seconds())
    if waited < SOON:
        return _("This list is about to be imported.")
    return ngettext(
        "This list has waited for %(seconds)d second and nothing imports it. "
        "Tell whoever looks after Callboard.",
        "This list has waited for %(seconds)d seconds and nothing imports it. "
        "Tell whoever looks after Callboard.",
        waited,
    ) % {"seconds": waited}


def _describe_run(batch: ImportBatch) -> str:
    rows = {"done": batch.rows_done, "total": batch.rows_total}
    if batch.leased_until is None or batch.leased_until < read_database_clock():
        words = _("The import stopped after %(done)d of %(total)d rows. It goes on from there by itself.")
        return words % rows
    if not batch.rows_total:
        return _("The file is being read.")
    return _("%(done)d of %(total)d rows are imported.") % rows


def _describe_end(batch: ImportBatch) -> str:
    if batch.state == State.ASKING:
        return translate_stored(batch.error) or _(
            "Nothing has been imported yet. See what would change, and confirm it."
        )
    if batch.state == State.FAILED:
        return translate_stored(batch.error)
    return _("This list is imported.")
