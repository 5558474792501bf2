"""Working on an entry of the worklist: take it, hand it on, snooze it, write a note.

An entry is all unresolved follow-ups of one number; it is locked as a whole before anything is done to it, so
that of two people who press at once the second is told what the first has done. Every deed is kept
(FollowUpDeed), and the last one can be undone (worklist_undoing.py). Endings are in worklist_endings.py.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from contacts.appointments import lock_appointments
from contacts.audit.trail import record_deed_of_page
from contacts.database.clock import read_database_clock
from contacts.templatetags.display import clock, day_and_clock
from reminders.lifecycle.follow_ups import UNRESOLVED, find_same_entry
from reminders.lifecycle.locking import lock_numbers
from reminders.models import FollowUp, FollowUpDeed

State, What = FollowUp.State, FollowUpDeed.What
KEPT_FOR_UNDOING = ("state", "taken_by_id", "taken_at", "snoozed_until", "resolution", "note")
NOTE_LENGTH = 300


class WorklistRefused(ValueError):
    """The deed isn't possible now. The message says why, in a sentence for staff."""


class AlreadyResolved(WorklistRefused):
    """Somebody else has resolved it already, or it is gone."""


class TakenByColleague(WorklistRefused):
    """A colleague has taken it."""


@transaction.atomic
def take_follow_up(follow_up_id: int, *, by: User) -> UUID:
    """Take the entry. Raises TakenByColleague and AlreadyResolved."""
    entry = lock_entry(follow_up_id)
    if taken := next((one for one in entry if one.taken_by_id not in (None, by.pk)), None):
        raise TakenByColleague(_describe_taken(taken))
    return change_entry(entry, What.TAKEN, by=by, state=State.TAKEN, taken_by=by)


@transaction.atomic
def hand_on(follow_up_id: int, *, to: User | None, by: User) -> UUID:
    """Give the entry to a colleague, or to anybody (`to` None), whoever has it. Raises AlreadyResolved."""
    entry = lock_entry(follow_up_id)
    if to is None:
        return change_entry(entry, What.RELEASED, by=by, state=State.OPEN, taken_by=None)
    return change_entry(entry, What.HANDED_ON, by=by, state=State.TAKEN, taken_by=to, deed={"to": to})


@transaction.atomic
def snooze_entry(follow_up_id: int, *, until: datetime, by: User) -> UUID:
    """Hide the entry until then (aware). Raises AlreadyResolved, and WorklistRefused for an unfit time."""
    entry = lock_entry(follow_up_id)
    now = read_database_clock()
    if until <= now:
        raise WorklistRefused(_("That time has passed. Choose a later one."))
    ahead = [one.appointment for one in entry if one.appointment and one.appointment.starts_at > now]
    first = min(ahead, key=lambda visit: visit.starts_at, default=None)
    if first and first.starts_at <= until:
        when = day_and_clock(first.local_start)
        raise WorklistRefused(
            _("The visit is before that: %(when)s. Choose an earlier time.") % {"when": when}
        )
    return change_entry(entry, What.SNOOZED, by=by, snoozed_until=until, deed={"until": until})


@transaction.atomic
def wake_entry(follow_up_id: int, *, by: User) -> UUID:
    """End its snoozing. Raises AlreadyResolved."""
    return change_entry(lock_entry(follow_up_id), What.WOKEN, by=by, snoozed_until=None)


@transaction.atomic
def note_on_entry(follow_up_id: int, *, note: str, by: User) -> UUID:
    """Write a note into its history. Raises AlreadyResolved, and WorklistRefused for none."""
    if not note:
        raise WorklistRefused(_("Write something first."))
    return change_entry(lock_entry(follow_up_id), What.NOTED, by=by, deed={"note": note[:NOTE_LENGTH]})


def lock_entry(follow_up_id: int, *, only: Collection[int] = (), with_visits: bool = False) -> list[FollowUp]:
    """The unresolved follow-ups of its entry, or those `only`, locked; the one asked for is among them.

    In the order in which events lock them that close several at once (results/unanswered.py); with their
    visits and numbers before them, if what follows changes those. Raises AlreadyResolved.
    """
    same = find_same_entry(find_follow_up(follow_up_id))
    if only:
        same = same.filter(pk__in={follow_up_id, *only})
    if with_visits:
        _lock_visits(same)
    rows = same.select_related(None).order_by("pk").select_for_update(of=("self",))
    ids = list(rows.values_list("pk", flat=True))
    about = ("contact__phone", "appointment__location", "appointment__provider", "reminder", "taken_by")
    found = FollowUp.objects.filter(UNRESOLVED, pk__in=ids).select_related(*about).order_by("pk")
    entry = list(found)
    if not any(one.pk == follow_up_id for one in entry):
        raise AlreadyResolved(_describe_resolved(find_follow_up(follow_up_id)))
    return entry


def find_follow_up(follow_up_id: int) -> FollowUp:
    """Raises AlreadyResolved if it is gone: an undo or an erasure removes what nobody has worked on."""
    rows = FollowUp.objects.select_related("contact", "resolved_by", "appointment__location")
    if (follow_up := rows.filter(pk=follow_up_id).first()) is None:
        raise AlreadyResolved(
            _("This is no longer on the worklist: what it was about has been removed meanwhile.")
        )
    return follow_up


def change_entry(
    entry: Sequence[FollowUp],
    what: FollowUpDeed.What,
    *,
    by: User,
    deed: dict[str, Any] | None = None,
    was: dict[str, Any] | None = None,
    **changed: Any,
) -> UUID:
    """Give locked follow-ups these values, and write a deed for each; the id of the act.

    `deed`: its further columns; `was`: what else it changed.
    """
    now, act = read_database_clock(), uuid4()
    if "taken_by" in changed:
        changed["taken_at"] = now if changed["taken_by"] else None
    FollowUpDeed.objects.bulk_create(
        FollowUpDeed(
            follow_up=one,
            act=act,
            what=what,
            by=by,
            at=now,
            was=read_undo_values(one) | (was or {}),
            **(deed or {}),
        )
        for one in entry
    )
    for one in entry:
        for name, value in changed.items():
            setattr(one, name, value)
    rows = FollowUp.objects.filter(pk__in=[one.pk for one in entry])
    rows.update(touched_at=now, **changed)
    record_deed_of_page(entry[0] if entry else None)
    return act


def read_undo_values(follow_up: FollowUp) -> dict[str, Any]:
    """What an undo has to put back, as JSON has it."""
    values = {name: getattr(follow_up, name) for name in KEPT_FOR_UNDOING}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()
    }


def _lock_visits(entry: "QuerySet[FollowUp]") -> None:
    rows = list(entry.values_list("appointment", "contact__phone"))
    lock_appointments(visit for visit, _number in rows if visit)
    lock_numbers(number for _visit, number in rows if number)


def _describe_taken(follow_up: FollowUp) -> str:
    who = name_colleague(follow_up.taken_by)
    if follow_up.taken_at is None:
        return _("%(who)s already has this.") % {"who": who}
    return _("%(who)s has had this since %(when)s.") % {
        "who": who,
        "when": _write_moment(follow_up, follow_up.taken_at),
    }


def _describe_resolved(follow_up: FollowUp) -> str:
    how = follow_up.get_resolution_display()
    if not follow_up.resolved_by or not follow_up.resolved_at:
        return _("This is off the list already. %(how)s") % {"how": how}
    return _("%(who)s closed this at %(when)s. %(how)s") % {
        "who": name_colleague(follow_up.resolved_by),
        "when": _write_moment(follow_up, follow_up.resolved_at),
        "how": how,
    }


def _write_moment(follow_up: FollowUp, moment: datetime) -> str:
    """By the visit's clock; without the day if it is today."""
    zone = follow_up.appointment.location.zone if follow_up.appointment else None
    shown, today = moment.astimezone(zone), read_database_clock().astimezone(zone).date()
    return clock(shown) if shown.date() == today else day_and_clock(shown)


def name_colleague(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def read_colleagues() -> Sequence[User]:
    """Everybody who may work on the worklist, and so be handed an entry; one query."""
    may = Q(groups__permissions__codename="change_followup") | Q(user_permissions__codename="change_followup")
    return list(
        User.objects.filter(may | Q(is_superuser=True), is_active=True)
        .distinct()
        .order_by(F("first_name"), F("last_name"), F("username"))
    )
