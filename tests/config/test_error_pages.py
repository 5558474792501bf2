"""Our own pages for errors, under `make run` (DEBUG on) as in production."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from config.urls import urlpatterns as ours
from tests.people import make_user

pytestmark = pytest.mark.django_db


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError("the patient is +12025550100")


def refuse(request: HttpRequest) -> HttpResponse:
    raise {"bad": BadRequest, "suspicious": SuspiciousOperation}[request.GET["kind"]]


urlpatterns = [path("fail/", fail), path("refuse/", refuse), *ours]


@pytest.fixture(params=[True, False], ids=["make run", "production"])
def desk(request: pytest.FixtureRequest) -> Iterator[Client]:
    client = Client(raise_request_exception=False)
    client.force_login(make_user())
    with override_settings(DEBUG=request.param, ROOT_URLCONF=__name__):
        yield client


def check_is_ours(answer: Any, status: int, words: str) -> None:
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page.replace("&#x27;", "'")
    assert "callboard.css" in page
    assert "DEBUG" not in page
    assert "Traceback" not in page
    assert "<style" not in page
    assert "'none'" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("address", ["/no-such-page/", "/contacts/424242/", "/appointments/424242/"])
def test_an_unknown_address_or_row(desk: Client, address: str) -> None:
    check_is_ours(desk.get(address), 404, "Page not found")


def test_an_address_that_only_takes_a_form(desk: Client) -> None:
    answer = desk.get("/appointments/1/confirm/")
    check_is_ours(answer, 405, "Nothing to show here")
    assert answer.headers["Allow"] == "POST"


def test_an_unknown_address_in_the_admin(desk: Client, sam: User) -> None:
    desk.force_login(sam)
    check_is_ours(desk.get("/admin/contacts/no-such-model/"), 404, "Page not found")


def test_an_unknown_address_without_a_login(desk: Client) -> None:
    desk.logout()
    check_is_ours(desk.get("/no-such-page/"), 404, "Page not found")


def test_an_address_without_its_last_slash_is_still_found(desk: Client) -> None:
    assert desk.get("/worklist")["Location"] == "/worklist/"


def test_an_error_of_ours_is_logged_with_its_traceback(
    desk: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="django.request"):
        answer = desk.get("/fail/", headers={"Accept": "text/html"})
    check_is_ours(answer, 500, "Something went wrong")
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.exc_info
    assert isinstance(record.exc_info[1], ValueError)


@pytest.mark.parametrize("kind", ["bad", "suspicious"])
def test_a_faulty_request(desk: Client, kind: str) -> None:
    check_is_ours(desk.get(f"/refuse/?kind={kind}"), 400, "This could not be read")


def test_a_form_without_its_token(desk: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    check_is_ours(strict.post("/sending/pause/"), 403, "The form was not sent")


def test_no_permission(desk: Client, caplog: pytest.LogCaptureFixture) -> None:
    desk.force_login(make_user("omar", role=""))
    check_is_ours(desk.get("/worklist/"), 403, "You don't have access yet")
    assert [record.getMessage() for record in caplog.records] == ["Forbidden (Permission denied): /worklist/"]
    assert not caplog.records[0].exc_info, "a refusal is no error: no traceback"
