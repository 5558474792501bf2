"""The calendar: the visits of a day or a week at one location, and when it is closed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from contacts.models import Appointment, Location, Provider
from contacts.row_addresses import write_row_address
from contacts.templatetags.chips import VISIT_LOOKS
from contacts.wall_times import read_clock
from reminders.pages.provider_day import A_DAY, read_visits_between
from reminders.planning.open_times import OpenTimes, read_open_times

MOST_COLUMNS = 8  # of providers; with more there are, those who have visits on that day have columns
SHORTEST_BOX = timedelta(minutes=15)  # 24 pixels high, which a finger hits
# Columns that the calendar shows something of; converting the others would take as long as all the rest.
SHOWN = (
    *("kind", "starts_at", "ends_at", "status", "revision", "answer", "answer_revision"),
    *("contact__first_name", "contact__last_name", "contact__erased_at", "location__name", "provider__name"),
)
EARLIEST, LATEST = time(8), time(18)  # shown at least


@dataclass(frozen=True)
class CalendarVisit:
    """One visit. Times are by the clock of the location that is shown (naive).

    `state`: of VISIT_LOOKS. `elsewhere`: the name of another location, at which it takes the provider's time.
    """

    pk: int
    starts_at: datetime
    ends_at: datetime
    name: str
    kind: str
    provider_id: int | None
    provider: str
    state: str
    elsewhere: str
    can_move: bool

    @property
    def drawn_until(self) -> datetime:
        """Where its box ends."""
        return max(self.ends_at, self.starts_at + SHORTEST_BOX)

    @property
    def href(self) -> str:
        return write_row_address("appointment", self.pk)

    @property
    def word(self) -> str:
        return str(VISIT_LOOKS[self.state].word)


@dataclass(frozen=True)
class CalendarDay:
    """One day of the calendar. `closed`: a sentence, "" where the location is open."""

    day: date
    closed: str
    visits: tuple[CalendarVisit, ...]


@dataclass(frozen=True)
class CalendarView:
    """`columns`: the providers. `opens`, `closes`: the hours that are shown. `local_now` (aware): there."""

    location: Location
    days: tuple[CalendarDay, ...]
    columns: tuple[Provider, ...]
    has_visits_of_nobody: bool
    opens: time
    closes: timedelta
    local_now: datetime
    open_times: OpenTimes

    @property
    def visits(self) -> Iterator[CalendarVisit]:
        return (visit for day in self.days for visit in day.visits)


def read_calendar(
    location: Location,
    providers: Sequence[Provider],
    days: Sequence[date],
    now: datetime,
    *,
    provider: Provider | None = None,
) -> CalendarView:
    """These days (one after the other) at the location. Three queries.

    `providers`: all there are. With `provider` only theirs; the visits that they have elsewhere come with it.
    """
    open_times = read_open_times(location)
    found = list(_read_visits(location, days, provider))
    ours = {visit.provider_id for visit in found if not visit.elsewhere}
    columns = _choose_columns(providers, provider, ours)
    shown_ids = {one.pk for one in columns}
    # in a week of several providers, which have no columns, what one does elsewhere would hide the others
    shows_elsewhere = provider is not None or len(days) == 1
    shown = [
        visit
        for visit in found
        if not visit.elsewhere or (shows_elsewhere and visit.provider_id in shown_ids)
    ]
    by_day = tuple(
        CalendarDay(
            day, open_times.say_closed(day), tuple(one for one in shown if one.starts_at.date() == day)
        )
        for day in days
    )
    opens, closes = _find_hours(open_times, days, shown)
    return CalendarView(
        location=location,
        days=by_day,
        columns=columns,
        has_visits_of_nobody=None in ours,
        opens=opens,
        closes=closes,
        local_now=now.astimezone(location.zone),
        open_times=open_times,
    )


def _read_visits(
    location: Location, days: Sequence[date], provider: Provider | None
) -> Iterator[CalendarVisit]:
    visits = read_visits_between(days[0], days[-1] + A_DAY, location, with_no_shows=True)
    if provider:
        visits = visits.filter(provider=provider)
    for visit in visits.select_related("contact", "location", "provider").only(*SHOWN):
        start, end = (
            read_clock(moment, location.time_zone)[0] for moment in (visit.starts_at, visit.ends_at)
        )
        is_here = visit.location_id == location.pk
        if is_here or visit.provider_id:
            yield CalendarVisit(
                pk=visit.pk,
                starts_at=start,
                ends_at=end,
                name=visit.contact.full_name,
                kind=visit.kind,
                provider_id=visit.provider_id,
                provider=visit.provider.name if visit.provider else "",
                state=_find_state(visit),
                elsewhere="" if is_here else visit.location.name,
                can_move=is_here and visit.status == Appointment.Status.BOOKED,
            )


def _find_state(visit: Appointment) -> str:
    """The patient's answer, else the visit's status."""
    return (visit.current_answer if visit.status == Appointment.Status.BOOKED else "") or visit.status


def _choose_columns(
    providers: Sequence[Provider], chosen: Provider | None, busy: set[int | None]
) -> tuple[Provider, ...]:
    if chosen:
        return (chosen,)
    if len(providers) <= MOST_COLUMNS:
        return tuple(providers)
    return tuple(one for one in providers if one.pk in busy)


def _find_hours(
    open_times: OpenTimes, days: Iterable[date], visits: Iterable[CalendarVisit]
) -> tuple[time, timedelta]:
    """From the first to the last hour in which it is open or somebody is there."""
    spans = [span for day in days for span in open_times.spans_of(day)]
    begins = [EARLIEST, *(begin.time() for begin, _end in spans), *(one.starts_at.time() for one in visits)]
    ends = [LATEST, *(end.time() for _begin, end in spans)]
    last = max(timedelta(hours=end.hour, minutes=end.minute) for end in ends)
    for visit in visits:
        goes_on = visit.drawn_until.date() > visit.starts_at.date()
        until = timedelta(hours=visit.drawn_until.hour, minutes=visit.drawn_until.minute)
        last = max(last, A_DAY if goes_on else until)
    return min(begins).replace(minute=0, second=0, microsecond=0), _round_up(last)


def _round_up(length: timedelta) -> timedelta:
    hour = timedelta(hours=1)
    return -(-length // hour) * hour
