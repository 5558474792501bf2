"""Pauses of a location, verified numbers of staff, and a mark on the demo clinic's patients.

The patients of a demo clinic from before are recognised by its made-up list, whose checksum no file has.
"""

import hashlib

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

LIST_NAME = "this-mornings-list.csv"


def mark_demo_patients(apps, schema_editor):
    made_up = hashlib.sha256(LIST_NAME.encode()).hexdigest()
    if apps.get_model("contacts", "ImportBatch").objects.filter(file_name=LIST_NAME, sha256=made_up).exists():
        contacts = apps.get_model("contacts", "Contact").objects
        contacts.filter(source="Practice system", external_id__regex=r"^P4[1-9][0-9]{2}$").update(
            is_demo=True
        )


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0010_public_holidays"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="is_demo",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="Made up, for the demo clinic: never called for real.",
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="pause_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="In the words of whoever paused it.",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="paused_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="Since when nothing is sent for it.", null=True
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="paused_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="phonenumber",
            name="verified_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When a member of staff proved that it is theirs, by a code that a call spoke.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="phonenumber",
            name="verified_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="verified_numbers",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(condition=models.Q(("is_demo", True)), fields=["id"], name="contact_made_up"),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                condition=models.Q(("verified_at__isnull", False)),
                fields=["id"],
                name="phone_number_verified",
            ),
        ),
        migrations.RunPython(mark_demo_patients, migrations.RunPython.noop),
    ]
