"""The lists of the API: reminders in the order in which they are due, and calls of a rare state or channel."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # indexes that are built concurrently don't keep dispatch waiting
    dependencies = [("reminders", "0023_texts")]

    operations = [
        AddIndexConcurrently(
            model_name="reminder",
            index=models.Index(fields=["due_at", "id"], name="reminder_by_due"),
        ),
        AddIndexConcurrently(
            model_name="reminder",
            index=models.Index(fields=["state", "due_at", "id"], name="reminder_state_and_due"),
        ),
        RemoveIndexConcurrently(model_name="reminder", name="reminder_by_state"),
        AddIndexConcurrently(
            model_name="callrecord",
            index=models.Index(fields=["state", "id"], name="call_by_state"),
        ),
        AddIndexConcurrently(
            model_name="callrecord",
            index=models.Index(fields=["channel", "id"], name="call_by_channel"),
        ),
    ]
