"""Steps right after booking, three choices for what is booked too late, and filters by patient and language."""

import datetime

import django.contrib.postgres.fields
import django.core.validators
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Q


def keep_behaviour(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """What "send it now" did until now: wait for calling hours. And no call after an appointment has begun."""
    steps = apps.get_model("reminders", "Step").objects
    steps.filter(if_late="send_now").update(if_late="next_allowed")
    steps.filter(stop_before__lt=datetime.timedelta(0)).update(stop_before=datetime.timedelta(0))
    _check_constraints_now(editor)


def go_back(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Refused while the older release would call people whom a campaign leaves out, or could not read a step."""
    steps = apps.get_model("reminders", "Step").objects
    if count := steps.filter(timing_kind="after_booking").count():
        raise RuntimeError(
            f"{count} steps come right after booking. Delete them, or change their time, first."
        )
    filtered = apps.get_model("reminders", "Campaign").objects.exclude(patients="", languages=[])
    if count := filtered.count():
        raise RuntimeError(
            f"{count} campaigns are for some patients or languages only, which the older release would ignore. "
            "Take these filters off, or delete the campaigns, first."
        )
    steps.filter(Q(if_late="now") | Q(if_late="next_allowed")).update(if_late="send_now")
    _check_constraints_now(editor)


def _check_constraints_now(editor: BaseDatabaseSchemaEditor) -> None:
    """PostgreSQL changes no table with rows whose deferred constraints are still to be checked."""
    editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    editor.execute("SET CONSTRAINTS ALL DEFERRED")


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0010_public_holidays"),
        ("reminders", "0015_evidence"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="step",
            name="step_has_a_moment",
        ),
        migrations.AddField(
            model_name="campaign",
            name="languages",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=8),
                blank=True,
                default=list,
                help_text="The patient's language. None selected: every language.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="patients",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "new and known patients"),
                    ("new", "new patients only: no earlier visit that is booked or took place"),
                    ("known", "known patients only: an earlier visit is booked or took place"),
                ],
                default="",
                max_length=5,
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="elapsed",
            field=models.DurationField(
                default=datetime.timedelta(0), help_text="For “hours before”, or how long after booking."
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="if_late",
            field=models.CharField(
                choices=[
                    ("skip", "skip it"),
                    ("now", "send it at once; skip it if that is outside calling hours"),
                    ("next_allowed", "send it as soon as calling hours allow"),
                ],
                default="skip",
                help_text="If the appointment is booked or moved after the time of this step.",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="max_tries",
            field=models.PositiveSmallIntegerField(
                default=2,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(10),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="timing_kind",
            field=models.CharField(
                choices=[
                    ("days_before", "days before, at a time of day"),
                    ("open_days_before", "open days before, at a time of day"),
                    ("elapsed_before", "hours or minutes before"),
                    ("after_booking", "right after it was booked or moved"),
                ],
                default="days_before",
                max_length=20,
            ),
        ),
        migrations.RunPython(keep_behaviour, go_back),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("patients__in", ["", "new", "known"])), name="campaign_patients_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("elapsed__gt", datetime.timedelta(0)), ("timing_kind", "elapsed_before")),
                    models.Q(("elapsed__gte", datetime.timedelta(0)), ("timing_kind", "after_booking")),
                    ("at__isnull", False),
                    _connector="OR",
                ),
                name="step_has_a_moment",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(("if_late__in", ["skip", "now", "next_allowed"])),
                name="step_if_late_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(("stop_before__gte", datetime.timedelta(0))),
                name="step_stops_before_the_appointment",
            ),
        ),
    ]
