"""Reading one day's appointments, each with its state."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import F, Prefetch, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from contacts.models import Appointment, Location
from contacts.numbers import mask
from contacts.templatetags.display import clock
from reminders.deciding.coverage import read_unplanned_campaigns
from reminders.deciding.households import find_families
from reminders.deciding.number_caps import NumberUse, read_use
from reminders.deciding.situations import with_situation
from reminders.lifecycle.call_reminders import with_calls
from reminders.models import CallRecord, Campaign, Reminder
from reminders.pages.sentences import name_family
from reminders.pages.standings import Standing, find_orderable, find_standing, read_standing_facts
from reminders.traffic.switch import read_switch

# The counts at the top, in order, and the states that each of them includes.
COUNTED_STATES = {
    "confirmed": ("confirmed",),
    "wants_another_time": ("wants_another_time",),
    "unanswered": (
        "being_planned", "will_call", "will_text", "would_call", "calling", "submitting", "answered",
        "delivered", "voicemail", "no_answer",
    ),
    "held": ("held", "opted_out"),
    "trouble": ("failed", "missed", "unknown"),
    "not_reminded": ("not_reminded",),
    "arrived": ("arrived",),
    "no_show": ("no_show",),
    "cancelled": ("cancelled",),
}  # fmt: skip
LABELS = {
    "confirmed": _("confirmed"),
    "wants_another_time": _("want another time"),
    "unanswered": _("no answer yet"),
    "held": _("held"),
    "trouble": _("failed or unknown"),
    "not_reminded": _("not reminded"),
    "arrived": _("arrived"),
    "no_show": _("no-show"),
    "cancelled": _("cancelled"),
}
COUNT_OF_STATE = {code: key for key, codes in COUNTED_STATES.items() for code in codes}


@dataclass(frozen=True)
class Row:
    """One appointment. `starts_at`: as booked, by the location's clock; `mark`: "hour" if first in it."""

    pk: int
    starts_at: datetime
    name: str
    kind: str
    provider: str
    location: str
    number: str  # masked
    standing: Standing
    call_reminder_id: int | None
    is_cancelled: bool
    call_family: str = ""  # whom a call now would be about, if it isn't this appointment alone
    mark: str = ""
    after_now: bool = False  # the first row later than now


@dataclass(frozen=True)
class Group:
    """The rows of one time zone. `now`: the time there, "" when another day is shown."""

    zone: str
    day: date
    locations: tuple[str, ...]
    rows: tuple[Row, ...]
    now: str
    all_over: bool


@dataclass(frozen=True)
class DayCount:
    """How many appointments one filter matches."""

    key: str
    label: str
    number: int


@dataclass(frozen=True)
class DayList:
    """A day, or each location's own today. `total`: those not cancelled, regardless of the state filter."""

    day: date | None
    is_today: bool
    groups: tuple[Group, ...]
    counts: tuple[DayCount, ...]
    total: int
    shown: int


def read_day(
    locations: Collection[Location],
    day: date | None,
    now: datetime,
    *,
    provider_id: int | None = None,
    state: str = "",
) -> DayList:
    """The appointments of `day` (None: each location's own today) at these locations.

    `state` is a key of COUNTED_STATES, "" for all. The number of queries is constant.
    """
    paused = read_switch().paused_at is not None
    found = _with_reminders(_of_day(locations, day, now))
    if provider_id is not None:
        found = found.filter(provider=provider_id)
    use = read_use({number for one in found if (number := one.contact.phone_id)}, now)
    shared = SharedByRows(use, read_unplanned_campaigns(), paused)
    rows = _add_families([_build_row(appointment, now, shared) for appointment in found], found, now)
    counts = Counter(COUNT_OF_STATE[row.standing.code] for row in rows)
    kept = [row for row in rows if not state or COUNT_OF_STATE[row.standing.code] == state]
    return DayList(
        day=day,
        is_today=all(day in (None, today_at(location, now)) for location in locations),
        groups=tuple(_group(kept, locations, day, now)),
        counts=tuple(DayCount(key, str(LABELS[key]), counts[key]) for key in COUNTED_STATES if counts[key]),
        total=len(rows) - counts["cancelled"],
        shown=len(kept),
    )


def today_at(location: Location, now: datetime) -> date:
    """The date on the location's own calendar."""
    return now.astimezone(location.zone).date()


def _of_day(locations: Collection[Location], day: date | None, now: datetime) -> "QuerySet[Appointment]":
    wanted = Q(pk__in=[])
    for location in locations:
        begin = datetime.combine(day or today_at(location, now), time.min)
        wanted |= Q(location=location, local_start__gte=begin, local_start__lt=begin + timedelta(days=1))
    return Appointment.objects.filter(wanted).order_by("starts_at", "pk")


def _with_reminders(appointments: "QuerySet[Appointment]") -> "QuerySet[Appointment]":
    present = with_calls(
        with_situation(Reminder.objects.filter(revision=F("appointment__revision"))),
        CallRecord.objects.defer("text", "variables"),
    )
    return appointments.select_related("contact__phone", "location", "provider").prefetch_related(
        Prefetch("reminders", queryset=present)
    )


class SharedByRows(NamedTuple):
    """What was read once for all rows: the calls to each number, and campaigns that aren't planned yet."""

    use: Mapping[int, NumberUse]
    unplanned: Sequence[Campaign]
    paused: bool


def _build_row(appointment: Appointment, now: datetime, shared: SharedByRows) -> Row:
    phone = appointment.contact.phone
    reminders = list(appointment.reminders.all())
    facts = read_standing_facts(
        appointment,
        reminders,
        now,
        sending_paused=shared.paused,
        use=shared.use[phone.pk] if phone else None,
        unplanned=shared.unplanned,
    )
    standing = find_standing(facts)
    return Row(
        pk=appointment.pk,
        starts_at=appointment.wall_start,
        name=appointment.contact.full_name,
        kind=appointment.kind,
        provider=appointment.provider.name if appointment.provider else "",
        location=appointment.location.name,
        number=mask(phone.e164) if phone else "",
        standing=standing,
        call_reminder_id=find_orderable(facts, standing),
        is_cancelled=appointment.status == Appointment.Status.CANCELLED,
    )


def _add_families(rows: Sequence[Row], found: Iterable[Appointment], now: datetime) -> list[Row]:
    """The rows with whom a call now would be about: one query for all."""
    offered = {row.call_reminder_id for row in rows}
    leads = [one for appointment in found for one in appointment.reminders.all() if one.pk in offered]
    families = find_families(leads, now)
    names = {lead: name_family(family) for lead, family in families.items()}
    return [replace(row, call_family=names.get(row.call_reminder_id or 0, "")) for row in rows]


def _group(
    rows: Sequence[Row], locations: Collection[Location], day: date | None, now: datetime
) -> Iterator[Group]:
    """One group per time zone, in the order of the locations' names."""
    names_by_zone: dict[str, list[str]] = {}
    for location in locations:
        names_by_zone.setdefault(location.time_zone, []).append(location.name)
    for zone, names in names_by_zone.items():
        local_now = now.astimezone(ZoneInfo(zone))
        is_today = day in (None, local_now.date())
        members = [row for row in rows if row.location in names]
        ordered = tuple(_mark(members, now if is_today else None))
        ahead = any(row.after_now for row in ordered)
        if members:
            yield Group(
                zone=zone,
                day=day or local_now.date(),
                locations=tuple(names),
                rows=ordered,
                now=clock(local_now) if is_today else "",
                all_over=is_today and not ahead,
            )


def _mark(rows: Sequence[Row], now: datetime | None) -> Iterator[Row]:
    """The rows by time, cancelled ones last; the first of each hour and the first after `now` are marked."""
    pending_now = now is not None
    ordered = sorted(rows, key=lambda row: (row.is_cancelled, row.starts_at, row.pk))
    for (cancelled, _hour), same_hour in groupby(ordered, lambda row: (row.is_cancelled, row.starts_at.hour)):
        for index, row in enumerate(same_hour):
            ahead = pending_now and now is not None and not cancelled and row.starts_at > now
            pending_now = pending_now and not ahead
            yield replace(row, mark="hour" if index == 0 and not cancelled else "", after_now=ahead)
