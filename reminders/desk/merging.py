"""Merging two contacts together with their reminders, in one transaction.

The appointments' reminders go with them; those that would go to another number are withdrawn and planned
anew, as after an edit of the number.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contacts.merging import MergePlan, MergeRefused, lock_pair, merge_contacts
from reminders.desk.rechecks import recheck_contact
from reminders.lifecycle.locking import is_lock_timeout, wait_briefly
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.planning.planner import plan_appointments
from reminders.results.unanswered import account_for
from reminders.rules.states import CALL_OPEN, REMINDER_PENDING


@dataclass(frozen=True)
class MergeReach:
    """What hangs on the other contact's appointments: reminders that wait, and unresolved follow-ups."""

    waiting: int
    follow_ups: int


class ShownOtherwise(MergeRefused):
    """What would happen now isn't what was shown; it has to be looked at again."""


def count_reach(plan: MergePlan) -> MergeReach:
    """How much moves with the appointments. Two queries."""
    moving = [one.pk for one in plan.moving]
    waiting = Reminder.objects.filter(appointment__in=moving, state__in=REMINDER_PENDING)
    open_ones = FollowUp.objects.filter(appointment__in=moving).exclude(state=FollowUp.State.RESOLVED)
    return MergeReach(waiting.count(), open_ones.count())


def merge_and_plan(
    survivor_id: int, other_id: int, *, token: str, cancelled: Collection[int], by: User
) -> None:
    """Merge `other` into `survivor`, if that does what was shown (MergePlan.token).

    `cancelled`: the copies among colliding appointments to be cancelled. Raises MergeRefused, with a sentence
    for staff.
    """
    try:
        with transaction.atomic(), wait_briefly():
            _merge(survivor_id, other_id, token, cancelled, by)
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        raise MergeRefused(
            _("A list is being imported, or somebody else is changing one of them. Try again in a minute.")
        ) from None
    recheck_contact(survivor_id)


def _merge(survivor_id: int, other_id: int, token: str, cancelled: Collection[int], by: User) -> None:
    plan = lock_pair(survivor_id, other_id)
    if plan.token != token:
        raise ShownOtherwise(_("Something has changed meanwhile. Look again at what would happen."))
    if has_open_call([one.pk for one in plan.revised]):
        raise MergeRefused(
            _("A call about one of these appointments is under way. Merge them when it has ended.")
        )
    booked = merge_contacts(plan, cancelled=cancelled, by=by)
    touched = [*booked, *(one.copy.pk for one in plan.collisions)]
    plan_appointments(touched)
    account_for(touched)


def has_open_call(appointment_ids: Collection[int]) -> bool:
    """Whether a call or text about one of them has gone out, or is going out, and has no result yet."""
    about = Q(reminder__appointment__in=appointment_ids)
    about |= Q(companions__reminder__appointment__in=appointment_ids)
    return CallRecord.objects.filter(about, state__in=CALL_OPEN).exists()
