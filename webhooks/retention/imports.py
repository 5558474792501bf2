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

DETAILS = (
    RejectedRow,
    ImportProblem,
    ImportChange,
    OverwrittenValues,
    KeptByUndo,
    ImportedRecords,
    ImportPart,
)
UNDER_WAY = (ImportBatch.State.WAITING, ImportBatch.State.RUNNING, ImportBatch.State.ASKING)


def find_old_batches(before: datetime) -> QuerySet[ImportBatch]:
    """Those that ended before that moment and have details."""
    has_any = Q()
    for model in DETAILS:
        has_any |= Q(Exists(model._default_manager.filter(batch=OuterRef("pk"))))
    ended = Q(applied_at__lt=before) | Q(applied_at=None, made_at__lt=before)
    return ImportBatch.objects.filter(ended, has_any).exclude(state__in=UNDER_WAY)


def delete_details(ids: Sequence[int]) -> int:
    return sum(model._default_manager.filter(batch__in=ids).delete()[0] for model in DETAILS)
