"""Locking rows in one order, so that no two transactions wait for each other.

Always appointment, then number, then reminder, then call; within a kind by primary key. Code that starts from
a later kind first reads the ids without a lock (they never change) and then locks in this order. A step and
then locations come before all of them: planners (planning/bulk_rows.py) and whoever books
(contacts/appointments.py: lock_zones) share their locks, and an edit holds them exclusively while it replans.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import Error, connection
from django.db.models import Exists, OuterRef, Prefetch
from psycopg.errors import LockNotAvailable

from contacts.appointments import lock_appointments
from contacts.database.arrays import is_any
from contacts.database.patience import wait_for_locks
from contacts.models import PhoneNumber
from reminders.models import CallCompanion, CallRecord, Reminder

BRIEFLY = 2.0  # seconds
_AROUND_A_CALL = ("reminder__appointment__contact", "reminder__step", "number")


@contextmanager
def wait_briefly() -> Iterator[None]:
    """In this block wait for each lock for two seconds at most, then raise OperationalError.

    A dispatch uses it, so that one locked row doesn't delay everything else that is due. Behind a pooler it
    holds for this transaction and for those that begin in the block, since a session is everybody's.
    """
    with wait_for_locks(BRIEFLY):
        _set_lock_timeout(BRIEFLY, only_here=settings.DATABASE_POOLER)
        try:
            yield
        finally:
            with suppress(Error):  # a lost connection loses its settings anyway
                _set_lock_timeout(settings.DATABASE_LOCK_SECONDS, only_here=settings.DATABASE_POOLER)


def wait_briefly_here() -> None:
    """The same for the rest of this transaction."""
    _set_lock_timeout(BRIEFLY, only_here=True)


def is_lock_timeout(error: Exception) -> bool:
    """Whether the error is a lock timeout: another transaction held a lock for too long."""
    return isinstance(error.__cause__, LockNotAvailable)


def _set_lock_timeout(seconds: float, *, only_here: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, %s)", [f"{seconds:.3f}s", only_here])


def lock_numbers(ids: Iterable[int]) -> None:
    """Lock these numbers, so that no opt-out is recorded for them until the transaction ends."""
    rows = PhoneNumber.objects.filter(is_any("pk", set(ids))).order_by("pk")
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
    """The locked call; each appointment that it is about, its number and its reminders are locked before it.

    `call.reminder`, and `reminder` of `call.companions.all()`, are the locked rows. Raises
    CallRecord.DoesNotExist.
    """
    # One statement: PostgreSQL locks the rows of a result in the order in which FOR UPDATE names the tables.
    # It finds only a call without companions, since those would have to be locked before the call. A call's
    # companions never change.
    alone = (
        CallRecord.objects.filter(~Exists(CallCompanion.objects.filter(call=OuterRef("pk"))), pk=call_id)
        .select_related(*_AROUND_A_CALL)
        .prefetch_related(Prefetch("companions", queryset=CallCompanion.objects.none()))
        .select_for_update(of=("reminder__appointment", "number", "reminder", "self"), no_key=True)
        .first()
    )
    return alone or _lock_household_call(call_id)


def _lock_household_call(call_id: int) -> CallRecord:
    calls = CallRecord.objects.select_related(*_AROUND_A_CALL)
    call = calls.get(pk=call_id)
    companions = call.companions.select_related("reminder")
    reminders = [call.reminder, *(companion.reminder for companion in companions)]
    lock_appointments(reminder.appointment_id for reminder in reminders)
    lock_numbers([call.number_id])
    _lock_reminders(reminder.pk for reminder in reminders)
    around = CallCompanion.objects.select_related("reminder__appointment__contact", "reminder__step")
    return (
        calls.prefetch_related(Prefetch("companions", queryset=around.order_by("pk")))
        .select_for_update(of=("self",), no_key=True)
        .get(pk=call_id)
    )


def _lock_reminders(ids: Iterable[int]) -> None:
    rows = Reminder.objects.filter(pk__in=set(ids)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def lock_calls(call_ids: Iterable[int]) -> dict[int, CallRecord]:
    """Many locked calls by id; their appointments, numbers and reminders are locked before them.

    `call.reminder` and `call.number` are the locked rows; two calls that share one have an object each. Calls
    for a household are left out: they need lock_call(), in a transaction of its own.
    """
    in_households = Exists(CallCompanion.objects.filter(call=OuterRef("pk")))
    calls = CallRecord.objects.filter(~in_households, pk__in=set(call_ids)).order_by("pk")
    rows = list(calls.values_list("pk", "number", "reminder", "reminder__appointment"))
    if not rows:
        return {}
    ids, numbers, reminders, appointments = zip(*rows, strict=True)
    lock_appointments(appointments)
    lock_numbers(numbers)
    _lock_reminders(reminders)
    locked = (
        CallRecord.objects.filter(pk__in=ids)
        .select_related(*_AROUND_A_CALL, "reminder__appointment__location")
        .prefetch_related(
            Prefetch("companions", queryset=CallCompanion.objects.none()),
            "reminder__appointment__location__closed_days",
        )
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )
    return {call.pk: call for call in locked}
