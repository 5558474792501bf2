from django.db import migrations, models

# Back to one event for each digest: those that are not the first with their body get a digest of their own.
TELL_APART = """
    UPDATE webhooks_webhookevent
    SET digest = encode(sha256(convert_to(digest || '.' || occurrence, 'UTF8')), 'hex')
    WHERE occurrence > 0
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0005_help_texts"),
        ("webhooks", "0002_holding_under_faults"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhookevent",
            name="occurrence",
            field=models.PositiveIntegerField(
                default=0, help_text="How many events with the same address and body came before it."
            ),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="digest",
            field=models.CharField(help_text="SHA-256 of address and body, hex.", max_length=64),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, TELL_APART),
        migrations.AddConstraint(
            model_name="webhookevent",
            constraint=models.UniqueConstraint(fields=("digest", "occurrence"), name="webhook_event_once"),
        ),
    ]
