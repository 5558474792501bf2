"""A provider is ill: the visits of the day are cancelled and the patients told, seen before, undone after.

On each screen, with names of sixty letters.
"""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.running import RunningClinic
from tests.browser.walking import Walk

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


def test_the_visits_of_an_ill_provider_are_cancelled_at_once_and_put_back(
    walk_as: Callable[[str], Walk], clinic: RunningClinic
) -> None:
    walk = walk_as("frontdesk")
    desk = walk.page
    provider, day, count = clinic.ask(BUSY_DAY)
    open_plan(walk, clinic, provider, day)
    lines = desk.locator(".absence-line")
    expect(lines).to_have_count(int(count))  # the visits follow by themselves
    walk.stop()
    lines.first.get_by_role("checkbox").uncheck()  # this one stays
    assert clinic.ask(STILL_BOOKED, provider, day) == int(count), "nothing is saved before it is asked"
    walk.press(desk.locator("button[name=save]"))
    desk.wait_for_url(f"{clinic.web}/absences/*/")
    expect(desk.locator(".absence-outcome")).to_have_count(int(count) - 1)
    walk.stop()
    assert clinic.ask(STILL_BOOKED, provider, day) == 1
    walk.press(desk.get_by_role("button", name="Undo all of it"))
    expect(desk.get_by_text("undone by").first).to_be_visible()
    walk.stop()
    assert clinic.ask(STILL_BOOKED, provider, day) == int(count)


def open_plan(walk: Walk, clinic: RunningClinic, provider: str, day: str) -> None:
    """From the provider's own list of that day."""
    desk = walk.page
    desk.goto(clinic.web)
    walk.press(desk.locator("summary", has_text="Day"))
    desk.get_by_label("Show this day").fill(day)
    desk.wait_for_url(f"**/?*day={day}*")
    desk.get_by_label("Provider").select_option(provider)
    desk.wait_for_url(f"**/?*provider={provider}*")
    walk.stop()
    if walk.look.is_phone:
        walk.press(desk.locator(".day-more > summary"))
        walk.stop()
    walk.press(desk.get_by_role("link", name="Is away"))
    desk.wait_for_url(f"{clinic.web}/absences/?*")
