"""New help texts; nothing in the database changes."""

import datetime

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0003_ways"),
        ("reminders", "0004_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="callrecord",
            name="asked_at",
            field=models.DateTimeField(
                blank=True, help_text="When Robotalker was last asked for its result.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="callrecord",
            name="detail",
            field=models.CharField(
                blank=True, help_text="Robotalker's own message about it.", max_length=200
            ),
        ),
        migrations.AlterField(
            model_name="callrecord",
            name="key_pressed",
            field=models.CharField(blank=True, help_text="The last of these keys: the answer.", max_length=8),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="activated_at",
            field=models.DateTimeField(
                blank=True, help_text="What was due before this is not sent.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="locations",
            field=models.ManyToManyField(
                blank=True, help_text="None selected: every location.", to="contacts.location"
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="providers",
            field=models.ManyToManyField(
                blank=True, help_text="None selected: every provider.", to="contacts.provider"
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="detail",
            field=models.CharField(
                blank=True, help_text="Robotalker's own message, or the key that was pressed.", max_length=300
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="due_at",
            field=models.DateTimeField(help_text="By when it should be resolved."),
        ),
        migrations.AlterField(
            model_name="heartbeat",
            name="did",
            field=models.CharField(
                blank=True, help_text="What the last run did, in numbers.", max_length=200
            ),
        ),
        migrations.AlterField(
            model_name="listednumber",
            name="detail",
            field=models.CharField(
                blank=True, help_text="Robotalker's own message about it.", max_length=200
            ),
        ),
        migrations.AlterField(
            model_name="listednumber",
            name="failures",
            field=models.PositiveSmallIntegerField(default=0, help_text="Failed attempts in a row."),
        ),
        migrations.AlterField(
            model_name="listednumber",
            name="told_at",
            field=models.DateTimeField(
                blank=True, help_text="When Robotalker last accepted an update.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="reminder",
            name="claim",
            field=models.UUIDField(blank=True, help_text="The claim that holds it.", null=True),
        ),
        migrations.AlterField(
            model_name="reminder",
            name="due_at",
            field=models.DateTimeField(help_text="When the step says that it is due."),
        ),
        migrations.AlterField(
            model_name="reminder",
            name="next_look_at",
            field=models.DateTimeField(help_text="When a worker next checks it."),
        ),
        migrations.AlterField(
            model_name="reminder",
            name="not_after",
            field=models.DateTimeField(help_text="After this it is missed and never sent."),
        ),
        migrations.AlterField(
            model_name="reminder",
            name="ordered_by",
            field=models.ForeignKey(
                blank=True,
                help_text="Who ordered the next try.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="reminder",
            name="revision",
            field=models.PositiveIntegerField(help_text="The appointment's revision when this was planned."),
        ),
        migrations.AlterField(
            model_name="sendingswitch",
            name="gate_closings",
            field=models.PositiveIntegerField(
                default=0, help_text="Closings in a row, without a successful request between them."
            ),
        ),
        migrations.AlterField(
            model_name="sendingswitch",
            name="gate_until",
            field=models.DateTimeField(
                blank=True,
                help_text="Robotalker asked to slow down: no request is sent before this.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="sendingswitch",
            name="probe_at",
            field=models.DateTimeField(
                blank=True, help_text="During a pause: when Robotalker is next tested.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="sendingswitch",
            name="probes",
            field=models.PositiveIntegerField(default=0, help_text="Failed tests in a row during a pause."),
        ),
        migrations.AlterField(
            model_name="step",
            name="fallback_script",
            field=models.ForeignKey(
                blank=True,
                help_text="Sent as a text if the last call reached nobody; empty: nothing is sent.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="fallback_steps",
                to="reminders.script",
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="if_late",
            field=models.CharField(
                choices=[("skip", "skip it"), ("send_now", "send it now")],
                default="skip",
                help_text="If the appointment is booked after the time of this step.",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="retry_at_another_time",
            field=models.BooleanField(
                default=False, help_text="Try again in the other half of the day, if there is time."
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="retry_voicemail",
            field=models.BooleanField(
                default=False, help_text="Try again after a voicemail, too; the daily limit still applies."
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="stop_before",
            field=models.DurationField(
                default=datetime.timedelta(seconds=1800),
                help_text="No call within this time before the appointment.",
            ),
        ),
    ]
