"""Every error is a problem of RFC 9457, whatever is sent, and nothing is our own fault."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from contacts.models import Contact
from reminders.api import appointments, description
from reminders.api.bodies import MOST_BYTES
from reminders.api.problems import STATUS, TYPE_PREFIX, ProblemCode
from tests.people import make_contact
from tests.reminders.api.client import ApiClient, make_secret, read_errors, read_problem

pytestmark = pytest.mark.django_db
PUT = ("PUT", "appointments/a/b/")
ADD = ("POST", "contacts/")

REQUESTS: list[tuple[tuple[str, str], bytes | None, dict[str, str], tuple[int, str]]] = [
    (("GET", "nothing/"), None, {}, (404, "not_found")),
    (("GET", ""), None, {}, (404, "not_found")),
    (("GET", "contacts"), None, {}, (404, "not_found")),
    (("GET", "contacts/x/"), None, {}, (404, "not_found")),
    (("GET", "contacts/-1/"), None, {}, (404, "not_found")),
    (("GET", "%ff/"), None, {}, (404, "not_found")),
    (("POST", "nothing/"), b"{", {}, (404, "not_found")),
    (("DELETE", "contacts/1/"), None, {}, (405, "method_not_allowed")),
    (("PUT", "contacts/1/"), b"{}", {}, (405, "method_not_allowed")),
    (("OPTIONS", "contacts/"), None, {}, (405, "method_not_allowed")),
    (("TRACE", "contacts/"), None, {}, (405, "method_not_allowed")),
    (("BREW", "contacts/"), None, {}, (405, "method_not_allowed")),
    (("GET", "contacts/"), None, {"Accept": "text/html"}, (406, "not_acceptable")),
    (("GET", "contacts/"), None, {"Accept": "application/xml;q=1"}, (406, "not_acceptable")),
    (ADD, b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, (415, "unsupported_media_type")),
    (ADD, b"{}", {"Content-Type": "text/plain"}, (415, "unsupported_media_type")),
    (ADD, b"{}", {"Content-Type": "multipart/form-data; boundary=x"}, (415, "unsupported_media_type")),
    (ADD, b"{}", {"Content-Type": "nonsense"}, (415, "unsupported_media_type")),
    (ADD, b"", {}, (422, "invalid")),
    (ADD, b"{", {}, (400, "malformed")),
    (ADD, b"[]", {}, (400, "malformed")),
    (ADD, b"null", {}, (400, "malformed")),
    (ADD, b"7", {}, (400, "malformed")),
    (ADD, b'"a"', {}, (400, "malformed")),
    (ADD, b"[" * 50_000, {}, (400, "malformed")),
    (ADD, b'{"a":' * 10_000, {}, (400, "malformed")),
    (ADD, b'{"first_name":NaN}', {}, (400, "malformed")),
    (ADD, b'{"first_name":1e999}', {}, (400, "malformed")),
    (ADD, b'{"first_name":' + b"9" * 5000 + b"}", {}, (400, "malformed")),
    (ADD, b'{"first_name":"\\u0000"}', {}, (400, "malformed")),
    (ADD, b'{"first_name":"\\ud800"}', {}, (400, "malformed")),
    (ADD, b'{"\\ud800":1}', {}, (400, "malformed")),
    (ADD, b'{"first_name":"\xff"}', {}, (400, "malformed")),
    (ADD, '{"first_name":"Zoë"}'.encode("utf-16"), {}, (400, "malformed")),
    (ADD, b'{"first_name":"a","first_name":"b"}', {}, (400, "malformed")),
    (ADD, b'{"first_name":"a"}{}', {}, (400, "malformed")),
    (ADD, b'{"first_name":"' + b"x" * MOST_BYTES + b'"}', {}, (413, "too_large")),
    (PUT, b"[]", {}, (400, "malformed")),
    (PUT, b"", {}, (422, "invalid")),
    (("PATCH", "contacts/1/"), b"{}", {}, (428, "precondition_required")),
    (("PATCH", "contacts/1/"), b"{}", {"If-Match": "*"}, (404, "not_found")),
    (("POST", "appointments/1/cancel/"), b'{"why":"x"}', {}, (422, "invalid")),
]


@pytest.mark.parametrize(("door", "body", "headers", "expected"), REQUESTS, ids=[
    f"{' '.join(door)} {(body or b'')[:20]!r} {headers}"[:70] for door, body, headers, _ in REQUESTS
])  # fmt: skip
def test_each_refusal_is_a_problem(
    api: ApiClient,
    door: tuple[str, str],
    body: bytes | None,
    headers: dict[str, str],
    expected: tuple[int, str],
) -> None:
    answer = api.send(*door, body, **headers)
    assert read_problem(answer) == expected
    assert not Contact.objects.exists()
    if answer.status_code == 405:
        assert answer.headers["Allow"]


def test_too_many_requests_of_one_token_wait_and_others_go_on(settings: Settings) -> None:
    settings.API_RATE = "3/minute"
    busy, other = ApiClient(), ApiClient(make_secret(name="Other"))
    statuses = [busy.get("contacts/").status_code for _ in range(3)]
    answer = busy.get("contacts/")
    assert 429 not in statuses
    assert read_problem(answer) == (429, "throttled")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert other.get("contacts/").status_code == 200


def test_an_address_that_sends_wrong_tokens_waits_and_valid_ones_of_it_go_on(settings: Settings) -> None:
    settings.API_WRONG_TOKENS = "3/minute"
    guessing, known = ApiClient("callboard_" + "A" * 43), ApiClient()
    assert [guessing.get("contacts/").status_code for _ in range(3)] == [401] * 3
    answer = guessing.get("contacts/")
    assert read_problem(answer) == (429, "throttled")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert guessing.send("GET", "contacts/", Authorization="").status_code == 429, "no token is a wrong one"
    assert known.get("contacts/").status_code == 200


def test_requests_are_counted_here_while_redis_is_away(settings: Settings) -> None:
    settings.API_RATE, settings.REDIS_URL = "2/minute", "redis://127.0.0.1:9/0"
    api = ApiClient()
    assert [api.get("contacts/").status_code for _ in range(3)] == [200, 200, 429]


def test_our_own_fault_is_a_problem_that_tells_nothing(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: Any) -> None:
        raise ZeroDivisionError("Sarah +12025550100")

    monkeypatch.setattr(appointments, "read_parameters", fail)
    answer = api.get("appointments/")
    assert read_problem(answer) == (500, "internal")
    assert "Sarah" not in answer.content.decode()
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/v1", 404),
        ("/api/v2/contacts/", 404),
        ("/api/v1//contacts/", 404),
        ("/api/v1/contacts/%00/", 404),
        ("/api/v1/contacts/1", 404),
        ("/api/v1/contacts.json", 404),
        ("/api/v1/appointments/a/b", 404),
        ("/api/v1/appointments/a%2Fb/c/", 404),
        ("/api/v1/" + "x" * 9000 + "/", 404),
    ],
    ids=lambda value: str(value)[:40],
)
def test_addresses_beside_those_there_are_are_problems(api: ApiClient, address: str, status: int) -> None:
    answer = api.get(address)
    assert answer.status_code == status
    assert read_problem(answer) == (status, "not_found")


def test_a_host_that_is_not_ours_is_a_problem_too(api: ApiClient, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    assert read_problem(api.get("contacts/", Host="evil.example")) == (400, "malformed")


def test_what_fails_outside_a_view_is_a_problem_too(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any) -> None:
        raise ZeroDivisionError("Sarah +12025550100")

    monkeypatch.setattr("reminders.api.views.ApiView.handle_exception", fail)
    answer = api.get("nothing/")
    assert read_problem(answer) == (500, "internal")
    assert "Sarah" not in answer.content.decode()


def test_no_other_site_may_read_answers_in_a_browser(api: ApiClient) -> None:
    """No CORS: a token belongs in a server, not in a page."""
    for method in ("GET", "OPTIONS"):
        answer = api.send(method, "contacts/", Origin="https://evil.example")
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("application/json; charset=utf-8", 200),
        ("application/problem+json, application/json", 200),
        ("text/html, */*;q=0.1", 200),
        ("text/html", 406),
        ("nonsense", 406),
    ],
)
def test_json_is_all_that_is_answered(api: ApiClient, accept: str, status: int) -> None:
    answer = api.get("contacts/", **({"Accept": accept} if accept else {}))
    assert answer.status_code == status
    assert "json" in answer.headers["Content-Type"]


HUGE = "9" * 400


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("source=%00", {"source": "control"}),
        ("source=a%0Ab", {"source": "control"}),
        ("source=" + "x" * 5000, {"source": "max_length"}),
        ("source=", {"source": "blank"}),
        ("source=a&source=b", {"source": "repeated"}),
        (f"limit={HUGE}", {"limit": "invalid"}),
        ("limit=0", {"limit": "min_value"}),
        ("limit=201", {"limit": "max_value"}),
        ("limit=-1", {"limit": "invalid"}),
        ("limit=%D9%A1", {"limit": "invalid"}),
        ("updated_since=0001-01-01T00:00:00Z", {"updated_since": "invalid"}),
        ("updated_since=9999-12-31T23:59:59-23:59", {"updated_since": "invalid"}),
        ("updated_since=2026-01-01", {"updated_since": "invalid"}),
        ("cursor=x", {"cursor": "unknown_cursor"}),
        ("cursor=YWZ0ZXI6LTE", {"cursor": "unknown_cursor"}),  # after:-1
        ("cursor=YWZ0ZXI6MSBPUiAx", {"cursor": "unknown_cursor"}),  # after:1 OR 1
        ("cursor=" + "A" * 5000, {"cursor": "max_length"}),
        ("cursor=%00", {"cursor": "control"}),
        ("no_such=1", {"no_such": "unknown"}),
        ("__class__=1&source__in=a", {"__class__": "unknown", "source__in": "unknown"}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_parameter_that_can_not_be_is_named(api: ApiClient, query: str, errors: dict[str, str]) -> None:
    answer = api.get(f"contacts/?{query}")
    assert read_problem(answer) == (422, "invalid")
    assert read_errors(answer) == errors


def test_every_code_has_its_status_and_is_in_the_description() -> None:
    assert set(STATUS) == set(ProblemCode)
    listed = description.PROBLEM["properties"]["type"]["enum"]  # type: ignore[index]
    assert listed == [TYPE_PREFIX + code for code in ProblemCode.values]


def test_answers_are_never_stored_on_the_way(api: ApiClient) -> None:
    for address in ("contacts/", "nothing/"):
        assert "no-store" in api.get(address).headers["Cache-Control"]


def test_an_answer_that_is_compressed_still_names_its_version(api: ApiClient) -> None:
    contact = make_contact(first_name="Anna" * 25, last_name="Lind" * 25)
    answer = api.get(f"contacts/{contact.pk}/", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    tag = answer.headers["ETag"]
    assert tag.startswith("W/")
    changed = api.patch(f"contacts/{contact.pk}/", {"last_name": "Stone"}, If_Match=tag)
    assert changed.status_code == 200


@pytest.mark.parametrize(
    ("method", "address"),
    [("GET", "contacts/1/"), ("POST", "contacts/search/"), ("PATCH", "contacts/1/"), ("GET", "contacts/")],
)
def test_a_parameter_that_is_not_read_is_refused(api: ApiClient, method: str, address: str) -> None:
    answer = api.send(method, f"{address}?format=json", b"{}" if method != "GET" else None, If_Match="*")
    assert read_problem(answer) == (422, "invalid")
    assert read_errors(answer) == {"format": "unknown"}


def test_a_head_request_has_the_headers_of_a_get(api: ApiClient) -> None:
    contact = make_contact()
    tag = api.get(f"contacts/{contact.pk}/").headers["ETag"]
    answer = api.send("HEAD", f"contacts/{contact.pk}/")
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (200, b"", tag)


def test_wrong_names_are_pointed_at_by_json_pointers(api: ApiClient) -> None:
    answer = api.post("contacts/", {"first_name": "Zoe", "~": 1, "a/b": 2, "": 3})
    assert read_errors(answer) == {"#/~0": "unknown", "#/a~1b": "unknown", "#/": "unknown"}
    assert json.loads(answer.content)["errors"][0].keys() == {"pointer", "code", "detail"}
