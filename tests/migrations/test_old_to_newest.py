"""A database of an early release goes forward to the newest with its logins, visits and scripts.

All in one test, because the way from there to the newest release takes longest of all.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps.registry import Apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from contacts.models import Appointment
from contacts.roles import AUDITOR, FRONT_DESK, MANAGER
from reminders.models import Script, ScriptText
from reminders.planning.shifts import rederive_times
from tests.migrations.stages import BEFORE_SCRIPTS, BEFORE_WALL_TIMES, Targets, bring_up_to_date, migrate
from tests.migrations.test_wall_times import book

DELETE_DRAFTS = import_module("reminders.migrations.0017_scripts").DELETE_DRAFTS
CHANNELS = {"call": "voice", "text": "sms", "both": "voice", "unused": "voice"}


def test_an_early_database_goes_forward_to_the_newest_release(
    go_back_to: Callable[[Targets], Apps], old_machine: Path
) -> None:
    early: Any = go_back_to(BEFORE_WALL_TIMES)
    without = [make_member("rosa"), make_member("omar", "Nurses"), make_member("away", is_active=False)]
    having = [make_member("jo", MANAGER), make_member("ann", AUDITOR), make_member("sam", is_superuser=True)]
    in_winter = datetime(datetime.now(UTC).year + 1, 12, 15, 17, tzinfo=UTC)
    visit = book(early, 1, "America/Vancouver", in_winter)
    make_scripts(migrate(BEFORE_SCRIPTS))

    bring_up_to_date()
    check_roles(without, having)
    check_scripts()
    assert rederive_times() == 1
    assert Appointment.objects.get(pk=visit).starts_at == in_winter - timedelta(hours=1)
    assert rederive_times() == 0


def make_member(username: str, *groups: str, **fields: bool) -> User:
    user = User.objects.create(username=username, **fields)
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    return user


def make_scripts(old: Apps) -> None:
    models = {name: old.get_model("reminders", name) for name in ("Script", "ScriptText", "Campaign", "Step")}
    scripts = {name: models["Script"].objects.create(name=name) for name in CHANNELS}
    for script in scripts.values():
        models["ScriptText"].objects.create(script=script, language="en", text="Come.")
    campaign = models["Campaign"].objects.create(name="Reminders")
    for position, (channel, name, fallback) in enumerate(
        [("voice", "call", "text"), ("sms", "text", None), ("sms", "both", None), ("voice", "both", None)], 1
    ):
        models["Step"].objects.create(
            campaign=campaign,
            position=position,
            channel=channel,
            timing_kind="elapsed_before",
            elapsed=timedelta(hours=4),
            script=scripts[name],
            fallback_script=scripts[fallback] if fallback else None,
        )


def check_roles(without: list[User], having: list[User]) -> None:
    """A login without a role became front desk, and whoever had one kept what they had (product rule 63)."""
    assert [find_roles(user) for user in without] == [[FRONT_DESK], [FRONT_DESK, "Nurses"], [FRONT_DESK]]
    assert [find_roles(user) for user in having] == [[MANAGER], [AUDITOR], []]
    client = Client()
    client.force_login(User.objects.get(username="rosa"))
    for address in ("/", "/worklist/", "/contacts/", "/imports/new/", "/appointments/book/"):
        assert client.get(address).status_code == 200, address
    assert client.post("/sending/pause/").status_code == 403, "that is a manager's"
    assert User.objects.get(username="jo").has_perm("reminders.change_followup")
    assert not User.objects.get(username="ann").has_perm("contacts.change_appointment")


def find_roles(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


def check_scripts() -> None:
    """Texts that exist count as published; the way back deletes drafts, so that none is sent (product rule 62)."""
    assert set(ScriptText.objects.values_list("state", flat=True)) == {"published"}
    assert dict(Script.objects.values_list("name", "channel")) == CHANNELS
    ScriptText.objects.create(script=Script.objects.get(name="call"), language="en", version=2, text="Draft")
    with connection.cursor() as cursor:
        cursor.execute(DELETE_DRAFTS)
    assert set(ScriptText.objects.values_list("text", flat=True)) == {"Come."}
