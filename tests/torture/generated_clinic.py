"""The people of a run: most may be called at any time of it, some never, some only until a moment in it."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from contacts.models import Appointment, Contact, Location, PhoneNumber
from reminders.planning.planner import plan_all
from tests.people import ENGLISH, FIXED_OFFSETS, make_campaign, make_location, make_script, make_step
from tests.torture.oracle import Hours
from tests.torture.size import Size

BEFORE = timedelta(hours=2)  # the steps' moment before the appointment
WINDOW = timedelta(minutes=30)  # from then on it may be called for; longer than any run
SPANISH = ENGLISH.replace("Hello {FIRST_NAME}, this is", "Hola {FIRST_NAME}, le llama")
TEXT = "{PRACTICE}: {FIRST_NAME}, {APPT_DATE} {APPT_TIME}. 1 = yes, 2 = another time. {CALLBACK_NUMBER}"
AT_NIGHT = 2  # the hour of the day it is for some people
# Parts of all: who shares a number, for whom it is night, who gets a text message.
SHARING, NIGHTS, TEXTS = 0.05, 0.04, 0.1


@dataclass(frozen=True)
class World:
    """What the oracle knows of the people from nobody else."""

    starts_at: datetime  # when the first reminder falls due
    hours: dict[str, Hours]  # by E.164 number


def make_world(size: Size) -> World:
    """People, appointments and planned reminders for one run."""
    rng, now = random.Random(size.seed), timezone.now()
    starts_at = now + timedelta(seconds=3 + size.reminders / 400)
    people = _Book(rng, now, _make_places(starts_at, size, now))
    _make_steps()
    for number in _make_numbers(size.reminders):
        due_at = starts_at + timedelta(seconds=rng.random() * size.due_seconds)
        people.add(number, due_at)
    Contact.objects.bulk_create(people.contacts)
    Appointment.objects.bulk_create(people.appointments)
    plan_all()
    return World(starts_at, people.hours)


class _Book:
    """People and their appointments, one after the other; some share the number of the one before."""

    def __init__(self, rng: random.Random, now: datetime, places: list[Location]) -> None:
        self.rng, self.now, self.places = rng, now, places
        self.contacts: list[Contact] = []
        self.appointments: list[Appointment] = []
        self.hours: dict[str, Hours] = {}

    def add(self, number: PhoneNumber, due_at: datetime) -> None:
        shared = self.contacts and self.rng.random() < SHARING
        before = self.contacts[-1] if shared else None
        location = self.appointments[-1].location if shared else self.rng.choice(self.places)
        at_night = _zone_where_it_is(AT_NIGHT, self.now) if self.rng.random() < NIGHTS else ""
        contact = Contact(
            first_name=f"First{len(self.contacts)}",
            last_name=f"Last{len(self.contacts)}",
            language=self.rng.choice(["en", "en", "es"]),
            phone=before.phone if before else number,
            time_zone=before.time_zone if before else at_night,
        )
        self.contacts.append(contact)
        self._book(contact, location, due_at + BEFORE)
        zone = ZoneInfo(contact.time_zone or location.time_zone)
        e164 = contact.phone.e164 if contact.phone else ""
        self.hours[e164] = Hours(zone, location.calling_opens, location.calling_closes)

    def _book(self, contact: Contact, location: Location, starts_at: datetime) -> None:
        appointment = Appointment(
            contact=contact,
            location=location,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30),
            kind="text" if self.rng.random() < TEXTS else "visit",
            revised_at=self.now,
        )
        self.appointments.append(appointment)


def _zone_where_it_is(hour: int, now: datetime) -> str:
    offset = (hour - now.hour + 12) % 24 - 12
    return FIXED_OFFSETS[offset]


def _make_places(starts_at: datetime, size: Size, now: datetime) -> list[Location]:
    """Three places where it is noon; the third stops calling in the middle of the storm."""
    noon = _zone_where_it_is(12, now)
    closes_at = starts_at + timedelta(seconds=size.due_seconds / 2)
    closes = closes_at.astimezone(ZoneInfo(noon)).time()
    downtown = make_location("Downtown", time_zone=noon)
    riverside = make_location("Riverside", time_zone=noon, caller_id="+18005550188")
    hill = make_location("Hill", time_zone=noon, caller_id="+18005550177", calling_closes=closes)
    return [downtown] * 5 + [riverside] * 4 + [hill]


def _make_steps() -> None:
    window = {"elapsed": BEFORE, "stop_before": BEFORE - WINDOW}
    call = make_script()
    call.texts.create(language="es", text=SPANISH)
    texting = make_script(TEXT, name="Text")
    visits = make_campaign("Calls", kinds=["visit"])
    make_step(visits, script=call, retry_wait=timedelta(minutes=1), fallback_script=texting, **window)
    make_step(make_campaign("Texts", kinds=["text"]), script=texting, channel="sms", **window)


def _make_numbers(most: int) -> list[PhoneNumber]:
    """Numbers of the kind that is kept for fiction: 555-0100 to 555-0199 of each area."""
    e164s = (f"+1{200 + place // 100}55501{place % 100:02}" for place in range(most))
    return PhoneNumber.objects.bulk_create([PhoneNumber(e164=e164) for e164 in e164s])
