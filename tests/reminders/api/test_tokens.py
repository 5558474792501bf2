"""Tokens: made and revoked by admins, stored as a hash, and good for what they are for."""

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from contacts.api_tokens import find_api_token, make_api_token, revoke_api_token
from contacts.models import ApiScope, ApiToken
from contacts.redaction import redact
from contacts.roles import ADMIN, MANAGER
from tests.people import SARAH, make_appointment, make_contact, make_user
from tests.reminders.api.client import ApiClient, make_secret, read_problem

pytestmark = pytest.mark.django_db
ADD, LIST = "/admin/contacts/apitoken/add/", "/admin/contacts/apitoken/"
READABLE = ("contacts/", "appointments/", "reminders/", "calls/", "campaigns/", "opt-outs/")


def make_token_in_admin(client: Client, name: str = "Dentrix") -> str:
    answer = client.post(
        ADD,
        {
            "name": name,
            "scopes": [ApiScope.READ_APPOINTMENTS],
            "expires_at_0": str((timezone.now() + timedelta(days=90)).date()),
            "expires_at_1": "00:00:00",
        },
    )
    assert answer.status_code == 200
    return answer.content.decode().partition('<code id="secret">')[2].partition("</code>")[0]


def test_an_admin_makes_a_token_and_sees_its_secret_once(office: Client, sam: User) -> None:
    secret = make_token_in_admin(office)
    token = ApiToken.objects.get()
    assert find_api_token(secret, timezone.now()) == token
    assert (token.made_by, token.scopes) == (sam, ["appointments:read"])
    assert secret not in str(list(ApiToken.objects.values()))
    for page in (LIST, f"{LIST}{token.pk}/change/", f"{LIST}{token.pk}/history/"):
        answer = office.get(page)
        assert answer.status_code == 200
        assert secret not in answer.content.decode()
    assert "Dentrix" in office.get(LIST).content.decode()


@pytest.mark.parametrize("days", [-1, 800])
def test_a_token_ends_within_two_years(office: Client, days: int) -> None:
    ends = str((timezone.now() + timedelta(days=days)).date())
    form = {"name": "x", "scopes": ["contacts:read"], "expires_at_0": ends, "expires_at_1": "00:00:00"}
    assert "Choose a day" in office.post(ADD, form).content.decode()
    assert not ApiToken.objects.exists()


def test_an_admin_revokes_a_token_and_it_is_refused_at_once(office: Client) -> None:
    api = ApiClient()
    assert api.get("appointments/").status_code == 200
    token = ApiToken.objects.get()
    office.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    assert read_problem(api.get("appointments/")) == (401, "unauthorized")
    token.refresh_from_db()
    assert token.revoked_by
    assert revoke_api_token(token.pk, by=token.revoked_by) is False


@pytest.mark.parametrize(("role", "status"), [(ADMIN, 200), (MANAGER, 403)])
def test_only_admins_make_tokens(role: str, status: int) -> None:
    client = Client()
    client.force_login(make_user(role=role, is_staff=True))
    assert client.get(ADD).status_code == status


def test_nobody_logs_in_as_the_user_of_a_token() -> None:
    make_secret()
    user = ApiToken.objects.get().user
    assert (user.is_active, user.has_usable_password(), user.is_staff) == (False, False, False)
    assert user.get_full_name() == "Practice system (API)"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic dXNlcjpwYXNz",
        "Token callboard_" + "A" * 43,
        "Bearer callboard_" + "A" * 43,
        "Bearer callboard_" + "A" * 4300,
        "Bearer callboard_\x00",
        "Bearer ü",
    ],
)
def test_without_a_valid_token_nothing_is_answered(header: str) -> None:
    answer = ApiClient("x").send("GET", "appointments/", Authorization=header)
    assert read_problem(answer) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_expired_token_is_refused() -> None:
    _token, secret = make_api_token("old", scopes=[], expires_at=timezone.now(), by=None)
    assert read_problem(ApiClient(secret).get("appointments/")) == (401, "unauthorized")


def test_a_login_in_the_browser_opens_nothing(office: Client) -> None:
    assert office.get("/api/v1/appointments/").status_code == 401


def test_the_last_use_is_noted_once_a_minute() -> None:
    secret, now = make_secret(), timezone.now()
    find_api_token(secret, now)
    find_api_token(secret, now + timedelta(seconds=59))
    assert ApiToken.objects.get().last_used_at == now
    find_api_token(secret, now + timedelta(seconds=61))
    assert ApiToken.objects.get().last_used_at == now + timedelta(seconds=61)


def test_a_secret_in_a_log_line_is_left_out() -> None:
    secret = make_secret()
    assert redact(f"Authorization: Bearer {secret}!") == "Authorization: Bearer callboard_(left out)!"


def test_requests_leave_no_secret_and_no_number_in_the_log(
    api: ApiClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.get("appointments/?source=%2B12025550100")
    api.get("nothing/")
    api.put("appointments/a/b/", b"{")
    assert api.secret not in caplog.text


SCOPES = {
    ("GET", "contacts/"): "contacts:read",
    ("GET", "contacts/1/"): "contacts:read",
    ("POST", "contacts/search/"): "contacts:read",
    ("POST", "contacts/"): "contacts:write",
    ("PATCH", "contacts/1/"): "contacts:write",
    ("GET", "appointments/"): "appointments:read",
    ("GET", "appointments/1/"): "appointments:read",
    ("GET", "appointments/a/b/"): "appointments:read",
    ("PUT", "appointments/a/b/"): "appointments:write",
    ("PATCH", "appointments/1/"): "appointments:write",
    ("POST", "appointments/1/cancel/"): "appointments:write",
    ("GET", "appointments/1/steps/1/explanation/"): "reminders:read",
    ("GET", "reminders/"): "reminders:read",
    ("GET", "reminders/1/"): "reminders:read",
    ("GET", "calls/"): "reminders:read",
    ("GET", "calls/x/"): "reminders:read",
    ("GET", "campaigns/"): "reminders:read",
    ("GET", "campaigns/1/"): "reminders:read",
    ("GET", "campaigns/1/preview/"): "reminders:read",
    ("GET", "opt-outs/"): "opt_outs:read",
    ("GET", "opt-outs/1/"): "opt_outs:read",
    ("POST", "opt-outs/search/"): "opt_outs:read",
    ("POST", "opt-outs/"): "opt_outs:write",
}


def test_each_door_asks_for_its_scope_and_no_other_opens_it() -> None:
    clients = {scope: ApiClient(make_secret([scope], name=scope)) for scope in ApiScope.values}
    for (method, address), needed in SCOPES.items():
        for scope, client in clients.items():
            answer = client.send(method, address)
            assert (answer.status_code == 403) == (scope != needed), (method, address, scope)
            if answer.status_code == 403:
                assert read_problem(answer) == (403, "forbidden")
                assert needed in answer.json()["detail"]


def test_a_token_that_may_only_write_reads_nothing_by_changing_nothing() -> None:
    sarah, visit = make_contact(last_name="Lindqvist"), make_appointment()
    writer = ApiClient(make_secret([one for one in ApiScope.values if one.endswith(":write")]))
    answers = [
        writer.patch(f"contacts/{sarah.pk}/", {}, If_Match="*"),
        writer.patch(f"appointments/{visit.pk}/", {}, If_Match="*"),
        writer.post(f"appointments/{visit.pk}/cancel/"),
        writer.post("opt-outs/", {"number": SARAH}),
        writer.post("opt-outs/", {"number": SARAH}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 201, 200]
    for answer in answers:
        assert {"id"} <= set(answer.json()) <= {"id", "kept"}
        assert answer.headers["ETag"]
    both = ApiClient(make_secret([ApiScope.READ_CONTACTS, ApiScope.WRITE_CONTACTS], name="both"))
    assert both.patch(f"contacts/{sarah.pk}/", {}, If_Match="*").json()["last_name"] == "Lindqvist"
