"""What goes out today because of an import: counted from its reminders, and foreseen before it is applied.

Of an import that isn't applied yet nothing is written: the steps of active campaigns are asked what they
would owe, by the functions that plan. Its people and their numbers aren't known for certain then, nor what
filters say of them, so the number is the most that can be.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import F, Q, QuerySet

from contacts.database.arrays import is_any
from contacts.database.clock import read_database_clock
from contacts.imports.visits_ahead import PlannedAnew, VisitAhead
from contacts.models import Appointment, ImportBatch, ImportChange, Location
from contacts.models.people import Channel
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.number_caps import read_use
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.situations import without_settings
from reminders.models import Reminder
from reminders.planning.bulk_rows import PlannedAppointment
from reminders.planning.owed_reminders import (
    LocationClock,
    read_location_clocks,
    read_step_timing,
)
from reminders.planning.owed_spans import OwedFinder
from reminders.planning.planner import active_steps
from reminders.rules.calling_hours import CallingHours
from reminders.rules.reasons import Reason
from reminders.rules.schedule import OpenDays
from reminders.rules.states import REMINDER_PENDING, ReminderState
from reminders.traffic.switch import read_switch
from reminders.wording.scripts import channel_of

MOST_EXPLAINED = 300  # reminders whose moment is worked out one by one, as pages of visits do
LONGEST_DAY = timedelta(hours=40)  # until the end of today, anywhere
PLANNED_AGAIN = (ImportChange.What.MOVED, ImportChange.What.BOOKED_AGAIN)


@dataclass(frozen=True)
class CallsToday:
    """How many calls and texts go out today. `is_exact`: else it is the most that can be.

    `is_being_planned`: some visits aren't planned yet; `is_paused`: all sending is paused.
    """

    calls: int = 0
    texts: int = 0
    is_exact: bool = True
    is_being_planned: bool = False
    is_paused: bool = False

    @property
    def total(self) -> int:
        return self.calls + self.texts


def count_calls_today(batch: ImportBatch) -> CallsToday:
    """What goes out today, by the clocks of the locations, for what the batch added, moved or booked again,
    and for visits of those whose number it changed. The number of queries doesn't depend on the batch.
    """
    now = read_database_clock()
    visits = _find_visits(batch, now)
    paused = read_switch().paused_at is not None
    if visits.filter(planned_revision__lt=F("revision")).exists():
        return CallsToday(is_being_planned=True, is_paused=paused)
    waiting = Reminder.objects.filter(
        appointment__in=visits.order_by().values("pk"),
        revision=F("appointment__revision"),
        state__in=REMINDER_PENDING,
        due_at__lt=now + LONGEST_DAY,
        not_after__gt=now,
    )
    people = ("appointment__contact__phone", "appointment__contact__other_phone")
    found = without_settings(waiting.select_related(*people)).order_by("due_at", "pk")[: MOST_EXPLAINED + 1]
    practice = read_shared_settings().config
    reminders = [practice.complete(reminder) for reminder in found]
    is_exact = len(reminders) <= MOST_EXPLAINED
    if is_exact:
        channels = [
            channel_of(one) for one, moment in _foresee(reminders, now) if _is_today(one, moment, now)
        ]
    else:
        with_step = waiting.select_related("appointment__location", "step__campaign")
        channels = [channel_of(one) for one in with_step if _is_today(one, max(one.not_before, now), now)]
    texts = channels.count(Channel.SMS)
    return CallsToday(len(channels) - texts, texts, is_exact=is_exact, is_paused=paused)


def _find_visits(batch: ImportBatch, now: datetime) -> "QuerySet[Appointment]":
    changes = batch.changes.order_by()
    again = changes.filter(what__in=PLANNED_AGAIN, appointment__isnull=False)
    renumbered = changes.filter(new__has_key="phone", contact__isnull=False)
    about = Q(batch=batch) | Q(pk__in=again.values("appointment"))
    about |= Q(contact__in=renumbered.values("contact"))
    return Appointment.objects.filter(about, status=Appointment.Status.BOOKED, starts_at__gt=now)


def _foresee(reminders: list[Reminder], now: datetime) -> Iterator[tuple[Reminder, datetime | None]]:
    """Each with the moment at which it goes out, None if it won't; as the visits' pages say it."""
    numbers = {one.appointment.contact.phone_id for one in reminders} - {None}
    uses = read_use([number for number in numbers if number], now)
    for one in reminders:
        use = uses.get(one.appointment.contact.phone_id or 0)
        yield one, explain_reminder(one, now, use=use).moment


def _is_today(reminder: Reminder, moment: datetime | None, now: datetime) -> bool:
    zone = reminder.appointment.location.zone
    return moment is not None and moment.astimezone(zone).date() <= now.astimezone(zone).date()


def foresee_calls_today(planned: PlannedAnew) -> CallsToday:
    """The most that can go out today for these visits, by what active campaigns' steps would owe them.

    All are counted as calls, since how their patients want to be reminded isn't known yet.
    """
    now = read_database_clock()
    visits = planned.visits + Counter(_read_renumbered(planned, now))
    visits = Counter({one: number for one, number in visits.items() if one.starts_at > now})
    if not visits:
        return CallsToday()
    clocks = read_location_clocks(Location.objects.all())
    new = {zone: -at for at, zone in enumerate(sorted({one.zone for one in visits if one.zone}), 1)}
    clocks |= {number: _make_new_clock(zone) for zone, number in new.items()}
    count = 0
    for step in active_steps():
        wanted = {location.pk for location in step.campaign.locations.all()}
        finder = OwedFinder(read_step_timing(step), clocks)
        for visit, number in visits.items():
            location = visit.location or new[visit.zone]
            if not wanted or location in wanted:
                count += number * _may_go_today(finder, visit, location, clocks[location], now)
    return CallsToday(count, is_exact=count == 0, is_paused=read_switch().paused_at is not None)


def _read_renumbered(planned: PlannedAnew, now: datetime) -> Iterable[VisitAhead]:
    """The visits ahead of patients whose number would change."""
    ahead = Appointment.objects.filter(
        is_any("contact", planned.renumbered), status=Appointment.Status.BOOKED, starts_at__gt=now
    )
    for location, starts_at in ahead.values_list("location", "starts_at"):
        yield VisitAhead(location, starts_at, is_moved=True)


def _make_new_clock(zone: str) -> LocationClock:
    """The clock of a location that isn't there yet: with the hours that every new one has."""
    location = Location(time_zone=zone)
    days = OpenDays(frozenset(location.open_weekdays), frozenset())
    hours = CallingHours(location.calling_opens, location.calling_closes, frozenset())
    return LocationClock(location.zone, days, hours)


def _may_go_today(
    finder: OwedFinder, visit: VisitAhead, location: int, clock: LocationClock | None, now: datetime
) -> bool:
    booked_at = now if visit.is_moved else None
    appointment = PlannedAppointment(
        0, location, 1, visit.starts_at.astimezone(UTC), now, None, "", (), booked_at=booked_at
    )
    owed = finder.find(appointment)
    if owed is None or clock is None:
        return False
    # the hours depend on the zones of the number too, so no hours by the location's alone say nothing
    if owed.state != ReminderState.PLANNED and owed.reason != Reason.NEVER_IN_HOURS:
        return False
    return max(owed.due_at, now).astimezone(clock.zone).date() <= now.astimezone(clock.zone).date()
