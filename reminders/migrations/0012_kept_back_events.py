"""Follow-ups about events that were kept back, also those of calls that we don't know."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def delete_follow_ups_of_no_call(apps, schema_editor):
    """On the way back: a follow-up without an appointment could not be kept."""
    apps.get_model("reminders", "FollowUp").objects.filter(appointment=None).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0004_unusable_codes"),
        ("reminders", "0011_never_reaching_back"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="callrecord",
            name="key_pressed",
            field=models.CharField(
                blank=True, help_text="The last of these keys with a meaning, else the last.", max_length=8
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="appointment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="follow_ups",
                to="contacts.appointment",
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="contact",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="follow_ups",
                to="contacts.contact",
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="detail",
            field=models.CharField(
                blank=True,
                help_text="Robotalker's own message, the key that was pressed, or the text.",
                max_length=300,
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
                    ("may_want_to_cancel", "may want to cancel"),
                    ("doubtful_opt_out", "may have opted out"),
                    ("missed", "reminder was missed"),
                    ("other_provider", "told another provider's name"),
                    ("nothing_follows", "no answer, and nothing more goes out"),
                    ("event_kept_back", "message from Robotalker to check"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="resolution",
            field=models.CharField(
                blank=True,
                choices=[
                    ("done", "Done."),
                    ("called_again", "They were called again."),
                    ("not_called_again", "They were not called again."),
                    ("overtaken", "Robotalker reported after all."),
                    ("answered", "They answered after all."),
                    ("new_try", "Another reminder goes out."),
                    ("moved", "The appointment or its number changed; it has new reminders."),
                    ("cancelled", "The appointment was cancelled."),
                    ("visit_recorded", "The visit was recorded."),
                    ("said_better", "Another follow-up says it."),
                    ("applied", "The message from Robotalker has been read after all."),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("state", "resolved"), _negated=True), ("appointment__isnull", True)
                ),
                fields=("kind",),
                name="follow_up_open_once_of_no_call",
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("appointment__isnull", False), ("contact__isnull", False)),
                    models.Q(
                        ("appointment__isnull", True), ("contact__isnull", True), ("kind", "event_kept_back")
                    ),
                    _connector="OR",
                ),
                name="follow_up_about_a_patient",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, delete_follow_ups_of_no_call),
    ]
