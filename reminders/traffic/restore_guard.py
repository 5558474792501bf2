"""Whether this is still the database that knows what was sent.

A restored backup has forgotten calls that went out after it was taken, and would make them again. Two
kinds of evidence tell, and either pauses sending until a person sends again:

- PostgreSQL says where the rows live: cluster, timeline, database, table. It stands in the row, so that
  rows which come with a backup come with the wrong word. A move to another server looks the same.
- Redis knows the newest call of this identity, and the database knows only older ones.

The identity's name is in every callback address. A restored database keeps it: that is how it recognises
events of calls it has forgotten. A practice made anew has a new one.
"""

import logging
import time
from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction
from psycopg.errors import InsufficientPrivilege
from redis import RedisError

from reminders.health.redis import connect_briefly
from reminders.models import CallRecord, DatabaseIdentity
from reminders.traffic.switch import Cause, pause_sending

log = logging.getLogger(__name__)

NAME_KEPT = 5.0  # seconds in a process; a new name is rare, and only a demo gets one
ASK_WITHIN = 1.0  # seconds for Redis to answer: its word is worth having, but not waiting for
# Each may be forbidden to the database's user; what is known on both sides is compared.
PARTS = {
    "cluster": "SELECT system_identifier::text FROM pg_control_system()",
    "timeline": "SELECT timeline_id::text FROM pg_control_checkpoint()",
    "database": "SELECT oid::text FROM pg_database WHERE datname = current_database()",
    "table": "SELECT 'reminders_callrecord'::regclass::oid::text",
}


@dataclass
class _Kept:
    name: str = ""
    until: float = 0.0


_kept = _Kept()


def read_database_name() -> str:
    """The name of this practice's identity, up to 12 characters safe in an address; made at first sight."""
    if time.monotonic() >= _kept.until:
        identity, _ = DatabaseIdentity.objects.get_or_create(pk=1)
        _kept.name, _kept.until = identity.name, time.monotonic() + NAME_KEPT
    return _kept.name


def forget_database_name() -> None:
    """Read it anew next time."""
    _kept.until = 0.0


def check_for_restore() -> bool:
    """Whether this database may go on sending; pauses all sending when it was restored, copied or moved.

    Each case is found once: after a person sends again, it is as if the rows had always been here.
    """
    found = _check_place() or _check_newest_call()
    if found:
        log.critical("%s: sending is paused until a person sends again", found)
    return not found


def note_newest_call() -> None:
    """Keep the id of the newest call where a restore of the database doesn't reach; best effort."""
    mark, newest = _find_mark(), _find_newest_call()
    try:
        with connect_briefly(ASK_WITHIN) as redis:
            redis.set(mark, newest)
    except RedisError as error:
        log.warning("the newest call was not noted: %s", type(error).__name__)


def _check_place() -> str:
    """What was found, or ""."""
    identity, _ = DatabaseIdentity.objects.get_or_create(pk=1)
    place = _read_place()
    return "" if _fits(identity, place) else _keep_place(place)


def _fits(identity: DatabaseIdentity, place: dict[str, str]) -> bool:
    return place.items() <= _parse(identity.fingerprint).items()


@transaction.atomic
def _keep_place(place: dict[str, str]) -> str:
    """Keep it, and pause if another one was known; one of those who see it first does so."""
    identity = DatabaseIdentity.objects.select_for_update().get(pk=1)
    known = _parse(identity.fingerprint)
    changed = sorted(part for part in known.keys() & place.keys() if known[part] != place[part])
    if changed:
        pause_sending(cause=Cause.RESTORED)
    identity.fingerprint = " ".join(f"{part}={value}" for part, value in (known | place).items())
    identity.save(update_fields=["fingerprint"])
    return f"the rows are in another {', '.join(changed)} than before" if changed else ""


def _read_place() -> dict[str, str]:
    """Where the rows live, as far as PostgreSQL tells this user."""
    if answers := _ask(*PARTS.values()):
        return dict(zip(PARTS, answers, strict=True))
    told = {part: _ask(question) for part, question in PARTS.items()}
    return {part: answers[0] for part, answers in told.items() if answers}


def _ask(*questions: str) -> list[str]:
    """The answers; none when one of them is forbidden to us."""
    columns = ", ".join(f"({question})" for question in questions)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns}")
            return list(cursor.fetchone())
    except DatabaseError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        return []


def _parse(fingerprint: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in fingerprint.split())


def _check_newest_call() -> str:
    """What was found, or ""; nothing is when Redis doesn't answer or has forgotten."""
    mark = _find_mark()
    try:
        with connect_briefly(ASK_WITHIN) as redis:
            noted = int(redis.get(mark) or 0)
            newest = _find_newest_call()
            if noted <= newest:
                return ""
            pause_sending(cause=Cause.RESTORED)
            redis.set(mark, newest)
    except RedisError as error:
        log.warning("the newest call was not looked up: %s", type(error).__name__)
        return ""
    return "calls have been made that the database doesn't know"


def _find_newest_call() -> int:
    newest = CallRecord.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


def _find_mark() -> str:
    """Of this very database: the name that is kept may be one of before it was emptied."""
    return f"callboard:newest-call:{DatabaseIdentity.objects.get_or_create(pk=1)[0].name}"
