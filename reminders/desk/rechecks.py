"""After an edit of a contact, a number or a script: what waits for it is looked at again at once.

Each door calls one of these after it has saved the edit (product rule 30). Those of locations and campaigns
replan by planner.py, which looks again as well.
"""

from collections.abc import Collection
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Now

from contacts.models import Appointment, Contact
from reminders.desk.wake_dispatch import wake_dispatch
from reminders.models import Reminder
from reminders.planning.early_looks import look_again
from reminders.planning.planner import plan_appointments
from reminders.results.unanswered import account_for_number


def recheck_contact(contact_id: int) -> None:
    """After an edit of a contact: their language, time zone or number, or of what is known of their numbers.

    A new number gives each appointment ahead a new revision, whose reminders are planned at once. Others who
    share a number are looked at too.
    """
    ahead = Appointment.objects.filter(
        contact=contact_id, status=Appointment.Status.BOOKED, starts_at__gt=Now()
    )
    plan_appointments(list(ahead.values_list("pk", flat=True)))
    contact = Contact.objects.filter(pk=contact_id)
    shares_number = Q(appointment__contact__in=())
    for held in ("phone", "other_phone"):
        shares_number |= _are_called_on(contact.values(held))
    look_again(Reminder.objects.filter(Q(appointment__contact=contact_id) | shares_number))
    wake_dispatch()


def recheck_numbers(number_ids: Collection[int]) -> None:
    """After a change of numbers: found wrong, usable again, opted in, consent given."""
    look_again(Reminder.objects.filter(_are_called_on(number_ids)))
    for number_id in number_ids:
        account_for_number(number_id)
    wake_dispatch()


def _are_called_on(numbers: Any) -> Q:
    """Reminders whose patients have one of these numbers (ids), as the first or the other number."""
    is_other = Q(appointment__contact__other_phone__in=numbers)
    return Q(appointment__contact__phone__in=numbers) | is_other


def recheck_script(script_id: int) -> None:
    """After an edit of a script: a text was added or repaired."""
    says_it = Q(step__script=script_id) | Q(step__text_script=script_id)
    says_it |= Q(step__fallback_script=script_id)
    look_again(Reminder.objects.filter(says_it, revision=F("appointment__revision")))
    wake_dispatch()
