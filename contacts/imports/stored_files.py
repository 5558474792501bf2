"""Files to import, kept in the database from their arrival until they are imported.

A file arrives by the page, the command, the watched folder or the watched calendar address. It is kept with
what was answered about it, so that any web process can show its preview, any member of staff with the
permission can answer its questions, and any worker can import it, also after a restart.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.database.clock import read_database_clock
from contacts.imports.csv_files import clean_cell
from contacts.imports.errors import ImportRefused
from contacts.imports.file_content import FileContent, pack_file
from contacts.imports.files import ReadChoices
from contacts.imports.list_order import is_overtaken, lock_order, say_overtaken
from contacts.imports.practice import ImportOptions
from contacts.imports.problems import clip
from contacts.models import ImportBatch, ImportFile
from contacts.worker_hints import hint_worker

State, How = ImportBatch.State, ImportBatch.How
IMPORT_TASK = "contacts.tasks.run_imports"
IMPORT_TICK = 5  # seconds
# How long a file is kept that nobody confirmed, or that could not be imported.
KEPT_FOR = {
    How.PAGE: timedelta(days=1),
    How.COMMAND: timedelta(days=1),
    How.FOLDER: timedelta(days=30),
    How.CALENDAR: timedelta(days=30),
}
FAILED_KEPT_FOR = timedelta(days=30)


class FileGone(ImportRefused):
    """The file was imported already, or was deleted because nobody confirmed it."""


@dataclass(frozen=True)
class StoredFile:
    """A file with what was answered about it. `file_name`: as whoever brought it named it."""

    content: FileContent
    file_name: str
    options: ImportOptions


def store_file(
    data: bytes,
    file_name: str,
    options: ImportOptions,
    *,
    how: ImportBatch.How,
    by: User | None = None,
) -> ImportBatch:
    """Keep a file; return its batch, which waits for somebody's answers (State.ASKING). Reads nothing of it.

    `how`: the way it came; `by`: who brought it, None if no person did.
    """
    with transaction.atomic():
        batch = ImportBatch.objects.create(
            file_name=clip(clean_cell(PurePath(file_name).name), 255),
            sha256=hashlib.sha256(data).hexdigest(),
            source=options.source[:60],
            how=how,
            by=by,
        )
        ImportFile.objects.create(batch=batch, options=pack_options(options), **pack_content(data))
    return batch


def pack_content(data: bytes) -> dict[str, Any]:
    """The columns of an ImportFile with that content. A list is a fifth as long then, and so is what the
    database and its driver make of it in memory.
    """
    return {"content": pack_file(data).packed, "is_compressed": True}


def read_stored_file(batch: ImportBatch) -> StoredFile:
    """Return the file of a batch. Raises FileGone if it is no longer kept."""
    kept = ImportFile.objects.filter(batch=batch).first()
    if kept is None:
        raise FileGone(_("This file was already imported or is no longer kept. Upload it again."))
    packed = bytes(kept.content)
    content = FileContent(packed) if kept.is_compressed else pack_file(packed)
    return StoredFile(content, batch.file_name, unpack_options(kept.options))


def save_options(batch: ImportBatch, options: ImportOptions) -> None:
    """Keep what was answered about a file, unless its batch has another state meanwhile."""
    ImportFile.objects.filter(batch=batch, batch__state=batch.state).update(options=pack_options(options))


@transaction.atomic
def change_options(
    batch: ImportBatch, change: Callable[[ImportOptions], ImportOptions], *, sha256: str
) -> bool:
    """Change what is kept of the answers about a file; return whether it still waits with that content.

    `change` gets what is kept at that moment, so that nobody's answers are lost; `sha256`: of the content
    that was answered about. The row stays locked until the transaction ends.
    """
    lock_order(batch.source)
    asking = ImportBatch.objects.filter(pk=batch.pk, state=State.ASKING, sha256=sha256)
    files = ImportFile.objects.filter(batch=batch).defer("content")
    kept = files.first() if asking.select_for_update().first() else None
    if kept is None:
        return False
    kept.options = pack_options(change(unpack_options(kept.options)))
    kept.save(update_fields=["options"])
    return True


@transaction.atomic
def queue_import(batch: ImportBatch, *, by: User | None = None, options: ImportOptions | None = None) -> bool:
    """Let a worker import the file, by these options if given; return whether it wasn't queued before.

    Only a batch that waits for answers can be queued: of two people who confirm it, the second gets False.
    `by`: who confirmed it; None leaves who brought it.
    """
    lock_order(batch.source)
    found = ImportBatch.objects.filter(pk=batch.pk, state=State.ASKING)
    if not _queue(found, by):
        return False
    batch.refresh_from_db()
    if options:
        save_options(batch, options)
    hint_import()
    return True


def hint_import() -> None:
    """Ask a worker to look for files that wait for their turn."""
    hint_worker(IMPORT_TASK, worth_seconds=IMPORT_TICK)


@transaction.atomic
def retry_import(batch: ImportBatch, *, by: User | None = None) -> bool:
    """Let a worker try again what failed; return whether it had failed and its file is still kept.

    If a newer list of the source is imported, or will be, it waits for a person instead, and says so.
    """
    lock_order(batch.source)
    failed = ImportBatch.objects.filter(pk=batch.pk, state=State.FAILED, file__isnull=False)
    if is_overtaken(batch):
        seen = {"dismissed_at": None, "dismissed_by": None}
        asks = failed.update(state=State.ASKING, queued_at=Now(), error=say_overtaken(), attempts=0, **seen)
        return asks > 0
    if not _queue(failed, by):
        return False
    hint_import()
    return True


def _queue(found: QuerySet[ImportBatch], by: User | None) -> bool:
    """Let them wait for a worker, behind all that do. The caller's transaction holds lock_order()."""
    changes: dict[str, Any] = {"by": by} if by else {}
    changes |= {"dismissed_at": None, "dismissed_by": None}  # if it fails again, somebody must look again
    now = read_database_clock()  # not the beginning of the transaction, which may have waited for the lock
    return found.update(state=State.WAITING, queued_at=now, error="", attempts=0, **changes) > 0


def discard_file(batch: ImportBatch) -> None:
    """Forget a file that waits for answers and of which nothing is imported, with its batch."""
    delete_asking(ImportBatch.objects.filter(pk=batch.pk))


@transaction.atomic
def delete_asking(batches: QuerySet[ImportBatch]) -> int:
    """Delete those that wait for answers and of which nothing is imported, with their files; return how many.

    Their rows are locked, so that one which somebody confirms at this moment is either queued or deleted.
    """
    found = batches.filter(state=State.ASKING, parts=None, applied_at=None).order_by("pk")
    locked = [batch.pk for batch in found.select_for_update(of=("self",))]
    ImportBatch.objects.filter(pk__in=locked).delete()
    return len(locked)


@transaction.atomic
def delete_old_files() -> int:
    """Delete files that nobody confirmed in time; return how many.

    Their batches go too. Of one that failed, or of which a part is imported, only the file goes.
    """
    now = timezone.now()
    old = Q(state=State.FAILED, made_at__lt=now - FAILED_KEPT_FOR)
    for how, kept_for in KEPT_FOR.items():
        is_recent = Q(queued_at__gt=now - kept_for)  # it had failed, and was tried again
        old |= Q(state=State.ASKING, how=how, made_at__lt=now - kept_for) & ~is_recent
    found = ImportBatch.objects.filter(old, file__isnull=False).order_by("pk")
    locked = [batch.pk for batch in found.select_for_update(of=("self",))]
    deleted, _by_model = ImportFile.objects.filter(batch__in=locked).delete()
    delete_asking(ImportBatch.objects.filter(pk__in=locked))
    return deleted


def pack_options(options: ImportOptions) -> dict[str, Any]:
    """The options as JSON, without characters that the database can't store."""
    return {name: _make_storable(value) for name, value in asdict(options).items()}


def _make_storable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_make_storable(name): _make_storable(each) for name, each in value.items()}
    return value.replace("\0", "").encode(errors="replace").decode() if isinstance(value, str) else value


def unpack_options(packed: Mapping[str, Any]) -> ImportOptions:
    """The options from JSON. What another version stored besides is left out."""
    known = {each.name: packed[each.name] for each in fields(ImportOptions) if each.name in packed}
    reading = known.pop("reading", None) or {}
    choices = {each.name: reading[each.name] for each in fields(ReadChoices) if each.name in reading}
    recognised = tuple(known.pop("as_recognised", ()))
    return ImportOptions(**known, as_recognised=recognised, reading=ReadChoices(**choices))
