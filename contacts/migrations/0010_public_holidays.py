"""Public holidays of locations; when an appointment was booked here, and when a language last changed.

Existing locations get no country, so their open days are counted as before.
"""

import django.contrib.postgres.fields
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F
from django.db.models.functions import Now

import contacts.models.practice


def date_bookings(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """What is ahead and was booked here was booked, or last moved, when its revision came to be."""
    ahead = apps.get_model("contacts", "Appointment").objects.filter(
        batch=None, status="booked", starts_at__gt=Now()
    )
    ahead.update(booked_at=F("revised_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0009_details_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="booked_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When it was booked here, or last moved; empty: not known, since a list brought it.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="language_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the language last changed: a campaign new to it sends nothing due before.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="country",
            field=models.CharField(
                blank=True,
                help_text="Its public holidays aren't counted as open days. Calls do go out on them: enter a closed day where none should. Empty: no holidays.",
                max_length=2,
                validators=[contacts.models.practice.validate_country],
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="open_holidays",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=120),
                blank=True,
                default=list,
                help_text="The public holidays on which it is open, every year.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="subdivision",
            field=models.CharField(
                blank=True,
                help_text="For holidays of a state, province or region, such as CA in the US.",
                max_length=10,
                verbose_name="state or region",
            ),
        ),
        migrations.RunPython(date_bookings, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="location",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("subdivision", ""), models.Q(("country", ""), _negated=True), _connector="OR"
                ),
                name="location_in_a_region_of_a_country",
            ),
        ),
    ]
