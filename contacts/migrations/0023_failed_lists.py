"""Lists that failed: those that came by themselves are counted on every page, and their files followed."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0022_watched")]

    operations = [
        migrations.AlterField(
            model_name="watchedfile",
            name="state",
            field=models.CharField(
                choices=[
                    ("coming", "is being watched"),
                    ("taken", "was taken"),
                    ("failed", "lies in failed/, and its import can be tried again"),
                ],
                default="coming",
                max_length=10,
            ),
        ),
        AddIndexConcurrently(
            model_name="importbatch",
            index=models.Index(
                condition=models.Q(("state", "failed")),
                fields=["how", "made_at"],
                name="import_batch_failed",
            ),
        ),
    ]
