"""From rows to what decide() needs: the only module that knows which column matters to which rule."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet

from contacts.models import Location, PhoneNumber, Provider
from reminders.deciding.coverage import covers
from reminders.models import Campaign, Reminder, ScriptText, Step
from reminders.rules.calling_hours import CallingHours, recipient_zones
from reminders.rules.decide import Situation
from reminders.wording.scripts import channel_of, find_refusal, is_sayable, text_of


@dataclass(frozen=True)
class ReminderFacts:
    """A reminder with all that was read for it: its situation, the number to call, the words to say."""

    reminder: Reminder
    situation: Situation
    number: PhoneNumber | None
    script_text: ScriptText | None


class SharedFacts(NamedTuple):
    """What the practice's settings alone say about a reminder: the same for many reminders."""

    covered: bool
    script_text: ScriptText | None
    has_script: bool
    hours: CallingHours


# Columns that matter to no rule and to no message: converting their values would take as long as all the
# rest. One that is read all the same costs a query for each reminder (test_unused_columns.py finds it).
UNUSED_COLUMNS = (
    *(f"appointment__{name}" for name in ("ends_at", "revised_at", "answered_at", "answered_how", "batch")),
    *(f"appointment__{name}" for name in ("source", "external_id", "created_at", "updated_at")),
    *(f"appointment__{name}" for name in ("fold", "planned_revision", "details_at")),
    *(f"appointment__contact__{name}" for name in ("search", "last_name", "other_phone", "source")),
    *(f"appointment__contact__{name}" for name in ("external_id", "created_at", "updated_at")),
    *(
        f"appointment__contact__phone__{name}"
        for name in ("unusable_reason", "unusable_detail", "created_at")
    ),
)


class Limits(NamedTuple):
    """What other calls forbid for now; the fields of the same names in decide.Situation."""

    line_busy_until: datetime | None = None
    capped_until: datetime | None = None
    cap_may_lift: bool = False
    told_already: bool = False
    desk_busy_until: datetime | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class PracticeConfig:
    """The practice's settings, by primary key: read once for a whole claim, so at most a lease old.

    What must take effect at once is not in here but read with each reminder: the switch, a campaign's state,
    and all that belongs to a person, a number or an appointment.
    """

    steps: Mapping[int, Step]
    locations: Mapping[int, Location]
    providers: Mapping[int, Provider]
    _shared: dict[tuple[object, ...], SharedFacts] = field(default_factory=dict)

    def shared_facts_of(self, reminder: Reminder) -> SharedFacts:
        """The shared facts of a reminder that has its settings; worked out once for all that are alike."""
        appointment = reminder.appointment
        alike = (
            (reminder.step_id, reminder.channel, channel_of(reminder), appointment.contact.language),
            (appointment.location_id, appointment.provider_id, appointment.kind),
        )
        if alike not in self._shared:
            self._shared[alike] = read_shared_facts(reminder)
        return self._shared[alike]


def read_practice_config() -> PracticeConfig:
    """All steps with their texts and filters, all locations with their closed days, all providers."""
    scripts = ("script", "text_script", "fallback_script")
    steps = Step.objects.select_related("campaign", *scripts).prefetch_related(
        *(f"{script}__texts" for script in scripts), "campaign__locations", "campaign__providers"
    )
    locations = Location.objects.prefetch_related("closed_days")
    return PracticeConfig(
        steps={step.pk: step for step in steps},
        locations={location.pk: location for location in locations},
        providers=Provider.objects.in_bulk(),
    )


def with_people(reminders: "QuerySet[Reminder]") -> "QuerySet[Reminder]":
    """The reminders with every row that read_reminder_facts() needs and PracticeConfig lacks: one query."""
    return (
        reminders.select_related("appointment__contact__phone")
        .defer(*UNUSED_COLUMNS)
        .annotate(campaign_state=F("step__campaign__state"))
    )


def read_facts_together(
    reminders: Iterable[Reminder], practice: PracticeConfig, *, sending_paused: bool
) -> list[ReminderFacts]:
    """The facts of reminders of with_people(), their steps, locations and providers taken from `practice`.

    One that is newer than `practice`, or whose zone is, is read from the database.
    """
    all_facts = []
    for reminder in reminders:
        appointment = reminder.appointment
        if step := practice.steps.get(reminder.step_id):
            reminder.step = step
            step.campaign.state = reminder.campaign_state  # type: ignore[attr-defined] # as it is now
        location = practice.locations.get(appointment.location_id)
        if location and location.time_zone == appointment.time_zone:  # else its zone was corrected since
            appointment.location = location
        if provider := practice.providers.get(appointment.provider_id or 0):
            appointment.provider = provider
        shared = practice.shared_facts_of(reminder)
        all_facts.append(read_reminder_facts(reminder, sending_paused=sending_paused, shared=shared))
    return all_facts


def apply_limits(situation: Situation, limits: Limits) -> Situation:
    """The situation within these limits."""
    return situation if limits == NO_LIMITS else replace(situation, **limits._asdict())


def with_situation(reminders: "QuerySet[Reminder]") -> "QuerySet[Reminder]":
    """The reminders with every row that read_reminder_facts() needs: seven queries, however many they are."""
    return reminders.select_related(
        "appointment__location",
        "appointment__provider",
        "appointment__contact__phone",
        "step__campaign",
    ).prefetch_related(
        "step__script__texts",
        "step__text_script__texts",
        "step__fallback_script__texts",
        "step__campaign__locations",
        "step__campaign__providers",
        "appointment__location__closed_days",
    )


def read_shared_facts(reminder: Reminder) -> SharedFacts:
    """The shared facts of a reminder of with_situation(), or of with_people() that has its settings."""
    location, text = reminder.appointment.location, text_of(reminder)
    return SharedFacts(
        covered=reminder.step.removed_at is None and covers(reminder.step.campaign, reminder.appointment),
        script_text=text,
        has_script=text is not None and is_sayable(text.text),
        hours=hours_of(location),
    )


def read_reminder_facts(
    reminder: Reminder, *, sending_paused: bool, shared: SharedFacts | None = None
) -> ReminderFacts:
    """All that matters to decide() but the Limits, from the rows that read_shared_facts() takes.

    `shared`: its shared facts, where they were read already.
    """
    appointment, step = reminder.appointment, reminder.step
    contact, location = appointment.contact, appointment.location
    number, channel = contact.phone, channel_of(reminder)
    shared = shared or read_shared_facts(reminder)
    return ReminderFacts(
        reminder=reminder,
        number=number,
        script_text=shared.script_text,
        situation=Situation(
            not_before=reminder.not_before,
            not_after=reminder.not_after,
            revision=reminder.revision,
            appointment_revision=appointment.revision,
            appointment_status=appointment.status,
            answer=appointment.current_answer,
            audience=step.audience,
            covered=shared.covered,
            campaign_active=step.campaign.state == Campaign.State.ACTIVE,
            sending_paused=sending_paused,
            has_number=number is not None,
            number_unusable=number is not None and is_never_dialled(number),
            opted_out=number is not None and number.opted_out_at(channel) is not None,
            refusal=find_refusal(channel, contact.preferred_channel),
            has_consent=number is None or number.consent_basis != PhoneNumber.ConsentBasis.NONE,
            has_script=shared.has_script,
            hours=shared.hours,
            zones=zones_of(contact.time_zone, location.time_zone, number.time_zones if number else []),
            ordered=reminder.ordered_by_id is not None,
        ),
    )


def is_never_dialled(number: PhoneNumber) -> bool:
    """Whether it can't be reached, or is of a kind that is never dialled, stored before it was refused."""
    return number.unusable_since is not None or bool(number.kind_fault)


def hours_of(location: Location) -> CallingHours:
    """When a location may call, and its closed days, on which it may not."""
    closed = frozenset(day.date for day in location.closed_days.all())
    return CallingHours(location.calling_opens, location.calling_closes, closed)


def zones_of(stated: str, location_zone: str, number_zones: Sequence[str]) -> tuple[ZoneInfo, ...]:
    """The zones in which a call must be allowed; none when a stored name is not a time zone."""
    try:
        return recipient_zones(stated, location_zone, number_zones)
    except ValueError:  # the reminder is held and shown; an error would stop the whole batch
        return ()
