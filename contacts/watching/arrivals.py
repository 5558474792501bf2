"""Files that no person brought: stored, looked at once, and then queued, or kept for somebody's answers.

1. store_arrival(): the file is a batch that waits for answers and says nothing yet (error is empty).
2. settle_arrivals(): its preview is made. Without a question it is queued; with one, or with a new location,
   it waits for a person, and `error` says for what; what can't be read at all has failed.

A process that is killed in between leaves a batch that is looked at again. The lists of one source are looked
at one after another as they came, and one that a newer list has overtaken is never queued without a person.
"""

import hashlib
import logging
import time
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import Error, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.imports.errors import ImportRefused, MissingColumns, QuestionsOpen
from contacts.imports.importing import preview_stored
from contacts.imports.list_order import (
    COMES_BY_ITSELF,
    IS_BEGUN,
    has_newer,
    is_overtaken,
    lock_order,
    say_overtaken,
)
from contacts.imports.practice import ImportOptions
from contacts.imports.report import ImportReport
from contacts.imports.stored_files import (
    FAILED_KEPT_FOR,
    delete_asking,
    pack_content,
    queue_import,
    read_stored_file,
    store_file,
    unpack_options,
)
from contacts.models import ImportBatch, ImportFile

log = logging.getLogger(__name__)

State, How = ImportBatch.State, ImportBatch.How
LOOK_LIMIT = 14 * 60  # seconds that a look may take; a large list takes minutes
LEASE = timedelta(seconds=LOOK_LIMIT + 60)
ROUND_SECONDS = 60.0  # then no other look is begun: the next tick goes on
MOST_LOOKS = 3  # after which a file that ends its worker each time has failed
MOST_NAMED = 5  # new locations in a sentence
LONGEST_ERROR = 300
NEW_CONTENT = gettext_lazy(
    "Newer content has come since somebody answered its questions. Look at its preview."
)
UNREADABLE = gettext_lazy("Callboard could not read this file. Ask whoever looks after it.")


def store_arrival(data: bytes, file_name: str, source: str, how: ImportBatch.How) -> ImportBatch:
    """Keep a file that came by itself; settle_arrivals() looks at it. To be called within a transaction."""
    lock_order(source)
    batch = store_file(data, file_name, ImportOptions(source=source), how=how)
    _warn_of_newer(batch)
    return batch


@transaction.atomic
def replace_content(batch: ImportBatch, data: bytes, *, also_failed: bool = False) -> bool:
    """Put newer content into a batch that still waits for answers, so that what is answered stays.

    If somebody has answered already, it waits for a person to see what that makes of the new content.
    `also_failed`: into one that failed too, so that trying again makes no second batch.

    Returns False, and changes nothing, if it no longer waits, or was imported in part.
    """
    lock_order(batch.source)
    states = [State.ASKING, State.FAILED] if also_failed else [State.ASKING]
    is_free = Q(leased_until=None) | Q(leased_until__lte=Now())  # nobody is looking at it now
    locked = ImportBatch.objects.select_for_update(of=("self",)).filter(
        is_free, pk=batch.pk, state__in=states, parts=None
    )
    found = locked.first()
    file = ImportFile.objects.filter(batch=found).defer("content").first() if found else None
    if found is None or file is None:
        return False
    is_answered = unpack_options(file.options) != ImportOptions(source=found.source)
    ImportFile.objects.filter(pk=file.pk).update(**pack_content(data))
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != found.sha256:
        found.dismissed_at, found.dismissed_by = None, None
    found.sha256, found.made_at = sha256, timezone.now()
    found.state, found.error, found.attempts = State.ASKING, str(NEW_CONTENT) if is_answered else "", 0
    found.save(
        update_fields=["sha256", "made_at", "state", "error", "attempts", "dismissed_at", "dismissed_by"]
    )
    _warn_of_newer(found)
    return True


def store_refused(file_name: str, source: str, how: ImportBatch.How, reason: str) -> ImportBatch:
    """Record a file that can't be imported and isn't kept, such as one that is too large."""
    batch = store_file(b"", file_name, ImportOptions(source=source), how=how)
    ImportFile.objects.filter(batch=batch).delete()
    batch.state, batch.sha256, batch.error = State.FAILED, "", reason[:LONGEST_ERROR]
    batch.save(update_fields=["state", "sha256", "error"])
    return batch


def decline_arrival(batch: ImportBatch) -> bool:
    """Forget a list that came by itself and waits for answers, unimported; return whether it did.

    Its file goes to failed/ with the next round.
    """
    return delete_asking(ImportBatch.objects.filter(pk=batch.pk, how__in=COMES_BY_ITSELF)) > 0


def dismiss_failed(batch: ImportBatch, *, by: User) -> bool:
    """Nobody needs to look any more at a list that came by itself and failed; return whether it did.

    It stays in the list of imports, with who said so and when, and can still be tried again. The same content
    that comes again and fails again stays dismissed.
    """
    failed = ImportBatch.objects.filter(
        pk=batch.pk, state=State.FAILED, how__in=COMES_BY_ITSELF, dismissed_at=None
    )
    return failed.update(dismissed_at=Now(), dismissed_by=by) > 0


def find_asking() -> QuerySet[ImportBatch]:
    """Files that came by themselves and wait for somebody's answers."""
    return ImportBatch.objects.filter(state=State.ASKING, how__in=COMES_BY_ITSELF).exclude(error="")


def find_failed() -> QuerySet[ImportBatch]:
    """Files that came by themselves and could not be imported, and no newer one of the source since, nor has
    anybody dismissed them.

    After FAILED_KEPT_FOR they can't be tried again, and nobody is asked to look any more.
    """
    came_later = ImportBatch.objects.filter(
        IS_BEGUN, source=OuterRef("source"), made_at__gt=OuterRef("made_at"), undone_at=None
    )
    recent = Now() - FAILED_KEPT_FOR
    failed = ImportBatch.objects.filter(
        state=State.FAILED, how__in=COMES_BY_ITSELF, made_at__gt=recent, dismissed_at=None
    )
    return failed.filter(~Exists(came_later))


def settle_arrivals() -> int:
    """Look at each new file, those of one source as they came; return how many were looked at."""
    new = ImportBatch.objects.filter(state=State.ASKING, how__in=COMES_BY_ITSELF, error="")
    came_before = Q(made_at__lt=OuterRef("made_at")) | Q(made_at=OuterRef("made_at"), pk__lt=OuterRef("pk"))
    waits_for_older = Exists(new.filter(came_before, source=OuterRef("source")))
    ends_at, looked = time.monotonic() + ROUND_SECONDS, 0
    for batch in new.order_by("made_at", "pk"):
        is_free = Q(leased_until=None) | Q(leased_until__lte=Now())
        mine = new.filter(~waits_for_older, is_free, pk=batch.pk)
        if mine.update(leased_until=Now() + LEASE, attempts=F("attempts") + 1):
            settle_arrival(ImportBatch.objects.get(pk=batch.pk))
            ImportBatch.objects.filter(pk=batch.pk, state=State.ASKING).update(leased_until=None)
            looked += 1
        if time.monotonic() > ends_at:
            break
    return looked


def settle_arrival(batch: ImportBatch) -> None:
    """Queue the file, or say what it waits for or why it has failed.

    Staff who confirm it meanwhile are right: then nothing is changed here.
    """
    if batch.attempts > MOST_LOOKS:
        return _fail(batch, str(UNREADABLE))
    try:
        report = preview_stored(read_stored_file(batch))
    except (MissingColumns, QuestionsOpen) as asks:
        return _ask(batch, str(asks))
    except ImportRefused as refused:
        return _fail(batch, str(refused))
    except Error:  # the database is away: the next tick looks again
        raise
    except Exception as error:
        log.exception("import %s could not be read: %s", batch.pk, type(error).__name__)
        return _fail(batch, str(UNREADABLE))
    if reason := _find_what_it_waits_for(report):
        return _ask(batch, reason)
    return _queue(batch)


def _find_what_it_waits_for(report: ImportReport) -> str:
    """Why a person must look first; "" if nobody must."""
    if report.open_questions:
        return str(QuestionsOpen(report.open_questions))
    if report.unknown_locations:
        names = get_text_list([f"“{name}”" for name in report.unknown_locations[:MOST_NAMED]], _("and"))
        return ngettext(
            "The location %(names)s is new. Enter its time zone.",
            "%(count)d locations are new: %(names)s. Enter their time zones.",
            len(report.unknown_locations),
        ) % {"names": names, "count": len(report.unknown_locations)}
    if not report.took_something:
        return _("No row of this list can be imported. Its preview says why.")
    return ""


@transaction.atomic
def _queue(batch: ImportBatch) -> None:
    lock_order(batch.source)
    if is_overtaken(batch):
        _ask(batch, say_overtaken())
    else:
        queue_import(batch)


@transaction.atomic
def _ask(batch: ImportBatch, reason: str) -> None:
    """Let the batch wait for a person. That a newer list has come is more than what this one asks."""
    lock_order(batch.source)
    if has_newer(batch):
        reason = say_overtaken()
    ImportBatch.objects.filter(pk=batch.pk, state=State.ASKING).update(error=reason[:LONGEST_ERROR])


def _fail(batch: ImportBatch, reason: str) -> None:
    ImportBatch.objects.filter(pk=batch.pk, state=State.ASKING).update(
        state=State.FAILED, error=reason[:LONGEST_ERROR]
    )


def _warn_of_newer(batch: ImportBatch) -> None:
    """Older lists of the source that wait for a person say that there is a newer one: the order matters.

    One that is being looked at, or isn't yet, is told by _ask(), which waits for the lock that is held here.
    """
    came_before = Q(made_at__lt=batch.made_at) | Q(made_at=batch.made_at, pk__lt=batch.pk)
    find_asking().filter(came_before, source=batch.source).update(error=say_overtaken())
