"""The order in which rows are locked, so that no two transactions wait for each other.

Always appointment, then number, then reminder, then call; within a kind by primary key. Whoever needs a
later kind first reads the ids without a lock (they never change) and then locks in this order.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from contacts.appointments import lock_appointments
from contacts.models import PhoneNumber
from reminders.models import CallRecord, Reminder


def lock_numbers(ids: Iterable[int]) -> None:
    """Hold opt-outs of these numbers until the transaction ends."""
    rows = PhoneNumber.objects.filter(pk__in=set(ids)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def lock_reminder(reminder_id: int) -> Reminder:
    """The reminder, with its appointment and number locked before it. Raises Reminder.DoesNotExist."""
    appointment_id, number_id = Reminder.objects.values_list(
        "appointment_id", "appointment__contact__phone_id"
    ).get(pk=reminder_id)
    lock_appointments([appointment_id])
    lock_numbers([number_id] if number_id else [])
    return (
        Reminder.objects.select_related("appointment__contact", "step")
        .select_for_update(of=("self",))
        .get(pk=reminder_id)
    )


def lock_call(call_id: int) -> CallRecord:
    """The call, with its appointment, number and reminder locked before it.

    `call.reminder` is the locked row. Raises CallRecord.DoesNotExist.
    """
    # One statement: PostgreSQL locks the rows of a result in the order in which FOR UPDATE names the tables.
    return (
        CallRecord.objects.select_related("reminder__appointment__contact", "reminder__step", "number")
        .select_for_update(of=("reminder__appointment", "number", "reminder", "self"), no_key=True)
        .get(pk=call_id)
    )


def read_database_clock() -> datetime:
    """The database's time now (aware UTC): one clock for all workers, however skewed their own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
