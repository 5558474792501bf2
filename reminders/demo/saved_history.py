"""Saves the demo's history: reminders, calls, and the effects of the patients' answers."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import F

from contacts.appointments import record_answer
from contacts.models import Appointment, ConsentEntry, UnusableReason, Way
from contacts.models.people import Channel
from contacts.optouts import record_optout, scope_of_optout
from contacts.people import mark_number_unusable
from reminders.demo import outcomes
from reminders.demo.history import History
from reminders.lifecycle.follow_ups import find_due_time
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.results.answers import WAY_BY_KEY

Answer = Appointment.Answer
Kind = FollowUp.Kind
RESOLVED_AFTER = timedelta(hours=1, minutes=50)
CALLED_BACK = "Called back; kept the appointment."
ASKED_AT_DESK = "Asked at the desk; will bring the new number."


def save_history(history: History, clerk: User) -> None:
    """Save the rows, and record the answers with the usual functions, at their times."""
    Reminder.objects.bulk_create(history.reminders)
    Reminder.objects.update(created_at=F("due_at") - timedelta(days=7))
    CallRecord.objects.bulk_create(history.calls)
    CallRecord.objects.update(created_at=F("submitting_at"))
    for call, end, at in sorted(history.decisive, key=lambda decisive: decisive[2]):
        _record_end(call, end, at, clerk)


def _record_end(call: CallRecord, end: str, at: datetime, clerk: User) -> None:
    if end == outcomes.INVALID:
        mark_number_unusable(call.number_id, UnusableReason.INVALID_NUMBER, at)
        _add_follow_up(call, Kind.WRONG_NUMBER, ASKED_AT_DESK, at, clerk)
    elif end == "9":
        evidence = f"call {call.public_id}"
        scope, source = scope_of_optout(Channel.VOICE), ConsentEntry.Source.KEY
        record_optout(call.number_id, scope=scope, source=source, at=at, evidence=evidence)
    else:
        answer = Answer.CONFIRMED if end == "1" else Answer.WANTS_ANOTHER_TIME
        how = Way.TEXT if call.channel == Channel.SMS else WAY_BY_KEY[end]
        reminder = call.reminder
        record_answer(reminder.appointment_id, answer, revision=reminder.revision, at=at, how=how)
    if end == "2":
        _add_follow_up(call, Kind.WANTS_ANOTHER_TIME, CALLED_BACK, at, clerk)


def _add_follow_up(call: CallRecord, kind: Kind, note: str, at: datetime, clerk: User) -> None:
    """Add a follow-up since `at`, resolved if the appointment is over."""
    appointment = call.reminder.appointment
    follow_up = FollowUp.objects.create(
        kind=kind,
        contact=appointment.contact,
        appointment=appointment,
        reminder=call.reminder,
        call=call,
        due_at=find_due_time(appointment.starts_at, at),
    )
    follow_up.created_at = at
    if appointment.status != Appointment.Status.BOOKED:
        follow_up.state, follow_up.note = FollowUp.State.RESOLVED, note
        follow_up.resolution = FollowUp.Resolution.DONE
        follow_up.taken_by = follow_up.resolved_by = clerk
        follow_up.resolved_at = at + RESOLVED_AFTER
    follow_up.save()
