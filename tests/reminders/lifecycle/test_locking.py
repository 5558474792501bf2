"""Rows are locked in one order, appointment, number, reminder, call, so that there are no deadlocks."""

from threading import Thread

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import Model

from contacts.models import Appointment, PhoneNumber
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.lifecycle.locking import lock_call
from reminders.models import CallRecord, Reminder
from tests.people import make_contact, make_due_reminder
from tests.waiting import wait_until

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def is_free(model: type[Model]) -> bool:
    """Whether any row of that model can be locked now."""
    with transaction.atomic():
        free = model._default_manager.select_for_update(skip_locked=True)
        return bool(list(free.values_list("pk")))


def is_a_lock_awaited() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])


def lock_and_release(call_id: int) -> None:
    with transaction.atomic():
        lock_call(call_id)
    connection.close()


@pytest.mark.parametrize("people", [["Sarah"], ["Anna", "Ben"]], ids=["one person", "a household"])
@pytest.mark.django_db(transaction=True)
def test_a_call_is_locked_after_its_appointments_its_number_and_its_reminders(people: list[str]) -> None:
    for name in people:
        make_due_reminder(make_contact(name))
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    with psycopg.connect(**connection.get_connection_params()) as optout:
        optout.execute("SELECT 1 FROM contacts_phonenumber FOR UPDATE")
        locker = Thread(target=lock_and_release, args=[call.pk])
        locker.start()
        wait_until(is_a_lock_awaited, "the call's locker to wait for the number")
        held = [model for model in (Appointment, PhoneNumber, Reminder, CallRecord) if not is_free(model)]
        optout.rollback()
    locker.join()
    assert held == [Appointment, PhoneNumber]
