from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SAID_BEFORE = "could_not_reach"
CLOSED_BEFORE = "overtaken"
NEW_RESOLUTIONS = ["answered", "new_try", "moved", "cancelled", "visit_recorded", "said_better"]


def say_as_before(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The release before has no words for the new codes: give those rows the nearest of its own."""
    follow_ups = apps.get_model("reminders", "FollowUp").objects
    said_already = follow_ups.filter(kind=SAID_BEFORE).exclude(state="resolved").values("appointment")
    follow_ups.filter(kind="nothing_follows", appointment__in=said_already).exclude(state="resolved").delete()
    follow_ups.filter(kind="nothing_follows").update(kind=SAID_BEFORE)
    follow_ups.filter(resolution__in=NEW_RESOLUTIONS).update(resolution=CLOSED_BEFORE)


class Migration(migrations.Migration):
    dependencies = [("reminders", "0009_doubtful_answers")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="edition",
            field=models.PositiveIntegerField(
                db_default=1, default=1, editable=False, help_text="Counts its activations and edits."
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="planned_edition",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="The edition that planning has gone through for every appointment.",
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="kind",
            field=models.CharField(
                choices=[
                    ("wants_another_time", "wants another time"),
                    ("could_not_reach", "could not be reached"),
                    ("unknown_outcome", "may or may not have been called"),
                    ("wrong_number", "number can't be used"),
                    ("late_answer", "answered for an old time"),
                    ("unclear_answer", "answer not understood"),
                    ("missed", "reminder was missed"),
                    ("nothing_follows", "no answer, and nothing more goes out"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="resolution",
            field=models.CharField(
                blank=True,
                choices=[
                    ("done", "Done."),
                    ("called_again", "They were called again."),
                    ("not_called_again", "They were not called again."),
                    ("overtaken", "Robotalker reported after all."),
                    ("answered", "They answered after all."),
                    ("new_try", "Another reminder goes out."),
                    ("moved", "The appointment or its number changed; it has new reminders."),
                    ("cancelled", "The appointment was cancelled."),
                    ("visit_recorded", "The visit was recorded."),
                    ("said_better", "Another follow-up says it."),
                ],
                max_length=20,
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, say_as_before),
    ]
