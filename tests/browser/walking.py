"""A walk: what a person does from page to page at one width, looked at in both themes wherever they stop."""

from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.looking import THEMES, Theme, Watched, check_width, find_faults

PHONE: Final = 390  # pixels


@dataclass(frozen=True)
class Look:
    """A screen: its width in pixels, and the theme that the person has there."""

    width: int
    theme: Theme

    @property
    def is_phone(self) -> bool:
        return self.width == PHONE


# What is pressed and lies beside the screen, in parts that stand over the page and so make it no wider.
BESIDE: Final = """
    [...document.querySelectorAll(":is(.messages, .topbar, .rail, .menu[open], dialog[open]) :is(a, button)")]
        .filter((one) => one.checkVisibility({ visibilityProperty: true }))
        .map((one) => [one.getBoundingClientRect(), `${one.className} ${one.textContent.trim()}`])
        .filter(([box]) => box.width && (box.left < 0 || box.right > innerWidth)).map(([, words]) => words)
"""
LOOKS: Final = (Look(PHONE, "dark"), Look(768, "light"), Look(1024, "dark"), Look(1440, "light"))


def describe_screen(look: Look) -> dict[str, Any]:
    """The options of a browser's context for it; nothing is in motion, so that colours stand still."""
    touch = {"has_touch": True, "is_mobile": True} if look.is_phone else {}
    screen = {"width": look.width, "height": 844}
    return {"viewport": screen, "color_scheme": look.theme, "reduced_motion": "reduce", **touch}


class Walk(Watched):
    """Somebody's walk on such a screen: by finger on a phone, by pointer elsewhere."""

    may_be_refused = False

    def __init__(self, context: BrowserContext, look: Look) -> None:
        super().__init__(context)
        self.look = look

    def press(self, what: Locator) -> None:
        if self.look.is_phone:
            what.tap()
        else:
            what.click()

    def go_to(self, place: str) -> None:
        """By the rail, or by More, under which it has what finds no room on a phone."""
        rail = self.page.get_by_role("navigation", name="Main")
        expect(rail).to_be_visible()
        link = rail.get_by_role("link", name=place).first
        if not link.is_visible():
            self.press(rail.locator(".rail-more > summary"))
        self.press(link)
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def stop(self) -> None:
        """Everybody can use what is shown here: nothing stands beside the screen, and axe finds nothing."""
        check_width(self.page)
        assert self.page.evaluate(BESIDE) == [], f"{self.page.url} at {self.look.width} px"
        [other] = {*THEMES} - {self.look.theme}
        faults = find_faults(self.page, [self.look.width], (self.look.theme, other))
        assert faults == [], "\n".join(faults)
        self.check()
