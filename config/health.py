"""Health addresses, as JSON: /healthz (the process lives) and /readyz (it can do its work)."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from redis import Redis, RedisError

from reminders.heartbeats import find_stale
from reminders.sending import read_switch
from webhooks.inbox import count_stuck

OK = "ok"


@login_not_required
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when every check is "ok", else 503. `notes` are for a person, and don't make it unready."""
    checks = {name: _ask(check) for name, check in CHECKS.items()}
    notes = {name: note for name, ask in NOTES.items() if (note := _ask(ask)) != OK}
    ready = all(finding == OK for finding in checks.values())
    return JsonResponse({"ready": ready, "checks": checks, "notes": notes}, status=200 if ready else 503)


def _ask(check: Callable[[], str]) -> str:
    """What the check says; the kind of error where it can't look."""
    try:
        return check()
    except (DatabaseError, RedisError) as error:
        return type(error).__name__


def _check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _check_broker() -> str:
    with Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
        broker.ping()
    return OK


def _check_sweeps() -> str:
    stale = find_stale(timezone.now())
    said = [f"{name}: {_say_age(age)}" for name, age in stale.items()]
    return ", ".join(said) or OK


def _say_age(age: timedelta | None) -> str:
    return "never ran" if age is None else f"{age.total_seconds():.0f} s ago"


def _note_sending() -> str:
    switch = read_switch()
    return f"paused: {switch.cause}" if switch.paused_at else OK


def _note_inbox() -> str:
    stuck = count_stuck()
    return f"{stuck} events wait for a person: see webhook events in the admin" if stuck else OK


CHECKS: dict[str, Callable[[], str]] = {
    "database": _check_database,
    "broker": _check_broker,
    "sweeps": _check_sweeps,
}
NOTES: dict[str, Callable[[], str]] = {"sending": _note_sending, "inbox": _note_inbox}
