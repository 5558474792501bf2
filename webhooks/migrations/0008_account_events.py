"""An index by which the events of the account's address are counted."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("webhooks", "0007_dismissals")]
    operations = [
        AddIndexConcurrently(
            "webhookevent",
            models.Index(
                fields=["received_at"],
                condition=Q(call__isnull=True, batch__isnull=True),
                name="webhook_event_of_account",
            ),
        ),
    ]
