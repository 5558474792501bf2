"""Forgetting a person, with what hangs on calls and the worklist, in one transaction."""

from django.contrib.auth.models import User
from django.db import OperationalError, transaction
from django.utils.translation import gettext as _
from psycopg.errors import DeadlockDetected

from contacts.erasing import ErasurePlan, ErasureRefused, erase_contact, lock_erasure
from contacts.person_tables import OF_CALL
from reminders.desk.merging import has_open_call
from reminders.lifecycle.follow_ups import UNRESOLVED, close_follow_ups
from reminders.lifecycle.locking import is_lock_timeout, wait_briefly
from reminders.models import EvidenceHold, FollowUp, OptOutConfirmation, StaffText

NOT_SENT_YET = (OptOutConfirmation.State.WAITING, OptOutConfirmation.State.SUBMITTING)


def erase_person(contact_id: int, *, by: User) -> None:
    """Erase what is known of a contact. Raises ErasureRefused, with a sentence for staff."""
    try:
        with transaction.atomic(), wait_briefly():
            plan = lock_erasure(contact_id)
            if refusal := find_call_refusal(plan):
                raise ErasureRefused(refusal)
            open_ones = FollowUp.objects.filter(UNRESOLVED, contact=contact_id)
            close_follow_ups(open_ones, FollowUp.Resolution.ERASED, by=by)
            erase_contact(plan, by=by)
    except OperationalError as error:
        if not is_lock_timeout(error) and not isinstance(error.__cause__, DeadlockDetected):
            raise
        raise ErasureRefused(
            _("Something about this person is being changed just now. Try again in a minute.")
        ) from None


def find_call_refusal(plan: ErasurePlan) -> str:
    """Why calls or texts about the person don't let them be erased now; "" if they do."""
    if has_open_call(list(plan.contact.appointments.values_list("pk", flat=True))):
        return _("A call about them has no result yet. Wait for it, or settle it on the worklist.")
    held = EvidenceHold.objects.filter(ended_at=None)
    if any(held.filter(**{f"call__{path}": plan.contact}).exists() for path in OF_CALL):
        return _(
            "A call about them is kept for a dispute. End the hold first (Evidence holds, in the admin)."
        )
    waiting = OptOutConfirmation.objects.filter(entry__number__in=plan.going, state__in=NOT_SENT_YET)
    if waiting.exists():
        return _("A text that confirms their opt-out is about to go out. Try again in a minute.")
    if StaffText.objects.filter(number__in=plan.going, state__in=NOT_SENT_YET).exists():
        return _("A text to them is about to go out. Try again in a minute.")
    return ""
