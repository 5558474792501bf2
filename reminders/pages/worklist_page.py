"""The worklist as one person sees it, and what has changed since they last asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from reminders.lifecycle.follow_ups import find_entry_key
from reminders.models import FollowUp
from reminders.pages.story import name_person
from reminders.pages.worklist import (
    SHOWN,
    IndexedEntry,
    KindCount,
    WorklistIndex,
    WorklistView,
    read_entry_of,
    read_gone,
    read_index,
    read_worklist_entries,
)
from reminders.pages.worklist_words import WorklistEntry, describe_entry, describe_gone


@dataclass(frozen=True)
class ViewCount:
    """One of the views, with how many entries it has."""

    view: str
    label: str
    count: int


@dataclass(frozen=True)
class WorklistPage:
    """What is shown: the entries due first, at most SHOWN. `left_off`: how many more match."""

    version: str
    view: str
    kind: str
    entries: tuple[WorklistEntry, ...]
    left_off: int
    views: tuple[ViewCount, ...]
    kinds: tuple[KindCount, ...]

    @property
    def order(self) -> str:
        return " ".join(entry.key for entry in self.entries)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in any view."""
        return not any(one.count for one in self.views)


@dataclass(frozen=True)
class WorklistChanges:
    """`changed`: entries that are new or say something else; `gone`: key and why, of those that have left."""

    page: WorklistPage
    changed: tuple[WorklistEntry, ...]
    gone: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ShownEntry:
    """One entry after a deed. `mark`: why it no longer belongs to the view, or ""."""

    entry: WorklistEntry
    mark: str


def read_worklist(view: str, kind: str, user: User, now: datetime) -> WorklistPage:
    """The page: four queries."""
    return _read_page(read_index(now), view, kind, user, now)


def read_changes(
    view: str, kind: str, user: User, now: datetime, *, version: str, have: Mapping[str, str]
) -> WorklistChanges | None:
    """What differs from what somebody has: entries by key, with their versions. None while nothing does."""
    index = read_index(now)
    if index.version == version:
        return None
    page = _read_page(index, view, kind, user, now)
    changed = tuple(entry for entry in page.entries if have.get(entry.key) != entry.version)
    missing = have.keys() - {entry.key for entry in page.entries}
    elsewhere = [entry for entry in index.entries if entry.key in missing]
    said = {found[0]: _say_where(found[1], now) for found in _read_each(elsewhere)}
    said |= {key: describe_gone(one) for key, one in read_gone(missing - said.keys()).items()}
    return WorklistChanges(page, changed, tuple((key, said.get(key, "")) for key in sorted(missing)))


def read_shown_entry(
    follow_up: FollowUp, about: list[int], view: str, user: User, now: datetime
) -> ShownEntry | None:
    """The entry of a follow-up after a deed `about` some of it (ids); None if nothing is left to show."""
    open_ones = read_entry_of(follow_up)
    if open_ones:
        key = find_entry_key(follow_up)
        entry = IndexedEntry(
            key=key,
            ids=tuple(one.pk for one in open_ones),
            kinds=frozenset(),
            holders=frozenset(one.taken_by_id for one in open_ones if one.taken_by_id),
            is_snoozed=all(one.snoozed_until and one.snoozed_until > now for one in open_ones),
        )
        mark = "" if entry.is_in(view, user.pk) else _say_where(open_ones, now)
        return ShownEntry(describe_entry(open_ones, now, key), mark)
    ended = read_entry_of(follow_up, about or [follow_up.pk])
    if not ended:
        return None
    last = max(ended, key=lambda one: (one.resolved_at or one.created_at, one.pk))
    return ShownEntry(describe_entry(ended, now, find_entry_key(follow_up)), describe_gone(last))


def _read_page(index: WorklistIndex, view: str, kind: str, user: User, now: datetime) -> WorklistPage:
    view = view if view in WorklistView.values else WorklistView.ALL.value
    chosen = index.select(view, kind, user.pk)
    counts = index.count_views(user.pk)
    return WorklistPage(
        version=index.version,
        view=view,
        kind=kind if kind in FollowUp.Kind.values else "",
        entries=tuple(describe_entry(found, now, key) for key, found in _read_each(chosen[:SHOWN])),
        left_off=max(len(chosen) - SHOWN, 0),
        views=tuple(ViewCount(one.value, str(one.label), counts[one.value]) for one in WorklistView),
        kinds=tuple(index.kinds),
    )


def _read_each(entries: list[IndexedEntry]) -> list[tuple[str, list[FollowUp]]]:
    """The key and the follow-ups of each, in this order; what was deleted just now is left out."""
    if not entries:
        return []
    keys = {pk: entry.key for entry in entries for pk in entry.ids}
    return [(keys[found[0].pk], found) for found in read_worklist_entries(entries)]


def _say_where(follow_ups: list[FollowUp], now: datetime) -> str:
    """Why an open entry isn't in a view: it is snoozed, or somebody has it, or nobody."""
    entry = describe_entry(follow_ups, now)
    if entry.snoozed_until:
        return _("Snoozed until %(when)s.") % {"when": entry.snoozed_until}
    taken = next((one for one in follow_ups if one.taken_by_id), None)
    if taken:
        return _("%(who)s has it.") % {"who": name_person(taken.taken_by)}
    return _("Put back for anybody.")
