"""Failed lists that somebody has dismissed: who, and when. The API's lists in the order of the start."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # indexes that are built concurrently keep nobody waiting
    dependencies = [
        ("contacts", "0024_compressed_files"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="importbatch",
            name="dismissed_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When somebody had seen that it failed, and nobody needs to look any more.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="dismissed_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
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
