"""One day's list as Today shows it: rows with plain values, counts that filter, and what is past."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from django.utils.translation import pgettext_lazy

from contacts.attendance import may_arrive, may_be_missed
from contacts.models import Appointment, Location
from contacts.numbers import mask
from contacts.row_addresses import write_row_address
from contacts.templatetags.display import clock
from reminders.deciding.shared_settings import SharedSettings
from reminders.pages.day_reading import VisitOfDay, read_visits_of_day, today_at
from reminders.pages.standings import Standing

# The counts at the top, in order, and the states that each of them includes.
COUNTED_STATES = {
    "confirmed": ("confirmed",),
    "wants_another_time": ("wants_another_time",),
    "unanswered": (
        "being_planned", "will_call", "will_text", "would_call", "calling", "submitting", "answered",
        "replied", "delivered", "voicemail", "no_answer",
    ),
    "held": ("held", "opted_out"),
    "trouble": ("failed", "missed", "unknown"),
    "not_reminded": ("not_reminded",),
    "arrived": ("arrived",),
    "no_show": ("no_show",),
    "cancelled": ("cancelled",),
}  # fmt: skip
LABELS = {
    "confirmed": pgettext_lazy("of a count of visits", "confirmed"),
    "wants_another_time": pgettext_lazy("of a count of visits", "want another time"),
    "unanswered": pgettext_lazy("of a count of visits", "not confirmed yet"),
    "held": pgettext_lazy("of a count of visits", "held"),
    "trouble": pgettext_lazy("of a count of visits", "failed or unknown"),
    "not_reminded": pgettext_lazy("of a count of visits", "not reminded"),
    "arrived": pgettext_lazy("of a count of visits", "arrived"),
    "no_show": pgettext_lazy("of a count of visits", "no-show"),
    "cancelled": pgettext_lazy("of a count of visits", "cancelled"),
}
COUNT_OF_STATE = {code: key for key, codes in COUNTED_STATES.items() for code in codes}
# A visit that began so long ago is folded away; until then somebody may still come in late.
FOLDED_AFTER = timedelta(minutes=30)


@dataclass(frozen=True)
class Row:
    """One appointment. `starts_at`: as booked, by the location's clock; `href`: its page.

    `opens_hour`: the first of its hour. `is_unmarked`: it is past, and nobody said whether the patient came.
    `may_arrive`, `may_be_missed`: whether it can be marked so at this time.
    `is_leaving`: the filter keeps it no more, but it stays where it is until the page is loaded again.
    """

    pk: int
    starts_at: datetime
    time: str
    href: str
    name: str
    about: str  # kind and provider
    kind: str
    provider: str
    provider_id: int | None
    location: str
    number: str  # masked
    number_id: int | None
    standing: Standing
    call_reminder_id: int | None
    is_cancelled: bool
    is_unmarked: bool
    may_arrive: bool
    may_be_missed: bool
    call_family: str = ""  # whom a call now would be about, if it isn't this appointment alone
    opens_hour: bool = field(default=False, repr=False)  # which other rows decide
    is_leaving: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether it was recorded that the patient came, or didn't."""
        return self.standing.code in ("arrived", "no_show")


@dataclass(frozen=True)
class Group:
    """The rows of one time zone. `now`: the time there, "" when another day is shown.

    `past`: rows that are folded away; `rows`: the others. `next_pk`: the first row that is later than now.
    """

    number: int
    zone: str
    day: date
    locations: tuple[str, ...]
    past: tuple[Row, ...]
    rows: tuple[Row, ...]
    now: str
    next_pk: int | None

    @property
    def unmarked(self) -> int:
        return sum(row.is_unmarked for row in self.past)

    @cached_property
    def before_now(self) -> tuple[Row, ...]:
        """Those of `rows` that stand before the line of now."""
        begin = (place for place, row in enumerate(self.rows) if row.pk == self.next_pk)
        return self.rows[: next(begin, None)]

    @property
    def after_now(self) -> tuple[Row, ...]:
        return self.rows[len(self.before_now) :]


@dataclass(frozen=True)
class DayCount:
    """How many appointments one filter matches."""

    key: str
    label: str
    number: int


@dataclass(frozen=True)
class DayList:
    """A day, or each location's own today. `total`: those not cancelled, regardless of the state filter.

    `rows`: all that the provider's filter keeps, by time; `groups`: those of them that are shown.
    """

    day: date | None
    is_today: bool
    groups: tuple[Group, ...]
    counts: tuple[DayCount, ...]
    total: int
    rows: tuple[Row, ...]

    @property
    def shown(self) -> int:
        return sum(len(group.past) + len(group.rows) for group in self.groups)


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
    rows = read_day_rows(locations, day, now)
    return arrange_day(rows, locations, day, now, provider_id=provider_id, state=state)


def read_day_rows(
    locations: Collection[Location],
    day: date | None,
    now: datetime,
    practice: SharedSettings | None = None,
) -> tuple[Row, ...]:
    """A row for each appointment, by time, whoever asks and whatever is filtered."""
    return tuple(build_row(visit, now) for visit in read_visits_of_day(locations, day, now, practice))


def arrange_day(
    all_rows: Iterable[Row],
    locations: Collection[Location],
    day: date | None,
    now: datetime,
    *,
    provider_id: int | None = None,
    state: str = "",
) -> DayList:
    """The rows of read_day_rows() as the list shows them, with these filters. No query."""
    rows = tuple(row for row in all_rows if provider_id in (None, row.provider_id))
    counts = Counter(COUNT_OF_STATE[row.standing.code] for row in rows)
    return DayList(
        day=day,
        is_today=all(day in (None, today_at(location, now)) for location in locations),
        groups=tuple(_group(keep_state(rows, state), locations, day, now, fold=not state)),
        counts=tuple(DayCount(key, str(LABELS[key]), counts[key]) for key in COUNTED_STATES),
        total=len(rows) - counts["cancelled"],
        rows=rows,
    )


def keep_state(rows: Iterable[Row], state: str) -> list[Row]:
    """The rows that this filter keeps; all for ""."""
    return [row for row in rows if not state or COUNT_OF_STATE[row.standing.code] == state]


def build_row(visit: VisitOfDay, now: datetime) -> Row:
    """The visit with plain values only, so that nothing is read or worked out while it is shown."""
    appointment, pk = visit.appointment, visit.appointment.pk
    contact, provider, starts_at = appointment.contact, appointment.provider, appointment.wall_start
    phone, provider_name = contact.phone, provider.name if provider else ""
    is_booked = appointment.status == Appointment.Status.BOOKED
    return Row(
        pk=pk,
        starts_at=starts_at,
        time=clock(starts_at),
        href=write_row_address("appointment", pk),
        name=contact.full_name,
        about=" · ".join(filter(None, [appointment.kind, provider_name])),
        kind=appointment.kind,
        provider=provider_name,
        provider_id=appointment.provider_id,
        location=appointment.location.name,
        number=mask(phone.e164) if phone else "",
        number_id=contact.phone_id,
        standing=visit.standing,
        call_reminder_id=visit.call_reminder.pk if visit.call_reminder else None,
        call_family=visit.family,
        is_cancelled=appointment.status == Appointment.Status.CANCELLED,
        is_unmarked=is_booked and appointment.starts_at < now - FOLDED_AFTER,
        may_arrive=may_arrive(appointment, now),
        may_be_missed=may_be_missed(appointment, now),
    )


def _group(
    rows: Sequence[Row],
    locations: Collection[Location],
    day: date | None,
    now: datetime,
    *,
    fold: bool,
) -> Iterator[Group]:
    """One group per time zone, in the order of the locations' names."""
    names_by_zone: dict[str, list[str]] = {}
    for location in locations:
        names_by_zone.setdefault(location.time_zone, []).append(location.name)
    for number, (zone, names) in enumerate(names_by_zone.items(), start=1):
        local_now = now.astimezone(ZoneInfo(zone))
        is_today = day in (None, local_now.date())
        members = [row for row in rows if row.location in names]
        past = sum(row.starts_at < now - FOLDED_AFTER for row in members) if is_today and fold else 0
        past = past if past < len(members) else 0  # of a day that is over, all is shown
        if members:
            yield Group(
                number=number,
                zone=zone,
                day=day or local_now.date(),
                locations=tuple(names),
                past=tuple(_mark_hours(members[:past])),
                rows=tuple(_mark_hours(members[past:])),
                now=clock(local_now) if is_today else "",
                next_pk=next((row.pk for row in members if is_today and row.starts_at > now), None),
            )


def _mark_hours(rows: Iterable[Row]) -> Iterator[Row]:
    hour = None
    for row in rows:
        yield replace(row, opens_hour=True) if row.starts_at.hour != hour else row
        hour = row.starts_at.hour
