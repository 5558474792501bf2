"""A deed of the worklist is the one that was pressed, once, whatever the network does."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.running import RunningClinic

RESOLUTION = "SELECT coalesce(max(resolution), '') FROM reminders_followup WHERE id = %s"


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
