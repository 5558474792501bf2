"""What the tables of counts have, and what they have when everything is counted anew."""

from collections import Counter
from typing import Any

from django.db.models import Model

from reminders.models import CallCount, ReportMark, ResultCount, VisitCount
from reminders.reports.counting import rebuild_counts

TABLES: tuple[type[Model], ...] = (CallCount, VisitCount, ResultCount)
Counts = dict[str, Counter[tuple[Any, ...]]]


def read_counts() -> Counts:
    """By table, the count of each kind; a kind that stands twice has no whole count."""
    return {model.__name__: _read_table(model) for model in TABLES}


def _read_table(model: type[Model]) -> Counter[tuple[Any, ...]]:
    names = [field.name for field in model._meta.concrete_fields if field.name not in ("id", "count")]
    rows = list(model._default_manager.values_list(*names, "count"))
    found = Counter({row[:-1]: row[-1] for row in rows})
    assert len(found) == len(rows), f"a kind stands twice in {model.__name__}"
    return found


def recount() -> Counts:
    """The counts as they are when all is counted anew; the tables stay as they were."""
    from django.db import transaction

    with transaction.atomic():
        rebuild_counts()
        counts = read_counts()
        transaction.set_rollback(True)
    return counts


def forget_marks() -> None:
    """Nothing is left to be counted: what a test begins with."""
    ReportMark.objects.all().delete()
