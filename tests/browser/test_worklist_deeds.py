"""A deed of the worklist is the one that was pressed, once, whatever the network does."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.running import RunningClinic

PRESS_UNDO_AT_ONCE = """
    new MutationObserver((changes, observer) => {
        const undo = document.querySelector("#worklist-toast [data-undo]");
        if (!undo) return;
        observer.disconnect();
        undo.click();
    }).observe(document.getElementById("worklist-toast"), { childList: true, subtree: true });
"""
PRESS_ALL = """
    (rows) => rows.forEach((id) => document.querySelector(`#${id} [formaction$="/take/"]`).click())
"""
FREE_ALL = "UPDATE reminders_followup SET taken_by_id = NULL, taken_at = NULL WHERE resolved_at IS NULL"
RESOLUTION = "SELECT coalesce(max(resolution), '') FROM reminders_followup WHERE id = %s"


@pytest.fixture(autouse=True)
def all_free(clinic: RunningClinic) -> None:
    clinic.execute(FREE_ALL)


def test_a_press_whose_answer_is_lost_is_sent_again_as_the_same_press(
    desk: Page, clinic: RunningClinic
) -> None:
    """Sent without its button, the form ended the entry in another way."""
    desk.goto(f"{clinic.web}/worklist/")
    button = desk.get_by_role("button", name="Left message").first
    form = desk.locator("form[data-deed]", has=button).first
    entry = int(re.findall(r"\d+", form.get_attribute("action") or "")[0])

    def lose(route: Route) -> None:
        if route.request.resource_type == "fetch":
            route.abort()
        else:
            route.continue_()

    desk.route("**/resolve/", lose)
    button.click()
    desk.wait_for_url("**/worklist/?did=*")
    assert clinic.ask(RESOLUTION, entry) == "left_message"


def test_a_double_click_is_one_press(desk: Page, clinic: RunningClinic) -> None:
    desk.goto(f"{clinic.web}/worklist/")
    sent: list[str] = []
    desk.on("request", lambda request: sent.append(request.url) if request.url.endswith("/take/") else None)
    desk.get_by_role("button", name="Take").first.dblclick()
    expect(desk.get_by_text("You have it now.")).to_be_visible()
    assert len(sent) == 1


def test_undo_is_taken_as_soon_as_it_is_offered(desk: Page, clinic: RunningClinic) -> None:
    """For 0.4 s after a deed, every press was taken for the second one of a double click and did nothing."""
    desk.goto(f"{clinic.web}/worklist/")
    desk.evaluate(PRESS_UNDO_AT_ONCE)
    desk.get_by_role("button", name="Take").first.click()
    expect(desk.locator("#worklist-toast")).to_contain_text("Undone.")


def test_undo_stays_under_the_pointer_while_another_deed_is_answered(
    desk: Page, clinic: RunningClinic
) -> None:
    """What takes its place would be undone instead."""
    desk.goto(f"{clinic.web}/worklist/")
    free = desk.locator("[data-entry]", has=desk.get_by_role("button", name="Take"))
    one, other = [str(free.nth(place).get_attribute("id")) for place in (0, 1)]
    toast = desk.locator("#worklist-toast")
    desk.evaluate(PRESS_ALL, [one])
    toast.get_by_role("button", name="Undo").hover()
    deed = toast.locator("[name=act]")
    before = deed.input_value()
    with desk.expect_response("**/take/"):
        desk.evaluate(PRESS_ALL, [other])
    expect(desk.locator(f"#{other}").get_by_role("button", name="Take")).to_have_count(0)
    assert deed.input_value() == before
    desk.mouse.move(5, 5)
    expect(deed).not_to_have_value(before)


def test_two_entries_pressed_one_after_the_other_are_both_done(desk: Page, clinic: RunningClinic) -> None:
    """While the first was on its way, the second press did nothing, and nothing said so."""
    desk.goto(f"{clinic.web}/worklist/")
    free = desk.locator("[data-entry]", has=desk.get_by_role("button", name="Take"))
    rows = [desk.locator(f"#{free.nth(place).get_attribute('id')}") for place in (0, 1)]
    desk.evaluate(PRESS_ALL, [row.get_attribute("id") for row in rows])
    for row in rows:
        expect(row.get_by_role("button", name="Take")).to_have_count(0)


@pytest.mark.parametrize("width", [1024, 1440])
def test_nothing_slides_under_the_pointer_where_a_button_was_pressed_that_goes(
    desk: Page, clinic: RunningClinic, width: int
) -> None:
    """Taken twice by a quick hand, "Left message" stood where "Take" had been, and ended the entry."""
    desk.set_viewport_size({"width": width, "height": 900})
    desk.goto(f"{clinic.web}/worklist/")
    row = desk.locator("[data-entry]", has=desk.get_by_role("button", name="Take")).first
    entry = desk.locator(f"#{row.get_attribute('id')}")
    take = entry.get_by_role("button", name="Take")
    take.hover()  # from now on the list stays, whatever comes or goes
    before = _list_places(entry)
    room = take.bounding_box()
    take.click()
    expect(desk.get_by_text("You have it now.")).to_be_visible()
    after = _list_places(entry)
    assert after.keys() == before.keys() - {"Take"}
    for words, place in after.items():
        assert place == pytest.approx(before[words], abs=1), words
    assert room
    pressed = (room["x"] + room["width"] / 2, room["y"] + room["height"] / 2)
    assert not desk.evaluate(
        "([x, y]) => Boolean(document.elementFromPoint(x, y).closest('button, a'))", pressed
    )
    desk.mouse.move(5, 5)
    desk.get_by_role("link", name="Today").first.focus()
    expect(entry.locator(".is-place")).to_have_count(0)  # the room is given up once no hand rests there


def _list_places(entry: Locator) -> dict[str, tuple[float, float]]:
    places = {}
    for button in entry.locator(".follow-up-all :is(button, a):visible").all():
        box = button.bounding_box()
        assert box
        places[button.inner_text()] = (box["x"], box["y"])
    return places
