"""Which versions of its rows a day is made of: one statement, in a tenth of the time that reading them takes.

deciding/shared_settings.py does the same for the settings.
"""

from collections.abc import Collection
from datetime import date, datetime

from django.db import connection

from contacts.database.row_versions import ROW_VERSION
from contacts.models import Appointment, Contact, Location, PhoneNumber
from reminders.deciding.number_caps import LOOKED_BACK
from reminders.deciding.situations import PracticeConfig
from reminders.models import CallCompanion, CallRecord, Reminder, SendingSwitch
from reminders.pages.day_reading import find_visits

# What read_visits_of_day() reads: visits, their people and numbers, reminders, the calls about them, and what
# counts for the numbers' caps. Of the switch only what a page shows: it counts answers, too.
_VERSION = """
    WITH visit AS (SELECT row.id, row.contact_id, {mark} FROM {visits} AS row WHERE row.id IN ({of_the_day})),
    person AS (
        SELECT row.phone_id, row.other_phone_id, {mark} FROM {people} AS row
        WHERE row.id IN (SELECT contact_id FROM visit)
    ),
    number AS (
        SELECT row.id, {mark} FROM {numbers} AS row
        WHERE row.id IN (SELECT phone_id FROM person UNION SELECT other_phone_id FROM person)
    ),
    reminder AS (
        SELECT row.id, {mark} FROM {reminders} AS row WHERE row.appointment_id IN (SELECT id FROM visit)
    ),
    about AS (
        SELECT id FROM {calls} WHERE reminder_id IN (SELECT id FROM reminder)
        UNION SELECT call_id FROM {companions} WHERE reminder_id IN (SELECT id FROM reminder)
        UNION SELECT id FROM {calls} WHERE number_id IN (SELECT id FROM number) AND submitting_at > %s
    ),
    call AS (SELECT {mark} FROM {calls} AS row WHERE row.id IN (SELECT id FROM about))
    SELECT count(*), sum(mark), (SELECT concat_ws('/', mode, paused_at, live_since) FROM {switch})
    FROM (
        SELECT mark FROM visit UNION ALL SELECT mark FROM person UNION ALL SELECT mark FROM number
        UNION ALL SELECT mark FROM reminder UNION ALL SELECT mark FROM call {other_visits}
    ) AS each_row
"""
# Where a campaign asks whether a patient is known, the answer goes by their other visits.
_OTHER_VISITS = """
    UNION ALL SELECT {mark} FROM {visits} AS row WHERE row.contact_id IN (SELECT contact_id FROM visit)
"""
_MARK = f"{ROW_VERSION} AS mark"
_TABLES = {
    "visits": Appointment,
    "people": Contact,
    "numbers": PhoneNumber,
    "reminders": Reminder,
    "calls": CallRecord,
    "companions": CallCompanion,
    "switch": SendingSwitch,
}


def read_day_version(
    locations: Collection[Location], day: date | None, now: datetime, practice: PracticeConfig
) -> tuple[object, ...]:
    """Another one after each change of a row that the day's list at these locations is read from.

    But for what caps and a trial go by besides: a call about another day's visit that is moved, and how many
    calls a trial has made.
    """
    if not locations:
        return ()
    of_the_day, values = find_visits(locations, day, now).order_by().values("pk").query.sql_with_params()
    tables = {name: connection.ops.quote_name(model._meta.db_table) for name, model in _TABLES.items()}
    other_visits = _OTHER_VISITS.format(mark=_MARK, **tables) if practice.asks_who_is_known else ""
    statement = _VERSION.format(mark=_MARK, of_the_day=of_the_day, other_visits=other_visits, **tables)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, now - LOOKED_BACK])
        found: tuple[object, ...] = cursor.fetchone()
    return found
