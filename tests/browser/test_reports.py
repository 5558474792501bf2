"""Reports in a real browser, by keyboard, on a wide screen and on a phone, to a file.

That each can be read by everybody is in test_every_page.py.
"""

import csv
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import check_accessible, check_width
from tests.browser.running import RunningClinic
from tests.browser.signing_in import log_in

PHONE = 390  # pixels


@pytest.fixture(params=[("light", 1440), ("dark", PHONE)], ids=["wide", "phone"])
def manager(request: pytest.FixtureRequest, browser: Browser, clinic: RunningClinic) -> Iterator[Page]:
    theme, width = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page, said = context.new_page(), []
    page.on("console", lambda one: said.append(one.text) if one.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    log_in(clinic, page, "manager")
    yield page
    context.close()
    assert said == []


def test_a_chart_that_is_not_drawn_again_yet_pushes_no_page_sideways(
    manager: Page, clinic: RunningClinic
) -> None:
    manager.set_viewport_size({"width": 1440, "height": 900})
    manager.goto(f"{clinic.web}/reports/days/")
    expect(manager.locator(".report-chart canvas")).to_be_visible()
    manager.evaluate("window.requestAnimationFrame = () => 0")
    manager.set_viewport_size({"width": 1024, "height": 900})
    assert manager.evaluate("document.documentElement.scrollWidth") == 1024


def test_a_report_is_found_by_keyboard_and_taken_as_a_file(manager: Page, clinic: RunningClinic) -> None:
    if manager.evaluate("innerWidth") == PHONE:
        manager.locator(".rail-more summary").press("Enter")
    manager.get_by_role("link", name="Reports").press("Enter")
    manager.wait_for_url(f"{clinic.web}/reports/")
    expect(manager.locator(".report-chart canvas")).to_be_visible()
    check_width(manager)
    check_accessible(manager)
    manager.get_by_role("link", name="No-shows").focus()
    manager.keyboard.press("Enter")
    expect(manager.get_by_role("heading", name="With and without contact")).to_be_visible()
    check_width(manager)
    check_accessible(manager)
    with manager.expect_download() as download:
        manager.get_by_role("link", name="Download as CSV").press("Enter")
    assert download.value.suggested_filename.startswith("attendance-")
    lines = list(csv.reader(download.value.path().read_text(encoding="utf-8-sig").splitlines()))
    shown = manager.locator("table tbody tr").first.locator("th, td").first.inner_text()
    assert any(shown in line for line in lines), "the file says what the table says"
