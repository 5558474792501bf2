"""A clinic with made-up visits of many kinds, from a seed, for the tests of forecasts."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from contacts.appointments import record_answer
from contacts.models import Appointment, Contact, Location, PhoneNumber, Provider
from contacts.models.people import Preference
from reminders.models import CallRecord, Campaign, Reminder, ScriptText, Step
from reminders.planning.planner import plan_all
from reminders.rules.reasons import Reason
from reminders.rules.states import CallState, ReminderState
from tests.people import AREA_CODES, make_appointment, make_campaign, make_location, make_number, make_script

DAY = timedelta(days=1)
TEXT = "{PRACTICE}: {FIRST_NAME}, {APPT_DATE}, {APPT_TIME}. Tel {CALLBACK_NUMBER}. Reply 1 or 2, STOP ends."

SPANISH = (
    "Hola {FIRST_NAME}, le llama {PRACTICE}. Tiene una cita el {APPT_DATE} a las {APPT_TIME}. Nuestro número "
    "es {CALLBACK_NUMBER}. Marque 1 para confirmar, 2 para pedir otra hora o 9 para no recibir más llamadas."
)


@dataclass
class Clinic:
    """Its campaign, and the random choices that made it."""

    rng: random.Random
    campaign: Campaign
    locations: list[Location] = field(default_factory=list)


def make_clinic(seed: int, visits: int) -> Clinic:
    """Locations, a campaign of six steps, and this many visits; planned, and some called before."""
    rng = random.Random(seed)
    clinic = Clinic(rng, make_campaign(activated_at=timezone.now() - 3 * DAY))
    clinic.locations = [
        make_location("Downtown", time_zone="America/New_York"),
        make_location("Eastside", time_zone="America/Phoenix", calling_opens=time(9), calls_per_minute=2),
        make_location("Harbor", time_zone="Australia/Lord_Howe", calling_closes=time(18)),
    ]
    Provider.objects.create(name="Dr. A. Other")
    _make_steps(clinic.campaign)
    numbers = [_make_number(rng, index) for index in range(max(visits * 2 // 3, 1))]
    for _ in range(visits):
        _make_visit(clinic, rng.choice(numbers))
    plan_all()
    _make_past(clinic)
    plan_all()
    return clinic


def _make_steps(campaign: Campaign) -> None:
    spoken = make_script()
    make_script(SPANISH, language="es")
    written = make_script(TEXT, name="Text")
    rows: list[dict[str, Any]] = [
        {"timing_kind": "days_before", "days": 3, "at": time(10), "script": spoken},
        {
            "timing_kind": "open_days_before",
            "days": 1,
            "at": time(16, 30),
            "channel": "sms",
            "script": written,
        },
        {
            "timing_kind": "elapsed_before",
            "elapsed": timedelta(hours=26),
            "if_late": "next_allowed",
            "script": spoken,
        },
        {
            "timing_kind": "elapsed_before",
            "elapsed": timedelta(hours=2),
            "if_never_in_time": "bring_forward",
            "audience": "everyone",
            "channel": "preferred",
            "script": spoken,
            "text_script": written,
        },
        {"timing_kind": "days_before", "days": 0, "at": time(8), "audience": "confirmed", "script": spoken},
        {
            "timing_kind": "after_booking",
            "elapsed": timedelta(hours=30),
            "if_late": "now",
            "audience": "everyone",
            "script": spoken,
        },
    ]
    for position, row in enumerate(rows, start=1):
        Step.objects.create(campaign=campaign, position=position, **{"since": campaign.activated_at, **row})


def _make_number(rng: random.Random, index: int) -> PhoneNumber | None:
    if rng.random() < 0.05:
        return None
    now = timezone.now()
    return make_number(
        f"+1{AREA_CODES[index // 100]}55501{index % 100:02}",
        time_zones=rng.choice(
            [[], ["America/New_York"], ["America/Los_Angeles", "America/Denver"], ["Nowhere"]]
        ),
        voice_opted_out_at=now if rng.random() < 0.08 else None,
        sms_opted_out_at=now if rng.random() < 0.08 else None,
        unusable_since=now if rng.random() < 0.05 else None,
        consent_basis=rng.choice([*["given_for_care"] * 5, *["spoken", "written"] * 2, "none"]),
    )


def _make_contact(rng: random.Random, number: PhoneNumber | None) -> Contact:
    return Contact.objects.create(
        first_name=rng.choice(["Ann", "Ben", "Zoë", "Maximiliana"]),
        phone=number,
        language=rng.choice(["en", "en", "es", "pl"]),
        preferred_channel=rng.choice(["voice", "voice", "sms", *Preference.values]),
        time_zone=rng.choice(["", "", "", "Europe/Paris", "America/New_York"]),
    )


def _make_visit(clinic: Clinic, number: PhoneNumber | None) -> None:
    rng = clinic.rng
    there = list(Contact.objects.order_by("pk")) if rng.random() < 0.3 else []
    contact = rng.choice(there) if there else _make_contact(rng, number)
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = day + rng.choice([1, 1, 2, 3, 4, 6, 9]) * DAY + rng.randrange(96) * timedelta(minutes=15)
    visit = make_appointment(
        contact,
        location=rng.choice(clinic.locations),
        starts_at=starts,
        kind=rng.choice(["Cleaning", "Physical", ""]),
    )
    booked = timezone.now() - rng.choice([0, 1, 2, 20]) * DAY - rng.randrange(3600) * timedelta(seconds=1)
    details = booked if rng.random() < 0.1 else None
    known = rng.choice([booked, booked, None])
    times = {"revised_at": booked, "details_at": details, "booked_at": known}
    Appointment.objects.filter(pk=visit.pk).update(**times)
    visit.changes.update(at=booked)
    if rng.random() < 0.2:
        answer = rng.choice([Appointment.Answer.CONFIRMED, Appointment.Answer.WANTS_ANOTHER_TIME])
        record_answer(visit.pk, answer, revision=visit.revision, at=timezone.now(), how="staff")


def _make_past(clinic: Clinic) -> None:
    """Calls of the last days, tries that failed, and what an earlier look has found."""
    rng, now, text = clinic.rng, timezone.now(), ScriptText.objects.filter(language="en").earliest("pk")
    for reminder in Reminder.objects.filter(state="planned").select_related("appointment__contact"):
        number, fate = reminder.appointment.contact.phone_id, rng.random()
        if number and fate < 0.12:
            _call(reminder, number, text, now - rng.random() * 6 * DAY, rng.choice(["answered", "no_answer"]))
        if fate < 0.03:
            state = rng.choice([ReminderState.DONE, ReminderState.IN_PROGRESS])
            Reminder.objects.filter(pk=reminder.pk).update(state=state, reason="")
        elif fate < 0.06:
            again = now + rng.random() * timedelta(hours=20)
            changes = {"try_after": again, "next_look_at": again, "reason": Reason.TRY_AGAIN}
            Reminder.objects.filter(pk=reminder.pk).update(**changes)
        elif fate < 0.15:
            reason = rng.choice([Reason.DESK_PACE, Reason.LINE_BUSY, Reason.SENDING_PAUSED])
            later = max(now, reminder.due_at) + timedelta(minutes=7)
            Reminder.objects.filter(pk=reminder.pk).update(reason=reason, next_look_at=later)


def _call(reminder: Reminder, number: int, text: ScriptText, at: datetime, state: str) -> None:
    CallRecord.objects.create(
        reminder=reminder,
        number_id=number,
        channel="voice",
        try_number=1,
        from_number="+12025550199",
        script_text=text,
        text="Hello",
        state=CallState(state),
        submitting_at=at,
    )
