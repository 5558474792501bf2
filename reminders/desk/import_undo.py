"""Undoing an import together with its reminders, in one transaction.

What was submitted, answered or worked on since stays. The reminders of what goes are removed with it if
nothing was ever submitted for them; what is put back is planned anew, and nothing that was due before the
undo is sent late (product rule 29).
"""

from collections.abc import Collection, Iterator

from django.contrib.auth.models import User
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from psycopg.errors import DeadlockDetected

from contacts.database.arrays import is_any
from contacts.models import Appointment, ImportBatch, KeptByUndo
from contacts.undo_plans import UndoPlan, plan_undo
from contacts.undo_records import BatchRecords
from contacts.undo_surroundings import TellingRows, tell
from contacts.undoing import UndoRefused, apply_undo, lock_batch, read_undoable
from contacts.worker_hints import hint_planning
from reminders.desk.wake_dispatch import wake_dispatch
from reminders.lifecycle.follow_ups import UNRESOLVED
from reminders.lifecycle.locking import is_lock_timeout, wait_briefly
from reminders.models import CallCompanion, CallRecord, FollowUp, Reminder
from reminders.planning.bulk_rows import lock_steps_in_use
from reminders.planning.early_looks import look_again
from reminders.planning.planner import plan_appointments
from reminders.results.unanswered import account_for
from reminders.rules.states import ReminderState
from reminders.sweeps.told_providers import list_told_another_provider

What, Why = KeptByUndo.What, KeptByUndo.Why
AT_ONCE = 2_000  # appointments that are planned at once; of more, the next round of planning plans all
# Resolutions of follow-ups that what a list does to a visit brings about by itself.
CLOSED_BY_LISTS = (
    FollowUp.Resolution.CANCELLED,
    FollowUp.Resolution.MOVED,
    FollowUp.Resolution.VISIT_RECORDED,
)
GOING_OUT = (ReminderState.CLAIMED, ReminderState.IN_PROGRESS)


def preview_undo(batch: ImportBatch) -> UndoPlan:
    """What undoing the batch would do now. Changes nothing. Raises UndoRefused."""
    records = read_undoable(batch)
    return plan_undo(records, tell_since_then(records))


def undo_import(batch_id: int, *, token: str, by: User) -> UndoPlan:
    """Undo the batch, if that does what was shown (UndoPlan.token); what was done.

    Raises UndoRefused, with a sentence for staff.
    """
    try:
        with transaction.atomic(), wait_briefly():
            plan = _undo(batch_id, token, by)
    except OperationalError as error:
        if not is_lock_timeout(error) and not isinstance(error.__cause__, DeadlockDetected):
            raise
        raise UndoRefused(
            _(
                "Somebody is changing one of these just now, or a list is being imported. "
                "Try again in a minute."
            )
        ) from None
    return plan


def _undo(batch_id: int, token: str, by: User) -> UndoPlan:
    lock_steps_in_use()
    records = lock_batch(batch_id)
    _lock_follow_ups(records)
    plan = plan_undo(records, tell_since_then(records))
    if plan.token != token:
        raise UndoRefused(_("Something has changed meanwhile. Look again at what would happen."))
    if not plan.does_something:
        raise UndoRefused(_("Nothing of this import can be taken back."))
    removed = [one.pk for one in plan.removed_appointments]
    people = _find_people(plan)
    FollowUp.objects.filter(is_any("appointment", removed)).delete()
    Reminder.objects.filter(is_any("appointment", removed)).delete()
    apply_undo(plan, by=by)
    _reopen_follow_ups(plan)
    touched = sorted({*_find_ahead(people), *plan.appointments})
    if len(touched) <= AT_ONCE:
        plan_appointments(touched)
        account_for(touched)
        list_told_another_provider(touched)
        look_again(Reminder.objects.filter(appointment__in=touched))
    hint_planning()
    wake_dispatch()
    return plan


def _lock_follow_ups(records: BatchRecords) -> None:
    """Wait for whoever is working on one of them, and let nobody begin until the undo is done."""
    theirs = Q(is_any("appointment", records.appointment_ids))
    theirs |= Q(is_any("contact", records.added_contacts))
    list(FollowUp.objects.filter(theirs).order_by("pk").select_for_update(of=("self",)).values_list("pk"))


def tell_since_then(records: BatchRecords) -> Iterator[TellingRows]:
    """What was sent, or is going out, for the batch's appointments and patients, and what was worked on."""
    ids, since = records.appointment_ids, records.since
    calls = CallRecord.objects.filter(submitting_at__gte=since)
    companions = CallCompanion.objects.filter(call__submitting_at__gte=since)
    visit, patient = "reminder__appointment", "reminder__appointment__contact"
    for tries in (calls, companions):
        yield tell(What.APPOINTMENT, tries.filter(is_any(visit, ids)), visit, Why.SENT)
        yield tell(What.CONTACT, tries.filter(is_any(patient, records.contacts)), patient, Why.SENT)
    going_out = Reminder.objects.filter(is_any("appointment", ids), state__in=GOING_OUT)
    yield tell(What.APPOINTMENT, going_out, "appointment", Why.SENT)
    follow_ups = FollowUp.objects.filter(is_any("appointment", ids)).filter(
        Q(appointment__batch=records.batch) | Q(created_at__gte=since) | Q(resolved_at__gte=since)
    )
    # What somebody took before the list came, and the list closed, goes back to them.
    worked_on = Q(resolved_by__isnull=False) | Q(touched_at__gte=since)
    worked_on |= Q(touched_at=None) & (~Q(note="") | Q(taken_by__isnull=False))  # of before that was kept
    yield tell(What.APPOINTMENT, follow_ups.filter(worked_on), "appointment", Why.WORKED_ON)
    of_people = FollowUp.objects.filter(is_any("contact", records.added_contacts))
    of_others = of_people.exclude(appointment__batch=records.batch)
    yield tell(What.CONTACT, of_others, "contact", Why.WORKED_ON)


def _reopen_follow_ups(plan: UndoPlan) -> None:
    """Open what was closed only since the list cancelled, moved or recorded these visits.

    What isn't needed any more is closed again (results/unanswered.py).
    """
    closed = FollowUp.objects.filter(
        is_any("appointment", plan.appointments),
        state=FollowUp.State.RESOLVED,
        resolved_by=None,
        resolved_at__gte=plan.records.since,
        resolution__in=CLOSED_BY_LISTS,
    )
    same = FollowUp.objects.filter(UNRESOLVED, appointment=OuterRef("appointment"), kind=OuterRef("kind"))
    latest = (
        closed.filter(~Exists(same))
        .order_by("appointment_id", "kind", "-pk")
        .distinct("appointment_id", "kind")
    )
    again = FollowUp.objects.filter(pk__in=list(latest.values_list("pk", flat=True)))
    of_colleague = Q(taken_by__in=User.objects.filter(is_active=True))
    again.filter(of_colleague).update(state=FollowUp.State.TAKEN, resolved_at=None, resolution="")
    again.filter(state=FollowUp.State.RESOLVED).update(
        state=FollowUp.State.OPEN, taken_by=None, taken_at=None, resolved_at=None, resolution=""
    )


def _find_people(plan: UndoPlan) -> set[int]:
    """Everybody who stays, and of whom an appointment goes or something is put back."""
    visits = Appointment.objects.filter(is_any("pk", plan.records.appointment_ids)).order_by()
    owners = set(visits.values_list("contact", flat=True))
    owners |= {each["contact_id"] for each in plan.appointments.values() if "contact_id" in each}
    return (owners | set(plan.contacts)) - {one.pk for one in plan.removed_contacts}


def _find_ahead(people: Collection[int]) -> list[int]:
    """Their booked appointments: planned again, since a visit less can make a patient new to a later one."""
    booked = Appointment.objects.filter(is_any("contact", people), status=Appointment.Status.BOOKED)
    return list(booked.order_by("pk").values_list("pk", flat=True))
