"""Factories for contacts, locations, appointments, campaigns and reminders.

A location's calling hours are the widest allowed and its time zone is one where it is noon now, so that a
test that isn't about calling hours can make calls at any time of day.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import Group, User
from django.utils import timezone

from contacts.appointments import book_appointment
from contacts.models import Appointment, Contact, Location, PhoneNumber, Provider
from contacts.numbers import find_kind_fault
from contacts.people import get_or_create_written_number
from contacts.roles import FRONT_DESK, ensure_roles
from reminders.models import Campaign, Reminder, Script, ScriptText, Step
from reminders.planning.planner import plan_appointments

SARAH = "+12025550100"
CALLBACK = "+12025550199"
ENGLISH = (
    "Hello {FIRST_NAME}, this is {PRACTICE}. You have an appointment on {APPT_DATE} at {APPT_TIME}. "
    "Our number is {CALLBACK_NUMBER}. Press 1 to confirm or 2 to ask for another time. "
    "Press 9 to get no more calls."
)
# For as many made-up numbers as needed: of each area, 555-0100 to 555-0199 are kept for fiction.
AREA_CODES = [area for area in range(200, 1000) if not find_kind_fault(f"+1{area}5550100")]
FIXED_OFFSETS = {offset: f"Etc/GMT{-offset:+d}" if offset else "Etc/UTC" for offset in range(-12, 15)}


def zone_at_noon(now: datetime) -> str:
    """Return a time zone in which it is between 12:00 and 13:00 now."""
    offset = 12 - now.astimezone(UTC).hour
    return FIXED_OFFSETS[offset]


def make_location(name: str = "Downtown", **fields: Any) -> Location:
    defaults = {
        "spoken_name": f"Harbor Clinic, {name}",
        "time_zone": zone_at_noon(timezone.now()),
        "callback_number": CALLBACK,
        "calling_opens": time(8),
        "calling_closes": time(21),
    }
    return Location.objects.create(name=name, **{**defaults, **fields})


def make_number(e164: str = SARAH, **fields: Any) -> PhoneNumber:
    number = get_or_create_written_number(e164, "US")
    for name, value in {"time_zones": [], **fields}.items():
        setattr(number, name, value)
    number.save()
    return number


def make_contact(first_name: str = "Sarah", *, number: str | None = SARAH, **fields: Any) -> Contact:
    phone = make_number(number) if number else None
    return Contact.objects.create(
        first_name=first_name, **{"last_name": "Lindqvist", "phone": phone, **fields}
    )


def make_appointment(
    contact: Contact | None = None,
    *,
    location: Location | None = None,
    starts_at: datetime | None = None,
    **fields: Any,
) -> Appointment:
    starts_at = starts_at or timezone.now() + timedelta(hours=3)
    location = location or Location.objects.first() or make_location()
    provider, _ = Provider.objects.get_or_create(name="Dr. S. Chen")
    return book_appointment(
        contact=contact or make_contact(),
        location=location,
        provider=provider,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        **fields,
    )


def make_script(
    text: str = ENGLISH, *, name: str = "Reminder", language: str = "en", state: str = "published"
) -> Script:
    """A script, or another version of one of that name, as it is sent."""
    script, _ = Script.objects.get_or_create(name=name)
    version = script.texts.filter(language=language).count() + 1
    ScriptText.objects.create(script=script, language=language, text=text, version=version, state=state)
    return script


def make_step(campaign: Campaign | None = None, **fields: Any) -> Step:
    """Create a step "4 hours before" of an active campaign; a late reminder is sent at once."""
    campaign = campaign or Campaign.objects.first() or make_campaign()
    defaults = {
        "position": campaign.steps.count() + 1,
        "timing_kind": "elapsed_before",
        "elapsed": timedelta(hours=4),
        "if_late": Step.IfLate.NEXT_ALLOWED,
        "script": Script.objects.first() or make_script(),
        "since": campaign.activated_at or timezone.now() - timedelta(days=30),
    }
    return Step.objects.create(campaign=campaign, **{**defaults, **fields})


def make_campaign(name: str = "Reminders", **fields: Any) -> Campaign:
    defaults = {
        "state": Campaign.State.ACTIVE,
        "activated_at": timezone.now() - timedelta(days=30),
    }
    return Campaign.objects.create(name=name, **{**defaults, **fields})


def make_due_reminder(contact: Contact | None = None, **booking: Any) -> Reminder:
    """Create a reminder that is due now, by the same planning as every reminder."""
    if not Step.objects.exists():
        make_step()
    appointment = make_appointment(contact, **booking)
    plan_appointments([appointment.pk])
    return Reminder.objects.get(appointment=appointment)


def make_user(username: str = "frontdesk", *, role: str = FRONT_DESK, **fields: Any) -> User:
    """A user with one of the roles of contacts/roles.py; `role=""` for none."""
    user = User.objects.create_user(username, **{"password": "callboard", **fields})
    if role:
        give_role(user, role)
    return user


def give_role(user: User, role: str) -> None:
    if not Group.objects.filter(name=role).exists():
        ensure_roles()
    user.groups.add(Group.objects.get(name=role))


def at(zone: str, *moment: int) -> datetime:
    """Return a wall time in a time zone: at("America/New_York", 2026, 12, 1, 15, 15)."""
    return datetime(*moment, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type, misc]
