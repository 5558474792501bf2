"""Planning again what a patient didn't want, once they want it (product rule 41).

A reminder that comes due while the patient wants none of its kind is skipped. When their preference
changes, and there is still time, it is planned again by the next round of planning. When the step changes so
that they would want it, it stays skipped: it was due before the edit (product rule 29).
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from contacts.models import Appointment
from reminders.models import Reminder
from reminders.rules.reasons import REASONS_OF_WISH, Reason
from reminders.rules.states import ReminderState
from reminders.wording.scripts import channel_of, find_refusal


@transaction.atomic
def plan_wanted_again(reminders: "QuerySet[Reminder]") -> int:
    """Plan those of `reminders` again that were skipped by the patient's wish and no longer are; how many."""
    skipped = (
        reminders.filter(
            state=ReminderState.SKIPPED,
            reason__in=REASONS_OF_WISH,
            not_after__gt=Now(),
            revision=F("appointment__revision"),
            appointment__status=Appointment.Status.BOOKED,
        )
        .select_related("step", "appointment__contact")
        .order_by("pk")
        .select_for_update(of=("self",), skip_locked=True)
    )
    wanted = [reminder.pk for reminder in skipped if not _is_refused(reminder)]
    return Reminder.objects.filter(pk__in=wanted).update(
        state=ReminderState.PLANNED, reason="", next_look_at=Now(), updated_at=Now()
    )


def find_unwanted(reminders: "QuerySet[Reminder]") -> list[int]:
    """Those (ids) that were due, and skipped by the patient's wish, which is still that."""
    skipped = reminders.filter(
        state=ReminderState.SKIPPED, reason__in=REASONS_OF_WISH, due_at__lte=Now(), not_after__gt=Now()
    )
    return [one.pk for one in skipped.select_related("step", "appointment__contact") if _is_refused(one)]


def settle_unwanted(reminder_ids: Sequence[int]) -> int:
    """After an edit of their steps: give up those of find_unwanted() that would be wanted now; how many."""
    chosen = Reminder.objects.filter(pk__in=reminder_ids, state=ReminderState.SKIPPED).order_by("pk")
    locked = chosen.select_related("step", "appointment__contact").select_for_update(of=("self",))
    wanted = [one.pk for one in locked if not _is_refused(one)]
    return Reminder.objects.filter(pk__in=wanted).update(reason=Reason.BEFORE_STEP, updated_at=Now())


def _is_refused(reminder: Reminder) -> bool:
    preference = reminder.appointment.contact.preferred_channel
    return find_refusal(channel_of(reminder), preference) is not None
