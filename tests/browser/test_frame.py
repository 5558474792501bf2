"""The frame around every page: usable on a phone without JavaScript, and never pushed sideways."""

from playwright.sync_api import Page, expect

from tests.browser.looking import WIDTHS, check_page, check_width
from tests.browser.running import RunningClinic
from tests.browser.signing_in import Logins


def test_every_place_is_reached_on_a_phone_without_javascript(clinic: RunningClinic, logins: Logins) -> None:
    page = open_page(logins, clinic, 390, java_script_enabled=False)
    more = page.locator(".rail-more > summary")
    expect(page.locator(".rail > ul > li:visible")).to_have_count(5)
    more.click()
    page.locator(".rail-more").get_by_role("link", name="Sending").click()
    expect(page).to_have_url(f"{clinic.web}/sending/stop/")
    page.get_by_role("link", name="Find anything").click()
    page.get_by_role("heading", name="Find", exact=True).wait_for()
    page.context.close()


def test_the_dialog_that_finds_anything_opens_by_touch_and_is_not_there_before(
    clinic: RunningClinic, logins: Logins
) -> None:
    page = open_page(logins, clinic, 390)
    dialog = page.locator("#find-dialog")
    assert not dialog.is_visible()
    page.get_by_role("link", name="Find anything").click()
    expect(dialog).to_be_visible()
    assert page.url == f"{clinic.web}/"
    page.context.close()


def test_settings_and_the_menus_can_be_used_by_everybody(clinic: RunningClinic, logins: Logins) -> None:
    page = open_page(logins, clinic, 390, path="/settings/")
    page.locator(".rail-more > summary").click()
    check_page(page)
    page.context.close()


STOPPED = """
    const sweep = document.querySelector(".sweep");
    sweep.classList.add("sweep-stale");
    sweep.textContent = "Missing call results have not been looked for since the server's clock was set "
        + "back. Tell your administrator.";
"""


def test_what_has_stopped_is_said_in_full_and_pushes_nothing_aside(
    clinic: RunningClinic, logins: Logins
) -> None:
    page = open_page(logins, clinic, 1440)
    page.evaluate(STOPPED)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        check_width(page)
        right = page.locator(".sweep").evaluate("element => element.getBoundingClientRect().right")
        assert right <= width
        find = page.get_by_role("link", name="Find anything").bounding_box()
        account = page.locator(".topbar .menu > summary").bounding_box()
        assert find
        assert account
        assert find["x"] + find["width"] <= account["x"], "side by side"
    page.context.close()


def test_the_first_row_is_two_keys_from_the_beginning(clinic: RunningClinic, logins: Logins) -> None:
    page = open_page(logins, clinic, 1440)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.context.close()


def open_page(
    logins: Logins, clinic: RunningClinic, width: int, path: str = "/", *, java_script_enabled: bool = True
) -> Page:
    """The page at this path and of that width, as a manager sees it."""
    screen = {"width": width, "height": 844}
    context = logins.open_as("manager", viewport=screen, java_script_enabled=java_script_enabled)
    page = context.new_page()
    page.goto(clinic.web + path)
    return page
