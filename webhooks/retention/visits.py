"""Appointments that may go, with all that hangs on them, and texts and test calls."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from contacts.models import Appointment, AppointmentChange
from reminders.models import (
    AbsenceVisit,
    AssumptionTrial,
    CallBatch,
    CallCompanion,
    CallRecord,
    EvidenceHold,
    EvidenceLook,
    FollowUp,
    FollowUpDeed,
    ReceivedText,
    Reminder,
    StaffText,
    TestCall,
)
from reminders.rules.states import CALL_OPEN, REMINDER_OPEN
from webhooks.models import EventDismissal, WebhookEvent
from webhooks.retention.events import SETTLED

RESOLVED = FollowUp.State.RESOLVED


def find_old_visits(before: datetime) -> QuerySet[Appointment]:
    """Those that ended before that moment, of which nothing is newer, open or kept for a dispute."""
    about = OuterRef("pk")
    stays = [
        Reminder.objects.filter(appointment=about, state__in=REMINDER_OPEN),
        AppointmentChange.objects.filter(appointment=about, at__gte=before),
        FollowUp.objects.filter(appointment=about).exclude(state=RESOLVED),
        AbsenceVisit.objects.filter(appointment=about, state=AbsenceVisit.State.PLANNED),
    ]
    unfinished = Q(state__in=CALL_OPEN) | Q(submitting_at__gte=before)
    for path in ("reminder__appointment", "companions__reminder__appointment"):
        calls = CallRecord.objects.filter(**{path: about})
        stays += [
            calls.filter(unfinished),
            EvidenceHold.objects.filter(**{f"call__{path}": about}, ended_at=None),
            FollowUp.objects.filter(**{f"call__{path}": about}).exclude(state=RESOLVED),
            WebhookEvent.objects.filter(**{f"call__{path}": about}).exclude(state__in=SETTLED),
        ]
    # a call for a household goes with the visit it began with, so all its visits must be old
    family = CallCompanion.objects.filter(call__reminder__appointment=about)
    stays.append(family.filter(reminder__appointment__ends_at__gte=before))
    return Appointment.objects.filter(*(~Exists(rows) for rows in stays), ends_at__lt=before)


def delete_visits(ids: Sequence[int]) -> int:
    """Delete them with their reminders, calls, events, follow-ups and stories; how many appointments.

    What was opened about one of them at this moment is not deleted, and its reference makes the database
    refuse the whole part.
    """
    reminders = list(Reminder.objects.filter(appointment__in=ids).values_list("pk", flat=True))
    calls = list(CallRecord.objects.filter(reminder__in=reminders).values_list("pk", flat=True))
    EventDismissal.objects.filter(event__call__in=calls).delete()
    WebhookEvent.objects.filter(call__in=calls, state__in=SETTLED).delete()
    EvidenceLook.objects.filter(call__in=calls).delete()
    AbsenceVisit.objects.filter(appointment__in=ids).delete()
    EvidenceHold.objects.filter(call__in=calls).exclude(ended_at=None).delete()
    ReceivedText.objects.filter(call__in=calls).update(call=None)
    resolved = FollowUp.objects.filter(state=RESOLVED)
    delete_follow_ups(list(resolved.filter(appointment__in=ids).values_list("pk", flat=True)))
    resolved.filter(call__in=calls).update(call=None)
    resolved.filter(reminder__in=reminders).update(reminder=None)
    CallCompanion.objects.filter(Q(call__in=calls) | Q(reminder__in=reminders)).delete()
    CallRecord.objects.filter(pk__in=calls).delete()
    Reminder.objects.filter(pk__in=reminders).delete()
    AppointmentChange.objects.filter(appointment__in=ids).delete()
    Appointment.objects.filter(pk__in=ids).delete()
    return len(ids)


def find_loose_follow_ups(before: datetime) -> QuerySet[FollowUp]:
    """Resolved ones that belong to no appointment."""
    return FollowUp.objects.filter(appointment=None, state=RESOLVED, resolved_at__lt=before)


def delete_follow_ups(ids: Sequence[int]) -> int:
    FollowUpDeed.objects.filter(follow_up__in=ids).delete()
    return FollowUp.objects.filter(pk__in=ids).delete()[0]


def find_empty_batches(before: datetime) -> QuerySet[CallBatch]:
    calls = CallRecord.objects.filter(batch=OuterRef("pk"))
    stored = WebhookEvent.objects.filter(batch=OuterRef("pk"))
    return CallBatch.objects.filter(~Exists(calls), ~Exists(stored), created_at__lt=before)


def find_old_received(before: datetime) -> QuerySet[ReceivedText]:
    return ReceivedText.objects.filter(at__lt=before).exclude(needs_reader=True, read_at=None)


def find_old_staff_texts(before: datetime) -> QuerySet[StaffText]:
    state = StaffText.State
    waits = (state.WAITING, state.SUBMITTING, state.UNKNOWN)
    named = AbsenceVisit.objects.filter(text=OuterRef("pk"))
    return StaffText.objects.filter(~Exists(named), created_at__lt=before).exclude(state__in=waits)


def find_old_tests(before: datetime) -> QuerySet[TestCall]:
    state = TestCall.State
    waits = (state.WAITING, state.SUBMITTING)
    return TestCall.objects.filter(created_at__lt=before).exclude(state__in=waits)


def delete_tests(ids: Sequence[int]) -> int:
    AssumptionTrial.objects.filter(test_call__in=ids).update(test_call=None)
    return TestCall.objects.filter(pk__in=ids).delete()[0]
