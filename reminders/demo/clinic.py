"""Putting the demo clinic into the database, all of it or nothing."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F

from contacts.appointments import cancel_appointment, move_appointment
from contacts.models import Appointment, AppointmentChange, Contact, ImportBatch, Way
from contacts.people import get_or_create_written_number
from reminders.demo.appointments import DemoVisit, plan_demo_visits
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

PRACTICE_APPS = ("contacts", "reminders", "webhooks")
LIST_NAME = "this-mornings-list.csv"
LIST_SOURCE = "Practice system"
LASTS = timedelta(minutes=15)
What = AppointmentChange.What


@dataclass(frozen=True)
class DemoReport:
    """What was made: `zone` is the IANA name of both locations' zone, the rest are counts."""

    zone: str
    contacts: int
    appointments: int
    today_and_ahead: int
    reminders: int


def has_contacts() -> bool:
    return Contact.objects.exists()


def clear_practice() -> None:
    """Delete every row of the practice; users and their roles stay."""
    tables = [
        connection.ops.quote_name(model._meta.db_table)
        for label in PRACTICE_APPS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    ]
    connection.check_constraints()  # PostgreSQL truncates nothing while deferred checks are pending
    with connection.cursor() as cursor:
        # Ids go on counting, so that nothing still under way meets a new row under an old id.
        cursor.execute(f"TRUNCATE {', '.join(tables)}")


@transaction.atomic
def rebuild_demo_clinic(now: datetime) -> DemoReport:
    """Clear the practice and make the demo anew."""
    clear_practice()
    return build_demo_clinic(now)


@transaction.atomic
def build_demo_clinic(now: datetime) -> DemoReport:
    """Make the demo in a database without a practice, so that calls are due at `now` (aware).

    Raises RuntimeError without DEBUG, for its logins and numbers are only for trying things out.
    """
    users = ensure_logins()
    zone, cast = choose_zone(now), make_demo_people()
    places = make_locations(zone)
    steps = make_campaigns(ensure_default_scripts(), now, zone)
    visits = plan_demo_visits(now, zone, cast)
    contacts = _make_contacts(cast, zone)
    appointments = _make_appointments(visits, contacts, places, users["frontdesk"], now)
    fates = [visit.fate for visit in visits]
    save_history(make_history(zip(appointments, fates, strict=True), steps, now), users["frontdesk"])
    _do_what_was_asked(visits, appointments, users["frontdesk"])
    planned = plan_all(now)
    return DemoReport(
        zone=zone.key,
        contacts=len(contacts),
        appointments=len(appointments),
        today_and_ahead=sum(visit.slot.starts_at >= _start_of_day(now, zone) for visit in visits),
        reminders=planned.added,
    )


def _start_of_day(now: datetime, zone: ZoneInfo) -> datetime:
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _make_contacts(cast: DemoPeople, zone: ZoneInfo) -> dict[DemoPerson, Contact]:
    """Everybody states the clinic's zone, whatever their area code, so that they may be called now."""
    people = cast.everybody()
    contacts = Contact.objects.bulk_create(
        Contact(
            first_name=person.first_name,
            last_name=person.last_name,
            language=person.language,
            phone=get_or_create_written_number(person.number, "US") if person.number else None,
            time_zone=zone.key,
            source=LIST_SOURCE,
            external_id=f"P{4100 + place}",
        )
        for place, person in enumerate(people)
    )
    return dict(zip(people, contacts, strict=True))


def _make_appointments(
    visits: list[DemoVisit],
    contacts: dict[DemoPerson, Contact],
    places: DemoPractice,
    clerk: User,
    now: datetime,
) -> list[Appointment]:
    """All at once and dated back: the writers of contacts/appointments.py write what happens now."""
    batch = _make_batch(sum(visit.listed for visit in visits), clerk, now)
    appointments = Appointment.objects.bulk_create(
        Appointment(
            contact=contacts[visit.person],
            location=places.locations[visit.slot.location],
            provider=places.providers[visit.slot.provider],
            kind=visit.kind,
            starts_at=visit.slot.starts_at,
            ends_at=visit.slot.starts_at + LASTS,
            status=visit.status,
            revised_at=visit.booked_at,
            source=LIST_SOURCE,
            external_id=f"A{81000 + place}",
            batch=batch if visit.listed else None,
        )
        for place, visit in enumerate(visits)
    )
    Appointment.objects.update(created_at=F("revised_at"))
    AppointmentChange.objects.bulk_create(
        [_tell_booking(appointment, clerk) for appointment in appointments]
        + [_tell_visit(appointment, clerk) for appointment in appointments if appointment.status != "booked"]
    )
    return appointments


def _make_batch(rows: int, clerk: User, now: datetime) -> ImportBatch:
    return ImportBatch.objects.create(
        file_name=LIST_NAME,
        sha256=hashlib.sha256(LIST_NAME.encode()).hexdigest(),
        source=LIST_SOURCE,
        by=clerk,
        applied_at=now,
        counts={"rows": rows, "added": rows, "changed": 0, "rejected": 0},
    )


def _tell_booking(appointment: Appointment, clerk: User) -> AppointmentChange:
    return AppointmentChange(
        appointment=appointment,
        what=What.IMPORTED if appointment.batch else What.BOOKED,
        revision=1,
        how=Way.IMPORT if appointment.batch else "",
        by=clerk,
        starts_after=appointment.starts_at,
        at=appointment.revised_at,
    )


def _tell_visit(appointment: Appointment, clerk: User) -> AppointmentChange:
    """Recorded a little before the start for who came, and after it for who didn't."""
    late = LASTS if appointment.status == Appointment.Status.NO_SHOW else timedelta(minutes=-4)
    return AppointmentChange(
        appointment=appointment,
        what=appointment.status,
        revision=1,
        by=clerk,
        starts_after=appointment.starts_at,
        at=appointment.starts_at + late,
    )


def _do_what_was_asked(visits: list[DemoVisit], appointments: list[Appointment], clerk: User) -> None:
    """Somebody called and cancelled, somebody was given another day, somebody's number is to be asked for."""
    for visit, appointment in zip(visits, appointments, strict=True):
        if visit.role == "cancel":
            cancel_appointment(appointment.pk, by=clerk, how=Way.PHONE)
        elif visit.role == "move":
            later = appointment.starts_at + timedelta(days=1, minutes=30)
            move_appointment(appointment.pk, starts_at=later, ends_at=later + LASTS, by=clerk, how=Way.PHONE)
        elif visit.role == "ask for a number":
            FollowUp.objects.create(
                kind=FollowUp.Kind.WRONG_NUMBER,
                contact=appointment.contact,
                appointment=appointment,
                reason=Reason.NUMBER_UNUSABLE,
                due_at=find_due_time(appointment.starts_at, visit.booked_at),
            )
