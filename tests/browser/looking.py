"""A page that is looked at in both themes and at every width, without being loaded again."""

from collections.abc import Iterable, Sequence
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

WIDTHS = (1440, 1024, 768, 390)
NARROWER = (640, 320)  # 1280 pixels at 200 %, and the narrowest that may need no scrolling sideways
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
# what is typed drops the answer that the letter before still waits for, and htmx notes that as an error
DROPPED = ("htmx:afterRequest", "htmx:sendAbort")
AXE: str = Axe().axe_script
HIGHEST_BAR = 56  # pixels
COLOURS = ["color-contrast", "link-in-text-block"]
PLACES = ["target-size", "scrollable-region-focusable"]
ALL: list[str] = []
ALL_BUT_COLOURS: list[str] = []
COLOURS_SEEN: set[str] = set()  # on any page, by WHAT_IS_SHOWN
MEASURE = """
    [document.documentElement.scrollWidth, document.querySelector(".topbar")?.offsetHeight || 0]
"""
# A phone makes its page wider than the screen for what stands beside it.
FITS = "width => Math.max(document.documentElement.scrollWidth, innerWidth) <= width"
# Chromium's event for what the policy stops; it also tells what, which the console doesn't always.
LISTEN = """
    window.stopped = [];
    document.addEventListener("securitypolicyviolation", (event) => window.stopped.push(
        `${event.effectiveDirective}: ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`));
"""
# Of rows that are made alike, but for their words, two are looked at: these are the others.
ALIKE = """
    const alike = [], describe = (each) => each.tagName + each.className;
    for (const list of document.querySelectorAll("tbody, ul, ol, select")) {
        const seen = {};
        for (const row of list.children) {
            const kind = [row, ...row.querySelectorAll("*")].map(describe).join();
            seen[kind] = (seen[kind] || 0) + 1;
            if (seen[kind] > 2) alike.push(row);
        }
    }
"""
# They are taken away, and nothing is fetched meanwhile.
FEWER_ROWS = f"""() => {{
    document.addEventListener("htmx:beforeRequest", (event) => event.preventDefault(), true);
    {ALIKE} for (const row of alike) row.remove();
}}"""
# The kinds of elements that are shown, and their colours: what axe says depends on these, but for places.
WHAT_IS_SHOWN = (
    "() => {"
    + ALIKE
    + """
        const kinds = new Set(), colours = new Set();
        const left = new Set(alike.flatMap((row) => [row, ...row.querySelectorAll("*")]));
        const findGround = (one) => {
            for (let each = one; each; each = each.parentElement) {
                const { backgroundColor: ground, opacity } = getComputedStyle(each);
                if (ground !== "rgba(0, 0, 0, 0)" || opacity !== "1") return ground + opacity;
            }
            return "";
        };
        for (const one of document.querySelectorAll("body *")) {
            if (left.has(one) || !one.getClientRects().length) continue;
            const style = getComputedStyle(one);
            const { visibility, color, fontSize, fontWeight, textDecorationLine: line } = style;
            kinds.add([one.tagName, one.className, visibility].join());
            colours.add([one.tagName, color, findGround(one), fontSize, fontWeight, line].join());
        }
        return [[...kinds], [...colours]];
    }
"""
)
# Only colours differ in the dark. What Swagger UI draws, for programmers, is its own.
RUN_AXE = (
    "async ([rules, without]) => {"
    + ALIKE
    + """
        if (!window.axe) return null;
        const on = { "target-size": { enabled: true } };
        for (const rule of without) on[rule] = { enabled: false };
        const found = await axe.run({ exclude: [[".swagger-ui"], ...alike] }, {
            resultTypes: ["violations"], elementRef: false, preload: false,
            ...(rules.length ? { runOnly: rules } : { rules: on }),
        });
        return found.violations.map(({ id, nodes: [first, ...more] }) =>
            `${id} (${more.length + 1}): ${first.html.slice(0, 200)} ${first.failureSummary}`);
    }
"""
)


class Watched:
    """A page that notes what its policy stops, and every error in its console."""

    may_be_refused = True  # some of its requests are, and the console says so

    def __init__(self, context: BrowserContext) -> None:
        context.add_init_script(LISTEN)
        self.page = context.new_page()
        self.faults: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        is_status = self.may_be_refused and "the server responded with a status of" in message.text
        is_fault = message.type in ("error", "warning") and not message.text.startswith(DROPPED)
        if is_fault and not is_status:
            self.faults.append(f"{self.page.url}: {message.text}")

    def open(self, address: str) -> None:
        self.page.goto(address, wait_until="load")
        self.check()

    def check(self) -> None:
        self.faults += self.page.evaluate("window.stopped")
        assert self.faults == [], f"{self.page.url}: {self.faults}"


class LookedAt(Watched):
    """One whose faults are collected, also those of its width and those that axe finds."""

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
            resize(self.page, width)
            wide, high = self.page.evaluate(MEASURE)
            if wide > width:
                self.faults.append(f"{self.page.url}: at {width} px it is {wide} px wide")
            if high > HIGHEST_BAR and width in WIDTHS:
                self.faults.append(f"{self.page.url}: at {width} px the bar on top is {high} px high")
        if by_axe:
            self.page.evaluate(FEWER_ROWS)
            self.faults += find_faults(self.page, reversed(WIDTHS))  # from the one at which it is already


def find_faults(page: Page, widths: Iterable[int], themes: tuple[Theme, ...] = THEMES) -> list[str]:
    """What axe finds at these widths and in these themes; the page stays at the last width.

    What stands on this page in the same way at another width is not looked at again but for its place, nor
    what any page had in the same colours.
    """
    faults: list[str] = []
    kinds_seen: set[str] = set()
    for width in widths:
        resize(page, width)
        for theme in themes:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # else colours are on their way
            kinds, colours = map(set, page.evaluate(WHAT_IS_SHOWN))
            has_new_kinds, has_new_colours = not kinds <= kinds_seen, not colours <= COLOURS_SEEN
            kinds_seen |= kinds
            COLOURS_SEEN.update(colours)
            rules = choose_rules(theme == themes[0], has_new_kinds, has_new_colours)
            if rules is not None:
                faults += [f"{page.url}: {theme}, {width} px: {fault}" for fault in run_axe(page, rules)]
            if not has_new_kinds and not has_new_colours:
                break  # nor has it any in the other theme
    page.emulate_media(color_scheme=themes[0])
    return faults


def choose_rules(is_first: bool, has_new_kinds: bool, has_new_colours: bool) -> list[str] | None:
    """The rules that can find something; in the second theme, nothing differs but the colours."""
    if not is_first:
        return COLOURS if has_new_colours else None
    if not has_new_kinds:
        return [*PLACES, *COLOURS] if has_new_colours else PLACES
    return ALL if has_new_colours else ALL_BUT_COLOURS


def run_axe(page: Page, rules: list[str]) -> list[str]:
    """What the rules of axe with these names find, or ALL, or ALL_BUT_COLOURS."""
    without = COLOURS if rules is ALL_BUT_COLOURS else []
    found: list[str] | None = page.evaluate(RUN_AXE, [rules, without])
    if found is None:  # it isn't there yet
        page.evaluate(AXE)
        found = page.evaluate(RUN_AXE, [rules, without])
    assert found is not None
    return found


def resize(page: Page, width: int) -> None:
    size = page.viewport_size
    if not size or size["width"] != width:
        page.set_viewport_size({"width": width, "height": 844})


def check_page(page: Page, widths: Sequence[int] = WIDTHS) -> None:
    """Everybody can use it as it stands, at these widths and in both themes; it is left as it was."""
    before = page.viewport_size or {"width": widths[0], "height": 844}
    for width in widths:
        resize(page, width)
        check_width(page)
    faults = find_faults(page, reversed(widths))
    assert faults == [], "\n".join(faults)
    page.set_viewport_size(before)


def check_width(page: Page) -> None:
    """Nothing of it stands beside the screen."""
    assert page.viewport_size
    page.wait_for_function(FITS, arg=page.viewport_size["width"])
