"""Booking, moving and cancelling an appointment together with its reminders, in one transaction.

Views and the admin call these. Each changes the appointment through contacts/appointments.py and replans
its reminders at once, so that no reminder for the old state is pending once the change is committed.
"""

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from contacts import appointments
from contacts.attendance import find_attendance_refusal
from contacts.database.clock import read_database_clock
from contacts.models import Appointment, Contact, Location, Provider, Way
from contacts.models.people import Channel
from reminders.deciding.coverage import covers, find_later_visits
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.number_caps import NumberUse, read_use
from reminders.deciding.present import Present, read_present
from reminders.deciding.situations import ModeFacts, without_settings
from reminders.desk.booking_questions import (
    BookingQuestion,
    find_booking_questions,
    lock_bookings,
    lock_bookings_around,
    raise_unanswered,
)
from reminders.desk.orders import put_back_reminders
from reminders.models import Reminder, Step
from reminders.planning.early_looks import look_again
from reminders.planning.owed_reminders import find_owed_reminder
from reminders.planning.planner import plan_appointments
from reminders.results.unanswered import account_for
from reminders.rules.reasons import Reason, sentence_for
from reminders.rules.states import REMINDER_PENDING, ReminderState
from reminders.sweeps.told_providers import list_told_another_provider
from reminders.wording.scripts import channel_of


class ChangedMeanwhile(ValueError):
    """Somebody has changed the appointment since the page was shown on which this was decided."""


def name_version(appointment: Appointment) -> str:
    """What a page that moves or cancels it was shown of it: of another time or provider it is another one."""
    minute = int(appointment.ends_at.timestamp()) // 60
    return f"{appointment.revision}-{appointment.provider_id or 0}-{minute}"


def _check_version(appointment: Appointment, seen: str) -> None:
    if seen not in ("", name_version(appointment)):
        raise ChangedMeanwhile


@dataclass(frozen=True)
class PlannedMove:
    """The effect of a move on one step: its time before and after (aware UTC; None: no reminder).

    `channel`: by which it goes out after it.
    """

    step: Step
    old_due_at: datetime | None
    new_due_at: datetime | None
    reason: str  # a code of reasons.Reason if there would be no reminder, or an earlier one, else ""
    channel: Channel = Channel.VOICE

    @property
    def why(self) -> str:
        """The reason's sentence."""
        return sentence_for(self.reason)

    @property
    def changes(self) -> bool:
        return self.old_due_at != self.new_due_at


@transaction.atomic
def book_and_plan(*, confirmed: Collection[str] | None = None, **booking: Any) -> Appointment:
    """Book it (arguments of contacts.appointments.book_appointment) and plan its reminders.

    `confirmed`: what is asked before and was confirmed (codes of BookingQuestion), None to ask nothing.
    Raises BookingQuestionsOpen.
    """
    if confirmed is not None:
        slot = {name: booking[name] for name in ("location", "provider", "starts_at", "ends_at")}
        provider: Provider | None = slot["provider"]
        lock_bookings(contact_id=booking["contact"].pk, provider_id=provider.pk if provider else None)
        now = read_database_clock()
        raise_unanswered(find_booking_questions(contact_id=booking["contact"].pk, **slot, now=now), confirmed)
    appointment = appointments.book_appointment(**booking)
    _plan_and_account([appointment.pk])
    return appointment


@transaction.atomic
def move_and_replan(
    appointment_id: int,
    *,
    starts_at: datetime,
    ends_at: datetime,
    location: Location | None = None,
    provider: Provider | None = None,
    by: User | None = None,
    how: str = "",
    confirmed: Collection[str] | None = None,
    seen: str = "",
) -> Appointment:
    """Move it: reminders for the old time are withdrawn, those for the new time are planned.

    `confirmed`: what is asked before and was confirmed (codes of BookingQuestion), None to ask nothing.
    `seen`: its name_version() as the page showed it, compared if anything is asked. Raises
    BookingQuestionsOpen and ChangedMeanwhile.
    """
    if confirmed is not None:
        lock_bookings_around(appointment_id, provider)
        there = Appointment.objects.select_related("location", "provider").get(pk=appointment_id)
        _check_version(there, seen)
        raise_unanswered(
            ask_about_move(there, location=location, provider=provider, starts_at=starts_at, ends_at=ends_at),
            confirmed,
        )
    moved = appointments.move_appointment(
        appointment_id,
        starts_at=starts_at,
        ends_at=ends_at,
        location=location,
        provider=provider,
        by=by,
        how=how,
    )
    _plan_and_account([appointment_id])
    list_told_another_provider([appointment_id])
    return moved


@transaction.atomic
def cancel_and_withdraw(
    appointment_id: int, *, by: User | None = None, how: str = "", seen: str = ""
) -> Appointment:
    """Cancel it and withdraw its pending reminders.

    `seen`: its name_version() as the page showed it. Raises ChangedMeanwhile.
    """
    if seen:
        _check_version(appointments.lock_appointment(appointment_id), seen)
    cancelled = appointments.cancel_appointment(appointment_id, by=by, how=how)
    _plan_and_account([appointment_id])
    return cancelled


@transaction.atomic
def reinstate_and_plan(
    appointment_id: int,
    *,
    by: User | None = None,
    how: str = "",
    confirmed: Collection[str] | None = None,
) -> Appointment:
    """Book a cancelled appointment again and plan its reminders.

    `confirmed`: what is asked before and was confirmed (codes of BookingQuestion), None to ask nothing.
    Raises BookingQuestionsOpen.
    """
    if confirmed is not None:
        lock_bookings_around(appointment_id, None)
        there = Appointment.objects.select_related("location", "provider").get(pk=appointment_id)
        raise_unanswered(ask_about_reinstating(there), confirmed)
    booked = appointments.reinstate_appointment(appointment_id, by=by, how=how)
    _plan_and_account([appointment_id])
    return booked


@transaction.atomic
def record_visit(appointment_id: int, status: str, *, by: User, how: str = "", now: str = "") -> Appointment:
    """Record arrived or no-show, or put it back to booked: then what was skipped because of it is put back.

    Follow-ups close or open with it. Raises AppointmentClosed as contacts.appointments.record_attendance(),
    where it can't be said yet (contacts/attendance.py), and if its status isn't `now`, where that is given.
    """
    visit = appointments.lock_appointment(appointment_id)
    if now and visit.status != now:
        raise appointments.AppointmentClosed(_("Somebody has changed it since, so nothing was undone."))
    refusal = find_attendance_refusal(visit, status, read_database_clock())
    if refusal and visit.status not in (status, Appointment.Status.CANCELLED):
        raise appointments.AppointmentClosed(refusal)
    recorded = appointments.record_attendance(appointment_id, status, by=by, how=how)
    if status == Appointment.Status.BOOKED:
        skipped = recorded.reminders.filter(state=ReminderState.SKIPPED, reason=Reason.VISIT_RECORDED)
        put_back_reminders(list(skipped.values_list("pk", flat=True)), by=by)
    account_for([appointment_id])
    _look_at_later_visits([appointment_id])
    return recorded


@transaction.atomic
def change_kind_and_replan(appointment_id: int, kind: str) -> Appointment:
    """Change its kind; what a campaign no longer covers is skipped, what one now covers is planned."""
    changed = appointments.change_kind(appointment_id, kind)
    _plan_and_account([appointment_id])
    return changed


@transaction.atomic
def confirm_by_staff(appointment_id: int, *, by: User) -> bool:
    """Mark it confirmed because the patient told the staff; returns whether it now is confirmed."""
    appointment = Appointment.objects.get(pk=appointment_id)
    confirmed = appointments.record_answer(
        appointment_id,
        Appointment.Answer.CONFIRMED,
        revision=appointment.revision,
        at=read_database_clock(),
        how=Way.STAFF,
        by=by,
    )
    account_for([appointment_id])
    return confirmed


def _plan_and_account(appointment_ids: Sequence[int]) -> None:
    """Plan them; if nothing will go out for one, or it has changed, the worklist says so at once."""
    plan_appointments(appointment_ids)
    account_for(appointment_ids)
    _look_at_later_visits(appointment_ids)


def _look_at_later_visits(appointment_ids: Sequence[int]) -> None:
    """A visit makes its patient known at later ones, or new if it is cancelled (product rule 30)."""
    if later := find_later_visits(appointment_ids):
        plan_appointments(later)
        look_again(Reminder.objects.filter(appointment__in=later))


def ask_about_reinstating(appointment: Appointment) -> list[BookingQuestion]:
    """What to ask before a cancelled appointment is booked again; nothing of another one."""
    if appointment.status != Appointment.Status.CANCELLED:
        return []
    return find_booking_questions(
        contact_id=appointment.contact_id,
        location=appointment.location,
        provider=appointment.provider,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        now=read_database_clock(),
        besides=appointment.pk,
    )


def ask_about_move(
    appointment: Appointment,
    *,
    location: Location | None,
    provider: Provider | None,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime | None = None,
) -> list[BookingQuestion]:
    """What to ask before it is moved there; nothing where neither its time, length nor provider changes.

    `now`: the database's time, where it was read already.
    """
    location, provider = location or appointment.location, provider or appointment.provider
    length = appointment.ends_at - appointment.starts_at
    is_same = appointments.is_same_time(appointment, starts_at, location)
    if is_same and provider == appointment.provider and ends_at - starts_at == length:
        return []
    return find_booking_questions(
        contact_id=appointment.contact_id,
        location=location,
        provider=provider,
        starts_at=starts_at,
        ends_at=ends_at,
        now=now or read_database_clock(),
        besides=appointment.pk,
    )


def preview_booking(
    *,
    contact: Contact,
    location: Location,
    provider: Provider | None,
    starts_at: datetime,
    ends_at: datetime,
    kind: str = "",
    present: Present,
) -> list[PlannedMove]:
    """The reminders that booking it would plan, by all rules. Changes nothing."""
    now, practice = present.now, present.config
    location = practice.locations[location.pk]
    wanted = Appointment(contact=contact, location=location, provider=provider, kind=kind)
    appointments.set_times(wanted, starts_at, ends_at)
    wanted.revised_at = wanted.booked_at = now
    use = read_use([contact.phone_id], now)[contact.phone_id] if contact.phone_id else None
    return [
        _preview_step(step, wanted, None, now, use, present.mode)
        for step in practice.list_active_steps()
        if covers(step.campaign, wanted)
    ]


def preview_move(
    appointment: Appointment,
    starts_at: datetime,
    location: Location | None = None,
    *,
    present: Present | None = None,
) -> list[PlannedMove]:
    """The effect on each step of moving it there, by all rules, calling hours included. Changes nothing.

    `present`: where it was read for this request already.
    """
    present = present or read_present()
    now, practice = present.now, present.config
    number_id = appointment.contact.phone_id
    use = read_use([number_id], now)[number_id] if number_id else None
    pending = {}
    for reminder in without_settings(appointment.reminders.filter(state__in=REMINDER_PENDING)):
        reminder.appointment = appointment
        pending[reminder.step_id] = explain_reminder(practice.complete(reminder), now, use=use).moment
    moved = copy(appointment)
    moved.location = practice.locations[location.pk if location else appointment.location_id]
    appointments.set_times(moved, starts_at, starts_at.astimezone(UTC))
    moved.revision, moved.revised_at, moved.booked_at = appointment.revision + 1, now, now
    return [
        _preview_step(step, moved, pending.get(step.pk), now, use, present.mode)
        for step in practice.list_active_steps()
        if covers(step.campaign, moved)
    ]


def _preview_step(
    step: Step,
    moved: Appointment,
    old_moment: datetime | None,
    now: datetime,
    use: NumberUse | None,
    mode: ModeFacts,
) -> PlannedMove:
    owed = find_owed_reminder(step, moved)
    if owed is None or owed.state == ReminderState.SKIPPED:
        return PlannedMove(step, old_moment, None, owed.reason if owed else "")
    reminder = Reminder(
        appointment=moved,
        step=step,
        revision=moved.revision,
        due_at=owed.due_at,
        not_after=owed.not_after,
        next_look_at=owed.due_at,
        reason=owed.reason,
    )
    mode.add_to(reminder)
    explained = explain_reminder(reminder, now, use=use)
    is_worth_a_word = explained.moment is None or explained.reason == Reason.BROUGHT_FORWARD
    why = explained.reason if is_worth_a_word else ""
    return PlannedMove(step, old_moment, explained.moment, why, channel_of(reminder))
