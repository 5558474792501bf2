"""A “no” that was kept while its number was erased is no event: other systems were told when it was said.

What is in the outbox of such a “no” and was handed to no endpoint goes. Nothing else is deleted: whoever got
one keeps its record.
"""

from django.db import migrations

NOTE_OPT_OUTS = """
CREATE OR REPLACE FUNCTION callboard_note_contacts_consententry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhooks_outgoingevent (public_id, type, row_id, occurred_at)
    SELECT gen_random_uuid(), 'number.opted_out', id, at FROM added WHERE {condition}
    ORDER BY id ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
"""
DROP_KEPT = """
DELETE FROM webhooks_outgoingevent AS event
USING contacts_consententry AS entry
WHERE event.type = 'number.opted_out' AND event.row_id = entry.id AND entry.source = 'kept'
    AND NOT EXISTS (SELECT FROM webhooks_outgoingdelivery AS sent WHERE sent.event_id = event.id);
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0005_outgoing")]

    operations = [
        migrations.RunSQL(
            NOTE_OPT_OUTS.format(condition="what = 'opt_out' AND source <> 'kept'"),
            NOTE_OPT_OUTS.format(condition="what = 'opt_out'"),
        ),
        migrations.RunSQL(DROP_KEPT, migrations.RunSQL.noop),
    ]
