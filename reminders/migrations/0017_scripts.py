"""Drafts and published versions of scripts, their approval, what is never changed, and pronunciations.

Every text that is there has been in use, so it is published. On the way back drafts are deleted, since there
every text counts as in use.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Lower

# A published text is what patients were told. It is only ever followed by another version.
MAKE_TRIGGER = """
CREATE FUNCTION callboard_keep_published_script_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published text of a script is never changed; add a version'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'script_text_published_stays';
END $$;
CREATE TRIGGER script_text_published_stays
    BEFORE UPDATE OF script_id, language, version, voice, text, state ON reminders_scripttext
    FOR EACH ROW
    WHEN (
        OLD.state = 'published'
        AND (OLD.script_id, OLD.language, OLD.version, OLD.voice, OLD.text, OLD.state)
            IS DISTINCT FROM (NEW.script_id, NEW.language, NEW.version, NEW.voice, NEW.text, NEW.state)
    )
    EXECUTE FUNCTION callboard_keep_published_script_text();
"""
DROP_TRIGGER = """
DROP TRIGGER script_text_published_stays ON reminders_scripttext;
DROP FUNCTION callboard_keep_published_script_text();
"""
# Only sent as text messages: written for them.
FIND_TEXT_SCRIPTS = """
UPDATE reminders_script SET channel = 'sms'
WHERE EXISTS (
    SELECT FROM reminders_step step
    WHERE (step.script_id = reminders_script.id AND step.channel = 'sms')
        OR step.text_script_id = reminders_script.id OR step.fallback_script_id = reminders_script.id
) AND NOT EXISTS (
    SELECT FROM reminders_step step
    WHERE step.script_id = reminders_script.id AND step.channel <> 'sms'
);
"""
DELETE_DRAFTS = """
DELETE FROM reminders_scripttext WHERE state = 'draft';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


def person() -> models.ForeignKey:
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


def state(in_new_rows: str) -> models.CharField:
    return models.CharField(
        choices=[("draft", "draft"), ("published", "published")],
        db_default=in_new_rows,
        default=in_new_rows,
        max_length=9,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0016_after_booking"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Pronunciation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("written", models.CharField(max_length=40)),
                ("spoken", models.CharField(max_length=80)),
                ("language", models.CharField(help_text="ISO 639-1.", max_length=8)),
            ],
            options={
                "ordering": ["written", "language"],
                "constraints": [
                    models.UniqueConstraint(
                        Lower("written"),
                        F("language"),
                        name="pronunciation_once",
                        violation_error_message=(
                            "This abbreviation is in the list already. Remove it there first."
                        ),
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="callrecord",
            name="missing_language",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="The patient's language, if the script had no text in it and another was used.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="script",
            name="channel",
            field=models.CharField(
                choices=[("voice", "call"), ("sms", "text message")],
                db_default="voice",
                default="voice",
                max_length=5,
            ),
        ),
        migrations.RunSQL(FIND_TEXT_SCRIPTS, migrations.RunSQL.noop),
        migrations.AddField("scripttext", "written_by", person()),
        migrations.AddField("scripttext", "written_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("scripttext", "published_by", person()),
        migrations.AddField(
            "scripttext",
            "published_at",
            models.DateTimeField(
                blank=True, help_text="Empty: published before publishing was recorded.", null=True
            ),
        ),
        migrations.AddField("scripttext", "approved_by", person()),
        migrations.AddField("scripttext", "approved_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "scripttext",
            "approved_warnings",
            models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                help_text="The warnings that a second person has read.",
            ),
        ),
        migrations.AddField("scripttext", "state", state("published")),  # of the rows that are there
        migrations.AlterField("scripttext", "state", state("draft")),
        migrations.AddConstraint(
            "scripttext",
            models.UniqueConstraint(
                fields=["script", "language"], condition=Q(state="draft"), name="script_text_one_draft"
            ),
        ),
        migrations.AddConstraint(
            "scripttext",
            models.CheckConstraint(
                condition=Q(state__in=["draft", "published"]), name="script_text_state_known"
            ),
        ),
        migrations.RunSQL(MAKE_TRIGGER, DROP_TRIGGER),
        migrations.RunSQL(migrations.RunSQL.noop, DELETE_DRAFTS),
    ]
