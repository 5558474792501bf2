"""What somebody did about a follow-up is neither changed nor deleted, but by an erasure and by retention."""

from django.db import migrations

KEEP_DEEDS = """
CREATE FUNCTION callboard_keep_deeds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('callboard.ledger_open', true), '') = 'on'
        OR TG_OP = 'TRUNCATE' AND coalesce(current_setting('callboard.ledger_may_be_emptied', true), '') = 'on'
    THEN
        RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW WHEN 'DELETE' THEN OLD END;
    END IF;
    RAISE EXCEPTION 'what was done about follow-ups is append-only: its rows are neither changed nor deleted';
END $$;
CREATE TRIGGER follow_up_deed_stays
BEFORE UPDATE OR DELETE ON reminders_followupdeed
FOR EACH ROW EXECUTE FUNCTION callboard_keep_deeds();
CREATE TRIGGER follow_up_deeds_stay
BEFORE TRUNCATE ON reminders_followupdeed
FOR EACH STATEMENT EXECUTE FUNCTION callboard_keep_deeds();
"""
LET_DEEDS_GO = """
DROP TRIGGER follow_up_deeds_stay ON reminders_followupdeed;
DROP TRIGGER follow_up_deed_stays ON reminders_followupdeed;
DROP FUNCTION callboard_keep_deeds();
"""


class Migration(migrations.Migration):
    dependencies = [("reminders", "0032_failed_rounds")]

    operations = [migrations.RunSQL(KEEP_DEEDS, LET_DEEDS_GO)]
