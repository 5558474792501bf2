"""What is kept of imported lists beside their names and counts."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from contacts.models import (
    ImportBatch,
    ImportChange,
    ImportedRecords,
    ImportPart,
    ImportProblem,
    KeptByUndo,
    OverwrittenValues,
    RejectedRow,
)

# Without its ImportedRecords, of which there are few, an import is not undone: they go first, all at once.
DETAILS = (
    ImportedRecords,
    RejectedRow,
    ImportProblem,
    ImportChange,
    OverwrittenValues,
    KeptByUndo,
    ImportPart,
)
MOST_DETAILS = 1_000  # rows in one transaction: a list of 100,000 visits has as many changes
UNDER_WAY = (ImportBatch.State.WAITING, ImportBatch.State.RUNNING, ImportBatch.State.ASKING)


def find_old_batches(before: datetime) -> QuerySet[ImportBatch]:
    """Those that ended before that moment and have details."""
    has_any = Q()
    for model in DETAILS:
        has_any |= Q(Exists(model._default_manager.filter(batch=OuterRef("pk"))))
    ended = Q(applied_at__lt=before) | Q(applied_at=None, made_at__lt=before)
    return ImportBatch.objects.filter(ended, has_any).exclude(state__in=UNDER_WAY)


def delete_details(ids: Sequence[int]) -> int:
    """Delete MOST_DETAILS rows of these imports, one import after the other, or all if there are fewer."""
    deleted = 0
    for batch in sorted(ids):
        for model in DETAILS:
            rows = model._default_manager.filter(batch=batch)
            if model is not ImportedRecords:
                left = rows.order_by("pk").values_list("pk", flat=True)[: MOST_DETAILS - deleted]
                rows = model._default_manager.filter(pk__in=list(left))
            deleted += rows.delete()[0]
            if deleted >= MOST_DETAILS:
                return deleted
    return deleted


def count_details(before: datetime) -> int:
    """How many rows would go."""
    old = find_old_batches(before).order_by()
    return sum(model._default_manager.filter(batch__in=old).count() for model in DETAILS)
