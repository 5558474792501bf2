"""When a line of the consent ledger was written, beside when the “no” was said: whoever copies the opt-outs asks
for what is new since they asked last. Of the lines of before it isn't known.
"""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("contacts", "0033_memories_by_id")]

    operations = [
        migrations.AddField(
            model_name="consententry",
            name="recorded_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="consententry",
            name="recorded_at",
            field=models.DateTimeField(db_default=Now(), editable=False, null=True),
        ),
    ]
