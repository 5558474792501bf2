"""The static files of the image: collected by the Dockerfile's own steps, and then served with pages."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from django.conf import global_settings
from django.db import connection
from pytest_django import Settings

from config.local.front_end import build_front_end
from tests.config.test_unsafe_start import SAFE
from tests.people import make_user
from tests.waiting import find_free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
STEPS = re.findall(r"^RUN ((?:.*\\\n)*.*)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
PASSWORD = "a quiet desk"
WORKER = ["-k", "config.web_server.PatientWorker"]
LINKED = {"link": "href", "script": "src", "img": "src"}
WITHOUT_MAP = "webauthn-json"  # django-allauth brings no map of it; only a debugger would ask for one
HASHED = re.compile(r"/static/.+\.[0-9a-f]{12}\.(css|js|svg)")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the Dockerfile's steps with manage.py fill, run here as they are."""
    build_front_end()  # a step of its own, which needs npm's packages
    folder = tmp_path_factory.mktemp("static")
    steps = [step for step in STEPS if "manage.py" in step]
    assert any("collectstatic" in step for step in steps)
    for step in steps:
        command = step.replace(".venv/bin/python", shlex.quote(sys.executable))
        environment = {"PATH": os.environ["PATH"], "STATIC_ROOT": str(folder)}
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def web(collected: Path, transactional_db: None) -> Iterator["Visitor"]:
    """The web process of the image, with DEBUG off, on the test's database."""
    port = find_free_port()
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, *WORKER, "--threads", "4", "--no-control-socket", "--log-level", "error"],
        cwd=ROOT,
        env=SAFE
        | {
            "DATABASE_URL": database.geturl(),
            "STATIC_ROOT": str(collected),
            "SECOND_FACTOR_FOR": "nobody",
        },
    )
    visitor = Visitor(f"http://127.0.0.1:{port}")
    try:
        wait_until(visitor.is_answered, "the web process", within_seconds=60)
        yield visitor
    finally:
        process.terminate()
        process.wait(timeout=30)


class Visitor:
    """A browser behind the proxy with TLS, as far as this test needs one."""

    def __init__(self, web: str) -> None:
        self._web = web
        self._cookies: dict[str, str] = {}

    def is_answered(self) -> bool:
        try:
            return self.get("/healthz").status_code == 200
        except requests.ConnectionError:
            return False

    def get(self, path: str) -> requests.Response:
        return self._ask("GET", path)

    def log_in(self, name: str) -> None:
        self.get("/login/")
        form = {
            "username": name,
            "password": PASSWORD,
            "csrfmiddlewaretoken": self._cookies["__Host-csrf"],
        }
        assert self._ask("POST", "/login/", form).status_code == 302

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> requests.Response:
        headers = {
            "Host": "callboard.example.org",
            "X-Forwarded-Proto": "https",
            "Referer": "https://callboard.example.org/login/",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        answer = requests.request(
            method, self._web + path, headers=headers, data=form, allow_redirects=False, timeout=30
        )
        cookies: SimpleCookie = SimpleCookie()
        for header in answer.raw.headers.getlist("Set-Cookie"):
            cookies.load(header)
        self._cookies |= {name: morsel.value for name, morsel in cookies.items()}
        return answer


class Links(HTMLParser):
    """The styles, scripts and images that a page names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if (where := LINKED.get(tag)) and (address := dict(attributes).get(where)):
            self.found.append(address)


def test_every_page_and_file_of_the_image_is_served(web: Visitor, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS  # the image's, not the quick one of tests
    make_user("sam", password=PASSWORD, is_staff=True, is_superuser=True)
    pages = {"/login/": 200, "/no-such-page/": 404}
    files = {address for page, status in pages.items() for address in read_links(web, page, status)}
    web.log_in("sam")
    for page in ("/", "/contacts/", "/worklist/", "/imports/", "/appointments/book/", "/admin/"):
        files |= read_links(web, page, 200)
    for model in ("contacts/contact", "reminders/campaign", "auth/user"):
        files |= read_links(web, f"/admin/{model}/", 200)
    files |= read_links(web, "/admin/auth/group/add/", 200)
    assert {Path(file).name.split(".")[0] for file in files} >= {"tabler", "htmx", "callboard", "favicon"}
    for file in files - {"/admin/jsi18n/"}:  # a page, though a script
        assert HASHED.fullmatch(file), file
        answer = web.get(file)
        assert answer.status_code == 200, file
        assert "immutable" in answer.headers["Cache-Control"], file
        for named in re.findall(r"url\([\"']?(?!data:|#)([^)\"']+)", answer.text):
            assert web.get(urljoin(file, named)).status_code == 200, f"{named} in {file}"
        maps = re.findall(r"sourceMappingURL=(\S+)", answer.text) if WITHOUT_MAP not in file else []
        for named in maps:
            assert web.get(urljoin(file, named)).status_code == 200, f"{named} in {file}"


def read_links(web: Visitor, page: str, status: int) -> set[str]:
    answer = web.get(page)
    assert answer.status_code == status, page
    return set(Links(answer.text).found)


def test_only_a_small_part_of_the_front_end_packages_is_collected(collected: Path) -> None:
    files = [file for file in collected.rglob("*") if file.is_file()]
    assert len(files) < 800
    assert not (collected / "rest_framework").exists()
    assert not list(collected.rglob("tom-select*"))
