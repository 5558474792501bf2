"""The changes of one day, for the counts of reports."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently keeps nobody waiting
    dependencies = [("contacts", "0027_opening_hours")]

    operations = [
        AddIndexConcurrently(
            model_name="appointmentchange",
            index=BrinIndex(autosummarize=True, fields=["at"], name="change_by_time"),
        ),
    ]
