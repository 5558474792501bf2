"""What a patient wants never to get, and changes of an appointment's provider."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def keep(_apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Preferences keep their meaning: calls, or text messages."""


def go_back(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Refused while anybody has a wish that the older release would not obey: it would call them."""
    contacts = apps.get_model("contacts", "Contact").objects
    if count := contacts.filter(preferred_channel__in=["never", "voice_only", "sms_only"]).count():
        raise RuntimeError(
            f"{count} contacts want no calls or no texts, which the older release can't keep. Record an "
            "opt-out for their numbers and set their preference to call or text message first."
        )
    apps.get_model("contacts", "AppointmentChange").objects.filter(what="provider_changed").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0005_wall_times"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="appointmentchange",
            name="provider_after",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="contacts.provider",
            ),
        ),
        migrations.AddField(
            model_name="appointmentchange",
            name="provider_before",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="contacts.provider",
            ),
        ),
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
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="contact",
            name="preferred_channel",
            field=models.CharField(
                choices=[
                    ("voice", "call"),
                    ("sms", "text message"),
                    ("voice_only", "call only, never a text message"),
                    ("sms_only", "text message only, never a call"),
                    ("never", "never contact by machine"),
                ],
                default="voice",
                help_text="“Call” and “text message” count for reminders that go as the patient prefers. “Only” and “never” count for all.",
                max_length=10,
                verbose_name="reminded by",
            ),
        ),
        migrations.AddIndex(
            model_name="appointmentchange",
            index=models.Index(
                condition=models.Q(("what", "provider_changed")),
                fields=["appointment", "at"],
                name="change_of_provider",
            ),
        ),
        migrations.RunPython(keep, go_back),
    ]
