"""Keeping the counts of reports up to date, and making them again.

Triggers of the database note what has changed (ReportMark), whichever code changed it, and lock nothing. A
round takes the marks out and counts the days that they mean again, in one transaction: what was committed
with a mark is seen by the statements after it, and what is committed later has a mark for the next round.

Days whose calls and visits are deleted (webhooks/retention/) are frozen before that: nothing counts them
again, so that their figures stay.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection, transaction

from contacts.database.arrays import is_any
from contacts.models import Appointment, AppointmentChange, Location
from reminders.models import CallRecord, FrozenCounts, Reminder, ReportMark
from reminders.models.report_counts import ReminderResult
from reminders.reports.count_statements import (
    COUNT_CALLS,
    COUNT_RESULTS,
    COUNT_VISITS,
    DELETE_DAYS,
    DELETE_VISIT_DAYS,
    LIST_HOURS,
    LIST_VISIT_DAYS,
)
from reminders.reports.local_periods import HOUR_SECONDS, LocalPeriod, find_days, split_days

COUNTING_LOCK = 7_364_011  # key of the advisory lock that keeps two rounds apart
MARKS_AT_ONCE = 20_000
HOURLY = {"reminders_callcount": COUNT_CALLS, "reminders_resultcount": COUNT_RESULTS}
What = ReportMark.What


@dataclass
class Stale:
    """What is to be counted again. `hours`: from 1970; `visit_days`: location and day."""

    hours: set[int] = field(default_factory=set)
    visit_days: set[tuple[int, date]] = field(default_factory=set)
    locations: set[int] = field(default_factory=set)
    everything: bool = False


def count_marked() -> int:
    """Count again what has changed since the last round; how many marks were taken out.

    Nothing is done while another round is at work.
    """
    taken = 0
    while marks := _count_some():
        taken += marks
        if marks < MARKS_AT_ONCE:
            break
    return taken


@transaction.atomic
def rebuild_counts() -> None:
    """Count everything again, after any other round has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COUNTING_LOCK])
    ReportMark.objects.all().delete()
    _count_everything()


@transaction.atomic
def freeze_counts(before: date) -> None:
    """Keep the counts of the days before `before` for good, after what is marked has been counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COUNTING_LOCK])
    if before > read_frozen():
        while _count_some():
            pass
        FrozenCounts.objects.update_or_create(pk=1, defaults={"before": before})


def read_frozen() -> date:
    """The first day that is still counted; the earliest of all dates where none is frozen."""
    return FrozenCounts.objects.filter(pk=1).values_list("before", flat=True).first() or date.min


@transaction.atomic
def _count_some() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [COUNTING_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    marks = list(ReportMark.objects.order_by("pk")[:MARKS_AT_ONCE])
    ReportMark.objects.filter(is_any("pk", [mark.pk for mark in marks])).delete()
    stale = _find_stale(marks)
    if stale.everything:
        ReportMark.objects.all().delete()
        _count_everything()
        return len(marks)
    for location in sorted(stale.locations):
        _count_location(location)
    _count_hours(stale.hours)
    _count_visits(stale.visit_days)
    return len(marks)


def _find_stale(marks: Iterable[ReportMark]) -> Stale:
    """What the marks mean now: a visit may have moved since, which has a mark of its own."""
    stale, ids = Stale(), {what: set[int]() for what in What}
    for mark in marks:
        ids[What(mark.what)].add(mark.row_id)
        if mark.what == What.DAY and mark.day:
            stale.visit_days.add((mark.row_id, mark.day))
    stale.everything, stale.locations = bool(ids[What.ALL]), ids[What.LOCATION]
    stale.hours |= ids[What.HOUR]
    reminded = Reminder.objects.filter(is_any("pk", ids[What.REMINDER])).order_by()
    visits = {*ids[What.APPOINTMENT], *ids[What.MOVED], *reminded.values_list("appointment", flat=True)}
    booked = Appointment.objects.filter(is_any("pk", visits)).order_by()
    stale.visit_days |= {
        (place, start.date()) for place, start in booked.values_list("location", "local_start")
    }
    results = AppointmentChange.objects.filter(is_any("appointment", visits), what__in=ReminderResult.values)
    calls = CallRecord.objects.filter(is_any("reminder__appointment", ids[What.MOVED]))
    moments = [*results.order_by().values_list("at", flat=True)]
    moments += calls.order_by().values_list("submitting_at", flat=True)
    stale.hours |= {int(moment.timestamp() // HOUR_SECONDS) for moment in moments}
    return stale


def _count_everything() -> None:
    first = read_frozen()
    with connection.cursor() as cursor:
        for table in (*HOURLY, "reminders_visitcount"):
            cursor.execute(f"DELETE FROM {table} WHERE day >= %s", [first])  # noqa: S608 - a table of ours
        cursor.execute(LIST_HOURS)
        hours = {hour for (hour,) in cursor.fetchall()}
        cursor.execute(LIST_VISIT_DAYS)
        visit_days = set(cursor.fetchall())
    _count_hours(hours)
    _count_visits(visit_days)


def _count_location(location: int) -> None:
    """Calls and results of one location, whose hours are others now."""
    zone, first = (
        Location.objects.filter(pk=location).values_list("time_zone", flat=True).first(),
        read_frozen(),
    )
    with connection.cursor() as cursor:
        for table in HOURLY:
            delete = f"DELETE FROM {table} WHERE location_id = %s AND day >= %s"  # noqa: S608 - of ours
            cursor.execute(delete, [location, first])
        if zone is None:
            return
        cursor.execute(LIST_HOURS)
        days = find_days(zone, {hour for (hour,) in cursor.fetchall()})
        periods = split_days(zone, {day for day in days if day >= first})
        for statement in HOURLY.values():
            _insert_periods(statement, periods, only=location)


def _count_hours(hours: Iterable[int]) -> None:
    """Calls and results of the local days of these hours, at all locations."""
    wanted = set(hours)
    zones = sorted(set(Location.objects.order_by().values_list("time_zone", flat=True))) if wanted else []
    first = read_frozen() if zones else date.min
    days = {zone: sorted(day for day in find_days(zone, wanted) if day >= first) for zone in zones}
    old = [(zone, day) for zone in zones for day in days[zone]]
    periods = [period for zone in zones for period in split_days(zone, days[zone])]
    with connection.cursor() as cursor:
        for table, statement in HOURLY.items() if old else ():
            parameters: dict[str, Any] = {"zones": [zone for zone, _ in old], "days": [day for _, day in old]}
            cursor.execute(DELETE_DAYS.format(table=table), parameters)
            _insert_periods(statement, periods, only=0)


def _insert_periods(statement: str, periods: Sequence[LocalPeriod], *, only: int) -> None:
    if not periods:
        return
    parameters: dict[str, Any] = {
        "zones": [period.zone for period in periods],
        "begins": [period.begin for period in periods],
        "ends": [period.end for period in periods],
        "offsets": [period.offset for period in periods],
        "first": min(period.begin for period in periods),
        "last": max(period.end for period in periods),
        "only": only,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _count_visits(visit_days: Collection[tuple[int, date]]) -> None:
    first = read_frozen() if visit_days else date.min
    wanted = sorted((place, day) for place, day in visit_days if day >= first)
    if not wanted:
        return
    parameters: dict[str, Any] = {
        "locations": [place for place, _ in wanted],
        "days": [day for _, day in wanted],
    }
    with connection.cursor() as cursor:
        cursor.execute(DELETE_VISIT_DAYS, parameters)
        cursor.execute(COUNT_VISITS, parameters)
