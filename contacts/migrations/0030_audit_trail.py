"""The audit trail, whose entries are neither changed nor deleted, and users, who are deactivated instead."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEEP_TRAIL = """
CREATE FUNCTION callboard_keep_audit_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('callboard.ledger_open', true), '') = 'on'
        OR TG_OP = 'TRUNCATE' AND coalesce(current_setting('callboard.ledger_may_be_emptied', true), '') = 'on'
    THEN
        RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW WHEN 'DELETE' THEN OLD END;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only: its entries are neither changed nor deleted';
END $$;
CREATE TRIGGER audit_entry_stays
BEFORE UPDATE OR DELETE ON contacts_auditentry
FOR EACH ROW EXECUTE FUNCTION callboard_keep_audit_trail();
CREATE TRIGGER audit_trail_stays
BEFORE TRUNCATE ON contacts_auditentry
FOR EACH STATEMENT EXECUTE FUNCTION callboard_keep_audit_trail();

CREATE FUNCTION callboard_keep_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('callboard.ledger_open', true), '') = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'users are deactivated and never deleted: what they did has to keep its name';
END $$;
CREATE TRIGGER user_stays
BEFORE DELETE ON auth_user
FOR EACH ROW EXECUTE FUNCTION callboard_keep_users();
"""
LET_TRAIL_GO = """
DROP TRIGGER user_stays ON auth_user;
DROP FUNCTION callboard_keep_users();
DROP TRIGGER audit_trail_stays ON contacts_auditentry;
DROP TRIGGER audit_entry_stays ON contacts_auditentry;
DROP FUNCTION callboard_keep_audit_trail();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0029_worklist_words"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="location",
            name="paused_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="phonenumber",
            name="verified_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="verified_numbers",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(help_text="By the database's clock.")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("deed", "did something"),
                            ("look", "looked at something"),
                            ("sign_in", "logged in or out"),
                        ],
                        max_length=8,
                    ),
                ),
                ("what", models.CharField(max_length=80)),
                (
                    "by_name",
                    models.CharField(blank=True, help_text="The user name at that time.", max_length=150),
                ),
                (
                    "address",
                    models.CharField(blank=True, help_text="Where the request came from.", max_length=45),
                ),
                (
                    "about",
                    models.CharField(
                        blank=True, help_text="The kind of thing it was done to.", max_length=60
                    ),
                ),
                ("about_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "contact_key",
                    models.BigIntegerField(blank=True, help_text="The contact whom it concerns.", null=True),
                ),
                ("changes", models.JSONField(blank=True, default=dict)),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="Why, in the words of whoever did it.", max_length=300
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("contact_key__isnull", False)),
                        fields=["contact_key", "id"],
                        name="audit_of_contact",
                    ),
                    models.Index(fields=["by", "id"], name="audit_of_person"),
                    models.Index(fields=["at"], name="audit_by_time"),
                ],
            },
        ),
        migrations.RunSQL(KEEP_TRAIL, LET_TRAIL_GO),
    ]
