"""Files to import are kept in the database, and imported by a worker, part by part."""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Now


def mark_imported(apps: Any, schema_editor: Any) -> None:
    """The batches of before are imported; those without a user came by the command."""
    batches = apps.get_model("contacts", "ImportBatch")._default_manager
    batches.update(state="done", made_at=F("applied_at"), queued_at=F("applied_at"))
    batches.filter(by=None).update(how="command")


def drop_unfinished(apps: Any, schema_editor: Any) -> None:
    """The version before knows only imported batches: others go, or count as imported if a part of them is."""
    batches = apps.get_model("contacts", "ImportBatch")._default_manager
    unfinished = batches.filter(applied_at=None)
    unfinished.filter(appointments=None, changes=None).delete()
    unfinished.update(applied_at=F("made_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0017_api_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="file",
                        serialize=False,
                        to="contacts.importbatch",
                    ),
                ),
                ("content", models.BinaryField()),
                ("options", models.JSONField(default=dict, help_text="ImportOptions as JSON.")),
            ],
        ),
        migrations.AlterModelOptions(
            name="importbatch",
            options={"ordering": ["-made_at", "-id"], "verbose_name_plural": "import batches"},
        ),
        migrations.AddField(
            model_name="importbatch",
            name="attempts",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="error",
            field=models.CharField(
                blank=True, db_default="", help_text="Why it waits or failed.", max_length=300
            ),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="how",
            field=models.CharField(
                choices=[
                    ("page", "uploaded"),
                    ("command", "by the command"),
                    ("folder", "from the watched folder"),
                    ("calendar", "from the calendar address"),
                ],
                db_default="page",
                default="page",
                help_text="The way it came.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="lease",
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="leased_until",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="made_at",
            field=models.DateTimeField(
                db_default=Now(), default=django.utils.timezone.now, help_text="When the file came."
            ),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="queued_at",
            field=models.DateTimeField(blank=True, help_text="When somebody confirmed it.", null=True),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="rows_done",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="rows_total",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="state",
            field=models.CharField(
                choices=[
                    ("asking", "waits for your answers"),
                    ("waiting", "waits for its turn"),
                    ("running", "is being imported"),
                    ("done", "imported"),
                    ("failed", "could not be imported"),
                ],
                db_default="done",
                default="asking",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="importbatch",
            name="applied_at",
            field=models.DateTimeField(blank=True, help_text="When it was imported.", null=True),
        ),
        migrations.CreateModel(
            name="ImportPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "lines",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), size=None
                    ),
                ),
                ("counts", models.JSONField(default=dict)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="contacts.importbatch",
                    ),
                ),
            ],
        ),
        # On the way back: what was deleted is checked before its table changes.
        migrations.RunSQL(migrations.RunSQL.noop, "SET CONSTRAINTS ALL IMMEDIATE"),
        migrations.RunPython(mark_imported, drop_unfinished),
    ]
