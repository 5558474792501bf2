"""The statements that count calls, visits and results of some days again.

Days of visits are as booked. Hours of calls and of results follow from periods (local_periods.py), since
PostgreSQL is never asked for a local time.
"""

_PERIODS = """
    unnest(%(zones)s::text[], %(begins)s::timestamptz[], %(ends)s::timestamptz[], %(offsets)s::int[])
        AS period (zone, begins, ends, distance)
"""
_LOCAL_TIME = """
    CROSS JOIN LATERAL (
        SELECT floor(extract(epoch FROM {moment}))::bigint + period.distance AS second
    ) AS clock
    CROSS JOIN LATERAL (
        SELECT DATE '1970-01-01' + (second / 86400)::int AS day, ((second / 86400 + 3) %% 7)::int AS weekday,
            (second %% 86400 / 3600)::int AS hour
    ) AS wall
"""
# every try about a reminder, as its lead or as a companion (reminders/lifecycle/calls.py)
_TRIES = """(
    SELECT call.state, call.mode, call.submitting_at FROM reminders_callrecord AS call
    WHERE call.reminder_id = reminder.id
    UNION ALL
    SELECT call.state, call.mode, call.submitting_at FROM reminders_callcompanion AS companion
    JOIN reminders_callrecord AS call ON call.id = companion.call_id
    WHERE companion.reminder_id = reminder.id
)"""

DELETE_DAYS = """
    DELETE FROM {table} AS counted
    USING contacts_location AS location, unnest(%(zones)s::text[], %(days)s::date[]) AS old (zone, day)
    WHERE location.id = counted.location_id AND location.time_zone = old.zone AND counted.day = old.day
"""
DELETE_VISIT_DAYS = """
    DELETE FROM reminders_visitcount AS counted
    USING unnest(%(locations)s::bigint[], %(days)s::date[]) AS old (location_id, day)
    WHERE counted.location_id = old.location_id AND counted.day = old.day
"""
# `only`: one location, or 0 for all
COUNT_CALLS = f"""
    INSERT INTO reminders_callcount
        (location_id, day, weekday, hour, campaign_id, step_id, script_text_id, caller_id, channel, outcome,
        answer, is_pretend, count)
    SELECT visit.location_id, wall.day, wall.weekday, wall.hour, step.campaign_id, step.id,
        call.script_text_id, call.from_number, call.channel, call.state,
        CASE WHEN call.key_pressed IN ('1', '2', '9') THEN call.key_pressed ELSE '' END,
        call.mode = 'sandbox', count(*)
    FROM {_PERIODS}
    JOIN contacts_location AS location ON location.time_zone = period.zone
    JOIN reminders_callrecord AS call
        ON call.submitting_at >= period.begins AND call.submitting_at < period.ends
    JOIN reminders_reminder AS reminder ON reminder.id = call.reminder_id
    JOIN contacts_appointment AS visit
        ON visit.id = reminder.appointment_id AND visit.location_id = location.id
    JOIN reminders_step AS step ON step.id = reminder.step_id
    {_LOCAL_TIME.format(moment="call.submitting_at")}
    WHERE %(only)s::bigint IN (0, location.id)
        AND call.submitting_at >= %(first)s::timestamptz AND call.submitting_at < %(last)s::timestamptz
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
"""  # noqa: S608 - parts of our own
# contact_made: ContactMade. A visit is counted once for all campaigns, and once for each that was due for it.
COUNT_VISITS = f"""
    WITH visit AS MATERIALIZED (
        SELECT booked.id, booked.location_id, wanted.day, contact.is_demo, booked.status,
            CASE WHEN booked.answer_revision = booked.revision THEN booked.answer ELSE '' END AS answer
        FROM unnest(%(locations)s::bigint[], %(days)s::date[]) AS wanted (location_id, day)
        JOIN contacts_appointment AS booked ON booked.location_id = wanted.location_id
            AND booked.local_start >= wanted.day AND booked.local_start < wanted.day + 1
        JOIN contacts_contact AS contact ON contact.id = booked.contact_id
    ), made AS MATERIALIZED (
        SELECT visit.id, step.campaign_id, coalesce(bool_or(try.mode = 'sandbox'), false) AS in_sandbox,
            max(CASE
                WHEN try.state = 'answered' THEN 4
                WHEN try.state IN ('voicemail', 'delivered') THEN 3
                WHEN try.state NOT IN ('not_sent', 'rejected') THEN 2
                WHEN try.state IS NOT NULL OR reminder.state IN ('in_progress', 'done', 'missed') THEN 1
                ELSE 0
            END) AS far
        FROM visit JOIN reminders_reminder AS reminder ON reminder.appointment_id = visit.id
        JOIN reminders_step AS step ON step.id = reminder.step_id
        LEFT JOIN LATERAL {_TRIES} AS try ON true
        GROUP BY visit.id, step.campaign_id
    ), counted AS (
        SELECT id, campaign_id, in_sandbox, far FROM made WHERE far > 0
        UNION ALL
        SELECT visit.id, NULL, coalesce(bool_or(made.in_sandbox), false), coalesce(max(made.far), 0)
        FROM visit LEFT JOIN made ON made.id = visit.id GROUP BY visit.id
    )
    INSERT INTO reminders_visitcount
        (location_id, day, weekday, campaign_id, status, answer, contact_made, is_pretend, count)
    SELECT visit.location_id, visit.day, extract(isodow FROM visit.day)::int - 1, counted.campaign_id,
        visit.status, visit.answer, counted.far, visit.is_demo OR counted.in_sandbox, count(*)
    FROM visit JOIN counted ON counted.id = visit.id
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""  # noqa: S608 - parts of our own
# One entry of the history counts for each revision: the last answer, and of several alike the first.
COUNT_RESULTS = f"""
    WITH entry AS MATERIALIZED (
        SELECT change.id, change.appointment_id, change.revision, change.what, change.at,
            change.what = 'confirmed' AS holds, change.how IN ('key_1', 'key_2', 'text') AS by_patient,
            extract(epoch FROM change.starts_after - change.at) / 3600 AS hours,
            visit.location_id, contact.is_demo, wall.day, wall.weekday
        FROM {_PERIODS}
        JOIN contacts_location AS location ON location.time_zone = period.zone
        JOIN contacts_appointmentchange AS change ON change.at >= period.begins AND change.at < period.ends
        JOIN contacts_appointment AS visit
            ON visit.id = change.appointment_id AND visit.location_id = location.id
        JOIN contacts_contact AS contact ON contact.id = visit.contact_id
        {_LOCAL_TIME.format(moment="change.at")}
        WHERE change.what IN ('confirmed', 'wants_another_time', 'cancelled')
            AND %(only)s::bigint IN (0, location.id)
            AND change.at >= %(first)s::timestamptz AND change.at < %(last)s::timestamptz
    ), deciding AS (
        SELECT entry.* FROM entry
        LEFT JOIN LATERAL (
            SELECT before.what = 'confirmed' AS holds FROM contacts_appointmentchange AS before
            WHERE before.appointment_id = entry.appointment_id AND before.revision = entry.revision
                AND before.what IN ('confirmed', 'wants_another_time', 'cancelled')
                AND (before.at, before.id) < (entry.at, entry.id)
            ORDER BY before.at DESC, before.id DESC LIMIT 1
        ) AS earlier ON true
        WHERE earlier.holds IS DISTINCT FROM entry.holds AND NOT EXISTS (
            SELECT FROM contacts_appointmentchange AS later
            WHERE later.appointment_id = entry.appointment_id AND later.revision = entry.revision
                AND later.what IN ('confirmed', 'wants_another_time', 'cancelled')
                AND (later.what = 'confirmed') <> entry.holds
                AND (later.at, later.id) > (entry.at, entry.id)
        )
    ), reminded AS MATERIALIZED (
        SELECT deciding.id, step.campaign_id, bool_or(try.mode = 'sandbox') AS in_sandbox
        FROM deciding
        JOIN reminders_reminder AS reminder ON reminder.appointment_id = deciding.appointment_id
            AND reminder.revision <= deciding.revision
        JOIN reminders_step AS step ON step.id = reminder.step_id
        JOIN LATERAL {_TRIES} AS try ON try.submitting_at <= deciding.at
        WHERE try.state IN ('answered', 'voicemail', 'delivered')
            OR (deciding.by_patient AND try.state NOT IN ('not_sent', 'rejected', 'failed', 'no_answer'))
        GROUP BY deciding.id, step.campaign_id
    ), counted AS (
        SELECT id, campaign_id, in_sandbox FROM reminded
        UNION ALL
        SELECT deciding.id, NULL, coalesce(bool_or(reminded.in_sandbox), false)
        FROM deciding LEFT JOIN reminded ON reminded.id = deciding.id
        WHERE reminded.id IS NOT NULL OR deciding.by_patient GROUP BY deciding.id
    )
    INSERT INTO reminders_resultcount
        (location_id, day, weekday, campaign_id, result, hours_ahead, is_pretend, count)
    SELECT deciding.location_id, deciding.day, deciding.weekday, counted.campaign_id, deciding.what,
        CASE WHEN hours >= 48 THEN 48 WHEN hours >= 24 THEN 24 WHEN hours >= 4 THEN 4 ELSE 0 END,
        deciding.is_demo OR counted.in_sandbox, count(*)
    FROM deciding JOIN counted ON counted.id = deciding.id
    WHERE NOT deciding.holds OR deciding.by_patient
    GROUP BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608 - parts of our own
LIST_HOURS = """
    SELECT DISTINCT floor(extract(epoch FROM submitting_at) / 3600)::bigint FROM reminders_callrecord
    UNION
    SELECT DISTINCT floor(extract(epoch FROM at) / 3600)::bigint FROM contacts_appointmentchange
    WHERE what IN ('confirmed', 'wants_another_time', 'cancelled')
"""
LIST_VISIT_DAYS = "SELECT DISTINCT location_id, local_start::date FROM contacts_appointment"
