"""The lists of the API: by the order of changes, by start, status and source; numbers that opted out."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0016_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["updated_at", "id"], name="appointment_by_change"),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["starts_at"], name="appointment_by_start"),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["status", "id"], name="appointment_by_status"),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["source", "id"], name="appointment_by_source"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["updated_at", "id"], name="contact_by_change"),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                condition=models.Q(
                    ("voice_opted_out_at__isnull", False),
                    ("sms_opted_out_at__isnull", False),
                    _connector="OR",
                ),
                fields=["id"],
                name="number_opted_out",
            ),
        ),
    ]
