"""Health endpoints, as JSON: /healthz (the process runs) and /readyz (it can do its work).

/healthz touches nothing but this process. /readyz returns 503 if a check isn't "ok". Notes are for people and
don't change the status. Ages are for monitoring.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import chain
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from redis import RedisError

from config.headroom import find_full_disks, measure_connections
from config.queues import WORKERS
from config.sign_in.desk import is_locked
from config.zone_data import read_version
from contacts.database.patience import answer_within
from contacts.watching.standing import count_for_staff
from reminders.health import heartbeats
from reminders.health.redis import connect_briefly
from reminders.health.rounds import name_error
from reminders.models import Heartbeat
from reminders.traffic.gate import read_gate
from reminders.traffic.switch import Cause, read_switch
from webhooks.applying import count_stuck
from webhooks.models import WebhookEvent
from webhooks.outgoing.endpoints import describe_trouble
from webhooks.refusal_counts import read_refusals

OK, FAILED = "ok", "failed"
DATABASE_WITHIN, BROKER_WITHIN = 1.2, 0.3  # seconds; of the broker, for the connection and for the answer
QUEUES = frozenset(chain.from_iterable(WORKERS.values()))


class Pulse:
    """The heartbeats, read once for all that a request asks of them, and the database's time of then."""

    @cached_property
    def beats(self) -> dict[str, Heartbeat]:
        return heartbeats.read_heartbeats()

    @property
    def now(self) -> datetime:
        return heartbeats.read_heartbeat_clock(self.beats, otherwise=timezone.now())


@login_not_required
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 as long as this process responds."""
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if every check is "ok", else 503. It takes two seconds at most, whatever stands still.

    Strangers read only which checks failed. Staff, and whoever sends MONITORING_TOKEN, also read why they
    did, `notes`, `ages` (seconds since each heartbeat), `rounds` (how the last rounds of each sweep and of
    the endpoint ended) and `zone_data`, IANA's name of the time zone data in use, such as "2026f".
    """
    knows_token = is_monitor(request)
    pulse = Pulse()
    with answer_within(DATABASE_WITHIN):
        checks = _run_checks(pulse)
        details = _read_details(checks, pulse) if knows_token or _is_staff(request) else None
    ready = all(result == OK for result in checks.values())
    if details is None:
        checks = {name: result if result == OK else FAILED for name, result in checks.items()}
    body = {"ready": ready, "checks": checks, **(details or {})}
    response = JsonResponse(body, status=200 if ready else 503)
    vars(response)["_has_been_logged"] = True  # Django would log each 503 that a monitor reads as an error
    return response


def is_monitor(request: HttpRequest) -> bool:
    """Whether the request has MONITORING_TOKEN; on a laptop everybody may look."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    wanted: str = settings.MONITORING_TOKEN
    return settings.DEBUG or (bool(wanted) and constant_time_compare(given, wanted))


def _is_staff(request: HttpRequest) -> bool:
    """Whether somebody with the right to see heartbeats is there; False while the database is away."""
    try:
        return request.user.has_perm("reminders.view_heartbeat") and not is_locked(request)
    except Error:
        return False


def _run_checks(pulse: Pulse) -> dict[str, str]:
    """The result of each check. Without a database those that ask it fail like it, and are not run."""
    results: dict[str, str] = {}
    for name, check in CHECKS.items():
        is_lost = results.get("database", OK) != OK and name not in WITHOUT_DATABASE
        results[name] = results["database"] if is_lost else _run(partial(check, pulse))
    return results


def _read_details(checks: Mapping[str, str], pulse: Pulse) -> dict[str, Any]:
    """What strangers don't read."""
    notes: dict[str, str] = {}
    is_there = checks["database"] == OK
    if is_there:
        finds = {
            name: find for name, find in NOTES.items() if checks["broker"] == OK or name not in ASK_REDIS
        }
        notes = {name: note for name, find in finds.items() if (note := _run(find)) != OK}
    return {
        "notes": notes,
        "ages": _read_ages(pulse) if is_there else {},
        "rounds": _read_rounds(pulse) if is_there else {},
        "zone_data": read_version(),
    }


def _run(check: Callable[[], str]) -> str:
    """The check's result, or the kind of error if the database or Redis fails."""
    try:
        return check()
    except (Error, RedisError) as error:
        return name_error(error) if isinstance(error, Error) else type(error).__name__


def _check_database(_: Pulse) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _check_broker(_: Pulse) -> str:
    with connect_briefly(BROKER_WITHIN) as broker:
        broker.ping()
    return OK


def _check_beat(pulse: Pulse) -> str:
    stale = heartbeats.pick_stale(pulse.beats, pulse.now)
    return _say_age(stale[heartbeats.BEAT]) if heartbeats.BEAT in stale else OK


def _check_workers(pulse: Pulse) -> str:
    served = heartbeats.find_served_queues(pulse.beats, pulse.now)
    missing = sorted(QUEUES - served)
    return f"no worker takes {', '.join(missing)}" if missing else OK


def _check_sweeps(pulse: Pulse) -> str:
    stale = heartbeats.pick_stale(pulse.beats, pulse.now)
    ages = [f"{name}: {_say_age(age)}" for name, age in stale.items() if name != heartbeats.BEAT]
    return ", ".join(ages) or OK


def _check_rounds(pulse: Pulse) -> str:
    """Sweeps that run, and whose last rounds failed; the door has a check of its own."""
    failing = heartbeats.pick_failing(pulse.beats, pulse.now)
    return ", ".join(_say_failure(beat) for name, beat in failing.items() if name != heartbeats.DOOR) or OK


def _check_door(pulse: Pulse) -> str:
    failing = heartbeats.pick_failing(pulse.beats, pulse.now)
    return _say_failure(failing[heartbeats.DOOR]) if heartbeats.DOOR in failing else OK


def _say_failure(beat: Heartbeat) -> str:
    return f"{beat.name}: {beat.failure}, {beat.failures} times in a row"


def _check_disk(_: Pulse) -> str:
    full = find_full_disks()
    return f"less than {settings.DISK_FREE_MEGABYTES} MB free at {', '.join(full)}" if full else OK


def _check_connections(_: Pulse) -> str:
    room = measure_connections()
    return OK if room.free >= settings.CONNECTIONS_FREE else f"{room.free} of {room.whole} are free"


def _say_age(age: timedelta | None) -> str:
    if age is None:
        return "never ran"
    seconds = age.total_seconds()
    if seconds < 0:
        return f"{-seconds:.0f} s ahead of the database's clock, which was set back"
    return f"{seconds:.0f} s ago"


def _note_sending() -> str:
    """Why sending is paused and how it resumes. Times in UTC; no names of staff."""
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


def _read_ages(pulse: Pulse) -> dict[str, float]:
    """Seconds since the heartbeat of each sweep, beat and worker, and since the last event; {} on error.

    Negative for one that lies ahead of the database's clock.
    """
    try:
        newest = WebhookEvent.objects.order_by("-pk").values_list("received_at", flat=True).first()
        at = {name: beat.at for name, beat in pulse.beats.items() if beat.at != heartbeats.NEVER}
    except Error:
        return {}
    seen = at | ({"webhook": newest} if newest else {})
    return {name: round((pulse.now - moment).total_seconds(), 1) for name, moment in seen.items()}


def _read_rounds(pulse: Pulse) -> dict[str, dict[str, Any]]:
    """What the last rounds of each sweep and the door did, and how the last that failed did so."""
    try:
        beats = pulse.beats
    except Error:
        return {}
    return {
        name: {
            "did": beat.did,
            "failure": beat.failure,
            "failed_seconds_ago": round((pulse.now - beat.failed_at).total_seconds(), 1)
            if beat.failed_at
            else None,
            "failures_in_a_row": beat.failures,
        }
        for name, beat in beats.items()
        if not name.startswith(heartbeats.WORKER)
    }


CHECKS: dict[str, Callable[[Pulse], str]] = {
    "database": _check_database,
    "broker": _check_broker,
    "beat": _check_beat,
    "workers": _check_workers,
    "sweeps": _check_sweeps,
    "rounds": _check_rounds,
    "door": _check_door,
    "disk": _check_disk,
    "connections": _check_connections,
}
WITHOUT_DATABASE = {"database", "broker", "disk"}
NOTES: dict[str, Callable[[], str]] = {
    "sending": _note_sending,
    "inbox": _note_inbox,
    "outgoing": _note_outgoing,
    "lists": _note_lists,
    "refused": _note_refused,
}
ASK_REDIS = {"refused"}
