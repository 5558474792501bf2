"""What staff said about the lists of a source, so that the next list isn't asked about again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0013_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="SourceAnswers",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(help_text="The system the lists come from.", max_length=60, unique=True),
                ),
                ("answers", models.JSONField(default=dict, help_text="Key of a question -> the answer.")),
                (
                    "columns",
                    models.JSONField(default=dict, help_text="Field -> the column that was chosen by hand."),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name_plural": "source answers",
            },
        ),
    ]
