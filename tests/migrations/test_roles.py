"""The migration to permissions on pages: whoever used them before still can (product rule 63)."""

from collections.abc import Callable

from django.apps.registry import Apps
from django.contrib.auth.models import Group, User
from django.test import Client

from contacts.roles import AUDITOR, FRONT_DESK, MANAGER
from tests.migrations.stages import BEFORE_WALL_TIMES, Targets, bring_up_to_date


def make_member(username: str, *groups: str, **fields: bool) -> User:
    user = User.objects.create(username=username, **fields)
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    return user


def find_roles(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


def test_a_login_without_a_role_becomes_front_desk_and_whoever_has_one_keeps_what_they_have(
    go_back_to: Callable[[Targets], Apps],
) -> None:
    go_back_to(BEFORE_WALL_TIMES)
    without = [make_member("rosa"), make_member("omar", "Nurses"), make_member("away", is_active=False)]
    having = [make_member("jo", MANAGER), make_member("ann", AUDITOR), make_member("sam", is_superuser=True)]
    bring_up_to_date()
    assert [find_roles(user) for user in without] == [[FRONT_DESK], [FRONT_DESK, "Nurses"], [FRONT_DESK]]
    assert [find_roles(user) for user in having] == [[MANAGER], [AUDITOR], []]
    client = Client()
    client.force_login(User.objects.get(username="rosa"))
    for address in ("/", "/worklist/", "/contacts/", "/imports/new/", "/appointments/book/"):
        assert client.get(address).status_code == 200, address
    assert client.post("/sending/pause/").status_code == 303
    assert User.objects.get(username="jo").has_perm("reminders.change_followup")
    assert not User.objects.get(username="ann").has_perm("contacts.change_appointment")
