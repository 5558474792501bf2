"""A form with a file of gigabytes is refused before anything of it reaches the disk or the memory."""

from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from config.body_limit import BESIDE_THE_FILE, EVENTS, READ_TO_ANSWER, UPLOADS, read_length
from config.web_server import RESERVED_THREADS
from tests.people import make_user

pytestmark = pytest.mark.django_db
FORM = "multipart/form-data; boundary=x"
TWO_GIGABYTES = 2 * 1024**3


class EndlessBody:
    """A body of as many bytes as anybody asks for; counts them. `ends_at`: where the browser goes away."""

    def __init__(self, ends_at: int = TWO_GIGABYTES) -> None:
        self.read_so_far = 0
        self.ends_at = ends_at

    def read(self, size: int = -1) -> bytes:
        if self.read_so_far >= self.ends_at:
            raise ConnectionResetError
        self.read_so_far += size
        return bytes(size)

    readline = read


def send(client: Client, body: EndlessBody, length: int, content_type: str = FORM) -> Any:
    """Post a body that is said to have that length."""
    said: dict[str, Any] = {"CONTENT_LENGTH": str(length), "wsgi.input": body}
    return client.generic("POST", reverse("upload_import"), b"x", content_type, **said)


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_user())
    return client


def test_two_gigabytes_are_refused_in_a_sentence_and_most_of_them_are_not_even_read(desk: Client) -> None:
    body = EndlessBody()
    answer = send(desk, body, TWO_GIGABYTES)
    assert answer.status_code == 413
    assert "The file is larger than 20 MB. Export fewer days at a time." in answer.content.decode()
    assert 0 < body.read_so_far <= READ_TO_ANSWER


def test_it_is_refused_from_somebody_who_is_not_signed_in_too(client: Client) -> None:
    assert send(client, EndlessBody(), TWO_GIGABYTES).status_code == 413


def test_a_browser_that_goes_away_meanwhile_is_no_error(desk: Client) -> None:
    assert send(desk, EndlessBody(ends_at=1024**2), TWO_GIGABYTES).status_code == 413


def test_the_page_itself_refuses_what_is_only_a_little_too_large(desk: Client, settings: Settings) -> None:
    settings.IMPORT_MAX_BYTES = 10
    form = {"file": SimpleUploadedFile("list.csv", b"x" * 11), "source": "csv"}
    answer = desk.post(reverse("upload_import"), form)
    assert answer.status_code == 422
    assert "The file is larger than 10 bytes" in answer.content.decode()
    settings.IMPORT_MAX_BYTES = 10 - BESIDE_THE_FILE
    assert desk.post(reverse("upload_import"), form).status_code == 413


@pytest.mark.parametrize("content_type", [FORM, "application/x-www-form-urlencoded", "application/json"])
@pytest.mark.parametrize("name", ["login", "today", "api_contacts", "admin:index"])
def test_any_other_address_takes_what_a_form_has_and_reads_nothing_of_what_is_larger(
    client: Client, name: str, content_type: str
) -> None:
    body = EndlessBody()
    said: dict[str, Any] = {"CONTENT_LENGTH": str(300 * 1024**2), "wsgi.input": body}
    assert client.generic("POST", reverse(name), b"x", content_type, **said).status_code == 413
    assert body.read_so_far == 0


def test_the_addresses_with_limits_of_their_own_are_those_of_the_urls() -> None:
    assert reverse("upload_import") == UPLOADS
    assert reverse("robotalker_hook", args=["x"]) == f"{EVENTS}x"
    assert f"{EVENTS}x".startswith(tuple(RESERVED_THREADS))
    assert reverse("healthz").startswith(tuple(RESERVED_THREADS))


def test_the_page_tells_the_browser_the_limit(desk: Client) -> None:
    page = desk.get(reverse("upload_import")).content.decode()
    assert f'data-largest="{settings.IMPORT_MAX_BYTES}"' in page
    assert 'data-too-large="The file is larger than 20 MB.' in page


@pytest.mark.parametrize(
    ("said", "length"),
    [("", 0), ("0", 0), ("12", 12), ("-5", 0), ("²", 0), ("1e9", 0), ("9" * 40, 10**20 - 1), (None, 0)],
)
def test_only_a_length_that_is_a_number_counts(said: str | None, length: int) -> None:
    request = RequestFactory().get("/")
    request.META["CONTENT_LENGTH"] = said
    assert read_length(request) == length
