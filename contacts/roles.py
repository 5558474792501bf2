"""The four roles, as Django groups, and the permissions each has in the admin.

The front desk's own pages need only a login; these permissions control who can view and change what in
the admin. They are looked up by code name, so that `contacts` doesn't import the other apps.
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

FRONT_DESK = "Front desk"
MANAGER = "Manager"
AUDITOR = "Auditor"
ADMIN = "Admin"

APPS = ("contacts", "reminders", "webhooks")
PATIENT_MODELS = ("contacts.contact", "contacts.appointment", "contacts.phonenumber")
# What a manager sets up. The rest of the admin is a record of what happened, which nobody can change.
MANAGED_MODELS = (
    "contacts.location",
    "contacts.provider",
    "contacts.closedday",
    "reminders.campaign",
    "reminders.step",
    "reminders.script",
    "reminders.scripttext",
)


def ensure_roles() -> None:
    """Create missing groups and grant each its permissions; permissions a group has besides are kept."""
    view_all = Q(content_type__app_label__in=APPS, codename__startswith="view_")
    _grant(FRONT_DESK, _permissions(["view", "add", "change"], PATIENT_MODELS))
    _grant(
        MANAGER,
        view_all
        | _permissions(["add", "change", "delete"], MANAGED_MODELS)
        | _permissions(["add", "change"], PATIENT_MODELS)
        | _permissions(["change"], ["reminders.sendingswitch"]),
    )
    _grant(AUDITOR, view_all)
    _grant(ADMIN, Q(content_type__app_label__in=[*APPS, "auth"]))


def _permissions(actions: Iterable[str], models: Iterable[str]) -> Q:
    wanted = Q(pk__in=[])
    for label in models:
        app, model = label.split(".")
        codenames = [f"{action}_{model}" for action in actions]
        wanted |= Q(content_type__app_label=app, codename__in=codenames)
    return wanted


def _grant(role: str, wanted: Q) -> None:
    group, _ = Group.objects.get_or_create(name=role)
    group.permissions.add(*Permission.objects.filter(wanted))
