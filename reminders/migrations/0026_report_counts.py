"""Reports are read from counts, and triggers note what has to be counted again.

The triggers add rows to reminders_reportmark and nothing else: they lock no row, and make no statement fail.
What was there before is counted by the first round after the migration, since the mark "all" is left for it.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

NOT_COUNTED = "('planned', 'claimed', 'skipped', 'withdrawn')"
RESULTS = "('confirmed', 'wants_another_time', 'cancelled')"
HOUR = "SELECT DISTINCT 'hour', floor(extract(epoch FROM {row}.{moment}) / 3600)::bigint, NULL::date"
DAY = "SELECT DISTINCT 'day', {row}.location_id, {row}.local_start::date"
ROW = "SELECT DISTINCT '{what}', {row}.{column}, NULL::date"
BOTH = "FROM old_rows AS former JOIN new_rows AS present ON present.id = former.id WHERE"
CALL = "(%s.state, %s.key_pressed, %s.submitting_at, %s.from_number, %s.mode)"
VISIT = "(%s.location_id, %s.local_start, %s.status, %s.answer, %s.answer_revision, %s.revision)"


def differ(columns: str) -> str:
    return f"{columns.replace('%s', 'former')} IS DISTINCT FROM {columns.replace('%s', 'present')}"


def hour(row: str, moment: str) -> str:
    return HOUR.format(row=row, moment=moment)


def row(what: str, row: str, column: str) -> str:
    return ROW.format(what=what, row=row, column=column)


def day(row: str) -> str:
    return DAY.format(row=row)


# table, event, and what it adds to the marks
TRIGGERS = [
    (
        "reminders_callrecord",
        "INSERT",
        [
            f"{hour('present', 'submitting_at')} FROM new_rows AS present",
            f"{row('reminder', 'present', 'reminder_id')} FROM new_rows AS present",
        ],
    ),
    (
        "reminders_callrecord",
        "UPDATE",
        [
            f"{hour('present', 'submitting_at')} {BOTH} {differ(CALL)}",
            f"{hour('former', 'submitting_at')} {BOTH} former.submitting_at <> present.submitting_at",
            f"{row('reminder', 'present', 'reminder_id')} {BOTH} {differ(CALL)}",
            (
                f"{row('reminder', 'companion', 'reminder_id')} FROM old_rows AS former JOIN new_rows AS present ON present.id = former.id"
                f" JOIN reminders_callcompanion AS companion ON companion.call_id = present.id WHERE {differ(CALL)}"
            ),
        ],
    ),
    (
        "reminders_callrecord",
        "DELETE",
        [
            f"{hour('former', 'submitting_at')} FROM old_rows AS former",
            f"{row('reminder', 'former', 'reminder_id')} FROM old_rows AS former",
        ],
    ),
    (
        "reminders_callcompanion",
        "INSERT",
        [f"{row('reminder', 'present', 'reminder_id')} FROM new_rows AS present"],
    ),
    (
        "reminders_callcompanion",
        "DELETE",
        [f"{row('reminder', 'former', 'reminder_id')} FROM old_rows AS former"],
    ),
    (
        "reminders_reminder",
        "INSERT",
        [
            f"{row('appointment', 'present', 'appointment_id')} FROM new_rows AS present WHERE present.state NOT IN {NOT_COUNTED}"
        ],
    ),
    (
        "reminders_reminder",
        "UPDATE",
        [
            (
                f"{row('appointment', 'present', 'appointment_id')} {BOTH}"
                f" (former.state IN {NOT_COUNTED}) <> (present.state IN {NOT_COUNTED})"
            ),
        ],
    ),
    (
        "reminders_reminder",
        "DELETE",
        [f"{row('appointment', 'former', 'appointment_id')} FROM old_rows AS former"],
    ),
    ("contacts_appointment", "INSERT", [f"{day('present')} FROM new_rows AS present"]),
    (
        "contacts_appointment",
        "UPDATE",
        [
            f"{day('present')} {BOTH} {differ(VISIT)}",
            f"{day('former')} {BOTH} {differ(VISIT)}",
            f"{row('moved', 'present', 'id')} {BOTH} former.location_id <> present.location_id",
        ],
    ),
    ("contacts_appointment", "DELETE", [f"{day('former')} FROM old_rows AS former"]),
    (
        "contacts_appointmentchange",
        "INSERT",
        [
            f"{row('appointment', 'present', 'appointment_id')} FROM new_rows AS present WHERE present.what IN {RESULTS}"
        ],
    ),
    (
        "contacts_appointmentchange",
        "DELETE",
        [f"{hour('former', 'at')} FROM old_rows AS former WHERE former.what IN {RESULTS}"],
    ),
    (
        "contacts_location",
        "UPDATE",
        [f"{row('location', 'present', 'id')} {BOTH} former.time_zone <> present.time_zone"],
    ),
]
TABLES = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}
MAKE_TRIGGER = """
CREATE FUNCTION callboard_count_{table}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reminders_reportmark (what, row_id, day) {marks};
    RETURN NULL;
END $$;
CREATE TRIGGER report_marks_{name} AFTER {event} ON {table} REFERENCING {tables}
    FOR EACH STATEMENT EXECUTE FUNCTION callboard_count_{table}_{name}();
"""
DROP_TRIGGER = """
DROP TRIGGER report_marks_{name} ON {table};
DROP FUNCTION callboard_count_{table}_{name}();
"""


def note_changes(table: str, event: str, marks: list[str]) -> migrations.RunSQL:
    words = {"table": table, "event": event, "name": event.lower(), "tables": TABLES[event]}
    words["marks"] = " UNION ALL ".join(f"({mark})" for mark in marks)
    return migrations.RunSQL(MAKE_TRIGGER.format(**words), DROP_TRIGGER.format(**words))


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0028_change_by_time"),
        ("reminders", "0024_listed_by_due"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("hour", "calls and results of an hour, in hours since 1970"),
                            ("day", "the visits of a location on a day"),
                            ("reminder", "the visit of a reminder"),
                            ("appointment", "a visit, and its results"),
                            ("moved", "a visit that is at another location now, with its calls"),
                            ("location", "a location whose time zone changed"),
                            ("all", "everything"),
                        ],
                        max_length=11,
                    ),
                ),
                ("row_id", models.BigIntegerField(db_default=0, default=0)),
                ("day", models.DateField(null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="CallCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("weekday", models.PositiveSmallIntegerField()),
                ("is_pretend", models.BooleanField()),
                ("count", models.PositiveIntegerField()),
                ("hour", models.PositiveSmallIntegerField()),
                ("caller_id", models.CharField(max_length=16)),
                (
                    "channel",
                    models.CharField(choices=[("voice", "call"), ("sms", "text message")], max_length=5),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("submitting", "about to go out"),
                            ("submitted", "taken by Robotalker"),
                            ("unknown", "unknown"),
                            ("overdue", "no result yet"),
                            ("not_sent", "not sent"),
                            ("rejected", "rejected"),
                            ("failed", "failed"),
                            ("no_answer", "no answer"),
                            ("voicemail", "voicemail"),
                            ("delivered", "delivered"),
                            ("answered", "answered"),
                            ("abandoned", "closed by staff"),
                        ],
                        max_length=12,
                    ),
                ),
                ("answer", models.CharField(blank=True, max_length=8)),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="Empty for visits and results: each is counted once, whichever campaigns it is of.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="reminders.campaign",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="contacts.location",
                    ),
                ),
                (
                    "script_text",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="reminders.scripttext",
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="reminders.step",
                    ),
                ),
            ],
            options={
                "ordering": ["-day", "hour"],
                "permissions": [("view_reports", "Can look at reports")],
                "indexes": [models.Index(fields=["day", "location"], name="call_count_by_day")],
            },
        ),
        migrations.CreateModel(
            name="ResultCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("weekday", models.PositiveSmallIntegerField()),
                ("is_pretend", models.BooleanField()),
                ("count", models.PositiveIntegerField()),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("confirmed", "confirmed"),
                            ("wants_another_time", "wants another time"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("hours_ahead", models.PositiveSmallIntegerField()),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="Empty for visits and results: each is counted once, whichever campaigns it is of.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="reminders.campaign",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="contacts.location",
                    ),
                ),
            ],
            options={
                "ordering": ["-day"],
                "indexes": [models.Index(fields=["day", "location"], name="result_count_by_day")],
            },
        ),
        migrations.CreateModel(
            name="VisitCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("weekday", models.PositiveSmallIntegerField()),
                ("is_pretend", models.BooleanField()),
                ("count", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("booked", "booked"),
                            ("arrived", "arrived"),
                            ("no_show", "no-show"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "answer",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "no answer yet"),
                            ("confirmed", "confirmed"),
                            ("wants_another_time", "wants another time"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "contact_made",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "no reminder was due"),
                            (1, "a reminder was due, and nothing went out"),
                            (2, "called or texted, not reached"),
                            (3, "voicemail or text only"),
                            (4, "somebody answered"),
                        ]
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="Empty for visits and results: each is counted once, whichever campaigns it is of.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="reminders.campaign",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="contacts.location",
                    ),
                ),
            ],
            options={
                "ordering": ["-day"],
                "indexes": [models.Index(fields=["day", "location"], name="visit_count_by_day")],
            },
        ),
        *(note_changes(*trigger) for trigger in TRIGGERS),
        migrations.RunSQL("INSERT INTO reminders_reportmark (what) VALUES ('all')", migrations.RunSQL.noop),
    ]
