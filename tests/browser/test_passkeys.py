"""A passkey in a real browser, whose own virtual authenticator keeps it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import LookedAt
from tests.browser.running import RunningClinic
from tests.browser.signing_in import enter_password

KEEPS = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def site(clinic: RunningClinic) -> str:
    """The clinic by a name, since browsers keep no passkey for a number."""
    return clinic.web.replace("127.0.0.1", "localhost")


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """Nobody is logged in, and the browser has an authenticator."""
    context = browser.new_context(reduced_motion="reduce")  # colours are those of no transition
    made = context.new_page()
    session = context.new_cdp_session(made)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": KEEPS})
    made.goto(f"{site}/login/")
    yield made
    context.close()


def log_out(page: Page) -> None:
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_somebody_adds_a_passkey_logs_in_with_it_and_removes_it(page: Page, site: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    enter_password(page, "frontdesk")
    page.goto(f"{site}/sign-in/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("my phone")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("link", name="I have them: go on").click()
    log_out(page)

    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{site}/")
    log_out(page)

    enter_password(page, "frontdesk")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{site}/")

    page.goto(f"{site}/sign-in/")
    expect(page.get_by_text("last used")).to_be_visible()
    looked_at = LookedAt(page.context)
    for name in ("", "Rename my phone", "Remove my phone", "Add a passkey"):
        looked_at.open(f"{site}/sign-in/")
        if name:
            looked_at.page.get_by_role("link", name=name).click()
            expect(looked_at.page.get_by_role("link", name=re.compile("Cancel|Keep it"))).to_be_visible()
        looked_at.look()
    assert looked_at.take_faults() == []
    page.get_by_role("link", name="Remove my phone").click()
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.get_by_text("my phone")).to_have_count(0)
    log_out(page)

    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("This passkey wasn't accepted")).to_be_visible()
    assert said == []


def test_whoever_has_no_passkey_is_told_so_and_at_a_number_none_is_offered(
    page: Page, clinic: RunningClinic
) -> None:
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was done")
    page.goto(f"{clinic.web}/login/")
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
