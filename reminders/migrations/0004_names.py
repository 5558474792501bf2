"""The table and the codes by the names the code now has: a database's identity, and Robotalker by its name."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CAUSES = ("provider_failing", "robotalker_failing")
REASONS = ("provider_trouble", "robotalker_trouble")


def rename_codes(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    _replace(apps, CAUSES, REASONS)


def restore_codes(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    _replace(apps, CAUSES[::-1], REASONS[::-1])


def _replace(apps: Apps, causes: tuple[str, str], reasons: tuple[str, str]) -> None:
    apps.get_model("reminders", "SendingSwitch").objects.filter(cause=causes[0]).update(cause=causes[1])
    for model in ("Reminder", "FollowUp"):
        rows = apps.get_model("reminders", model).objects.filter(reason=reasons[0])
        rows.update(reason=reasons[1])


class Migration(migrations.Migration):
    dependencies = [("reminders", "0003_codes")]

    operations = [
        migrations.RemoveConstraint(model_name="epoch", name="epoch_is_one"),
        migrations.RenameModel(old_name="Epoch", new_name="DatabaseIdentity"),
        migrations.AlterModelOptions(
            name="databaseidentity", options={"verbose_name_plural": "database identity"}
        ),
        migrations.AddConstraint(
            model_name="databaseidentity",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="database_identity_is_one"),
        ),
        migrations.AlterField(
            model_name="sendingswitch",
            name="cause",
            field=models.CharField(
                blank=True,
                choices=[
                    ("person", "a person paused it"),
                    ("key_refused", "Robotalker refused the API key"),
                    ("robotalker_failing", "Robotalker fails again and again"),
                    ("restored", "the database was restored or moved"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunPython(rename_codes, restore_codes),
    ]
