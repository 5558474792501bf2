"""A campaign may require a consent basis of the numbers that it calls.

The way back is refused while one does: the older release would call everybody.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

REASONS = ["wants_no_reminders", "wants_no_calls", "wants_no_texts", "consent_lacking"]


def refuse_to_call_everybody(apps: Any, schema_editor: Any) -> None:
    count = apps.get_model("reminders", "Campaign").objects.exclude(consent="").count()
    if count:
        raise RuntimeError(
            f"{count} campaigns require a consent, which the older release doesn't know: it would call "
            "everybody. Delete these campaigns, or let them require none, and try again."
        )


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently doesn't keep dispatch waiting

    dependencies = [
        ("contacts", "0020_consent"),
        ("reminders", "0021_api_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="consent",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "no agreement needed: everyone, unless “no consent” is recorded"),
                    ("agreed", "only those who agreed to it, in writing, in person or by phone"),
                    ("written", "only those who agreed to it in writing"),
                ],
                db_default="",
                default="",
                help_text="Which consent must be on record for the number.",
                max_length=7,
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("consent__in", ["", "agreed", "written"])), name="campaign_consent_known"
            ),
        ),
        AddIndexConcurrently(
            model_name="reminder",
            index=models.Index(
                condition=models.Q(("reason__in", REASONS), ("state", "skipped")),
                fields=["not_after"],
                name="reminder_not_agreed",
            ),
        ),
        RemoveIndexConcurrently(model_name="reminder", name="reminder_not_wanted"),
        migrations.RunPython(migrations.RunPython.noop, refuse_to_call_everybody),
    ]
