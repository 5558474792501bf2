"""The four roles, as Django groups, and the permissions of each: on every page, and in the admin.

The table is MAY; docs/operations.md says it in words. Each page asks for one of these permissions. They are
looked up by code name, so that `contacts` doesn't import the other apps.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from itertools import product

from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q
from django.utils.translation import gettext_noop

FRONT_DESK = gettext_noop("Front desk")
MANAGER = gettext_noop("Manager")
AUDITOR = gettext_noop("Auditor")
ADMIN = gettext_noop("Admin")

APPS = ("contacts", "reminders", "webhooks")
PATIENT_MODELS = ("contacts.contact", "contacts.appointment", "contacts.phonenumber")
# What a manager sets up. The rest of the admin is a record of what happened, which nobody can change.
MANAGED_MODELS = (
    "contacts.location",
    "contacts.provider",
    "contacts.closedday",
    "contacts.openinghours",
    "contacts.watchedcalendar",
    "reminders.campaign",
    "reminders.step",
    "reminders.script",
    "reminders.scripttext",
    "reminders.pronunciation",
    "reminders.texttemplate",
)


def _name_permissions(actions: Iterable[str], models: Iterable[str]) -> frozenset[str]:
    pairs = product(actions, (label.split(".") for label in models))
    return frozenset(f"{app}.{action}_{model}" for action, (app, model) in pairs)


# Everything about one call, with the number in full; each look is recorded.
_EVIDENCE = {"reminders.read_evidence"}
# Numbers in full, as links that dial; each look is recorded (contacts/number_looks.py).
_DIALLING = {"contacts.dial_phonenumber"}
# To forget a person, and to hand out everything that is known of one; each is recorded.
_ABOUT_A_PERSON = {"contacts.erase_contact", "contacts.export_contact"}
# Pausing all sending, and resuming, also after a restore.
_SENDING = {"reminders.change_sendingswitch"}
_VIEW_ALL = frozenset(f"{app}.view_*" for app in APPS)
_VIEW_USERS = {"auth.view_user", "auth.view_group"}
# The work of every day: patients, appointments, imports, the worklist, texts, and test calls to one's own
# number.
_DAILY_WORK = (
    _name_permissions(["view", "add", "change"], PATIENT_MODELS)
    | _name_permissions(["view", "add"], ["contacts.importbatch"])
    | _name_permissions(["view", "change"], ["reminders.followup"])
    | _name_permissions(["view", "add"], ["reminders.testcall", "reminders.stafftext"])
    | _name_permissions(["view"], ["reminders.receivedtext", "reminders.texttemplate"])
    | _name_permissions(["view"], ["reminders.sendingswitch"])
    | _DIALLING
)
# By role, patterns of permissions: "app.codename".
MAY: dict[str, frozenset[str]] = {
    FRONT_DESK: _DAILY_WORK,
    MANAGER: (
        _DAILY_WORK
        | _VIEW_ALL
        | _EVIDENCE
        | _ABOUT_A_PERSON
        | _SENDING
        | _name_permissions(["delete"], ["contacts.importbatch"])  # to undo one
        | _name_permissions(["add", "change"], ["reminders.evidencehold"])  # to keep a call for a dispute
        | _name_permissions(["add", "change", "delete"], MANAGED_MODELS)
    ),
    AUDITOR: _VIEW_ALL | _EVIDENCE | _VIEW_USERS,
    # Nobody deletes users, and only a superuser changes groups: whoever could would have every permission.
    ADMIN: frozenset(f"{app}.*" for app in APPS) | _VIEW_USERS | {"auth.add_user", "auth.change_user"},
}


@cache
def list_permissions(role: str) -> frozenset[str]:
    """The permissions of a role, as "app.codename", by the models as they are; "" and unknown ones: none."""
    patterns = MAY.get(role, frozenset())
    return frozenset(name for name in _list_all() if any(fnmatchcase(name, pattern) for pattern in patterns))


@cache
def list_managing() -> frozenset[str]:
    """What managers and admins may do and no other role, as "app.codename"."""
    others = list_permissions(FRONT_DESK) | list_permissions(AUDITOR)
    return (list_permissions(MANAGER) | list_permissions(ADMIN)) - others


def _list_all() -> set[str]:
    found = set()
    for model in apps.get_models():
        options = model._meta
        own = [codename for codename, _words in options.permissions]
        standard = [f"{action}_{options.model_name}" for action in options.default_permissions]
        found |= {f"{options.app_label}.{codename}" for codename in (*own, *standard)}
    return found


def ensure_roles() -> None:
    """Create missing groups and grant each its permissions; permissions a group has besides are kept."""
    by_name = {
        f"{app}.{codename}": pk
        for pk, app, codename in Permission.objects.values_list("pk", "content_type__app_label", "codename")
    }
    for role in MAY:
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.add(*(by_name[name] for name in list_permissions(role) if name in by_name))


def find_groups_to_give(giver: User) -> list[Group]:
    """The groups that somebody may give to a user: those that can do nothing that they can't do."""
    groups = Group.objects.order_by("name")
    if giver.is_superuser:
        return list(groups)
    own = giver.get_all_permissions()
    with_permissions = groups.prefetch_related("permissions__content_type")
    return [group for group in with_permissions if _name_all(group.permissions.all()) <= own]


def may_manage(manager: User, user: User) -> bool:
    """Whether `manager`, who may change users, may change this one: their name, e-mail, password or roles.

    Not somebody who can do more than they can themselves, since they could act as them; nor, for anybody, the
    user who stands for an API token.
    """
    if hasattr(user, "api_token"):
        return False
    if manager.is_superuser:
        return True
    # not user.get_all_permissions(): that is empty for somebody who is deactivated, and may be activated
    has = Permission.objects.filter(Q(user=user) | Q(group__user=user)).select_related("content_type")
    return not user.is_superuser and _name_all(has) <= manager.get_all_permissions()


def _name_all(permissions: Iterable[Permission]) -> set[str]:
    return {f"{one.content_type.app_label}.{one.codename}" for one in permissions}
