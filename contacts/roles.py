"""The four roles, as Django groups, and the permissions of each: on every page, and in the admin.

The table is MAY; docs/operations.md says it in words. Each page asks for one of these permissions. They are
looked up by code name, so that `contacts` doesn't import the other apps.
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
    "contacts.openinghours",
    "contacts.watchedcalendar",
    "reminders.campaign",
    "reminders.step",
    "reminders.script",
    "reminders.scripttext",
    "reminders.pronunciation",
    "reminders.texttemplate",
)


def _permissions(actions: Iterable[str], models: Iterable[str]) -> Q:
    wanted = Q(pk__in=[])
    for label in models:
        app, model = label.split(".")
        codenames = [f"{action}_{model}" for action in actions]
        wanted |= Q(content_type__app_label=app, codename__in=codenames)
    return wanted


# Everything about one call, with the number in full; each look is recorded.
_EVIDENCE = Q(content_type__app_label="reminders", codename="read_evidence")
# Numbers in full, as links that dial; each look is recorded (contacts/number_looks.py).
_DIALLING = Q(content_type__app_label="contacts", codename="dial_phonenumber")
# To forget a person, and to hand out everything that is known of one; each is recorded.
_ABOUT_A_PERSON = Q(content_type__app_label="contacts", codename__in=["erase_contact", "export_contact"])
_VIEW_ALL = Q(content_type__app_label__in=APPS, codename__startswith="view_")
# The work of every day: patients, appointments, imports, the worklist, texts, pausing all sending, and test
# calls to one's own number.
_DAILY_WORK = (
    _permissions(["view", "add", "change"], PATIENT_MODELS)
    | _permissions(["view", "add"], ["contacts.importbatch"])
    | _permissions(["view", "change"], ["reminders.followup", "reminders.sendingswitch"])
    | _permissions(["view", "add"], ["reminders.testcall", "reminders.stafftext"])
    | _permissions(["view"], ["reminders.receivedtext", "reminders.texttemplate"])
    | _DIALLING
)
MAY: dict[str, Q] = {
    FRONT_DESK: _DAILY_WORK,
    MANAGER: (
        _DAILY_WORK
        | _VIEW_ALL
        | _EVIDENCE
        | _ABOUT_A_PERSON
        | _permissions(["delete"], ["contacts.importbatch"])  # to undo one
        | _permissions(["add", "change"], ["reminders.evidencehold"])  # to keep a call for a dispute
        | _permissions(["add", "change", "delete"], MANAGED_MODELS)
    ),
    AUDITOR: _VIEW_ALL | _EVIDENCE,
    ADMIN: Q(content_type__app_label__in=[*APPS, "auth"]),
}


def ensure_roles() -> None:
    """Create missing groups and grant each its permissions; permissions a group has besides are kept."""
    for role, wanted in MAY.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.add(*Permission.objects.filter(wanted))
