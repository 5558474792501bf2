"""Since when a step and a campaign's filters mean somebody, and a step's choice if it can never be in time."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce, Now


def date_back_steps(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Existing steps have meant somebody since their campaign was activated, or created."""
    campaigns = apps.get_model("reminders", "Campaign").objects.filter(pk=OuterRef("campaign"))
    begun = campaigns.annotate(begun=Coalesce("activated_at", F("created_at"))).values("begun")
    apps.get_model("reminders", "Step").objects.update(since=Subquery(begun))


class Migration(migrations.Migration):
    dependencies = [("reminders", "0010_nothing_dropped")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="filters_since",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When its filters last changed: an appointment new to them gets nothing due before.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="paused_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="Since when it is paused.", null=True
            ),
        ),
        migrations.AddField(
            model_name="step",
            name="if_never_in_time",
            field=models.CharField(
                choices=[
                    ("skip", "skip it"),
                    ("bring_forward", "send it earlier, at the last time allowed before"),
                ],
                default="skip",
                help_text="If no calling hours are left between its time and the appointment, such as 2 hours before 8:30 with calls from 9:00.",
                max_length=13,
            ),
        ),
        migrations.AddField(
            model_name="step",
            name="since",
            field=models.DateTimeField(
                db_default=Now(),
                editable=False,
                help_text="When it was added, or its time was last changed: what was due before is not sent.",
            ),
        ),
        migrations.AddIndex(  # not concurrently: no row has this code yet, so one short scan is all it takes
            model_name="reminder",
            index=models.Index(
                condition=models.Q(("reason", "never_in_hours"), ("state", "skipped")),
                fields=["appointment"],
                name="reminder_without_hours",
            ),
        ),
        migrations.RunPython(date_back_steps, migrations.RunPython.noop),
    ]
