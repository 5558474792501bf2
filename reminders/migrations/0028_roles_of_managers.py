"""What roles may do no more: the front desk pauses all sending, an admin changes groups and deletes users.

`setup_practice` adds what a role lacks and takes nothing away, so it is taken away here. A new database has no
groups yet: nothing happens.
"""

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TAKEN = {
    "Front desk": ("reminders", ["change_sendingswitch"]),
    "Admin": (
        "auth",
        [
            "delete_user",
            *(
                f"{action}_{model}"
                for action in ("add", "change", "delete")
                for model in ("group", "permission")
            ),
        ],
    ),
}


def take_permissions(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    permissions = apps.get_model("auth", "Permission").objects
    for role, (app, codenames) in TAKEN.items():
        taken = permissions.filter(content_type__app_label=app, codename__in=codenames)
        for group in apps.get_model("auth", "Group").objects.filter(name=role):
            group.permissions.remove(*taken)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("reminders", "0027_worklist_deeds"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="campaign",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="paused_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="scripttext",
            name="approved_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="scripttext",
            name="published_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="scripttext",
            name="written_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(
            take_permissions, migrations.RunPython.noop
        ),  # setup_practice gives roles theirs
    ]
