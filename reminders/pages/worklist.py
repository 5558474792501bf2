"""Reading the worklist: unresolved follow-ups, those of one number as one entry, oldest due first.

Two steps, so that a page that asks again and again costs little: an index of all follow-ups by their values,
in one query, says what there is and whether anything has changed; only what is shown is then read in full.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.db import models
from django.db.models import Count, Prefetch, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from reminders.lifecycle.follow_ups import ENTRY, UNRESOLVED
from reminders.models import FollowUp, FollowUpDeed
from reminders.pages.quoted_replies import with_replies

SHOWN = 200  # entries, those due first; a longer list is worked from the top anyway
# What an entry says, but for names of locations, providers and colleagues.
SAID = (
    "reason", "detail", "touched_at", "appointment__updated_at", "contact__updated_at",
    "contact__phone__voice_opted_out_at", "contact__phone__sms_opted_out_at",
    "contact__phone__unusable_since",
)  # fmt: skip
ABOUT = ("contact__phone", "appointment__location", "appointment__contact", "taken_by")


class WorklistView(models.TextChoices):
    """Which entries are shown. All but SNOOZED leave out those that are snoozed."""

    ALL = "", _("All")
    MINE = "mine", _("Mine")
    FREE = "free", _("Nobody's")
    SNOOZED = "snoozed", _("Snoozed")


@dataclass(frozen=True)
class KindCount:
    """How many entries have an unresolved follow-up of one kind."""

    kind: str
    label: str
    count: int


@dataclass(frozen=True)
class IndexedEntry:
    """One entry: its key, the ids of its follow-ups, and what views ask of it."""

    key: str
    ids: tuple[int, ...]
    kinds: frozenset[str]
    holders: frozenset[int]  # ids of who has taken it
    is_snoozed: bool

    def is_in(self, view: str, user_id: int) -> bool:
        if view == WorklistView.SNOOZED or self.is_snoozed:
            return view == WorklistView.SNOOZED and self.is_snoozed
        if view == WorklistView.MINE:
            return user_id in self.holders
        return view != WorklistView.FREE or not self.holders


@dataclass(frozen=True)
class WorklistIndex:
    """All entries, the one due first at the head. `version` changes whenever what they say does."""

    entries: tuple[IndexedEntry, ...]
    version: str

    def count_views(self, user_id: int) -> dict[str, int]:
        return {
            view.value: sum(entry.is_in(view, user_id) for entry in self.entries) for view in WorklistView
        }

    @cached_property
    def kinds(self) -> list[KindCount]:
        """The number of entries for each kind that has any, in the order of FollowUp.Kind."""
        counts = Counter(kind for entry in self.entries if not entry.is_snoozed for kind in entry.kinds)
        return [
            KindCount(kind.value, _name(kind, counts[kind]), counts[kind])
            for kind in FollowUp.Kind
            if kind in counts
        ]

    def select(self, view: str, kind: str, user_id: int) -> list[IndexedEntry]:
        """The entries of a view, and with a follow-up of one FollowUp.Kind; what is neither is ignored."""
        kind = kind if kind in FollowUp.Kind.values else ""
        return [
            entry
            for entry in self.entries
            if entry.is_in(view, user_id) and (not kind or kind in entry.kinds)
        ]


def read_index(now: datetime) -> WorklistIndex:
    """The index of all entries at `now`: one query."""
    rows = FollowUp.objects.filter(UNRESOLVED).order_by("due_at", "pk")
    values = list(
        rows.annotate(key=ENTRY).values_list("key", "pk", "kind", "taken_by", "snoozed_until", *SAID)
    )
    entries: dict[str, list[Any]] = {}
    for row in values:
        entries.setdefault(row[0], []).append(row)
    minute = int(now.timestamp()) // 60  # what is late, for how long it waits, what is no longer snoozed
    return WorklistIndex(
        entries=tuple(
            IndexedEntry(
                key=key,
                ids=tuple(row[1] for row in found),
                kinds=frozenset(row[2] for row in found),
                holders=frozenset(row[3] for row in found if row[3]),
                is_snoozed=all(row[4] is not None and row[4] > now for row in found),
            )
            for key, found in entries.items()
        ),
        version=sha256(repr((minute, values)).encode()).hexdigest()[:24],
    )


def read_worklist_entries(entries: Collection[IndexedEntry]) -> list[list[FollowUp]]:
    """The follow-ups of these entries, with what people did about them: two queries."""
    ids = [pk for entry in entries for pk in entry.ids]
    deeds = FollowUpDeed.objects.select_related("by", "to").order_by("at", "pk")
    about = with_replies(FollowUp.objects.filter(pk__in=ids).select_related(*ABOUT))
    rows = about.prefetch_related(Prefetch("deeds", queryset=deeds))
    found = rows.in_bulk()
    read = [[found[pk] for pk in entry.ids if pk in found] for entry in entries]
    return [entry for entry in read if entry]


def read_entry_of(follow_up: FollowUp, follow_ups: Collection[int] = ()) -> list[FollowUp]:
    """The follow-ups of its entry that are unresolved, or these, by when they are due."""
    phone = follow_up.contact.phone_id if follow_up.contact else None
    same = Q(pk=follow_up.pk)
    if follow_up.contact_id:
        same = Q(contact__phone=phone) if phone else Q(contact=follow_up.contact_id)
    wanted = same & UNRESOLVED if not follow_ups else Q(pk__in=follow_ups)
    ids = FollowUp.objects.filter(wanted).order_by("due_at", "pk").values_list("pk", flat=True)
    whole = IndexedEntry("", tuple(ids), frozenset(), frozenset(), is_snoozed=False)
    return next(iter(read_worklist_entries([whole])), [])


def read_gone(keys: Collection[str]) -> dict[str, FollowUp]:
    """What was resolved last in each of these entries, by key; for those that have left the list."""
    if not keys:
        return {}
    resolved = FollowUp.objects.filter(state=FollowUp.State.RESOLVED, resolved_at__isnull=False)
    recent = resolved.annotate(key=ENTRY).filter(key__in=keys).select_related("resolved_by")
    found: dict[str, FollowUp] = {}
    for follow_up in recent.order_by("key", "-resolved_at", "-pk").distinct("key"):
        found[follow_up.key] = follow_up
    return found


def count_entries() -> int:
    """The number of entries on the worklist that are not snoozed."""
    count: int = find_awake().aggregate(count=Count("entry", distinct=True))["count"]
    return count


def find_awake() -> "QuerySet[Any]":
    """The unresolved follow-ups that are not snoozed, each with its `entry`."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=Now())
    return FollowUp.objects.filter(UNRESOLVED, awake).annotate(entry=ENTRY).order_by()


def group_by_visit(follow_ups: Sequence[FollowUp]) -> list[list[FollowUp]]:
    """The follow-ups of an entry, those of one visit together, in the order of the first of each."""
    visits: defaultdict[object, list[FollowUp]] = defaultdict(list)
    for one in follow_ups:
        visits[one.appointment_id].append(one)
    return list(visits.values())


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
