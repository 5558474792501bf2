"""At a desk that an admin left open, nobody makes a way in for themselves: the password is asked again."""

import re
import time
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.sign_in.fresh_password import ASKING
from contacts.models import ApiToken, AuditEntry
from contacts.roles import ADMIN, AUDITOR
from tests.people import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "a quiet desk by the window"


@pytest.fixture
def adam() -> User:
    return make_user("adam", role=ADMIN, is_staff=True, password=PASSWORD, email="adam@clinic.example")


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", password=PASSWORD, email="rosa@clinic.example")


def leave_open(user: User, seconds: int = 301) -> Client:
    """The browser of somebody who gave their password that long ago."""
    desk = Client()
    desk.force_login(user)
    session = desk.session
    session["password_at"] = time.time() - seconds
    session.save()
    return desk


def fill_in(user: User, **fields: object) -> dict[str, object]:
    """The admin's form of this user."""
    return {
        "username": user.username,
        "email": user.email,
        "is_active": "on",
        "groups": [group.pk for group in user.groups.all()],
    } | fields


def find_address(name: str, user: User) -> str:
    group = Group.objects.get(name=ADMIN)
    one = {"admin:auth_group_change": group.pk}.get(name, user.pk)
    return reverse(name) if name.endswith("_add") else reverse(name, args=[one])


@pytest.mark.parametrize("name", sorted(ASKING))
@pytest.mark.parametrize("ago", [301, -3600])  # an hour ahead: the clock was set back since
def test_each_page_that_lets_somebody_in_asks_for_the_password(name: str, ago: int, rosa: User) -> None:
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    address = find_address(name, rosa)
    desk = leave_open(boss, ago)
    for answer in (desk.get(address), desk.post(address)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/password/?next=")
    assert not leave_open(boss, 200).get(address).headers.get("Location", "").startswith("/sign-in/")


def test_nobody_changes_an_address_for_links_at_an_open_desk(adam: User, rosa: User) -> None:
    desk = leave_open(adam)
    for user in (adam, rosa):
        desk.post(f"/admin/auth/user/{user.pk}/change/", fill_in(user, email="mallory@evil.example"))
    assert set(User.objects.values_list("email", flat=True)) == {"adam@clinic.example", "rosa@clinic.example"}


def make_ways_in(desk: Client) -> tuple[bool, bool]:
    """Add a login and a token of the API; whether they are there now."""
    password = "nora starts today 1"
    login = {"username": "nora", "usable_password": "true", "password1": password, "password2": password}
    ends = {"expires_at_0": str(timezone.localdate() + timedelta(days=90)), "expires_at_1": "00:00:00"}
    desk.post("/admin/auth/user/add/", login)
    desk.post("/admin/contacts/apitoken/add/", {"name": "mine", "scopes": ["contacts:read"], **ends})
    return User.objects.filter(username="nora").exists(), ApiToken.objects.exists()


def test_nobody_makes_a_login_or_a_token_at_an_open_desk(adam: User) -> None:
    assert make_ways_in(leave_open(adam)) == (False, False)
    assert not AuditEntry.objects.filter(kind="deed").exists()
    assert make_ways_in(leave_open(adam, seconds=1)) == (True, True)


def test_what_was_filled_in_comes_back_after_the_password(adam: User, rosa: User) -> None:
    desk = leave_open(adam)
    answer = desk.post(f"/admin/auth/user/{rosa.pk}/change/", fill_in(rosa, email="new@clinic.example"))
    assert desk.post(answer["Location"], {"password": "a guess"}).status_code == 200
    answer = desk.post(answer["Location"], {"password": PASSWORD, "next": "/kept-form/"})
    assert answer["Location"] == "/kept-form/"
    offer = desk.get("/kept-form/").content.decode()
    assert "<li>new@clinic.example</li>" in offer
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', offer):
        fields.setdefault(name, []).append(value)
    desk.post(f"/admin/auth/user/{rosa.pk}/change/", fields)
    rosa.refresh_from_db()
    assert rosa.email == "new@clinic.example"


@pytest.mark.parametrize(
    "page", ["contacts/apitoken", "webhooks/calendarfeed", "auth/user", "contacts/location"]
)
def test_the_page_that_changes_a_row_adds_none(adam: User, page: str) -> None:
    """Django adds one for `_saveasnew`, even for a row that isn't there, and showed its secret."""
    for desk in (leave_open(adam), leave_open(adam, seconds=1)):
        answer = desk.post(f"/admin/{page}/{adam.pk}/change/", {"_saveasnew": "1", "username": "mallory"})
        assert answer.status_code in (302, 403)
        assert not answer.headers.get("Location", "").startswith("/admin/")
    assert not ApiToken.objects.exists()
    assert not User.objects.filter(username="mallory").exists()


def test_a_deed_that_waits_for_the_password_is_recorded_once(adam: User, rosa: User) -> None:
    desk = leave_open(adam)
    desk.post(f"/people/{rosa.pk}/link/")
    desk.post(f"/people/{rosa.pk}/app/remove/")
    entries = AuditEntry.objects.filter(by=adam, about_id=rosa.pk)
    assert not entries.exists()
    desk.post("/sign-in/password/", {"password": PASSWORD})
    desk.post(f"/people/{rosa.pk}/link/")
    assert entries.count() == 1


def test_a_new_password_is_never_kept(adam: User, rosa: User) -> None:
    desk = leave_open(adam)
    form = {"password1": "a new password for rosa", "password2": "a new password for rosa"}
    address = f"/admin/auth/user/{rosa.pk}/password/"
    assert desk.post(address, form)["Location"] == f"/sign-in/password/?next={quote(address, safe='')}"
    assert "kept" not in desk.session
    rosa.refresh_from_db()
    assert rosa.check_password(PASSWORD)


def test_whoever_may_only_look_at_users_is_not_asked() -> None:
    watcher = make_user("vera", role=AUDITOR, is_staff=True)
    page = f"/admin/auth/user/{watcher.pk}/change/"
    answer = leave_open(watcher).get(page)
    assert not answer.headers.get("Location", "").startswith("/sign-in/")
