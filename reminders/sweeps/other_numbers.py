"""Contacts whose first number can't be reached: their other number takes its place, where they allow it.

The two change places, so that it is seen on the contact's page and nothing is tried on the first one until a
person puts it back. Appointments ahead get a new revision and new reminders, as after an edit of the number.
"""

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from contacts.appointments import add_change
from contacts.models import Appointment, AppointmentChange, Contact
from contacts.models.people import OtherNumberUse
from contacts.people import change_phone, lock_people
from reminders.deciding.other_numbers import find_number_instead
from reminders.lifecycle.locking import lock_numbers
from reminders.planning.planner import plan_appointments
from reminders.results.unanswered import account_for

MOST_AT_ONCE = 200  # contacts in one round; the next is a minute later


def use_other_numbers() -> int:
    """Call those on their other number whose first one can't be reached; how many contacts."""
    ahead = Appointment.objects.filter(
        contact=OuterRef("pk"), status=Appointment.Status.BOOKED, starts_at__gt=Now()
    )
    waiting = Contact.objects.filter(
        Exists(ahead),
        other_phone_use=OtherNumberUse.UNREACHABLE,
        phone__unusable_since__isnull=False,
        other_phone__unusable_since=None,
        other_phone__isnull=False,
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
    return sum(_use_other_number(pk) for pk in ids)


@transaction.atomic
def _use_other_number(contact_id: int) -> bool:
    """Let the two numbers change places, if the rule still says so under lock."""
    contact = lock_people([contact_id]).get(contact_id)
    if contact is None:
        return False
    lock_numbers(pk for pk in (contact.phone_id, contact.other_phone_id) if pk)
    contact = Contact.objects.select_related("phone", "other_phone").get(pk=contact_id)
    instead = find_number_instead(contact)
    if instead is None:
        return False
    contact.other_phone = contact.phone
    contact.save(update_fields=["other_phone", "updated_at"])
    revised = change_phone(contact, instead)
    for appointment in Appointment.objects.filter(pk__in=revised).order_by("pk"):
        add_change(appointment, AppointmentChange.What.OTHER_NUMBER)
    plan_appointments(revised)
    account_for(revised)
    return True
