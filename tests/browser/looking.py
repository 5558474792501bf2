"""A page that is looked at in both themes and at every width, without being loaded again."""

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

WIDTHS = (1440, 1024, 768, 390)
NARROWER = (640, 320)  # 1280 pixels at 200 %, and the narrowest that may need no scrolling sideways
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
AXE: str = Axe().axe_script
HIGHEST_BAR = 56  # pixels
COLOURS = ["color-contrast", "link-in-text-block"]
PLACES = ["target-size", "scrollable-region-focusable"]
ALL: list[str] = []
ALL_BUT_COLOURS: list[str] = []
MEASURE = """
    [document.documentElement.scrollWidth, document.querySelector(".topbar")?.offsetHeight || 0]
"""
# Chromium's event for what the policy stops; it also tells what, which the console doesn't always.
LISTEN = """
    window.stopped = [];
    document.addEventListener("securitypolicyviolation", (event) => window.stopped.push(
        `${event.effectiveDirective}: ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`));
"""
# Of rows that are made alike, but for their words, two are looked at; nothing is fetched meanwhile.
FEWER_ROWS = """
    document.addEventListener("htmx:beforeRequest", (event) => event.preventDefault(), true);
    const describe = (each) => each.tagName + each.className;
    for (const list of document.querySelectorAll("tbody, ul, ol, select")) {
        const seen = {};
        for (const row of [...list.children]) {
            const alike = [row, ...row.querySelectorAll("*")].map(describe).join();
            seen[alike] = (seen[alike] || 0) + 1;
            if (seen[alike] > 2) row.remove();
        }
    }
"""
# The kinds of elements that are shown, and their colours: what axe says depends on these, but for places.
WHAT_IS_SHOWN = """
    () => {
        const kinds = new Set(), colours = new Set();
        const findGround = (one) => {
            for (let each = one; each; each = each.parentElement) {
                const { backgroundColor: ground, opacity } = getComputedStyle(each);
                if (ground !== "rgba(0, 0, 0, 0)" || opacity !== "1") return ground + opacity;
            }
            return "";
        };
        for (const one of document.querySelectorAll("body *")) {
            if (!one.getClientRects().length) continue;
            const style = getComputedStyle(one);
            const { visibility, color, fontSize, fontWeight, textDecorationLine: line } = style;
            kinds.add([one.tagName, one.className, visibility].join());
            colours.add([one.tagName, color, findGround(one), fontSize, fontWeight, line].join());
        }
        return [[...kinds], [...colours]];
    }
"""
# Only colours differ in the dark. What Swagger UI draws, for programmers, is its own.
RUN_AXE = """
    async ([rules, without]) => {
        const on = { "target-size": { enabled: true } };
        for (const rule of without) on[rule] = { enabled: false };
        const found = await axe.run({ exclude: [[".swagger-ui"]] }, {
            resultTypes: ["violations"], elementRef: false, preload: false,
            ...(rules.length ? { runOnly: rules } : { rules: on }),
        });
        return found.violations.map(({ id, nodes: [first, ...more] }) =>
            `${id} (${more.length + 1}): ${first.html.slice(0, 200)} ${first.failureSummary}`);
    }
"""


class Watched:
    """A page that notes what its policy stops, and every error in its console."""

    def __init__(self, context: BrowserContext) -> None:
        context.add_init_script(LISTEN)
        self.page = context.new_page()
        self.faults: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        is_status = "the server responded with a status of" in message.text
        if message.type in ("error", "warning") and not is_status:
            self.faults.append(f"{self.page.url}: {message.text}")

    def open(self, address: str) -> None:
        self.page.goto(address, wait_until="load")
        self.check()

    def check(self) -> None:
        self.faults += self.page.evaluate("window.stopped")
        assert self.faults == [], f"{self.page.url}: {self.faults}"


class LookedAt(Watched):
    """One whose faults are collected, also those of its width and those that axe finds.

    What was looked at in the same colours before is not looked at again for them.
    """

    def __init__(self, context: BrowserContext) -> None:
        super().__init__(context)
        self.colours_seen: set[str] = set()

    def open(self, address: str) -> None:
        self.page.goto(address, wait_until="load")

    def take_faults(self) -> list[str]:
        """What was found since the last time."""
        found, self.faults = self.faults, []
        return found

    def look(self, *, by_axe: bool = True) -> None:
        """In both themes and at all widths; it changes the page, which is then done with."""
        self.faults += self.page.evaluate("window.stopped")
        for width in (*NARROWER, *WIDTHS):
            self._resize(width)
            wide, high = self.page.evaluate(MEASURE)
            if wide > width:
                self._add(f"at {width} px it is {wide} px wide")
            if high > HIGHEST_BAR and width in WIDTHS:
                self._add(f"at {width} px the bar on top is {high} px high")
        if by_axe:
            self._run_axe()

    def _run_axe(self) -> None:
        self.page.evaluate(f"() => {{ {FEWER_ROWS} }}")
        self.page.evaluate(AXE)
        kinds_seen: set[str] = set()
        for width in reversed(WIDTHS):  # from the one at which it is already
            self._resize(width)
            for theme in THEMES:
                self.page.emulate_media(color_scheme=theme)
                kinds, colours = map(set, self.page.evaluate(WHAT_IS_SHOWN))
                has_new_colours = not colours <= self.colours_seen
                if theme == "dark":
                    rules = COLOURS if has_new_colours else None
                elif kinds <= kinds_seen:
                    rules = [*PLACES, *COLOURS] if has_new_colours else PLACES
                else:
                    rules = ALL if has_new_colours else ALL_BUT_COLOURS
                if rules is not None:
                    self._run_rules(theme, width, rules)
                kinds_seen |= kinds
                self.colours_seen |= colours
        self.page.emulate_media(color_scheme="light")

    def _run_rules(self, theme: str, width: int, rules: list[str]) -> None:
        """The rules of axe with these names, ALL, or ALL_BUT_COLOURS."""
        without = COLOURS if rules is ALL_BUT_COLOURS else []
        for fault in self.page.evaluate(RUN_AXE, [rules, without]):
            self._add(f"{theme}, {width} px: {fault}")

    def _resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 844})

    def _add(self, words: str) -> None:
        self.faults.append(f"{self.page.url}: {words}")


def check_accessible(page: Page) -> None:
    """By all rules of axe; in the dark, where nothing but the colours differs, by that of their contrast."""
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    found = Axe().run(page, options={"runOnly": ["color-contrast"]} if is_dark else None)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"


def check_in_both_themes(page: Page) -> None:
    """The same in light and in dark, without loading it again."""
    for theme in reversed(THEMES):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # else colours are on their way
        check_accessible(page)


def check_width(page: Page) -> None:
    """Nothing of it stands beside the screen."""
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
