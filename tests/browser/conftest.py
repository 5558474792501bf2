"""A real browser against the whole running program."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.running import RunningClinic, run_clinic
from tests.browser.signing_in import log_in

# Chromium must make no requests of its own; without the first flag it can't run as root.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

DROPPED = ("htmx:afterRequest", "htmx:sendAbort")


@pytest.fixture(scope="package")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClinic]:
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


@pytest.fixture
def desk(browser: Browser, clinic: RunningClinic) -> Iterator[Page]:
    """A page on Today, logged in as the front desk."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    log_in(clinic, page, "frontdesk")
    yield page
    context.close()


@pytest.fixture
def complaints(desk: Page) -> Iterator[list[str]]:
    """What the browser's console says is wrong; nothing may be."""
    found: list[str] = []

    def note(said: ConsoleMessage) -> None:
        # what is typed drops the answer that the letter before still waits for, and htmx notes that
        if said.type in ("error", "warning") and not said.text.startswith(DROPPED):
            found.append(said.text)

    desk.on("console", note)
    desk.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


@pytest.fixture
def phones(browser: Browser, clinic: RunningClinic) -> Iterator[Page]:
    """The sandbox's page of phones, at the size of a phone's screen."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(clinic.phones)
    yield page
    context.close()
