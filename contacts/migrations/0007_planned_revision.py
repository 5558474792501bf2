from django.db import migrations, models


class Migration(migrations.Migration):
    """Planning marks the existing appointments in its first round, within a minute."""

    dependencies = [("contacts", "0006_wishes_and_providers")]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="planned_revision",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="The newest revision that planning has seen; 0: none yet.",
            ),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(
                condition=models.Q(("planned_revision__lt", models.F("revision")), ("status", "booked")),
                fields=["starts_at"],
                name="appointment_unplanned",
            ),
        ),
    ]
