"""An index of the reminders that are looked at later than they are due, and a way to resolve a follow-up."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Greatest


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently doesn't keep dispatch waiting

    dependencies = [("reminders", "0012_kept_back_events")]

    operations = [
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
                    ("applied", "The message from Robotalker has been read after all."),
                    ("put_back", "The reminder was put back."),
                ],
                max_length=20,
            ),
        ),
        AddIndexConcurrently(
            model_name="reminder",
            index=models.Index(
                fields=["id"],
                condition=Q(state="planned", next_look_at__gt=Greatest("due_at", "try_after")),
                name="reminder_waiting",
            ),
        ),
    ]
