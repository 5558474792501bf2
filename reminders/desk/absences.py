"""A provider is away: cancelling or moving the visits of one day, and undoing that.

Each visit is changed in a transaction of its own, by the functions of bookings.py, so that one that has
changed meanwhile is left as it is and said, and the others are done. What is to happen is saved first: if
the process ends halfway, a tick goes on with the rest. Telling the patients is in absence_texts.py.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_noop

from contacts import appointments
from contacts.appointments import AppointmentClosed, lock_appointments, lock_zones, read_answer
from contacts.audit.trail import record_deed_of_page
from contacts.database.clock import read_database_clock
from contacts.models import Appointment
from reminders.desk.absence_previews import AbsencePlan, preview_absence
from reminders.desk.absence_texts import do_each
from reminders.desk.booking_questions import BookingQuestionsOpen, lock_bookings_around
from reminders.desk.bookings import cancel_and_withdraw, move_and_replan, reinstate_and_plan
from reminders.lifecycle.follow_ups import close_untaken, open_for_visit
from reminders.models import Absence, AbsenceVisit, FollowUp
from reminders.models.absences import LONGEST_WORDS
from reminders.results.unanswered import account_for

Deed, State, Telling = Absence.Deed, AbsenceVisit.State, AbsenceVisit.Telling
AT_ONCE = 100  # visits that a tick goes on with
# So long the texts wait: until then an undo leaves no patient with a wrong word.
UNDONE_WITHIN = timedelta(minutes=5)
LEFT_BEHIND = timedelta(minutes=1)  # after this a tick goes on with what a request left undone


@transaction.atomic
def plan_absence(
    plan: AbsencePlan,
    chosen: Mapping[int, Sequence[str]],
    *,
    revisions: Mapping[int, int],
    public_id: str,
    by: User,
) -> Absence:
    """Save what is to happen with the chosen visits; do_absence() then does it.

    `chosen`: by the visit's id what was asked about it and confirmed (codes); `revisions`: the revision that
    somebody saw. A form sent twice (`public_id`), at once or later, is one absence.
    """
    now = read_database_clock()
    values = {
        "provider": plan.provider,
        "location": plan.location,
        "day": plan.day,
        "deed": plan.deed,
        "to_provider": plan.to_provider,
        "to_day": plan.to_day,
        "by": by,
        "at": now,
        "texts_from": now + UNDONE_WITHIN if plan.words else None,
    }
    absence, is_new = Absence.objects.get_or_create(public_id=public_id, defaults=values)
    if not is_new:
        return absence
    record_deed_of_page(absence)
    AbsenceVisit.objects.bulk_create(
        AbsenceVisit(
            absence=absence,
            appointment=visit.before,
            seen_revision=revisions.get(visit.before.pk, visit.before.revision),
            confirmed=list(chosen[visit.before.pk]),
            starts_before=visit.before.starts_at,
            ends_before=visit.before.ends_at,
            to_starts_at=visit.after.starts_at if plan.deed != Deed.CANCEL else None,
            to_ends_at=visit.after.ends_at if plan.deed != Deed.CANCEL else None,
            words=visit.words[:LONGEST_WORDS],  # so much is no text either, but a call
        )
        for visit in preview_absence(plan, now, only=chosen)
    )
    return absence


def do_absence(absence: Absence) -> None:
    """Change each visit that is still to be changed."""
    for pk in absence.visits.filter(state=State.PLANNED).values_list("pk", flat=True):
        _do_visit(pk)


def finish_absences() -> int:
    """Go on with what a request left undone, since its process ended; how many visits that were."""
    late = read_database_clock() - LEFT_BEHIND
    left = AbsenceVisit.objects.filter(state=State.PLANNED, absence__at__lt=late)
    ids = list(left.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    do_each(_do_visit, ids)
    return len(ids)


def undo_absence(absence: Absence, *, by: User) -> tuple[int, int]:
    """Put back what hasn't changed since; how many were put back, and how many were left as they are.

    Who was told already, or may have been, is put on the worklist to be told again.
    """
    now = read_database_clock()
    Absence.objects.filter(pk=absence.pk, undone_at=None).update(undone_by=by, undone_at=now)
    AbsenceVisit.objects.filter(absence=absence, state=State.PLANNED).update(
        state=State.REFUSED, refusal=gettext_noop("Undone before it was changed."), words=""
    )
    done = list(absence.visits.filter(state=State.DONE).values_list("pk", flat=True))
    put_back = sum(_undo_visit(pk, by) for pk in done)
    return put_back, len(done) - put_back


@transaction.atomic
def _do_visit(pk: int) -> None:
    planned = _lock_visit(pk, is_undo=False)
    if planned is None or planned.state != State.PLANNED:
        return
    absence, visit = planned.absence, planned.appointment
    planned.answer_before = read_answer(visit)
    planned.refusal = _refuse(planned, visit)
    if not planned.refusal:
        try:
            # in English, as a refusal is stored; pages translate it
            with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
                changed = _change_saved(planned, visit, absence)
        except AppointmentClosed as refusal:
            planned.refusal = str(refusal)
        except BookingQuestionsOpen as opened:
            with translation.override(settings.LANGUAGE_CODE):
                planned.refusal = " ".join(str(question.label) for question in opened.questions)
        else:
            planned.revision_after = changed.revision
    planned.state = State.REFUSED if planned.refusal else State.DONE
    planned.refusal = planned.refusal[:200]
    is_told = absence.texts_from is not None and planned.state == State.DONE
    planned.telling = Telling.WAITING if is_told else Telling.NOBODY
    planned.words = planned.words if is_told else ""
    planned.save()


def _refuse(planned: AbsenceVisit, visit: Appointment) -> str:
    """Why it is left as it is, "" if it may be changed."""
    if visit.status != Appointment.Status.BOOKED:
        return gettext_noop("It is no longer booked.")
    is_other = visit.provider_id != planned.absence.provider_id
    if is_other or visit.revision != planned.seen_revision or visit.starts_at != planned.starts_before:
        return gettext_noop("Somebody has changed it meanwhile.")
    return ""


def _change_saved(planned: AbsenceVisit, visit: Appointment, absence: Absence) -> Appointment:
    """Raises AppointmentClosed and BookingQuestionsOpen."""
    if absence.deed == Deed.CANCEL:
        return cancel_and_withdraw(visit.pk, by=absence.by)
    return move_and_replan(
        visit.pk,
        starts_at=planned.to_starts_at or visit.starts_at,
        ends_at=planned.to_ends_at or visit.ends_at,
        provider=absence.to_provider,
        by=absence.by,
        confirmed=planned.confirmed,
    )


@transaction.atomic
def _undo_visit(pk: int, by: User) -> bool:
    """Whether it was put back; it isn't if somebody has changed it since."""
    done = _lock_visit(pk, is_undo=True)
    if done is None or done.state != State.DONE:
        return False
    absence, visit = done.absence, done.appointment
    done.refusal = _refuse_undo(done, visit)
    if done.refusal:
        done.save(update_fields=["refusal"])
        return False
    if absence.deed == Deed.CANCEL:
        back = reinstate_and_plan(visit.pk, by=by)
    else:
        back = move_and_replan(
            visit.pk, starts_at=done.starts_before, ends_at=done.ends_before, provider=absence.provider, by=by
        )
    _untell(done, back)
    done.state, done.words = State.UNDONE, ""
    done.save()
    account_for([visit.pk])
    return True


def _refuse_undo(done: AbsenceVisit, visit: Appointment) -> str:
    """Why it isn't put back, "" if it may be."""
    absence = done.absence
    expected = Appointment.Status.CANCELLED if absence.deed == Deed.CANCEL else Appointment.Status.BOOKED
    is_same = visit.revision == done.revision_after and visit.provider_id == done.provider_after_id
    is_as_left = visit.status == expected and is_same
    if not is_as_left or done.starts_before <= read_database_clock():
        return gettext_noop("Not put back: somebody has changed it since, or its time has passed.")
    others = Appointment.objects.filter(
        Q(revised_at__gt=absence.at) | Q(details_at__gt=absence.at),
        provider=absence.provider,
        status=Appointment.Status.BOOKED,
        starts_at__lt=done.ends_before,
        ends_at__gt=done.starts_before,
    )
    if others.exclude(absences__absence=absence).exists():
        return gettext_noop("Not put back: somebody else has been booked at that time since.")
    return ""


def _untell(done: AbsenceVisit, back: Appointment) -> None:
    """Who doesn't know of it yet keeps the answer they gave; who knows, or may know, is told by phone."""
    if done.telling == Telling.NOBODY:  # the practice may have told them, so the answer has to be asked again
        return
    is_texted = done.telling == Telling.TEXTED
    resolution = FollowUp.Resolution.NO_LONGER_NEEDED
    closed = 0 if is_texted else close_untaken(back, FollowUp.Kind.VISIT_CHANGED, resolution)
    if is_texted or (done.telling == Telling.BY_PHONE and not closed):
        done.telling = Telling.BY_PHONE
        open_for_visit(FollowUp.Kind.VISIT_CHANGED, back)
        return
    done.telling = Telling.NOBODY
    appointments.keep_answer(back.pk, done.answer_before)


def _lock_visit(pk: int, *, is_undo: bool) -> AbsenceVisit | None:
    """The visit with its appointment as it is saved. All is locked in the order in which bookings lock.

    So the appointment comes before its row of the absence, as in an erasure.
    """
    rows = AbsenceVisit.objects.select_related(
        "absence__by", "absence__provider", "absence__to_provider", "appointment"
    )
    found = rows.filter(pk=pk).first()
    if found is None:
        return None
    absence = found.absence
    provider = absence.provider if is_undo else absence.to_provider or absence.provider
    lock_bookings_around(found.appointment_id, provider)
    lock_zones([found.appointment.location_id])
    lock_appointments([found.appointment_id])
    return rows.select_for_update(of=("self",)).filter(pk=pk).first()
