"""Planning again what a patient didn't want or hadn't agreed to, once they do (product rule 41).

A reminder that comes due while the patient wants none of its kind, or without the consent that its campaign
requires, is skipped. When their preference changes or their consent is recorded, and there is still time, it
is planned again by the next round of planning. When the step changes so that they would want it, or the
campaign so that their consent is enough, it stays skipped: it was due before the edit (product rule 29).
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Now

from contacts.models import Appointment
from reminders.deciding.coverage import lacks_consent
from reminders.models import Reminder
from reminders.rules.reasons import UNTIL_PATIENT_AGREES, Reason
from reminders.rules.states import ReminderState
from reminders.wording.scripts import channel_of, find_refusal

JUDGED_BY = ("step__campaign", "appointment__contact__phone")


@transaction.atomic
def plan_wanted_again(reminders: "QuerySet[Reminder]") -> int:
    """Plan those of `reminders` again that lacked the patient's agreement and no longer do; how many."""
    skipped = (
        reminders.filter(
            state=ReminderState.SKIPPED,
            reason__in=UNTIL_PATIENT_AGREES,
            not_after__gt=Now(),
            revision=F("appointment__revision"),
            appointment__status=Appointment.Status.BOOKED,
        )
        .select_related(*JUDGED_BY)
        .order_by("pk")
        .select_for_update(of=("self",), skip_locked=True)
    )
    wanted = [reminder.pk for reminder in skipped if not _is_refused(reminder)]
    return Reminder.objects.filter(pk__in=wanted).update(
        state=ReminderState.PLANNED, reason="", next_look_at=Now(), updated_at=Now()
    )


def find_unwanted(reminders: "QuerySet[Reminder]") -> list[int]:
    """Those (ids) that were due, and skipped for want of the patient's agreement, which is still wanting."""
    skipped = reminders.filter(
        state=ReminderState.SKIPPED, reason__in=UNTIL_PATIENT_AGREES, due_at__lte=Now(), not_after__gt=Now()
    )
    return [one.pk for one in skipped.select_related(*JUDGED_BY) if _is_refused(one)]


def settle_unwanted(reminder_ids: Sequence[int]) -> int:
    """After an edit: of the reminders that find_unwanted() returned before it, mark as due before the edit
    those that it would now allow, so that they stay skipped. Returns how many.
    """
    chosen = Reminder.objects.filter(pk__in=reminder_ids, state=ReminderState.SKIPPED).order_by("pk")
    locked = chosen.select_related(*JUDGED_BY).select_for_update(of=("self",))
    wanted = [one.pk for one in locked if not _is_refused(one)]
    by_campaign = When(reason=Reason.CONSENT_LACKING, then=Value(Reason.BEFORE_FILTERS))
    return Reminder.objects.filter(pk__in=wanted).update(
        reason=Case(by_campaign, default=Value(Reason.BEFORE_STEP)), updated_at=Now()
    )


def _is_refused(reminder: Reminder) -> bool:
    contact, required = reminder.appointment.contact, reminder.step.campaign.consent
    is_unwanted = find_refusal(channel_of(reminder), contact.preferred_channel) is not None
    return is_unwanted or lacks_consent(required, contact.phone)
