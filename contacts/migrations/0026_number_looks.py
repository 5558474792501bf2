"""Who saw a number in full, to dial it, and on which day. Such rows are neither changed nor deleted."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEEP_LOOKS = """
CREATE FUNCTION callboard_keep_number_looks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('callboard.ledger_open', true), '') = 'on'
        OR TG_OP = 'TRUNCATE' AND coalesce(current_setting('callboard.ledger_may_be_emptied', true), '') = 'on'
    THEN
        RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW WHEN 'DELETE' THEN OLD END;
    END IF;
    RAISE EXCEPTION 'the list of looks at numbers is append-only: its rows are neither changed nor deleted';
END $$;
CREATE TRIGGER number_look_stays
BEFORE UPDATE OR DELETE ON contacts_numberlook
FOR EACH ROW EXECUTE FUNCTION callboard_keep_number_looks();
CREATE TRIGGER number_looks_stay
BEFORE TRUNCATE ON contacts_numberlook
FOR EACH STATEMENT EXECUTE FUNCTION callboard_keep_number_looks();
"""
LET_LOOKS_GO = """
DROP TRIGGER number_looks_stay ON contacts_numberlook;
DROP TRIGGER number_look_stays ON contacts_numberlook;
DROP FUNCTION callboard_keep_number_looks();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0025_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="phonenumber",
            options={
                "ordering": ["e164"],
                "permissions": [("dial_phonenumber", "Can see numbers in full, to dial them")],
            },
        ),
        migrations.CreateModel(
            name="NumberLook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(help_text="The day in UTC.")),
                ("at", models.DateTimeField(help_text="The first time on that day.")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "number",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="looks",
                        to="contacts.phonenumber",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("number", "by", "day"), name="number_look_once_a_day")
                ],
            },
        ),
        migrations.RunSQL(KEEP_LOOKS, LET_LOOKS_GO),
    ]
