"""Locking rows in one order, so that no two transactions wait for each other.

Always appointment, then number, then reminder, then call; within a kind by primary key. Code that starts from
a later kind first reads the ids without a lock (they never change) and then locks in this order. A step and
then locations come before all of them: planners (planning/bulk_rows.py) and whoever books
(contacts/appointments.py: lock_zones) share their locks, and an edit holds them exclusively while it replans.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

from django.conf import settings
from django.db import Error, connection
from django.db.models import Exists, Model, OuterRef, Prefetch, QuerySet
from psycopg.errors import LockNotAvailable

from contacts.appointments import lock_appointments
from contacts.database.arrays import is_any
from contacts.database.patience import wait_for_locks
from contacts.models import Appointment, PhoneNumber
from reminders.lifecycle.calls import reminders_of
from reminders.models import CallCompanion, CallRecord, Reminder

BRIEFLY = 2.0  # seconds
_AROUND_A_REMINDER = ("reminder__appointment__contact", "reminder__appointment__location", "reminder__step")
_AROUND_A_CALL = (*_AROUND_A_REMINDER, "number")
_CLOSED_DAYS = "reminder__appointment__location__closed_days"
_LOCKED = ("reminder__appointment", "number", "reminder", "self")
# The same rows for a household's call: each table with the ids, in the order of locks.
_ROWS_OF_A_CALL: tuple[tuple[type[Model], Callable[[CallRecord], set[int]]], ...] = (
    (Appointment, lambda call: {reminder.appointment_id for reminder in reminders_of(call)}),
    (PhoneNumber, lambda call: {call.number_id}),
    (Reminder, lambda call: {reminder.pk for reminder in reminders_of(call)}),
    (CallRecord, lambda call: {call.pk}),
)


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


def wait_briefly_here(seconds: float = BRIEFLY) -> None:
    """The same for the rest of this transaction."""
    _set_lock_timeout(seconds, only_here=True)


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
    alone = _calls_of_one().filter(pk=call_id).select_for_update(of=_LOCKED, no_key=True).first()
    if alone:
        return alone
    _lock_rows_of([_household_calls().get(pk=call_id)], skip_locked=False)
    return _household_calls().get(pk=call_id)  # as it is since nobody else can change it


def lock_calls(call_ids: Iterable[int]) -> dict[int, CallRecord]:
    """Many locked calls by id, each with its appointments, number and reminders. It waits for no lock.

    The rows are as from lock_call(); two calls that share one have an object each. Calls of which somebody
    holds a row are left out.
    """
    wanted = set(call_ids)
    calls = _calls_of_one().filter(is_any("pk", wanted)).prefetch_related(_CLOSED_DAYS).order_by("pk")
    locked = {call.pk: call for call in calls.select_for_update(of=_LOCKED, no_key=True, skip_locked=True)}
    households = _household_calls().filter(_is_for_household(), pk__in=wanted - locked.keys())
    free = _lock_rows_of(households, skip_locked=True)
    return locked | {call.pk: call for call in _household_calls().filter(pk__in=free)}


def _lock_rows_of(calls: Iterable[CallRecord], *, skip_locked: bool) -> list[int]:
    """Lock all rows of these calls, in the order of locks; the ids of the calls.

    `skip_locked`: without those of which somebody holds a row.
    """
    left = list(calls)
    for model, ids_of in _ROWS_OF_A_CALL if left else ():
        rows = model._default_manager.filter(is_any("pk", {pk for call in left for pk in ids_of(call)}))
        rows = rows.order_by("pk").select_for_update(no_key=True, skip_locked=skip_locked)
        locked = set(rows.values_list("pk", flat=True))
        left = [call for call in left if not skip_locked or locked.issuperset(ids_of(call))]
    return [call.pk for call in left]


def _is_for_household() -> Exists:
    return Exists(CallCompanion.objects.filter(call=OuterRef("pk")))


@cache
def _calls_of_one() -> "QuerySet[CallRecord]":
    """Built once, as in dispatch/opening.py."""
    nobody = Prefetch("companions", queryset=CallCompanion.objects.none())
    calls = CallRecord.objects.filter(~_is_for_household()).select_related(*_AROUND_A_CALL)
    return calls.prefetch_related(nobody)


def _household_calls() -> "QuerySet[CallRecord]":
    around = CallCompanion.objects.select_related(*_AROUND_A_REMINDER).prefetch_related(_CLOSED_DAYS)
    companions = Prefetch("companions", queryset=around.order_by("pk"))
    return CallRecord.objects.select_related(*_AROUND_A_CALL).prefetch_related(companions, _CLOSED_DAYS)
