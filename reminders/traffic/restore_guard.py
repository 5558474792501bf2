"""Whether this database was restored from a backup, copied or moved.

A restored backup lacks the calls that were made after it was taken, and would make them again. Two things
show it, and either pauses sending until a person resumes it:

- PostgreSQL says where the rows are: cluster, timeline, database, table. The DatabaseIdentity row keeps what
  it said last, so rows from a backup have another answer than PostgreSQL gives now. A move to another server
  looks the same.
- Redis has a newer call of this DatabaseIdentity than the database.

The name of the DatabaseIdentity is in every callback address (callback_urls.py). A restored database keeps
the name, and so recognises events of calls that it has lost. A practice that is set up anew gets a new name.
"""

import logging

from django.db import DatabaseError, connection, transaction
from psycopg.errors import InsufficientPrivilege
from redis import RedisError

from reminders.health.redis import connect_briefly
from reminders.models import CallRecord, DatabaseIdentity
from reminders.traffic.switch import Cause, pause_sending

log = logging.getLogger(__name__)

ASK_WITHIN = 1.0  # seconds for Redis to answer; dispatch waits for it
# The database's user may lack permission for some. Only parts with an answer both times are compared.
PARTS = {
    "cluster": "SELECT system_identifier::text FROM pg_control_system()",
    "timeline": "SELECT timeline_id::text FROM pg_control_checkpoint()",
    "database": "SELECT oid::text FROM pg_database WHERE datname = current_database()",
    "table": "SELECT 'reminders_callrecord'::regclass::oid::text",
}


def check_for_restore() -> bool:
    """False when this database was restored, copied or moved; then all sending is paused.

    Each case is found once: after a person resumes sending, the rows count as being in the right place.
    """
    found = _check_location_of_rows() or _check_newest_call()
    if found:
        log.critical("%s: sending is paused until a person resumes it", found)
    return not found


def note_newest_call() -> None:
    """Keep the id of the newest call in Redis, which a restore of the database leaves alone; best effort."""
    key, newest = _newest_call_key(), _find_newest_call()
    try:
        with connect_briefly(ASK_WITHIN) as redis:
            redis.set(key, newest)
    except RedisError as error:
        log.warning("the newest call was not noted: %s", type(error).__name__)


def _check_location_of_rows() -> str:
    """What shows that the rows are in another place than before, or ""."""
    identity, _ = DatabaseIdentity.objects.get_or_create(pk=1)
    fingerprint = _read_fingerprint()
    if fingerprint.items() <= _parse(identity.fingerprint).items():
        return ""
    return _keep_fingerprint(fingerprint)


@transaction.atomic
def _keep_fingerprint(fingerprint: dict[str, str]) -> str:
    """Keep it, and pause sending if a known part has changed; only the first of several workers does so."""
    identity = DatabaseIdentity.objects.select_for_update().get(pk=1)
    known = _parse(identity.fingerprint)
    common = known.keys() & fingerprint.keys()
    changed = sorted(part for part in common if known[part] != fingerprint[part])
    if changed:
        pause_sending(cause=Cause.RESTORED)
    identity.fingerprint = " ".join(f"{part}={value}" for part, value in (known | fingerprint).items())
    identity.save(update_fields=["fingerprint"])
    return f"the rows are in another {', '.join(changed)} than before" if changed else ""


def _read_fingerprint() -> dict[str, str]:
    """Where the rows are, as far as PostgreSQL tells this user: its answer for each of PARTS."""
    if values := _select(*PARTS.values()):
        return dict(zip(PARTS, values, strict=True))
    found = {part: _select(query) for part, query in PARTS.items()}
    return {part: values[0] for part, values in found.items() if values}


def _select(*queries: str) -> list[str]:
    """The value of each query; none at all when one of them isn't permitted to this user."""
    columns = ", ".join(f"({query})" for query in queries)
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
    """What shows that calls are missing, or "", also when Redis doesn't answer or has lost its data."""
    key = _newest_call_key()
    try:
        with connect_briefly(ASK_WITHIN) as redis:
            noted = int(redis.get(key) or 0)
            newest = _find_newest_call()
            if noted <= newest:
                return ""
            pause_sending(cause=Cause.RESTORED)
            redis.set(key, newest)
    except RedisError as error:
        log.warning("the newest call was not looked up: %s", type(error).__name__)
        return ""
    return "calls have been made that are not in the database"


def _find_newest_call() -> int:
    newest = CallRecord.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


def _newest_call_key() -> str:
    """The Redis key. The name is read from the row: the one kept in this process may be out of date."""
    return f"callboard:newest-call:{DatabaseIdentity.objects.get_or_create(pk=1)[0].name}"
