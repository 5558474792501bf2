"""By keyboard alone, by touch, and at 200 %."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.addresses import fill
from tests.browser.running import RunningClinic
from tests.browser.signing_in import Logins
from tests.waiting import wait_until

MAIN_PAGES = (
    "",
    "calendar/",
    "worklist/",
    "contacts/",
    "contacts/<int:pk>/",
    "appointments/<int:pk>/",
    "appointments/<int:pk>/move/",
    "appointments/book/",
    "texts/<int:pk>/",
    "campaigns/<int:pk>/",
    "imports/new/",
    "settings/",
    "reports/",
)
STOPS = 40  # presses of Tab per page
# Whether what has the focus can be seen, is marked as having it, and is covered by nothing.
SEEN = """
    async () => {
        let one = document.activeElement;
        if (one === document.body) return null;
        const look = () => {
            one = document.activeElement;  // a part of the page that came late may have replaced it
            const box = one.getClientRects()[0];
            if (!box || box.bottom < 0 || box.top > innerHeight) return "out of sight";
            const style = getComputedStyle(one);
            const isOutlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
            if (!isOutlined && style.boxShadow === "none") return "not marked";
            const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1);
            const top = document.elementFromPoint(x, box.top + Math.min(box.height / 2, 12));
            const isItsLabel = top?.closest("label")?.control === one;
            const isSeen = top && (one.contains(top) || top.contains(one) || isItsLabel);
            return isSeen ? "" : `covered by ${top?.className}`;
        };
        let fault = look();
        const until = performance.now() + 5000;
        while (fault && one !== document.body && performance.now() < until) {  // it is being scrolled to
            await new Promise(requestAnimationFrame);
            fault = look();
        }
        if (one === document.body) return null;
        return fault && `${fault}: ${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`;
    }
"""
# What is pressed by a finger and smaller than 44 pixels; a link within a sentence or a line of words may be.
SMALL = """
    () => [...document.querySelectorAll(
        "button, .btn, summary, select, .rail a, .count, input[type=search], input[type=date]"
    )].filter((one) => {
        if (one.closest("dialog:not([open])")) return false;
        const box = one.getBoundingClientRect();
        return box.width && getComputedStyle(one).visibility === "visible"
            && (box.height < 43.5 || box.width < 24);
    }).map((one) => `${one.tagName}.${one.className} ${one.textContent.trim().slice(0, 30)} ${one.name || ""}`
        + ` ${one.getBoundingClientRect().width}x${one.getBoundingClientRect().height}`)
"""


@pytest.mark.parametrize("width", [1440, 390])
def test_the_focus_is_seen_on_every_stop(clinic: RunningClinic, logins: Logins, width: int) -> None:
    page = open_today(logins, clinic, width)
    faults = set()
    for path in list_paths(clinic):
        page.goto(clinic.web + path)
        page.wait_for_load_state("networkidle")  # a part that comes late moves what is below it
        page.evaluate("document.activeElement.blur()")
        for _ in range(STOPS):
            page.keyboard.press("Tab")
            fault: str | None = page.evaluate(SEEN)
            if fault is None:
                break
            if fault:
                faults.add(f"{path}: {fault}")
    assert sorted(faults) == []
    page.context.close()


def test_a_dialog_keeps_the_focus_and_gives_it_back(clinic: RunningClinic, logins: Logins) -> None:
    page = open_today(logins, clinic, 1440)
    page.locator(".row-line:visible .row-who a").first.focus()
    before = page.evaluate("document.activeElement.href")
    page.keyboard.press("?")
    dialog = page.locator("#keys-help")
    expect(dialog).to_be_visible()
    for _ in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement.closest('main, .rail') === null || "
            "document.activeElement.closest('dialog[open]') !== null"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.evaluate("document.activeElement.href") == before
    menu = page.locator(".topbar details.menu > summary").first
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    page.goto(f"{clinic.web}/worklist/")
    more = page.locator("[data-more]").first
    more.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    page.context.close()


def test_u_undoes_what_a_letter_did(clinic: RunningClinic, logins: Logins) -> None:
    page = open_today(logins, clinic, 1440)
    unmarked = ".row-line:visible:has([data-key=a]:not([aria-pressed=true]))"
    link = page.locator(f"{unmarked} .row-who a").first
    visit = (link.get_attribute("href") or "").rstrip("/").rpartition("/")[2]

    def read_status() -> str:
        return str(clinic.ask("SELECT status FROM contacts_appointment WHERE id = %s", int(visit)))

    link.focus()
    page.keyboard.press("a")
    expect(page.locator("#messages [data-undo]")).to_be_visible()
    assert read_status() == "arrived"
    page.keyboard.press("u")
    wait_until(lambda: read_status() == "booked", "the visit to be booked again")
    page.context.close()


def test_a_finger_hits_what_it_means(clinic: RunningClinic, logins: Logins) -> None:
    page = open_today(logins, clinic, 390, has_touch=True, is_mobile=True)
    small = {}
    for path in list_paths(clinic):
        page.goto(clinic.web + path)
        if found := page.evaluate(SMALL):
            small[path] = found[:8]
    assert small == {}
    page.context.close()


def test_nothing_is_lost_at_200_percent(clinic: RunningClinic, logins: Logins) -> None:
    """A screen of 1280 by 800 then shows 640 by 400: the bars leave room, and the buttons are there."""
    page = open_today(logins, clinic, 640, device_scale_factor=2)
    page.set_viewport_size({"width": 640, "height": 400})
    for path in list_paths(clinic):
        page.goto(clinic.web + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, path
        bars = page.evaluate(
            "[...document.querySelectorAll('.topbar, .rail')].filter((bar) => bar.offsetWidth > 320)"
            ".reduce((sum, bar) => sum + bar.offsetHeight, 0)"
        )
        assert bars <= 140, path
    page.goto(clinic.web)
    expect(page.locator(".row-line:visible .row-actions").first).to_be_attached()
    page.locator(".row-line:visible").first.hover()
    expect(page.locator(".row-line:visible .row-action").first).to_be_visible()
    page.context.close()


def open_today(logins: Logins, clinic: RunningClinic, width: int, **options: Any) -> Page:
    page = logins.open_as("manager", viewport={"width": width, "height": 844}, **options).new_page()
    page.goto(clinic.web)
    return page


def list_paths(clinic: RunningClinic) -> list[str]:
    return [address.path for pattern in MAIN_PAGES if (address := fill(pattern, clinic))]
