"""From rows to what decide() needs: the only place that knows which column bears on which rule."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from contacts.models import PhoneNumber
from reminders.calling_hours import CallingHours, recipient_zones
from reminders.decide import Situation
from reminders.models import Campaign, Reminder, ScriptText
from reminders.planning import covers
from reminders.scripts import choose_text, is_sayable


@dataclass(frozen=True)
class Look:
    """A reminder with all that was read for it: what to judge, whom to reach, what to say."""

    reminder: Reminder
    situation: Situation
    number: PhoneNumber | None
    script_text: ScriptText | None


def with_situation(reminders: "QuerySet[Reminder]") -> "QuerySet[Reminder]":
    """The reminders with every row that read_look() asks for: six queries for any number of them."""
    return reminders.select_related(
        "appointment__location",
        "appointment__provider",
        "appointment__contact__phone",
        "step__campaign",
    ).prefetch_related(
        "step__script__texts",
        "step__campaign__locations",
        "step__campaign__providers",
        "appointment__location__closed_days",
    )


def read_look(reminder: Reminder, *, sending_paused: bool, line_busy_until: datetime | None = None) -> Look:
    """All that bears on the reminder, from rows that with_situation() has brought."""
    appointment, step = reminder.appointment, reminder.step
    contact, location = appointment.contact, appointment.location
    number = contact.phone
    text = choose_text(step.script, contact.language)
    return Look(
        reminder=reminder,
        number=number,
        script_text=text,
        situation=Situation(
            not_before=_not_before(reminder),
            not_after=reminder.not_after,
            revision=reminder.revision,
            appointment_revision=appointment.revision,
            appointment_status=appointment.status,
            answer=appointment.current_answer,
            audience=step.audience,
            covered=covers(step.campaign, appointment),
            campaign_active=step.campaign.state == Campaign.State.ACTIVE,
            sending_paused=sending_paused,
            has_number=number is not None,
            number_unusable=number is not None and number.unusable_since is not None,
            opted_out=number is not None and number.opted_out_at(step.channel) is not None,
            has_consent=number is None or number.consent_basis != PhoneNumber.ConsentBasis.NONE,
            has_script=text is not None and is_sayable(text.text),
            hours=CallingHours(
                location.calling_opens,
                location.calling_closes,
                frozenset(day.date for day in location.closed_days.all()),
            ),
            zones=_zones_of(contact.time_zone, location.time_zone, number.time_zones if number else []),
            ordered=reminder.ordered_by_id is not None,
            line_busy_until=line_busy_until,
        ),
    )


def _not_before(reminder: Reminder) -> datetime:
    # A held reminder is looked at again and again; what it waits for is not the next look.
    return max(reminder.due_at, reminder.try_after or reminder.due_at)


def _zones_of(stated: str, location_zone: str, number_zones: list[str]) -> tuple[ZoneInfo, ...]:
    try:
        return recipient_zones(stated, location_zone, number_zones)
    except ValueError:  # no zone of that name: held and shown, rather than an error that stops a batch
        return ()
