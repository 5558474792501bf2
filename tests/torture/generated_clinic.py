"""Generate the clinic of a run: most patients can be called at any time, some never, some only at first."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from contacts.appointments import set_times
from contacts.models import Appointment, Contact, Location, PhoneNumber
from reminders.planning.planner import plan_all
from tests.people import (
    AREA_CODES,
    ENGLISH,
    FIXED_OFFSETS,
    make_campaign,
    make_location,
    make_script,
    make_step,
)
from tests.torture.oracle import Hours
from tests.torture.size import Size

BEFORE = timedelta(hours=2)  # how long before the appointment the steps are due
WINDOW = timedelta(minutes=30)  # how long a reminder can be sent after that; longer than any run
SPANISH = ENGLISH.replace("Hello {FIRST_NAME}, this is", "Hola {FIRST_NAME}, le llama")
TEXT = "{PRACTICE}: {FIRST_NAME}, {APPT_DATE} {APPT_TIME}. 1 = yes, 2 = another time. {CALLBACK_NUMBER}"
TOGETHER = 1000  # rows written by one statement, which has 65,535 values at most
NIGHT_HOUR = 2  # the hour of the day for patients who can't be called
# Shares of patients who share a number, who can't be called because it is night, and who get a text message.
SHARED_NUMBERS, AT_NIGHT, TEXTS = 0.05, 0.04, 0.1


@dataclass(frozen=True)
class GeneratedClinic:
    """What the oracle must know about the clinic."""

    starts_at: datetime  # when the first reminder becomes due
    hours: dict[str, Hours]  # by E.164 number


def generate_clinic(size: Size) -> GeneratedClinic:
    """Create the patients, appointments and planned reminders of one run."""
    rng, now = random.Random(size.seed), timezone.now()
    starts_at = now + timedelta(seconds=3 + size.reminders / 400)
    generator = _AppointmentGenerator(rng, now, _make_locations(starts_at, size, now))
    _make_steps()
    for number in _make_numbers(size.reminders):
        due_at = starts_at + timedelta(seconds=rng.random() * size.due_seconds)
        generator.add(number, due_at)
    Contact.objects.bulk_create(generator.contacts, batch_size=TOGETHER)
    Appointment.objects.bulk_create(generator.appointments, batch_size=TOGETHER)
    plan_all()
    return GeneratedClinic(starts_at, generator.hours)


class _AppointmentGenerator:
    """Builds patients with an appointment each; some share the number of the patient before."""

    def __init__(self, rng: random.Random, now: datetime, locations: list[Location]) -> None:
        self.rng, self.now, self.locations = rng, now, locations
        self.contacts: list[Contact] = []
        self.appointments: list[Appointment] = []
        self.hours: dict[str, Hours] = {}

    def add(self, number: PhoneNumber, due_at: datetime) -> None:
        shared = self.contacts and self.rng.random() < SHARED_NUMBERS
        before = self.contacts[-1] if shared else None
        location = self.appointments[-1].location if shared else self.rng.choice(self.locations)
        at_night = _find_zone_at_hour(NIGHT_HOUR, self.now) if self.rng.random() < AT_NIGHT else ""
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
            kind="text" if self.rng.random() < TEXTS else "visit",
            revised_at=self.now,
        )
        self.appointments.append(set_times(appointment, starts_at, starts_at + timedelta(minutes=30)))


def _find_zone_at_hour(hour: int, now: datetime) -> str:
    offset = (hour - now.hour + 12) % 24 - 12
    return FIXED_OFFSETS[offset]


def _make_locations(starts_at: datetime, size: Size, now: datetime) -> list[Location]:
    """Create three locations where it is noon; the third one's calling hours end during the fault phase."""
    noon = _find_zone_at_hour(12, now)
    closes_at = starts_at + timedelta(seconds=size.due_seconds / 2)
    closes = closes_at.astimezone(ZoneInfo(noon)).time()
    downtown = make_location("Downtown", time_zone=noon)
    riverside = make_location("Riverside", time_zone=noon, caller_id="+18005550188")
    hill = make_location("Hill", time_zone=noon, caller_id="+18005550177", calling_closes=closes)
    return [downtown] * 5 + [riverside] * 4 + [hill]


def _make_steps() -> None:
    window = {"elapsed": BEFORE, "stop_before": BEFORE - WINDOW}
    call = make_script()
    call.texts.create(language="es", text=SPANISH, state="published")
    texting = make_script(TEXT, name="Text")
    calls = make_campaign("Calls", kinds=["visit"])
    make_step(calls, script=call, retry_wait=timedelta(minutes=1), fallback_script=texting, **window)
    make_step(make_campaign("Texts", kinds=["text"]), script=texting, channel="sms", **window)


def _make_numbers(most: int) -> list[PhoneNumber]:
    """Create numbers of exchange 555: first those reserved for fiction, 0100 to 0199 of each area code."""
    each = len(AREA_CODES)
    e164s = (f"+1{AREA_CODES[place % each]}555{100 + place // each:04}" for place in range(most))
    numbers = [PhoneNumber(e164=e164) for e164 in e164s]
    return PhoneNumber.objects.bulk_create(numbers, batch_size=TOGETHER)
