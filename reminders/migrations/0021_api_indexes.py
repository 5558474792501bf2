"""The lists of the API: reminders in the order in which they changed, and of one state."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reminders", "0020_erased")]

    operations = [
        migrations.AddIndex(
            model_name="reminder",
            index=models.Index(fields=["updated_at", "id"], name="reminder_by_change"),
        ),
        migrations.AddIndex(
            model_name="reminder",
            index=models.Index(fields=["state", "id"], name="reminder_by_state"),
        ),
    ]
