"""A provider's day beside a form: the free times first, then what is booked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import QuerySet

from contacts.models import Appointment, Location, Provider
from reminders.planning.open_times import LONGEST_KNOWN, OpenTimes, read_open_times
from reminders.rules.free_slots import find_free_starts

DAYS_LOOKED_AHEAD = 21
A_DAY = timedelta(days=1)
TAKES_TIME = (Appointment.Status.BOOKED, Appointment.Status.ARRIVED)


@dataclass(frozen=True)
class ProviderDay:
    """All times are by the clock of `location`. `free`: when a visit of `minutes` can begin.

    `closed`: a sentence, "" where the location is open. `next_free`: the first later day with a free time,
    looked for where this day has none. `local_now`: the time there, where not all locations have one clock.
    """

    location: Location
    provider: Provider | None
    day: date
    minutes: int
    closed: str = ""
    free: tuple[datetime, ...] = ()
    visits: tuple[Appointment, ...] = ()
    next_free: date | None = None
    local_now: datetime | None = None

    @property
    def day_before(self) -> date:
        return self.day - A_DAY

    @property
    def day_after(self) -> date:
        return self.day + A_DAY


def read_provider_day(
    location: Location,
    provider: Provider | None,
    day: date,
    minutes: int,
    now: datetime,
    *,
    besides: int | None = None,
    says_clock: bool = False,
) -> ProviderDay:
    """At most four queries. `besides`: a visit that is to be moved, whose time counts as free.

    `says_clock`: whether to say whose clock it is, since there are several.
    """
    open_times = read_open_times(location)
    local_now = now.astimezone(location.zone) if says_clock else None
    closed = open_times.say_closed(day)
    if provider is None:
        return ProviderDay(location, None, day, minutes, closed, local_now=local_now)
    there = read_visits_between(day, day + A_DAY, location).filter(provider=provider)
    visits = [one for one in there.select_related("contact", "location") if one.pk != besides]
    length = timedelta(minutes=minutes)
    busy = [(one.starts_at, one.ends_at) for one in visits]
    free = find_free_starts(open_times.spans_of(day), busy, length, after=now)
    next_free = None if free else _find_next_free(open_times, location, provider, day, length, now, besides)
    return ProviderDay(
        location=location,
        provider=provider,
        day=day,
        minutes=minutes,
        closed=closed,
        free=tuple(start.astimezone(location.zone) for start in free),
        visits=tuple(visits),
        next_free=next_free,
        local_now=local_now,
    )


def read_visits_between(
    first: date, until: date, location: Location, *, with_no_shows: bool = False
) -> "QuerySet[Appointment]":
    """The visits that take time from the beginning of `first` to that of `until`, by this clock."""
    takes_time = (*TAKES_TIME, *([Appointment.Status.NO_SHOW] if with_no_shows else []))
    begin, end = (datetime.combine(day, time.min, tzinfo=location.zone) for day in (first, until))
    return Appointment.objects.filter(
        status__in=takes_time,
        starts_at__gt=begin - LONGEST_KNOWN,
        starts_at__lt=end,
        ends_at__gt=begin,
    ).order_by("starts_at", "pk")


def _find_next_free(
    open_times: OpenTimes,
    location: Location,
    provider: Provider,
    day: date,
    length: timedelta,
    now: datetime,
    besides: int | None,
) -> date | None:
    first = max(day + A_DAY, now.astimezone(location.zone).date())
    days = [first + count * A_DAY for count in range(DAYS_LOOKED_AHEAD)]
    booked = read_visits_between(first, days[-1] + A_DAY, location).filter(provider=provider)
    busy = list(booked.exclude(pk=besides or 0).values_list("starts_at", "ends_at"))
    return _first_with_room(days, open_times, busy, length, now)


def _first_with_room(
    days: Iterable[date],
    open_times: OpenTimes,
    busy: list[tuple[datetime, datetime]],
    length: timedelta,
    now: datetime,
) -> date | None:
    rooms = (day for day in days if find_free_starts(open_times.spans_of(day), busy, length, after=now))
    return next(rooms, None)
