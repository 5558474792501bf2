"""How the lists of a source are read, as somebody chose, so that the next list is read so too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0018_import_files"),
    ]

    operations = [
        migrations.AddField(
            model_name="sourceanswers",
            name="reading",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="How its lists are read, as somebody chose, and their columns.",
            ),
        ),
    ]
