"""Events that need a person are counted each time a monitor asks, among millions that need nobody."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently keeps nobody waiting
    dependencies = [("webhooks", "0009_retention")]

    operations = [
        AddIndexConcurrently(
            model_name="webhookevent",
            index=models.Index(
                condition=models.Q(("state", "quarantined")),
                fields=["id"],
                name="webhook_event_quarantined",
            ),
        ),
    ]
