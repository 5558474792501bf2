"""The API's lists of appointments in the order of their start."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # indexes that are built concurrently keep nobody waiting
    dependencies = [("contacts", "0023_failed_lists")]

    operations = [
        AddIndexConcurrently(
            model_name="appointment",
            index=models.Index(fields=["starts_at", "id"], name="appointment_start_and_id"),
        ),
        AddIndexConcurrently(
            model_name="appointment",
            index=models.Index(fields=["status", "starts_at", "id"], name="appointment_status_and_start"),
        ),
        RemoveIndexConcurrently(model_name="appointment", name="appointment_by_start"),
        RemoveIndexConcurrently(model_name="appointment", name="appointment_by_status"),
    ]
