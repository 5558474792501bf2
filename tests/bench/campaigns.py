"""Measure the preview of a campaign and the difference of an edit, beside planning the same visits."""

from collections.abc import Iterator
from copy import copy
from datetime import timedelta
from statistics import median

from django.db import connection
from django.utils import timezone

from contacts.appointments import set_times
from contacts.models import Appointment, Location
from reminders.campaigns.differences import diff_edit
from reminders.campaigns.drafts import CampaignDraft, read_draft
from reminders.campaigns.previews import preview_campaign
from reminders.models import CallRecord, Campaign, Reminder
from reminders.planning.planner import plan_all
from reminders.rules.states import CallState, ReminderState
from tests.bench.measure import Line, compare, stopwatch
from tests.bench.rows import CHUNK, delete_reminders, make_calls, vacuum_tables

ROUNDS = 3
REPEATS = 7  # of which the median is shown
MOST_CALLED = 30_000  # numbers
MOST = 50_000  # upcoming visits; the aim is a second for these


def bench_campaigns() -> Iterator[Line]:
    """Visits at every minute of the day first, which is the worst case, then visits like a clinic's."""
    _keep_at_most(MOST)
    yield from _bench("at every minute of the day")
    _move_as_in_a_clinic()
    yield from _bench("at quarters of an hour")
    yield _bench_after_calls()


def _move_as_in_a_clinic(first_day: int = 10, days: int = 60) -> None:
    """From every minute around the clock to quarters of an hour, from 8:00 on for ten hours."""
    location, booked_at = Location.objects.get(), timezone.now() - timedelta(days=90)
    today = timezone.now().astimezone(location.zone).replace(hour=8, minute=0, second=0, microsecond=0)
    visits = list(Appointment.objects.order_by("pk"))
    for place, visit in enumerate(visits):
        day, quarter = place % days, place // days % 40
        starts_at = today + timedelta(days=first_day + day, minutes=15 * quarter)
        visit.location, visit.revised_at = location, booked_at
        set_times(visit, starts_at, starts_at + timedelta(minutes=30))
    fields = ["starts_at", "ends_at", "local_start", "fold", "time_zone", "revised_at"]
    Appointment.objects.bulk_update(visits, fields, batch_size=CHUNK)


def _bench(what: str) -> Iterator[Line]:
    visits = Appointment.objects.count()
    yield from compare(
        f"visits previewed: {visits:,} {what}, 3 steps",
        lambda: _preview(visits),
        {"planning them": lambda: _plan(visits)},
        unit="/s",
        rounds=ROUNDS,
    )
    yield from compare(
        f"visits compared, as an edit of one step changes them: {visits:,} {what}",
        lambda: _diff(visits),
        {"planning them": lambda: _plan(visits)},
        unit="/s",
        rounds=ROUNDS,
    )
    preview, diff = (
        median(visits / measure(visits) for _ in range(REPEATS)) for measure in (_preview, _diff)
    )
    yield Line(f"a preview and a difference, {visits:,} {what}", f"{preview:.2f} and {diff:.2f} s")


def _bench_after_calls() -> Line:
    """As in a practice whose campaign runs: visits of the next days, most of whose patients were called some
    days ago, so that the cap of a week is not reached.
    """
    _move_as_in_a_clinic(first_day=1, days=8)
    visits = Appointment.objects.count()
    called = len(make_calls(min(visits, MOST_CALLED)))
    CallRecord.objects.update(state=CallState.ANSWERED, submitting_at=timezone.now() - timedelta(days=3))
    Reminder.objects.filter(state=ReminderState.IN_PROGRESS).update(state=ReminderState.DONE)
    vacuum_tables()
    seconds = median(visits / _preview(visits) for _ in range(REPEATS))
    return Line(
        f"a preview, {visits:,}, {called:,} of whose numbers were called this week", f"{seconds:.2f} s"
    )


def _plan(visits: int) -> float:
    delete_reminders()
    vacuum_tables()
    with stopwatch() as watch:
        plan_all()
    vacuum_tables()
    return watch.rate(visits)


def _preview(visits: int) -> float:
    with stopwatch() as watch:
        preview = preview_campaign(_read())
    if preview.covered != visits:
        raise RuntimeError(f"{preview.covered} visits previewed, not {visits}")
    return watch.rate(visits)


def _diff(visits: int) -> float:
    saved = _read()
    *others, last = saved.steps
    edited = copy(last)
    edited.elapsed += timedelta(hours=1)
    with stopwatch() as watch:
        diff = diff_edit(saved.with_steps([*others, edited]))
    if not diff.move:
        raise RuntimeError("an edit of a step moves nothing")
    return watch.rate(visits)


def _read() -> CampaignDraft:
    return read_draft(Campaign.objects.get().pk)


def _keep_at_most(count: int) -> None:
    delete_reminders()
    kept = Appointment.objects.order_by("pk").values_list("pk", flat=True)[:count]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contacts_appointment WHERE id > %s", [max(kept, default=0)])
    vacuum_tables()
