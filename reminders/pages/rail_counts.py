"""The numbers beside the places of the menu, and whether a campaign is paused: one query for every page."""

from collections import Counter
from typing import Any, NamedTuple

from django.db.models import CharField, Count, QuerySet, Value

from contacts.watching.standing import find_what_needs_staff
from reminders.models import Campaign, ReceivedText
from reminders.pages.worklist import find_awake


class RailCounts(NamedTuple):
    """Entries of the worklist, numbers with texts to read, lists that wait, campaigns paused by somebody."""

    worklist: int
    texts: int
    imports: int
    paused_campaigns: int


def read_rail_counts() -> RailCounts:
    parts: list[QuerySet[Any, Any]] = [
        _count("worklist", find_awake(), Count("entry", distinct=True)),
        _count("texts", ReceivedText.objects.unread(), Count("number", distinct=True)),
        _count("paused_campaigns", _find_paused_campaigns(), Count("pk")),
        *(_count("imports", rows, Count("pk")) for rows in find_what_needs_staff()),
    ]
    counts: Counter[str] = Counter()
    for what, count in parts[0].union(*parts[1:], all=True):
        counts[what] += count
    return RailCounts(**{name: counts[name] for name in RailCounts._fields})


def _find_paused_campaigns() -> "QuerySet[Campaign]":
    """The campaigns that somebody paused and said why."""
    return Campaign.objects.filter(state=Campaign.State.PAUSED).exclude(pause_reason="")


def _count(what: str, rows: "QuerySet[Any]", count: Count) -> "QuerySet[Any, Any]":
    """One row: what was counted, and how many there are."""
    named = rows.order_by().annotate(what=Value(what, output_field=CharField()))
    counted: QuerySet[Any, Any] = named.values("what").annotate(count=count).values_list("what", "count")
    return counted
