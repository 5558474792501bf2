"""What every answer says to the browser: one walk over all URLs, and every kind of error."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, path
from pytest_django import Settings

from config.body_limit import EVENTS
from config.sign_in_limits import clear_locks
from config.urls import urlpatterns as ours
from contacts.roles import AUDITOR
from tests.people import make_appointment, make_contact, make_user

pytestmark = pytest.mark.django_db

CANARY, CANARY_NUMBER = "Quarrelsome", "2025550199"
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
FEATURES = ("camera=()", "microphone=()", "geolocation=()", "payment=()", "usb=()")
LINKED = re.compile(r'\b(?:href|src|action|formaction|hx-(?:get|post|put|delete))="([^"]*)"')
# What stands for the parts of an address; anything else is 1.
PARTS = {"app_label": "contacts", "language": "en", "kind": "outcomes", "code": "x", "object_id": "1"}


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError(f"the patient is {CANARY}")


urlpatterns = [path("fail/", fail), path("api/v1/fail/", fail), *ours]


def list_addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """An address of every URL pattern."""
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from list_addresses(pattern.url_patterns, route)
        else:
            shape = simplify_regex(re.sub(r"<\w+:(\w+)>", r"<\1>", route).replace(r"\Z", ""))
            yield re.sub(r"<(\w+)>", lambda part: PARTS.get(part[1], "1"), shape)


def check(answer: Any, address: str) -> None:
    """Check the headers of an answer, whatever its status."""
    where = f"{answer.request['REQUEST_METHOD']} {address}: {answer.status_code}"
    for name, value in EVERYWHERE.items():
        assert answer.headers.get(name) == value, f"{where}: {name}"
    assert answer.headers["X-Frame-Options"] == "DENY", where
    assert not {"Server", "X-Powered-By", "Access-Control-Allow-Origin"} & set(answer.headers), where
    kind = answer.headers.get("Content-Type", "")
    assert answer.streaming or not answer.content or kind, f"{where}: of what kind the body is"
    assert "charset=utf-8" in kind.replace('"', "") or not kind.startswith("text/"), where
    if address.startswith(EVENTS):  # skips the middleware of pages: it answers programs, and without a body
        assert answer.content == b"" or answer.status_code == 405, where
        return
    policy = dict(
        words.strip().split(" ", 1) for words in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy == POLICY, where
    assert {"no-store", "private"} <= set(re.split(r",\s*", answer.headers["Cache-Control"])), where
    assert all(feature in answer.headers["Permissions-Policy"] for feature in FEATURES), where
    if location := answer.headers.get("Location", ""):
        assert location.startswith("/"), where
        check_address(location, where)
    if not answer.streaming and "html" in answer.headers.get("Content-Type", ""):
        for link in LINKED.findall(answer.content.decode()):
            if not link.startswith("tel:"):
                check_address(link, where)


def check_address(link: str, where: str) -> None:
    assert CANARY.lower() not in link.lower(), f"{where}: a name in {link}"
    assert CANARY_NUMBER not in link, f"{where}: a number in {link}"


@pytest.fixture(autouse=True)
def in_production(settings: Settings) -> Iterator[None]:
    """What config/settings.py sets where DEBUG is off."""
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    clear_locks()
    yield
    clear_locks()


def make_client(user: User | None = None) -> Client:
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    return client


def test_every_answer_has_the_policy_and_is_not_stored_and_no_address_names_anybody(sam: User) -> None:
    make_appointment(make_contact("Zebulon", last_name=CANARY, number=f"+1{CANARY_NUMBER}"))
    addresses = sorted(
        set(list_addresses(get_resolver().url_patterns)) | {"/no-such-page/", "/api/v1/no-such/"}
    )
    assert len(addresses) > 300
    seen: Counter[int] = Counter()
    auditor = make_user("ines", role=AUDITOR)
    for user, methods in [(None, ["get"]), (sam, ["get", "put"]), (auditor, ["post"])]:
        client = make_client(user)
        for address in addresses:
            for method in methods:
                if user and "logout" in address:
                    continue
                answer = getattr(client, method)(address, secure=True)
                check(answer, address)
                assert answer.status_code < 500 or address == "/readyz", f"{method} {address}"
                seen[answer.status_code] += 1
    assert set(seen) >= {200, 302, 401, 403, 404, 405}


@pytest.mark.parametrize(
    "fault",
    [
        "error",
        "error of the api",
        "no token",
        "wrong host",
        "too large",
        "too large for the api",
        "bad request",
    ],
)
def test_every_kind_of_error_has_them_too(sam: User, fault: str) -> None:
    client = make_client(sam)
    with override_settings(ROOT_URLCONF=__name__):
        match fault:
            case "error":
                answer: Any = client.get("/fail/", secure=True)
            case "error of the api":
                answer = client.get("/api/v1/fail/", secure=True)
            case "no token":
                answer = Client(enforce_csrf_checks=True).post("/login/", secure=True)
            case "wrong host":
                answer = client.get("/", secure=True, headers={"Host": "example.org"})
            case "too large":
                answer = client.post("/login/", secure=True, CONTENT_LENGTH=str(300 * 1024**2))
            case "too large for the api":
                answer = client.post("/api/v1/contacts/", secure=True, CONTENT_LENGTH=str(300 * 1024**2))
            case _:
                answer = client.generic("POST", "/contacts/", b"x", "multipart/form-data", secure=True)
    assert answer.status_code in (400, 403, 404, 413, 500)
    check(answer, fault)
    assert CANARY not in answer.content.decode()


def test_static_files_may_be_kept_and_are_taken_for_nothing_else(client: Client) -> None:
    answer = client.get("/static/callboard.css", secure=True)
    assert answer.status_code == 200
    answer.close()
    assert "no-store" not in answer.headers.get("Cache-Control", "")
    for name, value in EVERYWHERE.items():
        assert answer.headers[name] == value


def test_a_request_for_another_host_writes_no_line(caplog: pytest.LogCaptureFixture) -> None:
    answer = make_client().get("/", headers={"Host": "example.org"})
    assert answer.status_code == 400
    assert "DisallowedHost" not in caplog.text
    assert "example.org" not in caplog.text
