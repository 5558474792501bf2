"""Reading the worklist: unresolved follow-ups, those of one number as one entry, oldest due first."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import ngettext

from reminders.lifecycle.follow_ups import ENTRY
from reminders.models import FollowUp

UNRESOLVED = ~Q(state=FollowUp.State.RESOLVED)
SHOWN = 200  # entries, those due first; a longer list is worked from the top anyway


@dataclass(frozen=True)
class KindCount:
    """How many entries have an unresolved follow-up of one kind."""

    kind: str
    label: str
    count: int


@dataclass(frozen=True)
class Worklist:
    """The entries due first, at most SHOWN: each is a list of follow-ups, the one due first at its head.

    `counts`: by kind; an entry with several kinds is in several. `total`: all entries; `asked_for`: those
    that match the filter.
    """

    entries: list[list[FollowUp]]
    counts: list[KindCount]
    total: int
    asked_for: int

    @property
    def left_off(self) -> int:
        return self.asked_for - len(self.entries)


def read_worklist(kind: str = "") -> Worklist:
    """The entries, all or those with a follow-up of one FollowUp.Kind; an unknown kind is ignored."""
    counts, total = count_by_kind(), count_entries()
    if kind not in FollowUp.Kind.values:
        kind = ""
    asked_for = sum(one.count for one in counts if one.kind == kind) if kind else total
    wanted = _unresolved().filter(**({"kind": kind} if kind else {}))
    first = wanted.values("entry").annotate(first=Min("due_at"), id=Min("pk")).order_by("first", "id")[:SHOWN]
    entries: defaultdict[str, list[FollowUp]] = defaultdict(list)
    keys = [row["entry"] for row in first]
    follow_ups = _unresolved().filter(entry__in=keys).order_by("due_at", "id")
    for follow_up in follow_ups.select_related(
        "contact__phone", "appointment__location", "appointment__provider", "taken_by"
    ):
        entries[follow_up.entry].append(follow_up)
    return Worklist([entries[key] for key in keys if key in entries], counts, total, asked_for)


def count_entries() -> int:
    """The number of entries on the worklist."""
    count: int = _unresolved().aggregate(count=Count("entry", distinct=True))["count"]
    return count


def count_by_kind() -> list[KindCount]:
    """The number of entries for each kind that has any, in the order of FollowUp.Kind."""
    rows = _unresolved().values_list("kind").annotate(Count("entry", distinct=True))
    counts: dict[str, int] = dict(rows)
    return [
        KindCount(kind.value, _name(kind, counts[kind]), counts[kind])
        for kind in FollowUp.Kind
        if kind in counts
    ]


def _unresolved() -> "QuerySet[Any]":  # FollowUps with `entry`
    return FollowUp.objects.filter(UNRESOLVED).annotate(entry=ENTRY).order_by()


def _name(kind: FollowUp.Kind, count: int) -> str:
    """The kind's label as it follows the number."""
    if kind == FollowUp.Kind.WANTS_ANOTHER_TIME:
        return ngettext("wants another time", "want another time", count)
    if kind == FollowUp.Kind.WRONG_NUMBER:
        return ngettext("number can't be used", "numbers can't be used", count)
    if kind == FollowUp.Kind.UNCLEAR_ANSWER:
        return ngettext("answer not understood", "answers not understood", count)
    if kind == FollowUp.Kind.EVENT_KEPT_BACK:
        return ngettext("message from Robotalker to check", "messages from Robotalker to check", count)
    return str(kind.label)
