"""The four roles, as Django groups, and what each may do in the admin.

The front desk's own pages ask for a login only; these permissions say who may see and change what in the
admin. They are named by their codes, so that this room needs to import no other.
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

FRONT_DESK = "Front desk"
MANAGER = "Manager"
AUDITOR = "Auditor"
ADMIN = "Admin"

APPS = ("contacts", "reminders", "webhooks")
BOOK = ("contacts.contact", "contacts.appointment", "contacts.phonenumber")
# What a manager arranges; the rest of the admin is history, changed by nobody.
ARRANGED = (
    "contacts.location",
    "contacts.provider",
    "contacts.closedday",
    "reminders.campaign",
    "reminders.step",
    "reminders.script",
    "reminders.scripttext",
)


def ensure_roles() -> None:
    """Make the groups that are missing, and give each its permissions; more that a group has are kept."""
    view_all = Q(content_type__app_label__in=APPS, codename__startswith="view_")
    _grant(FRONT_DESK, _permissions(["view", "add", "change"], BOOK))
    _grant(
        MANAGER,
        view_all
        | _permissions(["add", "change", "delete"], ARRANGED)
        | _permissions(["add", "change"], BOOK)
        | _permissions(["change"], ["reminders.sendingswitch"]),
    )
    _grant(AUDITOR, view_all)
    _grant(ADMIN, Q(content_type__app_label__in=[*APPS, "auth"]))


def _permissions(deeds: Iterable[str], models: Iterable[str]) -> Q:
    wanted = Q(pk__in=[])
    for label in models:
        app, model = label.split(".")
        codenames = [f"{deed}_{model}" for deed in deeds]
        wanted |= Q(content_type__app_label=app, codename__in=codenames)
    return wanted


def _grant(role: str, wanted: Q) -> None:
    group, _ = Group.objects.get_or_create(name=role)
    group.permissions.add(*Permission.objects.filter(wanted))
