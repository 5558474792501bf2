"""From rows to what decide() needs: the only module that knows which column matters to which rule."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Case, F, IntegerField, QuerySet, Subquery, When

from contacts.models import Appointment, Location, PhoneNumber, Provider
from contacts.models.people import Channel
from contacts.numbers import find_kind_fault
from contacts.paired_numbers import find_paired_optout
from reminders.deciding.coverage import KNOWN_WHERE_ASKED, covers, lacks_consent
from reminders.deciding.sending_mode import leaves_this_machine
from reminders.deciding.trial_use import count_of_trial, count_sent_on_trial, is_no_trial
from reminders.models import Campaign, Reminder, ScriptText, SendingSwitch, Step
from reminders.rules.calling_hours import CallingHours, recipient_zones
from reminders.rules.decide import Situation
from reminders.rules.modes import TRIAL_CALLS_A_DAY, find_mode
from reminders.wording.pronunciations import Pronunciations, read_pronunciations
from reminders.wording.scripts import channel_of, find_refusal, is_sayable, text_of


@dataclass(frozen=True)
class ReminderFacts:
    """A reminder with all that was read for it: its situation, the number to call, the words to say."""

    reminder: Reminder
    channel: Channel
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
    *(f"appointment__{name}" for name in ("ends_at", "answered_at", "answered_how", "batch")),
    *(f"appointment__{name}" for name in ("source", "external_id", "created_at", "updated_at")),
    *(
        f"appointment__{name}"
        for name in ("fold", "planned_revision", "details_at", "booked_at", "file_values")
    ),
    *(f"appointment__contact__{name}" for name in ("search_text", "last_name", "source")),
    *(f"appointment__contact__{name}" for name in ("language_at", "date_of_birth", "notes", "erased_at")),
    *(f"appointment__contact__{name}" for name in ("name_key", "file_values")),
    *(f"appointment__contact__{name}" for name in ("external_id", "created_at", "updated_at")),
    *(
        f"appointment__contact__phone__{name}"
        for name in ("unusable_reason", "unusable_detail", "verified_by", "erased_at", "created_at")
    ),
    *(
        f"appointment__contact__other_phone__{name}"
        for name in (
            *("e164", "unusable_since", "unusable_reason", "unusable_detail", "consent_basis", "time_zones"),
            *("verified_at", "verified_by", "erased_at", "created_at"),
        )
    ),
)


class Limits(NamedTuple):
    """What other calls forbid for now; the fields of the same names in decide.Situation."""

    line_busy_until: datetime | None = None
    capped_until: datetime | None = None
    cap_may_lift: bool = False
    told_already: bool = False
    desk_busy_until: datetime | None = None
    trial_full: bool = False


NO_LIMITS = Limits()


@dataclass(frozen=True)
class PracticeConfig:
    """The practice's settings, by primary key: read once for a round, so less than a minute old.

    What must take effect at once is not in here but read with each reminder: the switch with the mode, a
    campaign's state and the consent it requires, whether a step was taken out, a location's pause, and all
    that belongs to a person, a number or an appointment.
    """

    steps: Mapping[int, Step]
    locations: Mapping[int, Location]
    providers: Mapping[int, Provider]
    pronunciations: Pronunciations = field(default_factory=dict)
    _shared: dict[tuple[object, ...], SharedFacts] = field(default_factory=dict)

    def complete(self, reminder: Reminder) -> Reminder:
        """Give a reminder of without_settings(), with its appointment, its step, location and provider."""
        self.place(reminder.appointment)
        return self.add_step(reminder)

    def add_step(self, reminder: Reminder) -> Reminder:
        """Give a reminder its step. One that is newer than these settings is read."""
        if step := self.steps.get(reminder.step_id):
            reminder.attach(step=step)
        return reminder

    def place(self, appointment: Appointment) -> Appointment:
        """Give an appointment its location and provider. One that is newer than these settings is read."""
        if location := self.locations.get(appointment.location_id):
            appointment.attach(location=location)
        if provider := self.providers.get(appointment.provider_id or 0):
            appointment.attach(provider=provider)
        return appointment

    def copy_rows(self) -> "PracticeConfig":
        """The same with rows of its own, for read_facts_together(), which brings them up to date."""
        campaigns = {step.campaign_id: copy(step.campaign) for step in self.steps.values()}
        steps = {pk: copy(step) for pk, step in self.steps.items()}
        for step in steps.values():
            step.campaign = campaigns[step.campaign_id]
        locations = {location.pk: location for location in self.copy_locations()}
        return PracticeConfig(steps, locations, self.providers, self.pronunciations)

    def copy_locations(self) -> list[Location]:
        """The locations as rows of its own, for whoever reads more about them or brings them up to date."""
        copies = [copy(location) for location in self.locations.values()]
        for own in copies:
            known = getattr(own, "_prefetched_objects_cache", {})
            own._prefetched_objects_cache = dict(known)  # type: ignore[attr-defined] # which a copy shares
        return copies

    @cached_property
    def asks_who_is_known(self) -> bool:
        """Whether any campaign is for new or for known patients only."""
        return any(step.campaign.patients != Campaign.Patients.ALL for step in self.steps.values())

    def list_active_steps(self) -> list[Step]:
        """Every step of every active campaign."""
        active = [
            step
            for step in self.steps.values()
            if step.removed_at is None and step.campaign.state == Campaign.State.ACTIVE
        ]
        return sorted(active, key=lambda step: step.pk)

    def shared_facts_of(self, reminder: Reminder) -> SharedFacts:
        """The shared facts of a reminder that has its settings; worked out once for all that are alike."""
        appointment, contact = reminder.appointment, reminder.appointment.contact
        alike = (
            (reminder.step_id, reminder.channel, contact.preferred_channel, contact.language),
            (appointment.location_id, appointment.provider_id, appointment.kind),
            _is_known(reminder),
        )
        if alike not in self._shared:
            self._shared[alike] = read_shared_facts(reminder)
        return self._shared[alike]


def read_practice_config() -> PracticeConfig:
    """All steps with texts and filters, locations with closed days, providers, and pronunciations."""
    scripts = ("script", "text_script", "fallback_script")
    steps = Step.objects.select_related("campaign", *scripts).prefetch_related(
        *(f"{script}__texts" for script in scripts), "campaign__locations", "campaign__providers"
    )
    locations = Location.objects.prefetch_related("closed_days")
    return PracticeConfig(
        steps={step.pk: step for step in steps},
        locations={location.pk: location for location in locations},
        providers={provider.pk: provider for provider in Provider.objects.all()},
        pronunciations=read_pronunciations(),
    )


def with_people(reminders: "QuerySet[Reminder]") -> "QuerySet[Reminder]":
    """The reminders with every row that read_reminder_facts() needs and PracticeConfig lacks: one query."""
    return (
        _with_mode(reminders)
        .select_related("appointment__contact__phone", "appointment__contact__other_phone")
        .defer(*UNUSED_COLUMNS)
        .annotate(
            campaign_state=F("step__campaign__state"),
            campaign_consent=F("step__campaign__consent"),
            step_removed_at=F("step__removed_at"),
            is_known_patient=KNOWN_WHERE_ASKED,
            location_paused_at=F("appointment__location__paused_at"),
        )
    )


def _with_mode(reminders: "QuerySet[Reminder]") -> "QuerySet[Reminder]":
    """The reminders with the mode that was chosen, since when the installation is live, and how many calls a
    trial has made.

    PostgreSQL reads them once for all reminders, in the same statement.
    """
    switch = SendingSwitch.objects.filter(pk=1)
    no_trial = When(is_no_trial(), then=0)
    return reminders.annotate(
        chosen_mode=Subquery(switch.values("mode")),
        live_since=Subquery(switch.values("live_since")),
        sent_on_trial=Case(no_trial, default=count_of_trial(), output_field=IntegerField()),
    )


def without_settings(reminders: "QuerySet[Reminder]") -> "QuerySet[Reminder]":
    """The reminders alone: whoever reads them adds appointments, people and settings (PracticeConfig)."""
    return _with_mode(reminders).annotate(is_known_patient=KNOWN_WHERE_ASKED)


class ModeFacts(NamedTuple):
    """The mode that was chosen, since when the installation is live, and how many calls a trial has made."""

    chosen_mode: str
    live_since: datetime | None
    sent_on_trial: int

    def add_to(self, reminder: Reminder) -> None:
        """Give them to a reminder that isn't of with_situation(), such as one that isn't planned yet."""
        reminder.__dict__ |= self._asdict()


def read_mode_facts(now: datetime) -> ModeFacts:
    """Two queries."""
    switch = SendingSwitch.objects.filter(pk=1).values_list("mode", "live_since").first()
    return ModeFacts(*(switch or ("", None)), count_sent_on_trial(now))


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
            step.campaign.consent = reminder.campaign_consent  # type: ignore[attr-defined]
        location = practice.locations.get(appointment.location_id)
        if location and location.time_zone == appointment.time_zone:  # else its zone was corrected since
            appointment.location = location
        appointment.location.paused_at = reminder.location_paused_at  # type: ignore[attr-defined]
        if provider := practice.providers.get(appointment.provider_id or 0):
            appointment.provider = provider
        shared = practice.shared_facts_of(reminder)
        if reminder.step_removed_at:  # type: ignore[attr-defined] # maybe since the settings were read
            shared = shared._replace(covered=False)
        all_facts.append(read_reminder_facts(reminder, sending_paused=sending_paused, shared=shared))
    return all_facts


def apply_limits(situation: Situation, limits: Limits) -> Situation:
    """The situation within these limits."""
    return situation if limits == NO_LIMITS else situation._replace(**limits._asdict())


def with_situation(reminders: "QuerySet[Reminder]") -> "QuerySet[Reminder]":
    """The reminders with every row that read_reminder_facts() needs: seven queries, however many they are."""
    return (
        _with_mode(reminders)
        .annotate(is_known_patient=KNOWN_WHERE_ASKED)
        .select_related(
            "appointment__location",
            "appointment__provider",
            "appointment__contact__phone",
            "appointment__contact__other_phone",
            "step__campaign",
        )
        .prefetch_related(
            "step__script__texts",
            "step__text_script__texts",
            "step__fallback_script__texts",
            "step__campaign__locations",
            "step__campaign__providers",
            "appointment__location__closed_days",
        )
    )


def read_shared_facts(reminder: Reminder, *, covered: bool | None = None) -> SharedFacts:
    """The shared facts of a reminder of with_situation(), or of with_people() that has its settings.

    `covered`: whether its step is for the appointment, where that is known already.
    """
    location, text = reminder.appointment.location, text_of(reminder)
    return SharedFacts(
        covered=_is_covered(reminder) if covered is None else covered,
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
    is_real = leaves_this_machine()
    shared = shared or read_shared_facts(reminder)
    return ReminderFacts(
        reminder=reminder,
        channel=channel,
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
            at_once_from=find_late_booking(reminder),
            location_paused=location.paused_at is not None,
            mode=find_mode(reminder.chosen_mode or "", is_real=is_real),  # type: ignore[attr-defined]
            is_real=is_real,
            is_demo=contact.is_demo,
            number_verified=number is not None and number.verified_at is not None,
            trial_full=(reminder.sent_on_trial or 0) >= TRIAL_CALLS_A_DAY,  # type: ignore[attr-defined]
            due_before_live=_is_due_before(reminder, reminder.live_since),  # type: ignore[attr-defined]
            other_number_opted_out=find_paired_optout(contact, channel) is not None,
            consent_lacking=lacks_consent(step.campaign.consent, number),
        ),
    )


def _is_covered(reminder: Reminder) -> bool:
    """Whether its step is still there, and its campaign is for the appointment."""
    is_known = _is_known(reminder)
    step = reminder.step
    return step.removed_at is None and covers(step.campaign, reminder.appointment, is_known=is_known)


def _is_known(reminder: Reminder) -> bool | None:
    """Whether its patient is known, where that was read with it."""
    return getattr(reminder, "is_known_patient", None)


def find_late_booking(reminder: Reminder) -> datetime | None:
    """When it was booked too late for a step that says "at once, or not at all"; None once it was tried."""
    booked_at = reminder.appointment.revised_at
    is_at_once = reminder.step.if_late == Step.IfLate.NOW and reminder.try_after is None
    return booked_at if is_at_once and reminder.due_at < booked_at else None


def _is_due_before(reminder: Reminder, live_since: datetime | None) -> bool:
    """Whether it came to be owed before: at its due time, or when it was planned after a late booking."""
    planned_at = reminder.created_at or reminder.due_at  # not planned yet
    return live_since is not None and max(reminder.due_at, planned_at) < live_since


def is_never_dialled(number: PhoneNumber) -> bool:
    """Whether it can't be reached, or is of a kind that is never dialled, stored before it was refused."""
    return number.unusable_since is not None or bool(find_kind_fault(number.e164))


def hours_of(location: Location, closed: Iterable[date] | None = None) -> CallingHours:
    """When a location may call, and its closed days, on which it may not. `closed`: where they were read."""
    if closed is None:
        closed = (day.date for day in location.closed_days.all())
    return CallingHours(location.calling_opens, location.calling_closes, frozenset(closed))


def zones_of(stated: str, location_zone: str, number_zones: Sequence[str]) -> tuple[ZoneInfo, ...]:
    """The zones in which a call must be allowed; none when a stored name is not a time zone."""
    try:
        return recipient_zones(stated, location_zone, number_zones)
    except ValueError:  # the reminder is held and shown; an error would stop the whole batch
        return ()
