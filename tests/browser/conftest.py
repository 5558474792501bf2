"""A real browser against the whole running program."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.long_names import lengthen_names
from tests.browser.looking import DROPPED
from tests.browser.running import RunningClinic, run_clinic
from tests.browser.signing_in import Logins
from tests.browser.walking import LOOKS, Look, Walk, describe_screen

# Chromium must make no requests of its own; without the first flag it can't run as root.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="package")
def clinic(
    tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings: None
) -> Iterator[RunningClinic]:
    with run_clinic(tmp_path_factory.mktemp("clinic")) as running:
        yield running


@pytest.fixture(scope="package")  # its event loop keeps other tests from using the database
def browser() -> Iterator[Browser]:
    path = os.environ.get("CALLBOARD_BROWSER")
    assert path, "`make test` finds or installs a browser and names it in CALLBOARD_BROWSER"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        expect.set_options(timeout=30_000)  # for a busy machine
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def logins(browser: Browser, clinic: RunningClinic) -> Logins:
    return Logins(browser, clinic)


@pytest.fixture
def desk(logins: Logins, clinic: RunningClinic) -> Iterator[Page]:
    """A page on Today, logged in as the front desk."""
    context = logins.open_as("frontdesk", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(clinic.web)
    yield page
    context.close()


@pytest.fixture
def complaints(desk: Page) -> Iterator[list[str]]:
    """What the browser's console says is wrong; nothing may be."""
    found: list[str] = []

    def note(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning") and not said.text.startswith(DROPPED):
            found.append(said.text)

    desk.on("console", note)
    desk.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look.width}-{look.theme}")
def look(request: pytest.FixtureRequest) -> Look:
    """Each of the four screens in its turn."""
    found: Look = request.param
    return found


@pytest.fixture
def walk_as(logins: Logins, look: Look, long_names: None) -> Iterator[Callable[[str], Walk]]:
    """Begins a walk on this screen, of a person of the demo clinic whose patients all have long names."""
    walks = []

    def begin(name: str) -> Walk:
        walks.append(Walk(logins.open_as(name, **describe_screen(look)), look))
        return walks[-1]

    yield begin
    for walk in walks:
        walk.page.context.close()


@pytest.fixture(scope="module")
def long_names(clinic: RunningClinic) -> Iterator[None]:
    """Every patient, location and so on has a name of 60 letters, whose first letters tell them apart."""
    with lengthen_names(clinic):
        yield


@pytest.fixture
def phones(browser: Browser, clinic: RunningClinic) -> Iterator[Page]:
    """The sandbox's page of phones, at the size of a phone's screen."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(clinic.phones)
    yield page
    context.close()
