"""A new kind of entry in an appointment's history: somebody put a reminder back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_planned_revision")]

    operations = [
        migrations.AlterField(
            model_name="appointmentchange",
            name="what",
            field=models.CharField(
                choices=[
                    ("booked", "booked"),
                    ("imported", "imported"),
                    ("moved", "moved"),
                    ("provider_changed", "given to another provider"),
                    ("cancelled", "cancelled"),
                    ("reinstated", "booked again"),
                    ("confirmed", "confirmed"),
                    ("wants_another_time", "asked for another time"),
                    ("arrived", "arrived"),
                    ("no_show", "did not come"),
                    ("corrected", "put back to booked"),
                    ("call_ordered", "ordered a call now"),
                    ("step_skipped", "skipped a reminder"),
                    ("zone_corrected", "time zone corrected"),
                    ("rules_changed", "clock rules changed"),
                    ("step_put_back", "put a reminder back"),
                ],
                max_length=20,
            ),
        ),
    ]
