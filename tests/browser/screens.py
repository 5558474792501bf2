"""`make screens`: the pictures of docs/screens/, of the demo clinic as `make run` starts it."""

import base64
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright

from config.local.browser import find_browser, install_browser
from config.local.postgres import start_postgres
from config.local.valkey import start_valkey
from tests.browser.addresses import A_CONTACT
from tests.browser.running import ROOT, RunningClinic, run_clinic
from tests.browser.signing_in import log_in
from tests.local_services import start_guard

FOLDER = ROOT / "docs/screens"
LARGEST = 120_000  # bytes
FLAGS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"]
DESK, PHONE = (1440, 900), (390, 844)
# A visit that was called and has a story to tell.
A_STORY = """
    SELECT r.appointment_id FROM reminders_callrecord c JOIN reminders_reminder r ON r.id = c.reminder_id
    JOIN contacts_appointment a ON a.id = r.appointment_id
    WHERE a.status = 'booked' AND a.answer = 'confirmed' AND a.starts_at > now()
    ORDER BY a.starts_at, a.id LIMIT 1
"""


@dataclass(frozen=True)
class Picture:
    """One file: what it shows, in which theme and at which size, and what is done first."""

    name: str
    path: str
    theme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = DESK
    before: Callable[[Page], None] = lambda page: None


def main() -> None:
    """Take all pictures. Raises AssertionError if one is too large."""
    FOLDER.mkdir(exist_ok=True)
    path = find_browser() or install_browser()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)), run_clinic(Path(folder)) as clinic:
        take_all(clinic, path)


def take_all(clinic: RunningClinic, path_of_browser: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path_of_browser, args=FLAGS)
        for picture in list_pictures(clinic):
            take(picture, clinic, browser)
        browser.close()


@contextmanager
def servers(folder: Path) -> Iterator[None]:
    """PostgreSQL and Valkey, as the tests have them."""
    clean_up = start_guard(folder)
    os.environ["DATABASE_URL"] = start_postgres(folder / "postgres", durable=False)
    os.environ["REDIS_URL"] = start_valkey(folder / "valkey", durable=False)
    yield
    clean_up()


def list_pictures(clinic: RunningClinic) -> list[Picture]:
    visit, contact = clinic.ask(A_STORY), clinic.ask(A_CONTACT)
    return [
        Picture("phones", clinic.phones, before=let_one_ring),
        Picture("calendar", "/calendar/", before=wait_for_visits),
        Picture("calendar-dark", "/calendar/", "dark", before=wait_for_visits),
        Picture("appointment", f"/appointments/{visit}/"),
        Picture("worklist", "/worklist/"),
        Picture("contact", f"/contacts/{contact}/"),
        Picture("campaign", "/campaigns/1/"),
        Picture("reports", "/reports/times/"),
        Picture("admin", "/admin/"),
        # last, when some have answered
        Picture("today", "/", before=peek_at_a_visit),
        Picture("today-dark", "/", "dark", before=peek_at_a_visit),
        Picture("today-phone", "/", size=PHONE),
    ]


def take(picture: Picture, clinic: RunningClinic, browser: Browser) -> None:
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=picture.theme, reduced_motion="reduce"
    )
    page = context.new_page()
    if picture.path.startswith("/"):
        log_in(clinic, page, "admin")
        page.goto(clinic.web + picture.path, wait_until="networkidle")
    else:
        page.goto(picture.path)
    picture.before(page)
    session = context.new_cdp_session(page)  # Playwright's own pictures are PNG or JPEG
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": 80})
    content = base64.b64decode(shot["data"])
    assert len(content) < LARGEST, f"{picture.name} has {len(content)} bytes"
    (FOLDER / f"{picture.name}.webp").write_bytes(content)
    context.close()


def let_one_ring(page: Page) -> None:
    page.locator('[data-phone][data-state="ringing"]').first.locator('[data-action="answer"]').click(
        timeout=120_000
    )
    expect(page.locator(".phone .words").filter(has_text="Press 1").first).to_be_visible(timeout=60_000)


def peek_at_a_visit(page: Page) -> None:
    page.locator(".row-line:visible .row-who a").nth(2).click()
    expect(page.locator(".peek-card")).to_be_visible()


def wait_for_visits(page: Page) -> None:
    expect(page.locator(".ec-event.visit").first).to_be_visible()


if __name__ == "__main__":
    main()
