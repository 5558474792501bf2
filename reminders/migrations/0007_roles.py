"""Pages ask for permissions from now on: everybody who could use them without a role becomes front desk.

Until now a login was enough for the pages, and roles counted in the admin only. `setup_practice` gives the
roles all their permissions (contacts/roles.py); those that the pages need are given here, so that nobody is
locked out before it has run. A new database has no users and no permissions yet: nothing happens.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ROLES = ("Front desk", "Manager", "Auditor", "Admin")
DAILY_WORK = {
    "contacts": [
        *(
            f"{action}_{model}"
            for action in ("view", "add", "change")
            for model in ("contact", "appointment")
        ),
        "view_importbatch",
        "add_importbatch",
    ],
    "reminders": ["view_followup", "change_followup", "view_sendingswitch", "change_sendingswitch"],
}


def give_roles(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    users = apps.get_model("auth", "User").objects.filter(is_superuser=False).exclude(groups__name__in=ROLES)
    groups = apps.get_model("auth", "Group").objects
    if users.exists():
        groups.get_or_create(name="Front desk")[0].user_set.add(*users)
    permissions = apps.get_model("auth", "Permission").objects
    for app, codenames in DAILY_WORK.items():
        found = permissions.filter(content_type__app_label=app, codename__in=codenames)
        for group in groups.filter(name__in=["Front desk", "Manager"]):
            group.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contacts", "0004_unusable_codes"),
        ("reminders", "0006_batches"),
    ]

    operations = [migrations.RunPython(give_roles, migrations.RunPython.noop)]  # roles given are kept
