"""A consent basis more: spoken. A campaign may require one (reminders/migrations/0022_consent.py)."""

from django.db import migrations, models

BASES = [
    ("given_for_care", "given to the practice for care"),
    ("spoken", "agreed in person or by phone"),
    ("written", "written consent"),
    ("none", "no consent known"),
]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0019_reading_choices")]

    operations = [
        migrations.AlterField(
            model_name="consententry",
            name="basis",
            field=models.CharField(
                blank=True,
                choices=BASES,
                db_default="",
                default="",
                help_text="The consent basis that was recorded; empty for an opt-out or opt-in.",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="phonenumber",
            name="consent_basis",
            field=models.CharField(choices=BASES, default="given_for_care", max_length=20),
        ),
    ]
