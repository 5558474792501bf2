"""A provider is ill: the visits of the day are cancelled and the patients told, seen before, undone after."""

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import check_accessible, check_width
from tests.browser.running import RunningClinic

# A provider with several visits on a day that is still to come, and how many.
BUSY_DAY = """
    SELECT array[provider_id::text, local_start::date::text, count(*)::text] FROM contacts_appointment
    WHERE status = 'booked' AND provider_id IS NOT NULL AND starts_at > now() + interval '40 hours'
    GROUP BY provider_id, local_start::date HAVING count(*) BETWEEN 3 AND 9 ORDER BY min(starts_at) LIMIT 1
"""
STILL_BOOKED = """
    SELECT count(*) FROM contacts_appointment
    WHERE status = 'booked' AND provider_id = %s AND local_start::date = %s::date
"""


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_visits_of_an_ill_provider_are_cancelled_at_once_and_put_back(
    desk: Page, clinic: RunningClinic, complaints: list[str], width: int, theme: Literal["light", "dark"]
) -> None:
    desk.set_viewport_size({"width": width, "height": 844})
    desk.emulate_media(color_scheme=theme)
    provider, day, count = clinic.ask(BUSY_DAY)
    desk.goto(f"{clinic.web}/absences/")
    desk.get_by_label("Who is away?").select_option(provider)
    desk.get_by_label("On which day?").fill(day)  # the visits follow by themselves
    lines = desk.locator(".absence-line")
    expect(lines).to_have_count(int(count))
    check_width(desk)
    check_accessible(desk)
    lines.first.get_by_role("checkbox").uncheck()  # this one stays
    assert clinic.ask(STILL_BOOKED, provider, day) == int(count), "nothing is saved before it is asked"
    desk.locator("button[name=save]").click()
    desk.wait_for_url(f"{clinic.web}/absences/*/")
    expect(desk.locator(".absence-outcome")).to_have_count(int(count) - 1)
    check_width(desk)
    check_accessible(desk)
    assert clinic.ask(STILL_BOOKED, provider, day) == 1
    desk.get_by_role("button", name="Undo all of it").click()
    expect(desk.get_by_text("undone by").first).to_be_visible()
    assert clinic.ask(STILL_BOOKED, provider, day) == int(count)
    assert complaints == []
