"""How a person signs in, in one place."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, StorageState

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


class Logins:
    """Who is logged in already, so that few tests have to fill in the form; each has a context of its own."""

    def __init__(self, browser: Browser, clinic: RunningClinic) -> None:
        self._browser = browser
        self._clinic = clinic
        self._states: dict[str, StorageState] = {}

    def open_as(self, name: str, **options: Any) -> BrowserContext:
        """A context with these options, in which this person of the demo clinic is logged in.

        The session is not theirs alone: whoever logs out or locks the desk calls `log_in` instead.
        """
        if name in self._states:
            context = self._browser.new_context(storage_state=self._states[name], **options)
            today = context.request.get(f"{self._clinic.web}/settings/", max_redirects=0)
            if today.ok:
                return context
            context.close()  # the session has ended, or was locked
        context = self._browser.new_context()
        log_in(self._clinic, context.new_page(), name)
        self._states[name] = context.storage_state()
        context.close()
        return self._browser.new_context(storage_state=self._states[name], **options)
