"""Create the rows for the measurements in bulk: contacts, appointments, due reminders and calls."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from contacts.appointments import set_times
from contacts.models import Appointment, Contact, PhoneNumber
from reminders.models import CallRecord, Reminder, ScriptText, Step
from reminders.rules.states import CallState, ReminderState
from reminders.wording.scripts import caller_id
from tests.people import AREA_CODES, make_campaign, make_location, make_step

MOST_NUMBERS = 50_000  # with more contacts, several share a number
CHUNK = 2_000  # rows of one INSERT, whose values may be 65,535 at most


def make_appointments(appointments: int) -> None:
    """Create contacts with appointments in ten days and later, and a campaign of three steps."""
    make_steps()
    location = make_location()
    numbers = PhoneNumber.objects.bulk_create(
        [PhoneNumber(e164=e164) for e164 in _make_up_numbers(min(appointments, MOST_NUMBERS))], CHUNK
    )
    contacts = Contact.objects.bulk_create(
        [
            Contact(first_name=f"First{index}", last_name=f"Last{index}", phone=number)
            for index, number in enumerate(numbers)
        ],
        CHUNK,
    )
    now = timezone.now()
    Appointment.objects.bulk_create(
        [
            set_times(
                Appointment(
                    contact=contacts[index % len(contacts)],
                    location=location,
                    revised_at=now,
                ),
                now + timedelta(days=10, minutes=index % 40_000),
                now + timedelta(days=10, minutes=index % 40_000 + 30),
            )
            for index in range(appointments)
        ],
        CHUNK,
    )
    vacuum_tables()


def make_steps() -> None:
    """Create steps three days before at ten, the day before at ten, and four hours before."""
    campaign = make_campaign()
    for days in (3, 1):
        make_step(campaign, timing_kind="days_before", days=days, at="10:00", elapsed=timedelta(0))
    make_step(campaign)


def make_due(count: int) -> list[Reminder]:
    """Create reminders to different numbers that became due a minute ago, and delete all others."""
    now = timezone.now()
    return _make_reminders(count, due_at=now - timedelta(minutes=1))


def make_calls(count: int) -> list[CallRecord]:
    """Create calls that Robotalker accepted and hasn't reported on, and delete all others.

    A later reminder is planned for each of their appointments, as on any day but the last before a visit.
    """
    now = timezone.now()
    due_at = now - timedelta(minutes=1)
    reminders = _make_reminders(count, due_at=due_at, state=ReminderState.IN_PROGRESS)
    _plan_the_last_step(reminders)
    script = ScriptText.objects.get()
    calls = CallRecord.objects.bulk_create(
        [
            CallRecord(
                reminder=reminder,
                number=_phone_of(reminder),
                channel=reminder.step.channel,
                try_number=1,
                from_number=caller_id(reminder.appointment.location),
                script_text=script,
                text=script.text,
                state=CallState.SUBMITTED,
                submitting_at=due_at,
                submitted_at=due_at,
                robotalker_id=f"cal_{reminder.pk:08}",
            )
            for reminder in reminders
        ],
        CHUNK,
    )
    vacuum_tables()
    return calls


def delete_reminders() -> None:
    """Delete all reminders and all rows that refer to them."""
    _truncate("reminders_reminder")


def delete_appointments() -> None:
    """Delete all appointments, and with them all reminders."""
    _truncate("contacts_appointment")


def _truncate(table: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # some tables are append-only
        cursor.execute(f"TRUNCATE {table} CASCADE")


def vacuum_tables() -> None:
    """Do now what autovacuum and the checkpointer would otherwise do during the measurement."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _make_reminders(
    count: int, *, due_at: datetime, state: ReminderState = ReminderState.PLANNED
) -> list[Reminder]:
    delete_reminders()
    step = Step.objects.order_by("pk")[0]
    appointments = _read_appointments(count)
    reminders = [
        Reminder(
            appointment=appointment,
            step=step,
            revision=appointment.revision,
            due_at=due_at,
            not_after=appointment.starts_at,
            next_look_at=due_at,
            state=state,
        )
        for appointment in appointments
    ]
    Reminder.objects.bulk_create(reminders, CHUNK)
    vacuum_tables()
    return reminders


def _plan_the_last_step(reminders: list[Reminder]) -> None:
    step = Step.objects.order_by("pk").reverse()[0]
    later = [
        Reminder(
            appointment=reminder.appointment,
            step=step,
            revision=reminder.revision,
            due_at=reminder.not_after - step.elapsed,
            not_after=reminder.not_after,
            next_look_at=reminder.not_after - step.elapsed,
        )
        for reminder in reminders
    ]
    Reminder.objects.bulk_create(later, CHUNK)


def _read_appointments(count: int) -> list[Appointment]:
    found = list(Appointment.objects.select_related("contact__phone", "location").order_by("pk")[:count])
    if len(found) < count or count > MOST_NUMBERS:
        raise ValueError(f"there aren't enough appointments for {count} reminders to different numbers")
    return found


def _phone_of(reminder: Reminder) -> PhoneNumber:
    phone = reminder.appointment.contact.phone
    assert phone is not None
    return phone


def _make_up_numbers(count: int) -> Iterator[str]:
    """Yield E.164 numbers reserved for fiction: 555-0100 to 555-0199 of each area code."""
    for index in range(count):
        area, line = divmod(index, 100)
        yield f"+1{AREA_CODES[area]}55501{line:02}"
