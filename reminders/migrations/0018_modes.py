"""The mode of an installation, on every call, and who paused something and why.

Nothing starts and nothing stops by this: an installation with a real address that has called somebody, or has
an active campaign, is live as before. A database with a demo clinic never is. Any other has no mode chosen,
which means sandbox at the sandbox's address, and trial at a real one.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import reminders.models.calls
from reminders.rules.sandbox_hosts import is_sandbox_address


def keep_live_what_is_live(apps, schema_editor):
    if is_sandbox_address(settings.ROBOTALKER_BASE_URL):
        return
    if apps.get_model("contacts", "Contact").objects.filter(is_demo=True).exists():
        return
    calls, campaigns = (apps.get_model("reminders", name).objects for name in ("CallRecord", "Campaign"))
    if calls.exists() or campaigns.filter(state="active").exists():
        switches = apps.get_model("reminders", "SendingSwitch").objects
        switches.update_or_create(pk=1, defaults={"mode": "live"})


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0011_modes"),
        ("reminders", "0017_scripts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="sendingswitch",
            options={
                "permissions": [("change_mode", "Can choose between sandbox, trial and live")],
                "verbose_name_plural": "sending switch",
            },
        ),
        migrations.AddField(
            model_name="callbatch",
            name="mode",
            field=models.CharField(
                blank=True,
                choices=[("sandbox", "sandbox"), ("trial", "trial"), ("live", "live")],
                db_default="",
                default="",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="callrecord",
            name="mode",
            field=models.CharField(
                blank=True,
                choices=[("sandbox", "sandbox"), ("trial", "trial"), ("live", "live")],
                db_default="",
                default="",
                help_text="The mode in which it was made; empty for tries from before modes were recorded.",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="campaign",
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
            model_name="campaign",
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
            model_name="sendingswitch",
            name="live_since",
            field=models.DateTimeField(
                blank=True, help_text="When it last went live: what was due before is not sent.", null=True
            ),
        ),
        migrations.AddField(
            model_name="sendingswitch",
            name="mode",
            field=models.CharField(
                blank=True,
                choices=[("sandbox", "sandbox"), ("trial", "trial"), ("live", "live")],
                db_default="",
                default="",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="sendingswitch",
            name="mode_at",
            field=models.DateTimeField(blank=True, help_text="When the mode was chosen.", null=True),
        ),
        migrations.AddField(
            model_name="sendingswitch",
            name="mode_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="sendingswitch",
            name="pause_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="In the words of whoever paused it.",
                max_length=200,
            ),
        ),
        migrations.AddConstraint(
            model_name="sendingswitch",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["", "sandbox", "trial", "live"])), name="sending_mode_known"
            ),
        ),
        migrations.CreateModel(
            name="LiveCheck",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("passed", models.BooleanField()),
                ("detail", models.CharField(blank=True, max_length=300)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="TestCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.CharField(
                        default=reminders.models.calls.make_public_id,
                        editable=False,
                        max_length=24,
                        unique=True,
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[("test", "test"), ("code", "code that verifies a number")],
                        default="test",
                        max_length=4,
                    ),
                ),
                (
                    "channel",
                    models.CharField(choices=[("voice", "call"), ("sms", "text message")], max_length=5),
                ),
                (
                    "in_batch",
                    models.BooleanField(
                        default=False,
                        help_text="Sent as a campaign, or as a batch of texts, with one recipient.",
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("sandbox", "sandbox"), ("trial", "trial"), ("live", "live")], max_length=7
                    ),
                ),
                ("from_number", models.CharField(max_length=16)),
                ("voice", models.CharField(blank=True, max_length=60)),
                ("message", models.TextField(help_text="As it is sent, with its variables.")),
                ("variables", models.JSONField(default=dict)),
                ("text", models.TextField(help_text="Exactly what is said.")),
                ("code_hash", models.CharField(blank=True, editable=False, max_length=200)),
                (
                    "code_tries",
                    models.PositiveSmallIntegerField(default=0, help_text="How often a code was entered."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "about to go out"),
                            ("submitting", "being sent"),
                            ("submitted", "accepted by Robotalker"),
                            ("answered", "answered"),
                            ("voicemail", "reached a voicemail"),
                            ("no_answer", "not answered"),
                            ("delivered", "delivered"),
                            ("failed", "failed"),
                            ("unknown", "not known whether it was sent"),
                            ("dropped", "not sent"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        help_text="Why it is in its state; reminders/rules/reasons.py.",
                        max_length=40,
                    ),
                ),
                (
                    "detail",
                    models.CharField(
                        blank=True, help_text="Robotalker's own message about it.", max_length=200
                    ),
                ),
                ("robotalker_id", models.CharField(blank=True, max_length=100)),
                (
                    "keys",
                    models.JSONField(default=list, help_text="[[ISO time, key], …] as they were reported."),
                ),
                ("amd_result", models.CharField(blank=True, max_length=20)),
                (
                    "exchange",
                    models.JSONField(
                        default=list,
                        help_text="[{at, what, body}, …]: the request, the answer and the events, as sent.",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("submitting_at", models.DateTimeField(blank=True, null=True)),
                ("submitted_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="test_calls",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="test_calls",
                        to="contacts.location",
                    ),
                ),
                (
                    "number",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="test_calls",
                        to="contacts.phonenumber",
                    ),
                ),
                (
                    "script_text",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="test_calls",
                        to="reminders.scripttext",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="AssumptionTrial",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("assumption", models.CharField(db_index=True, max_length=40)),
                (
                    "result",
                    models.CharField(
                        choices=[("as_assumed", "as assumed"), ("otherwise", "otherwise")], max_length=10
                    ),
                ),
                ("seen", models.CharField(blank=True, help_text="What was seen, in words.", max_length=500)),
                ("exchange", models.JSONField(default=list, help_text="The raw exchange with Robotalker.")),
                ("is_real", models.BooleanField(help_text="On the real account, and not in the sandbox.")),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "test_call",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="trials",
                        to="reminders.testcall",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddIndex(
            model_name="testcall",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "submitting"])),
                fields=["id"],
                name="test_call_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="testcall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "waiting",
                            "submitting",
                            "submitted",
                            "answered",
                            "voicemail",
                            "no_answer",
                            "delivered",
                            "failed",
                            "unknown",
                            "dropped",
                        ],
                    )
                ),
                name="test_call_state_known",
            ),
        ),
        migrations.RunPython(keep_live_what_is_live, migrations.RunPython.noop),
    ]
