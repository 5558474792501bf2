"""Telling patients that their visit was cancelled or moved: by text, else they are put on the worklist.

The texts are handed over (as texts by whoever decided) once the time for an undo has passed. What may not
be texted, and what was not delivered, becomes a follow-up: a person calls.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import transaction

from contacts.database.clock import read_database_clock
from contacts.models import Appointment
from reminders.deciding.text_objections import find_next_text_time, find_text_objection
from reminders.desk.absence_previews import draft_text, find_reason_to_call
from reminders.health.rounds import note_trouble
from reminders.lifecycle.follow_ups import close_untaken, open_for_visit
from reminders.lifecycle.locking import is_lock_timeout, lock_numbers, wait_briefly
from reminders.models import AbsenceVisit, FollowUp, StaffText
from reminders.rules.reasons import ReasonOfText

log = logging.getLogger(__name__)

State, Telling = AbsenceVisit.State, AbsenceVisit.Telling
AT_ONCE = 100  # in each round
BEFORE_VISIT = timedelta(hours=1)  # a text that could only go out later than this is a call instead
# Sent, but the patient has not got it, or nobody knows whether they have.
NOT_ARRIVED = (StaffText.State.UNDELIVERED, StaffText.State.DROPPED, StaffText.State.UNKNOWN)


def tell_patients() -> int:
    """Hand over the texts that are due, and list whom a text didn't reach; how many visits that were."""
    now = read_database_clock()
    due = AbsenceVisit.objects.filter(state=State.DONE, telling=Telling.WAITING, absence__texts_from__lte=now)
    ids = list(due.order_by("starts_before", "pk").values_list("pk", flat=True)[:AT_ONCE])
    do_each(_tell, ids)
    lost = AbsenceVisit.objects.filter(telling=Telling.TEXTED, text__state__in=NOT_ARRIVED)
    unreached = list(lost.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    do_each(_list_unreached, unreached)
    return len(ids) + len(unreached)


def do_each(deed: Callable[[int], None], ids: Iterable[int]) -> None:
    """Do it with each visit of an absence. One that fails, or is held, keeps no other from its turn."""
    with wait_briefly():
        for pk in ids:
            try:
                deed(pk)
            except Exception as error:  # noqa: BLE001 - the next tick tries it again
                if not is_lock_timeout(error):
                    note_trouble(error)
                # the type only: a database error's message may contain personal data
                log.error("visit %s of an absence has to wait: %s", pk, type(error).__name__)


@transaction.atomic
def _tell(pk: int) -> None:
    rows = AbsenceVisit.objects.filter(pk=pk, state=State.DONE, telling=Telling.WAITING)
    # the number before the row, as erasures do
    lock_numbers(
        rows.exclude(appointment__contact__phone=None).values_list("appointment__contact__phone", flat=True)
    )
    locked = rows.select_related("absence__by").select_for_update(of=("self",), skip_locked=True)
    waiting = locked.first()
    if waiting is None:
        return
    visit = Appointment.objects.select_related("contact__phone", "location").get(pk=waiting.appointment_id)
    if visit.contact.erased_at:
        waiting.telling, waiting.words = Telling.NOBODY, ""
        waiting.save()
        return
    now = read_database_clock()
    is_as_left = visit.revision == waiting.revision_after and visit.provider_id == waiting.provider_after_id
    if not is_as_left or _is_cancelled(visit) != (waiting.to_starts_at is None):
        waiting.words = ""  # it has been changed again since, so the text would be wrong
        _put_on_worklist(waiting, visit, "")
        return
    text = draft_text(visit, waiting.words, waiting.absence.by)
    reason = find_reason_to_call(visit, text, find_text_objection(text, now) if text else "")
    if text and reason == ReasonOfText.TEXT_AT_NIGHT and _may_wait(text, waiting, now):
        return
    if text and not reason:
        text.save(force_insert=True)
        waiting.text, waiting.telling, waiting.words = text, Telling.TEXTED, ""
        waiting.save()
        _resolve_other_provider(visit)
    else:
        waiting.words = ""
        _put_on_worklist(waiting, visit, reason)


def _is_cancelled(visit: Appointment) -> bool:
    return visit.status == Appointment.Status.CANCELLED


def _may_wait(text: StaffText, waiting: AbsenceVisit, now: datetime) -> bool:
    """Whether the morning comes early enough before the visit that the patient expects."""
    at = find_next_text_time(text, now)
    return at is not None and at <= waiting.starts_before - BEFORE_VISIT


@transaction.atomic
def _list_unreached(pk: int) -> None:
    rows = AbsenceVisit.objects.select_for_update(of=("self",), skip_locked=True).select_related("text")
    texted = rows.filter(pk=pk, telling=Telling.TEXTED).first()
    if texted and texted.text and texted.text.state in NOT_ARRIVED:
        visit = Appointment.objects.select_related("contact").get(pk=texted.appointment_id)
        _put_on_worklist(texted, visit, texted.text.reason)


def _put_on_worklist(told: AbsenceVisit, visit: Appointment, reason: str) -> None:
    told.telling, told.why_by_phone = Telling.BY_PHONE, reason
    told.save()
    if visit.starts_at > read_database_clock():
        open_for_visit(FollowUp.Kind.VISIT_CHANGED, visit, reason=reason)
    _resolve_other_provider(visit)


def _resolve_other_provider(visit: Appointment) -> None:
    """They are told of the new provider in any case, so no second follow-up says it."""
    close_untaken(visit, FollowUp.Kind.OTHER_PROVIDER, FollowUp.Resolution.SAID_BETTER)
