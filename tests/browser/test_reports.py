"""Reports in a real browser: no fault for axe and no error in either theme, by keyboard, on a phone."""

import csv
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.running import RunningClinic
from tests.browser.signing_in import log_in

REPORTS = ("days", "locations", "times", "attendance", "caller-ids", "saved")


@pytest.fixture(params=["light", "dark"])
def manager(request: pytest.FixtureRequest, browser: Browser, clinic: RunningClinic) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=request.param)
    page = context.new_page()
    log_in(clinic, page, "manager")
    yield page
    context.close()


def test_reports_are_read_by_everybody(manager: Page, clinic: RunningClinic) -> None:
    errors: list[str] = []
    manager.on("console", lambda one: errors.append(one.text) if one.type in ("error", "warning") else None)
    manager.on("pageerror", lambda error: errors.append(str(error)))
    for width in (1440, 390):
        manager.set_viewport_size({"width": width, "height": 900})
        for kind in REPORTS:
            manager.goto(f"{clinic.web}/reports/{kind}/")
            expect(manager.get_by_role("heading", level=1)).to_be_visible()
            faults = Axe().run(manager).response["violations"]
            assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults] == [], kind
            assert manager.evaluate("document.documentElement.scrollWidth") <= width, kind
    assert errors == []


def test_a_chart_that_is_not_drawn_again_yet_pushes_no_page_sideways(
    manager: Page, clinic: RunningClinic
) -> None:
    manager.goto(f"{clinic.web}/reports/days/")
    expect(manager.locator(".report-chart canvas")).to_be_visible()
    manager.evaluate("window.requestAnimationFrame = () => 0")
    manager.set_viewport_size({"width": 1024, "height": 900})
    assert manager.evaluate("document.documentElement.scrollWidth") == 1024


def test_a_report_is_found_by_keyboard_and_taken_as_a_file(manager: Page, clinic: RunningClinic) -> None:
    manager.get_by_role("link", name="Reports").focus()
    manager.keyboard.press("Enter")
    manager.wait_for_url(f"{clinic.web}/reports/")
    expect(manager.locator(".report-chart canvas")).to_be_visible()
    manager.get_by_role("link", name="No-shows").focus()
    manager.keyboard.press("Enter")
    expect(manager.get_by_role("heading", name="With and without contact")).to_be_visible()
    with manager.expect_download() as download:
        manager.get_by_role("link", name="Download as CSV").press("Enter")
    assert download.value.suggested_filename.startswith("attendance-")
    lines = list(csv.reader(download.value.path().read_text(encoding="utf-8-sig").splitlines()))
    shown = manager.locator("table tbody tr").first.locator("th, td").first.inner_text()
    assert any(shown in line for line in lines), "the file says what the table says"
