"""Listing patients who were told of another provider than they now have.

A change of the provider alone is no new revision: the time stands, and so does a confirmation. But a call or
text that named the other provider has gone out, so staff decide whether the patient must know.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from contacts.models import Appointment, AppointmentChange
from reminders.lifecycle.calls import calls_of, with_calls
from reminders.lifecycle.follow_ups import close_follow_ups, open_follow_up
from reminders.models import CallCompanion, CallRecord, FollowUp, Reminder
from reminders.rules.states import CallState
from reminders.wording.scripts import name_provider
from reminders.wording.sms_alphabet import write_plainly

# After these the patient has heard nothing. After all others they may have, a call in progress included.
NOT_HEARD = (CallState.NOT_SENT, CallState.REJECTED, CallState.FAILED, CallState.NO_ANSWER)


def list_told_another_provider(appointment_ids: Collection[int] | None = None) -> int:
    """Open a follow-up for each, and resolve those overtaken; how many were opened. For all, or for a few."""
    changes = AppointmentChange.objects.filter(
        what=AppointmentChange.What.PROVIDER_CHANGED,
        appointment__status=Appointment.Status.BOOKED,
        appointment__starts_at__gt=Now(),
    )
    follow_ups = FollowUp.objects.filter(kind=FollowUp.Kind.OTHER_PROVIDER)
    if appointment_ids is not None:
        changes = changes.filter(appointment__in=appointment_ids)
        follow_ups = follow_ups.filter(appointment__in=appointment_ids)
    known = follow_ups.filter(appointment=OuterRef("appointment"), created_at__gte=OuterRef("at"))
    rows = changes.filter(~Exists(known)).order_by("at", "pk").values_list("appointment_id", "at")
    changed_at: dict[int, datetime] = dict(rows)
    opened = 0
    for reminder, call in _find_told(changed_at):
        if call.submitting_at < changed_at[reminder.appointment_id]:
            open_follow_up(FollowUp.Kind.OTHER_PROVIDER, reminder=reminder, call=call)
            opened += 1
    _resolve_overtaken(follow_ups.exclude(state=FollowUp.State.RESOLVED))
    return opened


def _find_told(appointment_ids: Iterable[int]) -> Iterator[tuple[Reminder, CallRecord]]:
    """Where the last call for the current revision named another provider: its reminder, and the call."""
    own = CallRecord.objects.filter(reminder=OuterRef("pk"))
    shared = CallCompanion.objects.filter(reminder=OuterRef("pk"))
    called = (
        Reminder.objects.filter(appointment__in=appointment_ids, revision=F("appointment__revision"))
        .filter(Q(Exists(own)) | Q(Exists(shared)))
        .select_related("appointment__location", "appointment__provider")
    )
    tries: defaultdict[int, list[tuple[datetime, int, Reminder, CallRecord]]] = defaultdict(list)
    for reminder in with_calls(called, CallRecord.objects.all()):
        for call in calls_of(reminder):
            if call.state not in NOT_HEARD and "PROVIDER" in call.variables:
                tries[reminder.appointment_id].append((call.submitting_at, call.pk, reminder, call))
    for of_one in tries.values():
        *_, reminder, call = max(of_one, key=lambda one: one[:2])
        if not _names_provider(call, reminder.appointment):
            yield reminder, call


def _names_provider(call: CallRecord, appointment: Appointment) -> bool:
    """Whether the call named the appointment's provider; one for a household names several."""
    said = write_plainly(str(call.variables["PROVIDER"]))
    now = write_plainly(name_provider(appointment))
    is_shared = "FOR_ALL" in call.variables
    return now in said if is_shared else now == said


def _resolve_overtaken(open_ones: "QuerySet[FollowUp]") -> None:
    """Resolve those told the right name since, and those whose provider is the old one again."""
    rows = dict(open_ones.values_list("appointment_id", "pk"))
    still = {reminder.appointment_id for reminder, _ in _find_told(rows)} if rows else set()
    overtaken = [pk for appointment_id, pk in rows.items() if appointment_id not in still]
    close_follow_ups(FollowUp.objects.filter(pk__in=overtaken), FollowUp.Resolution.OVERTAKEN)
