"""Events that can't be applied can be dismissed by a person, with a reason that stays."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEEP_DISMISSALS = """
CREATE FUNCTION callboard_keep_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('callboard.ledger_open', true), '') = 'on'
        OR TG_OP = 'TRUNCATE' AND coalesce(current_setting('callboard.ledger_may_be_emptied', true), '') = 'on'
    THEN
        RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW WHEN 'DELETE' THEN OLD END;
    END IF;
    RAISE EXCEPTION '% is append-only: its rows are neither changed nor deleted', TG_TABLE_NAME;
END $$;
CREATE TRIGGER event_dismissal_stays
BEFORE UPDATE OR DELETE ON webhooks_eventdismissal
FOR EACH ROW EXECUTE FUNCTION callboard_keep_rows();
CREATE TRIGGER event_dismissals_stay
BEFORE TRUNCATE ON webhooks_eventdismissal
FOR EACH STATEMENT EXECUTE FUNCTION callboard_keep_rows();
"""
LET_DISMISSALS_GO = """
DROP TRIGGER event_dismissals_stay ON webhooks_eventdismissal;
DROP TRIGGER event_dismissal_stays ON webhooks_eventdismissal;
DROP FUNCTION callboard_keep_rows();
"""
# An older release doesn't know the state: to it they wait for a person again.
BRING_BACK = """
UPDATE webhooks_webhookevent SET state = 'quarantined' WHERE state = 'dismissed';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0006_kept_and_retention"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, BRING_BACK),
        migrations.AlterField(
            model_name="webhookevent",
            name="state",
            field=models.CharField(
                choices=[
                    ("stored", "stored, to be applied"),
                    ("unverified", "to be confirmed by Robotalker before it counts"),
                    ("applied", "applied"),
                    ("failed", "could not be applied yet"),
                    ("quarantined", "kept, doesn't fit its call"),
                    ("dismissed", "dismissed by a person, with a reason"),
                ],
                default="stored",
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="EventDismissal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dismissals",
                        to="webhooks.webhookevent",
                    ),
                ),
            ],
            options={"ordering": ["-at", "-id"]},
        ),
        migrations.RunSQL(KEEP_DISMISSALS, LET_DISMISSALS_GO),
    ]
