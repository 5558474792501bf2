"""Health addresses, as JSON: /healthz (the process lives) and /readyz (it can do its work)."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from redis import Redis, RedisError

from reminders.heartbeats import last_sweep_age
from reminders.sending import read_switch


@login_not_required
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when every check is "ok", else 503; `checks` names each with its finding."""
    checks = {name: check() for name, check in CHECKS.items()}
    ready = all(finding == "ok" for finding in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


def _check_database() -> str:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return type(error).__name__
    return "ok"


def _check_broker() -> str:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
            broker.ping()
    except RedisError as error:
        return type(error).__name__
    return "ok"


def _check_sweep() -> str:
    try:
        age = last_sweep_age(timezone.now())
    except DatabaseError as error:
        return type(error).__name__
    if age is None:
        return "never swept"
    stale = timedelta(seconds=settings.SWEEP_STALE_AFTER)
    return "ok" if age <= stale else f"last sweep {age.total_seconds():.0f} s ago"


def _check_sending() -> str:
    try:
        switch = read_switch()
    except DatabaseError as error:
        return type(error).__name__
    return f"paused: {switch.cause}" if switch.paused_at else "ok"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _check_database,
    "broker": _check_broker,
    "sweep": _check_sweep,
    "sending": _check_sending,
}
