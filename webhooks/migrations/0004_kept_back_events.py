"""What was passed over in an event."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0003_occurrences"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhookevent",
            name="passed_over",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="What could not be read but bears on nothing: codes of webhooks/oddities.py, with blanks.",
                max_length=300,
            ),
        ),
    ]
