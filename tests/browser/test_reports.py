"""Reports in a real browser, by keyboard, on each screen, to a file.

That each can be read by everybody is in test_every_page.py.
"""

import csv
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.running import RunningClinic
from tests.browser.signing_in import Logins
from tests.browser.walking import Walk


def test_a_chart_that_is_not_drawn_again_yet_pushes_no_page_sideways(
    logins: Logins, clinic: RunningClinic
) -> None:
    page = logins.open_as("manager", viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{clinic.web}/reports/days/")
    expect(page.locator(".report-chart canvas")).to_be_visible()
    page.evaluate("window.requestAnimationFrame = () => 0")
    page.set_viewport_size({"width": 1024, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") == 1024
    page.context.close()


def test_a_report_is_found_by_keyboard_and_taken_as_a_file(
    walk_as: Callable[[str], Walk], clinic: RunningClinic
) -> None:
    walk = walk_as("manager")
    manager = walk.page
    manager.goto(clinic.web)
    if walk.look.is_phone:
        manager.locator(".rail-more summary").press("Enter")
    manager.get_by_role("link", name="Reports").press("Enter")
    manager.wait_for_url(f"{clinic.web}/reports/")
    expect(manager.locator(".report-chart canvas")).to_be_visible()
    walk.stop()
    manager.get_by_role("link", name="No-shows").focus()
    manager.keyboard.press("Enter")
    expect(manager.get_by_role("heading", name="With and without contact")).to_be_visible()
    walk.stop()
    with manager.expect_download() as download:
        manager.get_by_role("link", name="Download as CSV").press("Enter")
    assert download.value.suggested_filename.startswith("attendance-")
    lines = list(csv.reader(download.value.path().read_text(encoding="utf-8-sig").splitlines()))
    shown = manager.locator("table tbody tr").first.locator("th, td").first.inner_text()
    assert any(shown in line for line in lines), "the file says what the table says"
    walk.check()
