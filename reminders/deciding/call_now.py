"""Whether a call may be ordered now: the one rule by which pages offer "call now"."""

from datetime import datetime

from contacts.models import Appointment
from reminders.models import Reminder
from reminders.rules.states import REMINDER_ORDERABLE
from reminders.wording.scripts import find_refusal, step_channel_of


def may_order_call(reminder: Reminder, now: datetime) -> bool:
    """Whether to offer it: the appointment is ahead, its number may be called, and no call is under way.

    Makes no query for a reminder of situations.with_situation(). The order itself asks decide() as well,
    which may still refuse it, with the reason in words.
    """
    appointment, number = reminder.appointment, reminder.appointment.contact.phone
    return (
        reminder.state in REMINDER_ORDERABLE
        and appointment.status == Appointment.Status.BOOKED
        and appointment.starts_at > now
        and number is not None
        and number.opted_out_at(channel := step_channel_of(reminder)) is None
        and find_refusal(channel, appointment.contact.preferred_channel) is None
    )
