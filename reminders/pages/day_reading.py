"""Reading a day's visits with their reminders, calls and settings: few queries, however many visits."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from contacts.database.arrays import is_any
from contacts.models import Appointment, Location
from reminders.deciding.call_now import find_order_refusal
from reminders.deciding.coverage import KNOWN_WHERE_ASKED
from reminders.deciding.households import choose_families
from reminders.deciding.number_caps import NumberUse, read_use
from reminders.deciding.present import read_present
from reminders.deciding.shared_settings import SharedSettings, read_shared_settings
from reminders.deciding.situations import ModeFacts
from reminders.lifecycle.calls import attach_calls
from reminders.models import Reminder, SendingSwitch
from reminders.pages.sentences import name_family
from reminders.pages.standings import (
    Standing,
    StandingFacts,
    find_orderable,
    find_standing,
    needs_reminders,
    read_standing_facts,
)
from reminders.rules.states import REMINDER_ORDERABLE
from reminders.traffic.switch import read_switch

# Columns of people, numbers and visits that the list shows nothing of.
UNSHOWN = (
    *(f"contact__{name}" for name in ("search_text", "name_key", "notes", "file_values", "language_at")),
    *(f"contact__{name}" for name in ("source", "external_id", "created_at", "updated_at", "date_of_birth")),
    *(
        f"contact__{phone}__{name}"
        for phone in ("phone", "other_phone")
        for name in ("created_at", "erased_at")
    ),
    *(f"contact__{phone}__unusable_detail" for phone in ("phone", "other_phone")),
    *(f"contact__other_phone__{name}" for name in ("e164", "unusable_since", "consent_basis", "time_zones")),
    *("file_values", "source", "external_id", "created_at", "updated_at", "details_at", "booked_at"),
    *("ends_at", "batch"),
)
UNSHOWN_OF_REMINDERS = ("claim", "lease_until", "updated_at")


@dataclass(frozen=True)
class VisitOfDay:
    """One visit with its state. `call_reminder`: the one that "call now" would call for, if it is offered."""

    appointment: Appointment
    facts: StandingFacts
    standing: Standing
    call_reminder: Reminder | None
    family: str = ""  # whom a call now would be about, if it isn't this visit alone


@dataclass
class DayFacts:
    """What was read once for all visits of the day."""

    now: datetime
    practice: SharedSettings
    mode: ModeFacts
    sending_paused: bool
    use: Mapping[int, NumberUse] = field(default_factory=dict)


def today_at(location: Location, now: datetime) -> date:
    """The date on the location's own calendar."""
    return now.astimezone(location.zone).date()


def find_visits(locations: Collection[Location], day: date | None, now: datetime) -> "QuerySet[Appointment]":
    """The visits of `day` (None: each location's own today) at these locations, by time."""
    wanted = Q(pk__in=[])
    for location in locations:
        begin = datetime.combine(day or today_at(location, now), time.min)
        wanted |= Q(location=location, local_start__gte=begin, local_start__lt=begin + timedelta(days=1))
    return Appointment.objects.filter(wanted).order_by("starts_at", "pk")


def read_visits_of_day(
    locations: Collection[Location],
    day: date | None,
    now: datetime,
    practice: SharedSettings | None = None,
    switch: SendingSwitch | None = None,
) -> list[VisitOfDay]:
    """The visits with their states, by time; the number of queries is constant.

    `practice`, `switch`: where they were read for this request already.
    """
    practice = practice or read_shared_settings()
    people = find_visits(locations, day, now).select_related("contact__phone", "contact__other_phone")
    found = list(people.defer(*UNSHOWN))
    switch = switch or read_switch()
    mode = read_present(now, practice.config, switch).mode
    facts = DayFacts(now, practice, mode, switch.paused_at is not None)
    for visit in found:
        practice.config.place(visit)
    reminders = _read_reminders(found, facts)
    facts.use = read_use({number for one in found if (number := one.contact.phone_id)}, now)
    return _add_families([_read_visit(one, reminders[one.pk], facts) for one in found], reminders, now)


def _read_reminders(visits: Collection[Appointment], facts: DayFacts) -> Mapping[int, list[Reminder]]:
    """The reminders of the present revisions, by the visit's id, each with its calls, where they matter.

    `visits`: with their locations and providers. The rows alone: what all of them share is added here.
    """
    by_id, practice = {visit.pk: visit for visit in visits if needs_reminders(visit)}, facts.practice.config
    rows = Reminder.objects.filter(is_any("appointment", by_id)).defer(*UNSHOWN_OF_REMINDERS)
    if practice.asks_who_is_known:
        rows = rows.annotate(is_known_patient=KNOWN_WHERE_ASKED)
    ordered = rows.order_by("due_at", "pk")
    found = [one for one in ordered if one.revision == by_id[one.appointment_id].revision]
    attach_calls(found)
    by_visit: defaultdict[int, list[Reminder]] = defaultdict(list)
    for reminder in found:
        reminder.attach(appointment=by_id[reminder.appointment_id])
        facts.mode.add_to(reminder)
        by_visit[reminder.appointment_id].append(practice.add_step(reminder))
    return by_visit


def _read_visit(visit: Appointment, reminders: list[Reminder], shared: DayFacts) -> VisitOfDay:
    practice = shared.practice.config
    facts = read_standing_facts(
        visit,
        reminders,
        shared.now,
        sending_paused=shared.sending_paused,
        use=shared.use.get(visit.contact.phone_id or 0),
        unplanned=shared.practice.unplanned,
        practice=practice,
    )
    standing = find_standing(facts)
    lead = find_orderable(facts, standing)
    if lead and find_order_refusal(
        lead, shared.now, sending_paused=shared.sending_paused, shared=practice.shared_facts_of(lead)
    ):
        lead = None
    return VisitOfDay(visit, facts, standing, lead)


def _add_families(
    visits: list[VisitOfDay], reminders: Mapping[int, list[Reminder]], now: datetime
) -> list[VisitOfDay]:
    """The visits with whom a call now would be about; all that can be meant were read already."""
    ahead = [
        one
        for one in visits
        if one.appointment.status == Appointment.Status.BOOKED and one.appointment.starts_at > now
    ]
    visits_of = Counter(one.appointment.contact.phone_id for one in ahead)
    shared = [one for one in ahead if visits_of[one.appointment.contact.phone_id] > 1]
    orderable = (
        reminder
        for one in shared
        for reminder in reminders[one.appointment.pk]
        if reminder.state in REMINDER_ORDERABLE
    )
    families = choose_families([one.call_reminder for one in shared if one.call_reminder], orderable)
    return [_with_family(one, families) for one in visits]


def _with_family(visit: VisitOfDay, families: Mapping[int, list[Reminder]]) -> VisitOfDay:
    lead = visit.call_reminder
    family = name_family(families.get(lead.pk, [])) if lead else ""
    if not family:
        return visit
    return VisitOfDay(visit.appointment, visit.facts, visit.standing, lead, family)
