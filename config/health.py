"""Health endpoints, as JSON: /healthz (the process runs) and /readyz (it can do its work).

/readyz returns 503 if a check isn't "ok". Notes are for people and don't change the status. Ages are for
monitoring.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import chain

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis import RedisError

from config.queues import WORKERS
from config.zone_data import read_version
from contacts.database.clock import read_database_clock
from contacts.watching.standing import count_for_staff
from reminders.health import heartbeats
from reminders.health.redis import connect_briefly
from reminders.traffic.gate import read_gate
from reminders.traffic.switch import Cause, read_switch
from webhooks.inbox import count_stuck
from webhooks.models import WebhookEvent
from webhooks.outgoing.endpoints import describe_trouble
from webhooks.refusal_counts import read_refusals

OK = "ok"
QUEUES = frozenset(chain.from_iterable(WORKERS.values()))


@login_not_required
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 as long as this process responds."""
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 if every check is "ok", else 503; with `notes`, and `ages`: seconds since each heartbeat.

    `zone_data` is IANA's name of the time zone data in use, such as "2026f".
    """
    checks = {name: _run(check) for name, check in CHECKS.items()}
    notes = {name: note for name, find in NOTES.items() if (note := _run(find)) != OK}
    ready = all(result == OK for result in checks.values())
    body = {
        "ready": ready,
        "checks": checks,
        "notes": notes,
        "ages": _read_ages(),
        "zone_data": read_version(),
    }
    return JsonResponse(body, status=200 if ready else 503)


def _run(check: Callable[[], str]) -> str:
    """The check's result, or the name of the error if the database or Redis fails."""
    try:
        return check()
    except (DatabaseError, RedisError) as error:
        return type(error).__name__


def _check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _check_broker() -> str:
    with connect_briefly(2.0) as broker:
        broker.ping()
    return OK


def _check_beat() -> str:
    stale = heartbeats.find_stale(read_database_clock())
    return _say_age(stale[heartbeats.BEAT]) if heartbeats.BEAT in stale else OK


def _check_workers() -> str:
    served = heartbeats.find_served_queues(heartbeats.read_heartbeats(), read_database_clock())
    missing = sorted(QUEUES - served)
    return f"no worker takes {', '.join(missing)}" if missing else OK


def _check_sweeps() -> str:
    stale = heartbeats.find_stale(read_database_clock())
    ages = [f"{name}: {_say_age(age)}" for name, age in stale.items() if name != heartbeats.BEAT]
    return ", ".join(ages) or OK


def _say_age(age: timedelta | None) -> str:
    if age is None:
        return "never ran"
    seconds = age.total_seconds()
    if seconds < 0:
        return f"{-seconds:.0f} s ahead of the database's clock, which was set back"
    return f"{seconds:.0f} s ago"


def _note_sending() -> str:
    """Why sending is paused and how it resumes. Times in UTC; no names, since this page is public."""
    switch = read_switch()
    if switch.paused_at is None:
        seconds = read_gate().closed_for
        return f"Robotalker asked us to slow down: no requests for {seconds:.0f} s" if seconds else OK
    end = "staff can resume sending"
    if switch.cause == Cause.RESTORED:
        end = "staff can resume sending after checking what was sent since the backup"
    elif switch.probe_at:
        end = f"Robotalker is checked again at {switch.probe_at:%H:%M:%S}, or staff can resume sending"
    return f"paused: {switch.cause}, since {switch.paused_at:%Y-%m-%d %H:%M:%S}; {end}"


def _note_inbox() -> str:
    stuck = count_stuck()
    return f"{stuck} events need attention: see Webhook events in the admin" if stuck else OK


def _note_outgoing() -> str:
    trouble = describe_trouble()
    return f"{'; '.join(trouble)}: see Outgoing endpoints in the admin" if trouble else OK


def _note_lists() -> str:
    count = count_for_staff()
    return f"{count} lists, folders or calendars need a person" if count else OK


def _note_refused() -> str:
    refused = read_refusals()
    by_why = ", ".join(f"{count} {why}" for why, count in sorted(refused.items()))
    return f"{sum(refused.values())} requests today had an invalid address: {by_why}" if refused else OK


def _read_ages() -> dict[str, float]:
    """Seconds since the heartbeat of each sweep, beat and worker, and since the last event; {} on error.

    Negative for one that lies ahead of the database's clock.
    """
    try:
        now = read_database_clock()
        at = {name: beat.at for name, beat in heartbeats.read_heartbeats().items()}
        newest = WebhookEvent.objects.order_by("-pk").values_list("received_at", flat=True).first()
    except DatabaseError:
        return {}
    seen = at | ({"webhook": newest} if newest else {})
    return {name: round((now - moment).total_seconds(), 1) for name, moment in seen.items()}


CHECKS: dict[str, Callable[[], str]] = {
    "database": _check_database,
    "broker": _check_broker,
    "beat": _check_beat,
    "workers": _check_workers,
    "sweeps": _check_sweeps,
}
NOTES: dict[str, Callable[[], str]] = {
    "sending": _note_sending,
    "inbox": _note_inbox,
    "outgoing": _note_outgoing,
    "lists": _note_lists,
    "refused": _note_refused,
}
