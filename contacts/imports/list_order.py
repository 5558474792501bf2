"""The order of the lists of one source: an older one, imported after a newer, takes changes back."""

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from contacts.models import ImportBatch

State, How = ImportBatch.State, ImportBatch.How
COMES_BY_ITSELF = (How.FOLDER, How.CALENDAR)
ORDER_LOCKS = 7_305_023  # the first of the two numbers of our advisory locks, the second is the source's
# Its rows are imported, or will be. A part of one that failed, or that waits for answers, may be.
IS_BEGUN = Q(state__in=[State.WAITING, State.RUNNING, State.DONE]) | Q(rows_done__gt=0)

# An upload may never be confirmed, but what comes by itself has come.
HAS_COME = IS_BEGUN | Q(state=State.ASKING, how__in=COMES_BY_ITSELF)


def lock_order(source: str) -> None:
    """Lock until the transaction ends: who queues a list of the source, or asks which is newest, waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [ORDER_LOCKS, source])


def find_newer(batch: ImportBatch) -> QuerySet[ImportBatch]:
    """The lists of its source that came after it, whatever became of them, but those that were undone."""
    came_later = Q(made_at__gt=batch.made_at) | Q(made_at=batch.made_at, pk__gt=batch.pk)
    return ImportBatch.objects.filter(came_later, source=batch.source, undone_at=None)


def is_overtaken(batch: ImportBatch) -> bool:
    """Whether a newer list of its source is imported, or will be, so that a person must decide about it."""
    return find_newer(batch).filter(IS_BEGUN).exists()


def has_newer(batch: ImportBatch) -> bool:
    """Whether a newer list of its source has come, imported or not."""
    return find_newer(batch).filter(HAS_COME).exists()


def say_overtaken() -> str:
    """What staff read about a list that is overtaken."""
    return _("A newer list of this source has come. Importing this one now may take changes back.")
