"""Logging in: passwords, links to set them, the second factor, and what is recorded."""

import re
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import NoReverseMatch, reverse
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from config import sign_in_limits
from config.sign_in.passwords import mail_password_link, make_password_link
from contacts.audit.sign_ins import SignInKind
from contacts.models import AuditEntry
from contacts.roles import ADMIN, FRONT_DESK, MANAGER
from tests.people import give_role, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_waits")]
PASSWORD = "a quiet desk by the window"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", password=PASSWORD)


def log_in(name: str = "rosa", password: str = PASSWORD, **extra: Any) -> tuple[Client, Any]:
    client = Client(**extra)
    return client, client.post("/login/", {"username": name, "password": password})


def read_code(steps: int = 0) -> str:
    return str(format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + steps)))


def give_app(user: User) -> None:
    TOTP.activate(user, SECRET)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def happened() -> list[str]:
    return list(AuditEntry.objects.filter(kind="sign_in").order_by("id").values_list("what", flat=True))


# --- passwords ---------------------------------------------------------------------------------------

# password, of whom, whether it is accepted
PASSWORDS = [
    ("adminadmin1", "admin", False),
    ("adminadmin123", "admin", False),
    ("Admin!Admin!2026", "admin", False),
    ("rosa.lindqvist1", "rosa", False),
    ("callboard2026!!", "rosa", False),
    ("passwordpassword", "rosa", False),
    ("qwertyuiop123", "rosa", False),
    ("123456789012345", "rosa", False),
    ("abababababababab", "rosa", False),
    ("short words", "rosa", False),
    ("green tea on rosa's desk", "rosa", True),
    ("four words nobody expects", "admin", True),
    ("kX9#vQ2$mT7!", "admin", True),
]


@pytest.mark.parametrize(("password", "name", "is_accepted"), PASSWORDS)
def test_a_password_that_is_a_name_with_additions_is_refused(
    password: str, name: str, is_accepted: bool
) -> None:
    user = User(username=name, first_name="Rosa", last_name="Lindqvist")
    if is_accepted:
        validate_password(password, user)
    else:
        with pytest.raises(ValidationError):
            validate_password(password, user)


@pytest.mark.parametrize("password", ["adminadmin1", "adminadmin12345"])
def test_no_superuser_is_made_with_a_weak_password(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    with pytest.raises(CommandError, match="too weak"):
        call_command("createsuperuser", interactive=False, username="admin", email="a@example.org")
    assert not User.objects.filter(username="admin").exists()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "four words nobody expects")
    call_command("createsuperuser", interactive=False, username="admin", email="a@example.org")
    assert User.objects.get(username="admin").is_superuser


def test_at_the_terminal_a_weak_password_is_asked_for_again_and_nothing_offers_to_go_on_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "four words nobody expects"
    typed = iter(["adminadmin1", "adminadmin1", good, "another", good, good])
    asked: list[str] = []
    answers = {"Username: ": "admin", "E-mail address (may be empty): ": ""}

    def answer(question: str) -> str:
        asked.append(question)
        return answers[question]

    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    monkeypatch.setattr("getpass.getpass", lambda *_: next(typed))
    monkeypatch.setattr("builtins.input", answer)
    call_command("createsuperuser", stdin=SimpleNamespace(isatty=lambda: True))
    assert list(answers) == asked
    assert User.objects.get(is_superuser=True).check_password(good)
    assert "mostly a name" in capsys.readouterr().err


def test_everybody_changes_their_password_and_is_logged_out_elsewhere(rosa: User) -> None:
    client, _ = log_in()
    elsewhere, _ = log_in()
    key = client.session.session_key
    new = "seven geese cross the road"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/password/", form | {"old_password": "wrong"}).status_code == 200
    assert client.post("/password/", form)["Location"] == "/sign-in/"
    assert client.get("/").status_code == 200
    assert client.session.session_key != key
    assert elsewhere.get("/").status_code == 302
    assert log_in(password=new)[1].status_code == 302
    assert {"wrong_password", "password_changed"} <= set(happened())


def test_the_old_password_can_not_be_guessed_at_an_open_desk(rosa: User) -> None:
    client, _ = log_in()
    new = "seven geese cross the road"
    for number in range(5):
        client.post(
            "/password/", {"old_password": f"guess {number}", "new_password1": new, "new_password2": new}
        )
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    page = client.post("/password/", form).content.decode()
    assert "Too many wrong passwords" in page
    rosa.refresh_from_db()
    assert rosa.check_password(PASSWORD)


def test_a_login_from_before_keeps_its_password_though_it_is_short() -> None:
    make_user("omar", password="callboard")
    assert is_in(log_in("omar", "callboard")[0])


def test_the_session_gets_a_new_key_at_the_login(rosa: User) -> None:
    client = Client()
    session = client.session
    session["something"] = 1
    session.save()
    before = str(session.session_key)
    client.cookies["sessionid"] = before
    client.post("/login/", {"username": "rosa", "password": PASSWORD})
    assert is_in(client)
    assert client.session.session_key != before


# --- a link for whoever forgot the password ----------------------------------------------------------


@pytest.fixture
def with_mail(settings: Settings) -> None:
    settings.EMAIL_IS_SET = True


def follow(link: str) -> tuple[Client, Any]:
    client = Client()
    return client, client.get(link.removeprefix("http://127.0.0.1:8000"), follow=True)


def test_the_answer_is_the_same_for_a_name_that_does_not_exist(with_mail: None, rosa: User) -> None:
    User.objects.filter(pk=rosa.pk).update(email="rosa@example.org")
    pages = [
        re.sub(r'(token|Token|value)="[^"]*"|"X-CSRFToken": "[^"]*"', "", page.content.decode())
        for page in (Client().post("/password/forgotten/", {"name": name}) for name in ("rosa", "nobody"))
    ]
    assert pages[0] == pages[1]
    assert "a link is on its way" in pages[0]


def test_without_an_e_mail_server_the_page_says_whom_to_ask() -> None:
    page = Client().get("/password/forgotten/").content.decode()
    assert "Ask an administrator of your practice" in page
    assert "<input" not in page.split("gate-card")[1].replace('type="hidden"', "")


def test_the_link_by_e_mail_sets_a_password_once(with_mail: None, rosa: User) -> None:
    User.objects.filter(pk=rosa.pk).update(email="rosa@example.org")
    mail_password_link(rosa.pk)
    mail_password_link(0)
    (letter,) = mail.outbox
    assert letter.to == ["rosa@example.org"]
    link = re.search(r"http://\S+", str(letter.body))
    assert link
    client, page = follow(link[0])
    assert page.redirect_chain, "the token leaves the address"
    address = page.redirect_chain[-1][0]
    new = "seven geese cross the road"
    assert client.post(address, {"new_password1": new, "new_password2": new})["Location"] == "/login/"
    assert is_in(log_in(password=new)[0])
    assert "used already, or is too old" in follow(link[0])[1].content.decode()
    assert "password_set_by_link" in happened()


def test_few_links_are_sent_for_one_name(with_mail: None, rosa: User) -> None:
    User.objects.filter(pk=rosa.pk).update(email="rosa@example.org")
    for _ in range(6):
        Client().post("/password/forgotten/", {"name": "rosa"})
    assert happened().count("password_link_sent") == 3


def test_a_link_is_worth_nothing_after_a_login(rosa: User) -> None:
    link = make_password_link(rosa)
    log_in()
    assert "used already, or is too old" in follow(link)[1].content.decode()


def test_an_admin_hands_out_a_link_but_none_for_a_superuser(rosa: User) -> None:
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    client = Client()
    client.force_login(make_user("adam", role=ADMIN))
    page = client.post(f"/people/{rosa.pk}/link/").content.decode()
    link = re.search(r"http://127\.0\.0\.1:8000/password/new/\S+?/(?=<)", page)
    assert link
    assert "Set a new password" in follow(link[0])[1].content.decode()
    assert client.post(f"/people/{boss.pk}/link/").status_code == 403
    assert happened()[-1] == "password_link_made"


@pytest.mark.parametrize("role", [FRONT_DESK, MANAGER])
def test_nobody_else_hands_out_links(rosa: User, role: str) -> None:
    client = Client()
    client.force_login(make_user("omar", role=role))
    assert client.post(f"/people/{rosa.pk}/link/").status_code == 403
    assert client.get("/people/").status_code == 403


# --- the second factor -------------------------------------------------------------------------------


def test_after_the_password_the_code_is_asked_for(rosa: User) -> None:
    give_app(rosa)
    client, answer = log_in()
    assert answer["Location"] == "/login/code/"
    assert not is_in(client)
    assert client.get("/").status_code == 302
    assert client.post("/login/code/", {"code": "000000"}).status_code == 200
    assert not is_in(client)
    assert client.post("/login/code/", {"code": read_code()})["Location"] == "/"
    assert is_in(client)
    assert "wrong_code" in happened()


def test_a_code_counts_once(rosa: User) -> None:
    from django.core.cache import cache

    give_app(rosa)
    code = read_code()
    first, _ = log_in()
    first.post("/login/code/", {"code": code})
    cache.clear()  # another web process
    second, _ = log_in()
    assert second.post("/login/code/", {"code": f"{code[:3]} {code[3:]}"}).status_code == 200
    assert (is_in(first), is_in(second)) == (True, False)


def test_codes_can_not_be_tried_without_end(rosa: User) -> None:
    give_app(rosa)
    client, _ = log_in()
    for number in range(5):
        client.post("/login/code/", {"code": f"{number:06}"})
    page = client.post("/login/code/", {"code": read_code()}).content.decode()
    assert "Too many wrong" in page
    assert not is_in(client)


def test_nobody_uses_up_the_tries_of_codes_by_a_name(rosa: User) -> None:
    give_app(rosa)
    names = [f"{end}codes of {rosa.pk}" for end in ("", " ", "\0", "\ufeff\0", "%00")]
    for place in range(105):  # at addresses of others, so that only the tries of the name are used up
        log_in(names[place % len(names)], "guess", REMOTE_ADDR=f"203.0.113.{place // 4}")
    client, _ = log_in()
    client.post("/login/code/", {"code": read_code()})
    assert is_in(client)


def test_a_recovery_code_counts_once(
    rosa: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    client = Client()
    client.force_login(rosa)
    assert client.get("/sign-in/app/").status_code == 200
    secret = client.session["mfa.totp.secret"]
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/sign-in/app/", {"code": code})
    assert answer["Location"] == "/sign-in/recovery-codes/"
    page = client.get("/sign-in/recovery-codes/").content.decode()
    spare = re.findall(r"<code>(\w+)</code>", page)[0]
    statuses = []
    for _ in range(2):
        again, _answer = log_in()
        again.post("/login/code/", {"code": spare})
        statuses.append(is_in(again))
    assert statuses == [True, False]
    assert {"factor_added", "recovery_code_used"} <= set(happened())


def test_secrets_are_not_readable_in_the_database(rosa: User) -> None:
    give_app(rosa)
    assert SECRET not in str(Authenticator.objects.get().data)


# who, SECOND_FACTOR_FOR, whether nothing goes on without an app
NEEDED = [
    (MANAGER, "managers", True),
    (ADMIN, "managers", True),
    (FRONT_DESK, "managers", False),
    (FRONT_DESK, "everybody", True),
    (MANAGER, "nobody", False),
]


@pytest.mark.parametrize(("role", "whom", "is_needed"), NEEDED)
def test_managers_and_admins_set_up_an_app_before_anything_else(
    settings: Settings, role: str, whom: str, is_needed: bool
) -> None:
    settings.SECOND_FACTOR_FOR = whom
    client = Client()
    client.force_login(make_user("omar", role=role))
    for address in ("/", "/worklist/", "/contacts/"):
        answer = client.get(address)
        assert (answer.status_code == 302) == is_needed
        assert not is_needed or answer["Location"] == "/sign-in/app/"
    if is_needed:
        assert client.get("/pulse/", headers={"HX-Request": "true"})["HX-Redirect"] == "/sign-in/app/"
        assert client.get("/people/").status_code == 302
        assert client.get("/sign-in/app/").status_code == 200


@pytest.mark.parametrize(
    "permission", ["change_sendingswitch", "change_campaign", "erase_contact", "change_user"]
)
def test_a_managers_right_needs_it_whatever_the_group_is_called(settings: Settings, permission: str) -> None:
    settings.SECOND_FACTOR_FOR = "managers"
    user = make_user("omar")
    client = Client()
    client.force_login(user)
    assert client.get("/").status_code == 200
    right = Permission.objects.get(codename=permission)
    user.user_permissions.add(right)
    assert client.get("/")["Location"] == "/sign-in/app/"
    user.user_permissions.clear()
    group = Group.objects.create(name="Evening desk")
    group.permissions.add(right)
    user.groups.add(group)
    assert client.get("/")["Location"] == "/sign-in/app/"


def test_whoever_becomes_a_manager_needs_it_at_once(settings: Settings) -> None:
    settings.SECOND_FACTOR_FOR = "managers"
    user = make_user("omar")
    client = Client()
    client.force_login(user)
    assert client.get("/").status_code == 200
    give_role(user, MANAGER)
    assert client.get("/")["Location"] == "/sign-in/app/"


def test_it_can_not_be_gone_round_by_the_admin_site(settings: Settings) -> None:
    settings.SECOND_FACTOR_FOR = "managers"
    client = Client()
    client.force_login(User.objects.create_superuser("boss", password=PASSWORD))
    assert client.get("/admin/auth/user/")["Location"] == "/sign-in/app/"


@pytest.mark.parametrize("ago", [301, -3600])  # an hour ahead: the clock was set back since
def test_the_password_is_asked_again_before_the_app_is_removed(rosa: User, ago: int) -> None:
    give_app(rosa)
    client = Client()
    client.force_login(rosa)
    session = client.session
    session["password_at"] = time.time() - ago
    session.save()
    answer = client.post("/sign-in/app/remove/")
    assert answer["Location"].startswith("/sign-in/password/")
    assert Authenticator.objects.filter(user=rosa).exists()
    assert client.post("/sign-in/password/", {"password": "guess"}).status_code == 200
    client.post("/sign-in/password/", {"password": PASSWORD})
    client.post("/sign-in/app/remove/")
    assert not Authenticator.objects.filter(user=rosa).exists()
    assert "factor_removed" in happened()


def test_an_admin_removes_the_app_of_whoever_lost_the_phone(rosa: User) -> None:
    give_app(rosa)
    client = Client()
    client.force_login(make_user("adam", role=ADMIN))
    client.post(f"/people/{rosa.pk}/app/remove/")
    assert is_in(log_in()[0])
    entry = AuditEntry.objects.get(what="factor_removed")
    assert (entry.by_name, entry.about_id) == ("adam", rosa.pk)


def test_whoever_has_lost_the_phone_is_logged_out_where_the_phones_finder_may_be(rosa: User) -> None:
    give_app(rosa)
    client, admin = Client(), Client()
    client.force_login(rosa)
    admin.force_login(make_user("adam", role=ADMIN))
    admin.post(f"/people/{rosa.pk}/app/remove/")
    assert client.get("/")["Location"].startswith("/login/")
    assert admin.get("/people/").status_code == 200


def test_whoever_changes_the_second_factor_is_logged_out_elsewhere(rosa: User) -> None:
    here, there = Client(), Client()
    other = make_user("omar")
    for client in (here, there):
        client.force_login(rosa)
    at_another_desk = Client()
    at_another_desk.force_login(other)
    give_app(rosa)
    here.post("/sign-in/app/remove/")
    assert not Authenticator.objects.filter(user=rosa).exists()
    assert here.get("/").status_code == 200
    assert there.get("/")["Location"].startswith("/login/")
    assert at_another_desk.get("/").status_code == 200


def test_a_new_installation_has_no_login() -> None:
    call_command("setup_practice")
    assert not User.objects.exists()


def test_no_session_remembers_a_second_factor_that_is_gone(settings: Settings) -> None:
    settings.SECOND_FACTOR_FOR = "managers"
    user = make_user("omar", role=MANAGER)
    give_app(user)
    client = Client()
    client.force_login(user)
    assert client.get("/").status_code == 200
    Authenticator.objects.filter(user=user).delete()
    assert client.get("/")["Location"] == "/sign-in/app/"


# --- pages and records -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["account_signup", "account_email", "account_set_password", "account_reset_password", "mfa_trust"]
)
def test_what_is_not_used_of_the_library_has_no_address(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_what_happened_stands_on_the_page_of_admins(
    rosa: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    log_in(REMOTE_ADDR="198.51.100.7")
    log_in(password="my secret in the wrong field")
    log_in("my secret in the wrong field")
    for _ in range(8):
        log_in(password="guess")
    admin = Client()
    admin.force_login(make_user("adam", role=ADMIN))
    with django_assert_max_num_queries(12):
        page = admin.get("/people/").content.decode()
    assert "198.51.100.7" in page
    assert "wrong password" in page
    assert "my secret" not in page
    assert happened().count(SignInKind.LOCKED.value) == 1, "a flood of tries is one entry"


@pytest.fixture
def no_strangers() -> Iterator[None]:
    """Tries of strangers are counted for all names together, so also for the tests before and after."""
    sign_in_limits.clear_locks()
    yield
    sign_in_limits.clear_locks()


@pytest.mark.usefixtures("no_strangers")
def test_a_stranger_can_not_fill_the_audit_trail(rosa: User) -> None:
    """A row for each try of another name would be millions in a day, kept for years."""
    for number in range(150):
        log_in(f"n{number}", "guess")
    for number in range(20):
        log_in(f"m{number}", "guess", REMOTE_ADDR=f"198.51.100.{number}")
    assert AuditEntry.objects.count() == 120
    for number in range(22):
        for _ in range(6):  # so that rosa has to wait
            log_in("rosa", "guess", REMOTE_ADDR=f"203.0.113.{number}")
    assert happened().count(SignInKind.LOCKED.value) == 90 + 20


def test_many_strange_addresses_can_not_keep_the_web_process_hashing(rosa: User) -> None:
    log_in(REMOTE_ADDR="198.51.100.7")
    counters = sign_in_limits.IN_MEMORY
    waits = [counters.begin_try(f"n{number}", f"a{number}") for number in range(301)]
    assert (waits[299], waits[300] > 0) == (0.0, True)


def test_whoever_runs_the_server_helps_the_last_admin(rosa: User, capsys: pytest.CaptureFixture[str]) -> None:
    give_app(rosa)
    call_command("rescue_login", "rosa", remove_app=True)
    link = re.search(r"http://\S+", capsys.readouterr().out)
    assert link
    assert "Set a new password" in follow(link[0])[1].content.decode()
    assert is_in(log_in()[0])
    with pytest.raises(CommandError, match="nobody"):
        call_command("rescue_login", "nobody")
