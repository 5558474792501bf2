"""Undoing the last deed on an entry of the worklist."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.appointments import lock_appointments, take_back_confirmation
from contacts.audit.trail import record_deed_of_page
from contacts.database.clock import read_database_clock
from contacts.models import PhoneNumber, UnusableReason
from contacts.people import mark_numbers_usable
from reminders.desk.rechecks import recheck_numbers
from reminders.desk.worklist import KEPT_FOR_UNDOING, WorklistRefused, name_colleague, read_undo_values
from reminders.lifecycle.follow_ups import UNRESOLVED, close_follow_ups
from reminders.lifecycle.locking import lock_numbers
from reminders.models import FollowUp, FollowUpDeed
from reminders.results.unanswered import account_for

Resolution, What = FollowUp.Resolution, FollowUpDeed.What
MOMENTS = ("taken_at", "snoozed_until")


@transaction.atomic
def undo_deed(act: UUID, *, by: User) -> list[FollowUp]:
    """Put back what this act changed; the follow-ups, as they are now. Raises WorklistRefused.

    It must be the last deed about them. What has been closed, moved or confirmed in another way since stays.
    """
    deeds = _lock_deeds(act)
    if not deeds:
        raise WorklistRefused(_("There is nothing to undo."))
    if any(deed.was.get("is_final") for deed in deeds):
        raise WorklistRefused(_("This can't be undone: nobody waits for the result of that call any more."))
    latest = FollowUpDeed.objects.filter(follow_up__in=[deed.follow_up_id for deed in deeds])
    if (last := latest.select_related("by").order_by("-at", "-pk").first()) and last.act != act:
        raise WorklistRefused(
            _("%(who)s has done something about this since, so it can't be undone any more.")
            % {"who": name_colleague(last.by)}
        )
    _record_undo(deeds, by)
    follow_ups = [deed.follow_up for deed in deeds if _put_back(deed)]
    _take_back_effects(deeds[0], by)
    account_for({deed.follow_up.appointment_id for deed in deeds if deed.follow_up.appointment_id})
    return follow_ups


def _lock_deeds(act: UUID) -> Sequence[FollowUpDeed]:
    """The act's deeds with their follow-ups locked, and before them their visits and numbers."""
    rows = FollowUpDeed.objects.filter(act=act).order_by("follow_up")
    about = list(rows.values_list("follow_up__appointment", "follow_up__contact__phone"))
    lock_appointments(visit for visit, _number in about if visit)
    lock_numbers(number for _visit, number in about if number)
    ids = rows.values_list("follow_up", flat=True)
    list(FollowUp.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
    return list(rows.select_related("follow_up"))


def _record_undo(deeds: Sequence[FollowUpDeed], by: User) -> None:
    now, act = read_database_clock(), uuid4()
    FollowUpDeed.objects.bulk_create(
        FollowUpDeed(
            follow_up=deed.follow_up,
            act=act,
            what=What.UNDONE,
            by=by,
            at=now,
            undoes=deed.act,
            was=read_undo_values(deed.follow_up),
        )
        for deed in deeds
    )
    FollowUp.objects.filter(pk__in=[deed.follow_up_id for deed in deeds]).update(touched_at=now)
    record_deed_of_page(deeds[0].follow_up)


def _put_back(deed: FollowUpDeed) -> bool:
    """Give its follow-up the values of before; False where another open one says the same by now."""
    follow_up = deed.follow_up
    was_open = deed.was["state"] != FollowUp.State.RESOLVED
    if follow_up.state == FollowUp.State.RESOLVED and was_open:
        same = FollowUp.objects.filter(appointment=follow_up.appointment_id, kind=follow_up.kind)
        if same.filter(UNRESOLVED).exists():
            return False
        follow_up.resolved_by = follow_up.resolved_at = None
    for name, value in _read_former(deed).items():
        setattr(follow_up, name, value)
    follow_up.save(update_fields=[*KEPT_FOR_UNDOING, "resolved_by", "resolved_at"])
    return True


def _read_former(deed: FollowUpDeed) -> dict[str, Any]:
    former = {name: deed.was[name] for name in KEPT_FOR_UNDOING}
    for name in MOMENTS:
        former[name] = datetime.fromisoformat(former[name]) if former[name] else None
    return former


def _take_back_effects(deed: FollowUpDeed, by: User) -> None:
    """What the act did besides: confirmations, and the mark that the number is wrong."""
    for visit_id, answer in deed.was.get("answers", {}).items():
        take_back_confirmation(int(visit_id), former=answer, by=by)
    if number_id := deed.was.get("number"):
        wrong = PhoneNumber.objects.filter(pk=number_id, unusable_reason=UnusableReason.FOUND_WRONG)
        mark_numbers_usable(wrong.values_list("pk", flat=True), by=by)
        opened = FollowUp.objects.filter(UNRESOLVED, pk__in=deed.was["opened"])
        close_follow_ups(opened, Resolution.NUMBER_USABLE)
        recheck_numbers([number_id])
