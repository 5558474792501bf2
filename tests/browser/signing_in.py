"""How a person signs in, in one place."""

from playwright.sync_api import Page

from tests.browser.running import RunningClinic

PASSWORD = "callboard"  # of everybody in the demo clinic


def log_in(clinic: RunningClinic, page: Page, name: str) -> None:
    """Sign in as this person of the demo clinic, who then sees Today."""
    page.goto(f"{clinic.web}/login/")
    enter_password(page, name)
    page.wait_for_url(f"{clinic.web}/")


def enter_password(page: Page, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
