"""/metrics for Prometheus: numbers read from the database at each request, so all processes are in them.

Counts, ages and room left, by closed lists of states and sweeps: no label holds a name, a number, a text or
an id. Only with MONITORING_TOKEN; to everybody else there is no such page.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from config.headroom import measure_connections, measure_disks
from config.health import is_monitor
from contacts.database.clock import read_database_clock
from contacts.database.patience import answer_within
from reminders.health import heartbeats
from reminders.lifecycle.follow_ups import UNRESOLVED
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.rules.states import CallState, ReminderState
from reminders.traffic.gate import read_gate
from reminders.traffic.switch import read_switch
from webhooks.applying import count_stuck
from webhooks.models import WebhookEvent

WITHIN = 5.0  # seconds for all statements together
LATELY = timedelta(hours=1)


@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """In the text format of Prometheus. While the database is away, only what is known without it."""
    if not is_monitor(request):
        return HttpResponseNotFound()
    registry = CollectorRegistry()
    registry.register(NumbersOfNow())
    with answer_within(WITHIN):
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class NumbersOfNow(Collector):
    """Reads everything anew each time it is collected."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: the registry would collect everything once only to learn the names."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Disks first, and a flag that says whether the rest could be read."""
        free = _gauge("disk_free_bytes", "Room left on the disks of DISK_PATHS", "path")
        for path, room in measure_disks().items():
            free.add_metric([path], room.free)
        yield free
        found: list[GaugeMetricFamily] = []
        try:
            found = list(_read_from_database())
        except Error:
            found = []
        yield _number("database_up", "Whether the database answered", bool(found))
        yield from found


def _read_from_database() -> Iterator[GaugeMetricFamily]:
    yield from _count_work()
    yield from _describe_sweeps()
    room, switch = measure_connections(), read_switch()
    yield _number("connections_used", "Connections to PostgreSQL", room.used)
    yield _number("connections_most", "Connections that PostgreSQL allows", room.whole)
    yield _number("sending_paused", "Whether all sending is paused", switch.paused_at is not None)
    yield _number("gate_closed_seconds", "Until Robotalker may be asked again", read_gate().closed_for)
    yield _number("robotalker_failures", "Requests to Robotalker in a row that failed", switch.failures)


def _count_work() -> Iterator[GaugeMetricFamily]:
    now = read_database_clock()
    due = Reminder.objects.filter(state=ReminderState.PLANNED, next_look_at__lte=now)
    yield _number("reminders_due", "Reminders whose moment has come", due.count())
    yield _number("follow_ups_open", "Entries of the worklist", FollowUp.objects.filter(UNRESOLVED).count())
    yield _number("events_stuck", "Events that need a person", count_stuck())
    newest = WebhookEvent.objects.order_by("-pk").values_list("received_at", flat=True).first()
    if newest:
        yield _number("event_age_seconds", "Since Robotalker's last event", (now - newest).total_seconds())
    lately = CallRecord.objects.filter(submitting_at__gte=now - LATELY).order_by().values_list("state")
    counts = dict(lately.annotate(count=Count("pk")))
    calls = _gauge("calls_last_hour", "Calls and texts of the last hour", "state")
    for state in CallState:
        calls.add_metric([state.value], counts.get(state.value, 0))
    yield calls


def _describe_sweeps() -> Iterator[GaugeMetricFamily]:
    beats = heartbeats.read_heartbeats()
    now = heartbeats.read_heartbeat_clock(beats, otherwise=read_database_clock())
    ages = _gauge("sweep_age_seconds", "Since a sweep, beat or the endpoint last succeeded", "sweep")
    failures = _gauge("sweep_failures", "Rounds in a row that failed", "sweep")
    workers = 0
    for name, beat in beats.items():
        if name.startswith(heartbeats.WORKER):  # whose name holds a host's
            workers += abs(now - beat.at) <= heartbeats.WORKER_STALE_AFTER
            continue
        if (age := heartbeats.find_age(beats, name, now)) is not None:
            ages.add_metric([name], age.total_seconds())
        failures.add_metric([name], beat.failures)
    yield ages
    yield failures
    yield _number("workers", "Workers that report themselves", workers)


def _gauge(name: str, help_text: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"callboard_{name}", help_text, labels=[label])


def _number(name: str, help_text: str, value: Any) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"callboard_{name}", help_text, value=float(value))
