"""Saves the demo clinic in the database, in one transaction."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F

from contacts.appointments import cancel_appointment, move_appointment, set_times
from contacts.consent_ledger import ledger_open
from contacts.models import Appointment, AppointmentChange, Contact, ImportBatch, Way
from contacts.people import get_or_create_written_number
from reminders.demo.appointments import DemoAppointment, plan_demo_appointments
from reminders.demo.history import make_history
from reminders.demo.locations import DemoPractice, make_campaigns, make_locations
from reminders.demo.people import DemoPeople, DemoPerson, make_demo_people
from reminders.demo.saved_history import save_history
from reminders.demo.users import ensure_logins
from reminders.demo.zones import choose_zone
from reminders.lifecycle.follow_ups import find_due_time
from reminders.models import FollowUp
from reminders.planning.planner import plan_all
from reminders.rules.reasons import Reason
from reminders.wording.default_scripts import ensure_default_scripts
from reminders.wording.pronunciations import ensure_pronunciations

PRACTICE_APPS = ("contacts", "reminders", "webhooks")
LIST_NAME = "this-mornings-list.csv"
LIST_SOURCE = "Practice system"
LASTS = timedelta(minutes=15)
What = AppointmentChange.What


@dataclass(frozen=True)
class DemoReport:
    """What was created: `zone` is the IANA name of the locations' time zone, the rest are counts."""

    zone: str
    contacts: int
    appointments: int
    today_and_ahead: int
    reminders: int


def has_contacts() -> bool:
    return Contact.objects.exists()


def clear_practice() -> None:
    """Delete all data of the practice; users and their roles stay."""
    tables = [
        connection.ops.quote_name(model._meta.db_table)
        for label in PRACTICE_APPS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    ]
    connection.check_constraints()  # PostgreSQL can't truncate while deferred checks are pending
    with ledger_open(), connection.cursor() as cursor:
        # Ids aren't reset, so that a task in progress can't find a new row under an old id.
        cursor.execute(f"TRUNCATE {', '.join(tables)}")


@transaction.atomic
def rebuild_demo_clinic(now: datetime) -> DemoReport:
    """Delete the practice's data and create the demo clinic."""
    clear_practice()
    return build_demo_clinic(now)


@transaction.atomic
def build_demo_clinic(now: datetime) -> DemoReport:
    """Create the demo clinic in a database without a practice. Calls are due at `now` (aware).

    Raises RuntimeError without DEBUG, because its logins have a public password.
    """
    users = ensure_logins()
    clerk = users["frontdesk"]
    zone, people = choose_zone(now), make_demo_people()
    practice = make_locations(zone)
    ensure_pronunciations()
    steps = make_campaigns(ensure_default_scripts(), now, zone)
    plan = plan_demo_appointments(now, zone, people)
    contacts = _make_contacts(people, zone)
    appointments = _make_appointments(plan, contacts, practice, clerk, now)
    outcomes = [planned.outcome for planned in plan]
    save_history(make_history(zip(appointments, outcomes, strict=True), steps, now), clerk)
    _make_changes(plan, appointments, clerk)
    start_of_today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    report = plan_all(now)
    return DemoReport(
        zone=zone.key,
        contacts=len(contacts),
        appointments=len(appointments),
        today_and_ahead=sum(planned.slot.starts_at >= start_of_today for planned in plan),
        reminders=report.added,
    )


def _make_contacts(demo_people: DemoPeople, zone: ZoneInfo) -> dict[DemoPerson, Contact]:
    """All have the clinic's time zone, whatever their area code, so that they may be called now."""
    people = demo_people.everybody()
    contacts = Contact.objects.bulk_create(
        Contact(
            first_name=person.first_name,
            last_name=person.last_name,
            language=person.language,
            phone=get_or_create_written_number(person.number, "US") if person.number else None,
            time_zone=zone.key,
            is_demo=True,
            source=LIST_SOURCE,
            external_id=f"P{4100 + index}",
        )
        for index, person in enumerate(people)
    )
    return dict(zip(people, contacts, strict=True))


def _make_appointments(
    plan: list[DemoAppointment],
    contacts: dict[DemoPerson, Contact],
    practice: DemoPractice,
    clerk: User,
    now: datetime,
) -> list[Appointment]:
    """Saved in bulk and backdated, which the functions of contacts/appointments.py can't do."""
    batch = _make_batch(sum(planned.listed for planned in plan), clerk, now)
    appointments = Appointment.objects.bulk_create(
        set_times(
            Appointment(
                contact=contacts[planned.person],
                location=practice.locations[planned.slot.location],
                provider=practice.providers[planned.slot.provider],
                kind=planned.kind,
                status=planned.status,
                revised_at=planned.booked_at,
                booked_at=None if planned.listed else planned.booked_at,
                source=LIST_SOURCE,
                external_id=f"A{81000 + index}",
                batch=batch if planned.listed else None,
            ),
            planned.slot.starts_at,
            planned.slot.starts_at.astimezone(UTC) + LASTS,
        )
        for index, planned in enumerate(plan)
    )
    Appointment.objects.update(created_at=F("revised_at"))
    AppointmentChange.objects.bulk_create(
        [_build_booking_change(appointment, clerk) for appointment in appointments]
        + [
            _build_attendance_change(appointment, clerk)
            for appointment in appointments
            if appointment.status != "booked"
        ]
    )
    return appointments


def _make_batch(rows: int, clerk: User, now: datetime) -> ImportBatch:
    return ImportBatch.objects.create(
        file_name=LIST_NAME,
        sha256=hashlib.sha256(LIST_NAME.encode()).hexdigest(),
        source=LIST_SOURCE,
        by=clerk,
        state=ImportBatch.State.DONE,
        made_at=now,
        applied_at=now,
        rows_total=rows,
        rows_done=rows,
        counts={"rows": rows, "added": rows, "changed": 0, "rejected": 0},
    )


def _build_booking_change(appointment: Appointment, clerk: User) -> AppointmentChange:
    return AppointmentChange(
        appointment=appointment,
        what=What.IMPORTED if appointment.batch else What.BOOKED,
        revision=1,
        how=Way.IMPORT if appointment.batch else "",
        by=clerk,
        starts_after=appointment.starts_at,
        local_after=appointment.local_start,
        at=appointment.revised_at,
    )


def _build_attendance_change(appointment: Appointment, clerk: User) -> AppointmentChange:
    """Recorded a little before the start for patients who arrived, and after it for no-shows."""
    late = LASTS if appointment.status == Appointment.Status.NO_SHOW else timedelta(minutes=-4)
    return AppointmentChange(
        appointment=appointment,
        what=appointment.status,
        revision=1,
        by=clerk,
        starts_after=appointment.starts_at,
        local_after=appointment.local_start,
        at=appointment.starts_at + late,
    )


def _make_changes(plan: list[DemoAppointment], appointments: list[Appointment], clerk: User) -> None:
    """Cancel and move some appointments, and add a follow-up for a number that isn't usable."""
    for planned, appointment in zip(plan, appointments, strict=True):
        if planned.change == "cancel":
            cancel_appointment(appointment.pk, by=clerk, how=Way.PHONE)
        elif planned.change == "move":
            later = appointment.starts_at + timedelta(days=1, minutes=30)
            move_appointment(appointment.pk, starts_at=later, ends_at=later + LASTS, by=clerk, how=Way.PHONE)
        elif planned.change == "ask for a number":
            FollowUp.objects.create(
                kind=FollowUp.Kind.WRONG_NUMBER,
                contact=appointment.contact,
                appointment=appointment,
                reason=Reason.NUMBER_UNUSABLE,
                due_at=find_due_time(appointment.starts_at, planned.booked_at),
            )
