"""The calls of a trial are counted at each decision, among all calls that there ever were."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently keeps nobody waiting
    dependencies = [("reminders", "0033_deeds_stay")]

    operations = [
        AddIndexConcurrently(
            model_name="callrecord",
            index=models.Index(
                condition=models.Q(("mode", "trial")), fields=["submitting_at"], name="call_on_trial"
            ),
        ),
    ]
