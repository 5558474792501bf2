"""The outbox of outgoing webhooks, and the triggers that write it; calendar feeds.

The triggers are the only way that can't lose or invent an event: the row of the outbox is written by the
statement that writes the outcome, whichever code runs it, and is committed or rolled back with it. They look at
all rows of a statement at once, and name no column in a WHEN clause, so that columns may still change. They
must never make the statement fail: what is in the outbox already is passed over.

What was recorded before is in the outbox too, for the CSV, as handed out: no endpoint gets it by itself.
"""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import webhooks.outgoing.signing

# table, column with the moment, SQL of the type of event, and of the rows that are events
LEDGERS = [
    (
        "contacts_appointmentchange",
        "at",
        "CASE what WHEN 'confirmed' THEN 'appointment.confirmed' ELSE 'appointment.another_time_wanted' END",
        "what IN ('confirmed', 'wants_another_time')",
    ),
    (
        "contacts_consententry",
        "at",
        "'number.opted_out'",
        "what = 'opt_out'",
    ),
    (
        "reminders_followup",
        "created_at",
        "'appointment.not_reached'",
        "kind IN ('could_not_reach', 'nothing_follows', 'missed', 'wrong_number')",
    ),
]
INSERT = """
    INSERT INTO webhooks_outgoingevent (public_id, type, row_id, occurred_at{more})
    SELECT gen_random_uuid(), {type}, id, {moment}{values} FROM {source} WHERE {condition}
    ORDER BY id ON CONFLICT DO NOTHING
"""
MAKE_TRIGGER = """
CREATE FUNCTION callboard_note_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {insert};
    RETURN NULL;
END $$;
CREATE TRIGGER outgoing_events
    AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION callboard_note_{table}();
"""
DROP_TRIGGER = """
DROP TRIGGER outgoing_events ON {table};
DROP FUNCTION callboard_note_{table}();
"""


def note_events(table: str, moment: str, event_type: str, condition: str) -> migrations.RunSQL:
    insert = INSERT.format(
        more="", type=event_type, moment=moment, values="", source="added", condition=condition
    )
    return migrations.RunSQL(
        MAKE_TRIGGER.format(table=table, insert=insert), DROP_TRIGGER.format(table=table)
    )


def note_earlier_events(table: str, moment: str, event_type: str, condition: str) -> migrations.RunSQL:
    insert = INSERT.format(
        more=", distributed_at",
        type=event_type,
        moment=moment,
        values=", now()",
        source=table,
        condition=condition,
    )
    return migrations.RunSQL(insert, migrations.RunSQL.noop)


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0016_search"),
        ("reminders", "0020_erased"),
        ("webhooks", "0004_kept_back_events"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OutgoingDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "to be sent"),
                            ("delivered", "delivered"),
                            ("given_up", "given up, kept for a person"),
                            ("gone", "not sent, since what it was about has been deleted"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Since it was last put on the list."
                    ),
                ),
                (
                    "next_attempt_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "outgoing deliveries",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="OutgoingEndpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
                (
                    "url",
                    models.CharField(
                        help_text="It must begin with https://.", max_length=2000, verbose_name="address"
                    ),
                ),
                (
                    "types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("appointment.confirmed", "appointment confirmed"),
                                ("appointment.another_time_wanted", "another time wanted"),
                                ("appointment.not_reached", "patient not reached"),
                                ("number.opted_out", "number opted out"),
                            ],
                            max_length=40,
                        ),
                        size=None,
                        verbose_name="events wanted",
                    ),
                ),
                (
                    "secret",
                    models.CharField(
                        default=webhooks.outgoing.signing.make_secret,
                        help_text="The receiver checks signatures with it.",
                        max_length=120,
                    ),
                ),
                (
                    "old_secret",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Signs too, until the receiver has the new secret.",
                        max_length=120,
                    ),
                ),
                (
                    "with_number",
                    models.BooleanField(
                        default=False,
                        help_text="Telephone numbers are sent in full. Otherwise only their last two digits are.",
                        verbose_name="with the number",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("on", "on"),
                            ("off", "switched off"),
                            ("failed", "switched off, since it kept failing"),
                        ],
                        default="on",
                        editable=False,
                        max_length=8,
                    ),
                ),
                (
                    "since",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="Events recorded before aren't sent by themselves.",
                    ),
                ),
                ("failing_since", models.DateTimeField(blank=True, editable=False, null=True)),
                ("failures", models.PositiveIntegerField(default=0, editable=False, help_text="In a row.")),
                ("paused_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(editable=False, null=True)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("served_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="CalendarFeed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="Who reads it, such as “Dr. Chen's phone”.", max_length=80),
                ),
                (
                    "naming",
                    models.CharField(
                        choices=[
                            ("nobody", "“Appointment”, without the patient"),
                            ("initials", "the patient's initials"),
                            ("full", "the patient's whole name"),
                        ],
                        default="nobody",
                        max_length=8,
                        verbose_name="what entries say",
                    ),
                ),
                (
                    "token_digest",
                    models.CharField(
                        editable=False, help_text="SHA-256 of the token, hex.", max_length=64, unique=True
                    ),
                ),
                (
                    "made_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "read_at",
                    models.DateTimeField(
                        blank=True, editable=False, help_text="When it was last read, to the hour.", null=True
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="feeds",
                        to="contacts.provider",
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["provider", "name"],
            },
        ),
        migrations.CreateModel(
            name="DeliveryAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begun_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("milliseconds", models.PositiveIntegerField(blank=True, null=True)),
                ("status", models.PositiveSmallIntegerField(blank=True, help_text="HTTP status.", null=True)),
                (
                    "fault",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not_a_url", "This isn't a web address that can be asked."),
                            ("not_https", "The address must begin with https://."),
                            ("with_login", "The address must not contain a user name or password."),
                            ("private", "The address leads to this machine or into a private network."),
                            ("no_such_name", "The name of the server can't be found."),
                            ("no_connection", "The server can't be reached."),
                            ("no_tls", "The server's certificate isn't valid for this address."),
                            ("too_slow", "The server took too long."),
                            ("broken_off", "The connection ended before the whole answer came."),
                        ],
                        max_length=20,
                    ),
                ),
                ("answer", models.CharField(blank=True, help_text="How the answer begins.", max_length=500)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tries",
                        to="webhooks.outgoingdelivery",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="outgoingdelivery",
            name="endpoint",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="webhooks.outgoingendpoint",
            ),
        ),
        migrations.CreateModel(
            name="OutgoingEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.UUIDField(default=uuid.uuid4, help_text="Its id for receivers.", unique=True),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("appointment.confirmed", "appointment confirmed"),
                            ("appointment.another_time_wanted", "another time wanted"),
                            ("appointment.not_reached", "patient not reached"),
                            ("number.opted_out", "number opted out"),
                            ("callboard.test", "test"),
                        ],
                        max_length=40,
                    ),
                ),
                ("row_id", models.BigIntegerField(null=True)),
                ("occurred_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "distributed_at",
                    models.DateTimeField(
                        blank=True, help_text="When it was handed to the endpoints that want it.", null=True
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("distributed_at__isnull", True)),
                        fields=["id"],
                        name="outgoing_event_new",
                    ),
                    models.Index(fields=["occurred_at", "id"], name="outgoing_event_by_time"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("type", "row_id"), name="outgoing_event_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="outgoingdelivery",
            name="event",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="webhooks.outgoingevent",
            ),
        ),
        migrations.AddIndex(
            model_name="outgoingdelivery",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["endpoint", "event"],
                name="outgoing_delivery_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="outgoingdelivery",
            index=models.Index(
                condition=models.Q(("state", "given_up")), fields=["id"], name="outgoing_delivery_given_up"
            ),
        ),
        migrations.AddConstraint(
            model_name="outgoingdelivery",
            constraint=models.UniqueConstraint(fields=("endpoint", "event"), name="outgoing_delivery_once"),
        ),
        *(note_earlier_events(*ledger) for ledger in LEDGERS),
        *(note_events(*ledger) for ledger in LEDGERS),
    ]
