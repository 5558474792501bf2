"""A shared desk: it locks, changes persons, and loses no form."""

import re
import subprocess
import sys
import uuid
from ast import literal_eval
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from config import sign_in_limits
from config.sign_in.kept_forms import find_deed, pack_form
from contacts.models import AuditEntry, Contact
from contacts.roles import MANAGER
from tests.config.test_unsafe_start import ROOT, SAFE
from tests.people import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "a quiet desk by the window"
NOON = "2026-07-14T16:00:00Z"
PART = {"HX-Request": "true"}
NEW_CONTACT = {"first_name": "Sarah", "last_name": "Zuckerman", "language": "en", "number": "+12025550123"}

REST = {"preferred_channel": "voice", "other_phone_use": "never"}  # of the form, so that it is saved


@pytest.fixture(autouse=True)
def a_desk_that_locks(settings: Settings) -> None:
    settings.IDLE_MINUTES = 15
    settings.SESSION_HOURS = 12
    settings.SECRET_KEY = uuid.uuid4().hex * 2
    sign_in_limits.IN_MEMORY.clear_locks()


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", password=PASSWORD)


@pytest.fixture
def omar() -> User:
    return make_user("omar", password=PASSWORD)


@pytest.fixture
def desk(clock: Any, rosa: User) -> Client:
    client = Client()
    client.post("/login/", {"username": "rosa", "password": PASSWORD})
    return client


def open_lock(client: Client, who: User, **fields: str) -> Any:
    return client.post("/locked/", {"who": str(who.pk), "password": PASSWORD, **fields})


def read_hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]+)"', page)
    return found[1] if found else ""


def test_a_desk_where_nobody_is_locks_and_shows_nothing(desk: Client, clock: Any, rosa: User) -> None:
    clock.shift(14 * 60)
    assert desk.get("/").status_code == 200
    clock.shift(16 * 60)
    assert desk.get("/contacts/?q=~x")["Location"] == "/locked/?next=%2Fcontacts%2F%3Fq%3D~x"
    assert desk.get("/admin/").status_code == 302
    assert desk.get("/pulse/", headers=PART).status_code == 401
    page = desk.get("/locked/").content.decode()
    assert "This desk is locked" in page
    assert "rail-places" not in page
    assert "desk.js" not in page


def test_a_desk_where_nobody_is_locks_in_time_though_the_clock_was_set_back(desk: Client, clock: Any) -> None:
    """By an hour, as when it was wrong: an empty desk stayed open for that hour, and its minutes more."""
    clock.shift(-3600)
    assert desk.get("/locked/state/").json()["left"] == 15 * 60
    clock.shift(14 * 60)
    assert desk.get("/pulse/", headers=PART).status_code == 200
    clock.shift(2 * 60)
    assert desk.get("/pulse/", headers=PART).status_code == 401


def test_a_live_page_does_not_keep_the_session_alive(desk: Client, clock: Any) -> None:
    statuses = []
    for _ in range(17):
        clock.shift(60)
        statuses.append(desk.get("/pulse/", headers=PART).status_code)
        desk.get("/locked/state/")
        desk.get("/calendar/events/", headers={"Sec-Fetch-Mode": "cors"})
        desk.get("/calendar/events/", headers={"Accept": "application/json"})  # by a browser that doesn't say
    assert (statuses[14], statuses[15:]) == (200, [401, 401])


def test_keys_and_clicks_keep_it_open(desk: Client, clock: Any) -> None:
    for _ in range(6):
        clock.shift(10 * 60)
        assert desk.post("/locked/state/").json()["left"] == 15 * 60
    assert desk.get("/").status_code == 200


def test_the_password_opens_it_again_and_the_page_is_back(desk: Client, clock: Any, rosa: User) -> None:
    clock.shift(3600)
    desk.get("/worklist/")
    before = desk.session.session_key
    assert desk.post("/locked/", {"who": rosa.pk, "password": "guess"}).status_code == 403
    assert desk.get("/worklist/").status_code == 302
    assert open_lock(desk, rosa, next="/worklist/")["Location"] == "/worklist/"
    assert desk.get("/worklist/").status_code == 200
    assert desk.session.session_key != before
    assert {"wrong_password", "unlocked_desk"} <= set(AuditEntry.objects.values_list("what", flat=True))


def test_the_lock_can_not_be_guessed_open(desk: Client, rosa: User) -> None:
    desk.post("/locked/now/")
    for number in range(5):
        desk.post("/locked/", {"who": rosa.pk, "password": f"guess {number}"})
    assert "Too many wrong passwords" in open_lock(desk, rosa).content.decode()
    assert desk.get("/").status_code == 302


def test_no_other_address_is_led_to_after_the_lock(desk: Client, rosa: User) -> None:
    desk.post("/locked/now/")
    assert open_lock(desk, rosa, next="https://evil.example/")["Location"] == "/"


def test_a_login_ends_after_its_hours_however_busy_the_desk_is(desk: Client, clock: Any) -> None:
    for _ in range(12 * 6 - 1):
        clock.shift(600)
        assert desk.get("/sign-in/").status_code == 200
    clock.shift(601)
    assert desk.get("/sign-in/").status_code == 302
    assert desk.get("/sign-in/")["Location"].startswith("/login/")


def test_a_session_from_before_the_update_goes_on(clock: Any, rosa: User) -> None:
    client = Client()
    client.force_login(rosa)
    session = client.session
    for key in ("active_at", "_session_expiry", "password_at"):
        session.pop(key, None)
    session.save()
    clock.shift(3600)
    assert client.get("/").status_code == 200
    clock.shift(16 * 60)
    assert client.get("/").status_code == 302


# --- another person ----------------------------------------------------------------------------------


def test_the_next_person_takes_over_by_name_and_password(desk: Client, omar: User, rosa: User) -> None:
    desk.post("/logout/")
    desk.post("/login/", {"username": "omar", "password": PASSWORD})
    desk.post("/locked/now/", {"next": "/worklist/"})
    page = desk.get("/locked/").content.decode()
    assert page.index(f'value="{omar.pk}"') < page.index(f'value="{rosa.pk}"')
    before = desk.session.session_key
    assert open_lock(desk, rosa)["Location"] == "/"
    assert desk.session["_auth_user_id"] == str(rosa.pk)
    assert desk.session.session_key != before


@pytest.mark.parametrize("next_page", ["/login/", "/password/forgotten/", "/locked/"])
def test_a_message_for_one_person_is_read_by_nobody_else(desk: Client, omar: User, next_page: str) -> None:
    """It names a patient, and waits in a cookie while the session ends or the desk locks."""
    desk.post("/contacts/new/", NEW_CONTACT | REST)
    assert "messages" in desk.cookies
    told = desk.cookies["messages"].value
    assert "Zuckerman" not in told + str(urlsafe_b64decode(told + "==="))
    if next_page == "/locked/":
        desk.post("/locked/now/")
    else:
        Session.objects.all().delete()
    assert "Zuckerman" not in desk.get(next_page, follow=True).content.decode()
    if next_page == "/login/":
        desk.cookies["messages"] = told  # as if that page had not been asked for
        desk.post("/login/", {"username": "omar", "password": PASSWORD})
        assert "Zuckerman" not in desk.get("/settings/").content.decode()


def test_a_message_is_read_by_whom_it_is_for(desk: Client) -> None:
    page = desk.post("/contacts/new/", NEW_CONTACT | REST, follow=True).content.decode()
    assert "Sarah Zuckerman has been saved." in page
    assert not desk.cookies["messages"].value


def test_nobody_is_offered_who_has_not_logged_in_here(desk: Client, omar: User, rosa: User) -> None:
    desk.post("/locked/now/")
    assert f'value="{omar.pk}"' not in desk.get("/locked/").content.decode()
    assert open_lock(desk, omar)["Location"] == "/"
    assert desk.session["_auth_user_id"] == str(rosa.pk), "only those of the list can be chosen"
    desk.cookies["desk"] = f"{omar.pk}:forged:mark"
    desk.post("/locked/now/")
    assert f'value="{omar.pk}"' not in desk.get("/locked/").content.decode()


def test_who_takes_over_still_enters_the_code(desk: Client, rosa: User, omar: User) -> None:
    from tests.config.test_sign_in_security import give_app

    desk.post("/logout/")
    desk.post("/login/", {"username": "omar", "password": PASSWORD})
    give_app(rosa)
    desk.post("/locked/now/")
    assert open_lock(desk, rosa)["Location"] == "/login/code/"
    assert "_auth_user_id" not in desk.session
    assert desk.get("/").status_code == 302


# --- forms -------------------------------------------------------------------------------------------


def test_a_form_that_arrives_after_the_lock_is_kept_and_sent_by_one_press(
    desk: Client, clock: Any, rosa: User
) -> None:
    clock.shift(3600)
    answer = desk.post("/contacts/new/", NEW_CONTACT)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Zuckerman" not in page
    assert not Contact.objects.filter(last_name="Zuckerman").exists()
    assert open_lock(desk, rosa, kept=read_hidden(page, "kept"))["Location"] == "/kept-form/"
    offer = desk.get("/kept-form/").content.decode()
    assert 'action="/contacts/new/"' in offer
    assert read_hidden(offer, "last_name") == "Zuckerman"
    assert "<b>added a contact</b>" in offer
    assert "<li>Zuckerman</li>" in offer
    assert "<li>voice</li>" not in offer
    assert "autofocus" not in offer, "whoever presses Enter without reading sends nothing"
    assert desk.get("/kept-form/")["Location"] == "/", "shown once"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/contacts/5/erase/", "erased a person"),
        ("/people/9/app/remove/?next=/", "removed somebody's app and passkeys"),
        ("/contacts/", ""),
        ("/nowhere/", ""),
    ],
)
def test_who_gets_a_kept_form_reads_what_it_does(path: str, said: str) -> None:
    """Somebody else may have filled it in at the locked desk."""
    assert find_deed(path) == said


def test_without_a_session_it_is_kept_too_but_for_that_person_only(
    desk: Client, clock: Any, omar: User, rosa: User
) -> None:
    clock.shift(13 * 3600)
    answer = desk.post("/contacts/new/", NEW_CONTACT)
    page = answer.content.decode()
    assert (answer.status_code, "Zuckerman" in page) == (403, False)
    kept = read_hidden(page, "kept")
    other = Client()
    login = {"username": "omar", "password": PASSWORD, "kept": kept}
    assert other.post("/login/", login)["Location"] == "/"
    assert other.get("/kept-form/")["Location"] == "/"
    assert desk.post("/login/", login | {"username": "rosa"})["Location"] == "/kept-form/"
    assert read_hidden(desk.get("/kept-form/").content.decode(), "first_name") == "Sarah"


def test_the_next_person_at_the_desk_never_gets_it(desk: Client, clock: Any, omar: User) -> None:
    desk.post("/logout/")
    desk.post("/login/", {"username": "omar", "password": PASSWORD})
    desk.post("/logout/")
    desk.post("/login/", {"username": "rosa", "password": PASSWORD})
    clock.shift(3600)
    kept = read_hidden(desk.post("/contacts/new/", NEW_CONTACT).content.decode(), "kept")
    assert kept
    assert open_lock(desk, omar, kept=kept)["Location"] == "/"
    assert desk.get("/kept-form/")["Location"] == "/"


def test_a_stranger_stores_nothing() -> None:
    answer = Client().post("/contacts/new/", NEW_CONTACT)
    assert answer["Location"] == "/login/?next=/contacts/new/"


def test_a_password_is_never_kept(rf: Any) -> None:
    assert pack_form(rf.post("/password/", {"old_password": "x"}), 1) == ""
    assert pack_form(rf.post("/contacts/new/", {"first_name": "x" * 70_000}), 1) == ""
    assert pack_form(rf.post("/contacts/new/", NEW_CONTACT), 1)


def test_in_production_cookies_belong_to_this_host_and_managers_need_an_app() -> None:
    names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME DESK_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE"
    names += " SESSION_COOKIE_HTTPONLY CSRF_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE CSRF_COOKIE_SAMESITE"
    names += " MESSAGES_COOKIE_NAME LANGUAGE_COOKIE_NAME LANGUAGE_COOKIE_SECURE"
    names += " SECOND_FACTOR_FOR IDLE_MINUTES SESSION_HOURS SESSION_COOKIE_DOMAIN SESSION_COOKIE_PATH"
    ask = f"from django.conf import settings; print([getattr(settings, one) for one in {names.split()}])"
    environment = SAFE | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    said = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout
    cookies = ["__Host-session", "__Host-csrf", "__Host-desk", True, True, True, True, "Lax", "Lax"]
    assert literal_eval(said) == [
        *cookies,
        "__Host-messages",
        "__Host-language",
        True,
        "managers",
        15,
        12,
        None,
        "/",
    ]


@pytest.mark.parametrize("kept", ["", "x", "ü", "gAAAAA" + "A" * 200, "\x00"])
def test_what_nobody_sealed_is_no_form(desk: Client, rosa: User, kept: str) -> None:
    desk.post("/locked/now/")
    assert open_lock(desk, rosa, kept=kept)["Location"] == "/"


def test_the_second_factor_holds_at_the_lock_too(desk: Client, rosa: User, settings: Settings) -> None:
    settings.SECOND_FACTOR_FOR = "managers"
    client = Client()
    client.force_login(make_user("mia", role=MANAGER, password=PASSWORD))
    client.post("/locked/now/")
    assert client.get("/")["Location"].startswith("/locked/")


def test_the_worklist_does_not_keep_the_session_alive(desk: Client, clock: Any) -> None:
    statuses = []
    for _ in range(17):
        clock.shift(60)
        statuses.append(desk.post("/worklist/changes/", {"have": ""}, headers=PART).status_code)
    assert statuses[14] < 400
    assert statuses[15:] == [401, 401]


def test_a_page_that_takes_long_does_not_open_a_desk_that_was_locked_meanwhile(desk: Client) -> None:
    request = RequestFactory().get("/reports/")
    request.COOKIES[settings.SESSION_COOKIE_NAME] = desk.session.session_key or ""

    def take_long(request: HttpRequest) -> HttpResponse:
        request.session["active_at"] += 60
        desk.post("/locked/now/")
        return HttpResponse()

    SessionMiddleware(take_long)(request)
    assert desk.get("/").status_code == 302
