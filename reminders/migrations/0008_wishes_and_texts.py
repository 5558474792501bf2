"""Steps that go as the patient prefers, with a script for texts, and a new kind of follow-up."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def keep(_apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Steps keep their channel."""


def go_back(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Steps that went as the patient prefers become calls."""
    apps.get_model("reminders", "Step").objects.filter(channel="preferred").update(channel="voice")
    apps.get_model("reminders", "FollowUp").objects.filter(kind="other_provider").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0006_wishes_and_providers"),
        ("reminders", "0007_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="step",
            name="text_script",
            field=models.ForeignKey(
                blank=True,
                help_text="For “as the patient prefers”: what patients get who prefer a text message.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="text_steps",
                to="reminders.script",
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="kind",
            field=models.CharField(
                choices=[
                    ("wants_another_time", "wants another time"),
                    ("could_not_reach", "could not be reached"),
                    ("unknown_outcome", "may or may not have been called"),
                    ("wrong_number", "number can't be used"),
                    ("late_answer", "answered for an old time"),
                    ("unclear_answer", "answer not understood"),
                    ("missed", "reminder was missed"),
                    ("other_provider", "told another provider's name"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="channel",
            field=models.CharField(
                choices=[("voice", "call"), ("sms", "text message"), ("preferred", "as the patient prefers")],
                default="voice",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="reminder",
            index=models.Index(
                condition=models.Q(
                    ("reason__in", ("wants_no_reminders", "wants_no_calls", "wants_no_texts")),
                    ("state", "skipped"),
                ),
                fields=["not_after"],
                name="reminder_not_wanted",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("channel__in", ["voice", "sms"]),
                    models.Q(("channel", "preferred"), ("text_script__isnull", False)),
                    _connector="OR",
                ),
                name="step_has_a_text_for_those_who_prefer_it",
            ),
        ),
        migrations.RunPython(keep, go_back),
    ]
