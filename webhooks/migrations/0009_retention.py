"""What is deleted each night since it is kept no longer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0008_account_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begun_at", models.DateTimeField()),
                (
                    "ended_at",
                    models.DateTimeField(help_text="Empty while something is left to do.", null=True),
                ),
                ("is_trial", models.BooleanField(default=False, help_text="It only counted.")),
                ("counts", models.JSONField(default=dict, help_text="Rows by kind of data.")),
            ],
            options={
                "ordering": ["-begun_at", "-id"],
            },
        ),
    ]
