"""Planning again what a patient didn't want, once they want it (product rule 41).

A reminder that comes due while the patient wants none of its kind is skipped. When their preference or the
step changes, and there is still time, it is planned again by the next round of planning.
"""

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from contacts.models import Appointment
from reminders.models import Reminder
from reminders.rules.reasons import REASONS_OF_WISH
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


def _is_refused(reminder: Reminder) -> bool:
    preference = reminder.appointment.contact.preferred_channel
    return find_refusal(channel_of(reminder), preference) is not None
