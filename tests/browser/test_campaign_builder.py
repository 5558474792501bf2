"""A campaign is built by pressing the words of its sentences, in a real browser."""

from playwright.sync_api import expect

from tests.browser.looking import Watched, check_page
from tests.browser.running import RunningClinic
from tests.browser.signing_in import Logins

A_DRAFT = """
    INSERT INTO reminders_campaign (name, state, kinds, patients, languages, created_at)
    VALUES (%s, 'draft', '{}', '', '{}', now())
"""
ITS_KEY = "SELECT id FROM reminders_campaign WHERE name = %s"


def test_a_manager_builds_a_campaign_from_its_sentences(clinic: RunningClinic, logins: Logins) -> None:
    """Adds steps, orders them, changes a filter by keyboard, sees count and timeline follow, and saves."""
    clinic.execute(A_DRAFT, "Built")
    pk = clinic.ask(ITS_KEY, "Built")
    watched = Watched(logins.open_as("manager", viewport={"width": 1440, "height": 900}))
    page = watched.page
    watched.open(f"{clinic.web}/campaigns/{pk}/edit/")
    page.get_by_role("button", name="Add a step").click()
    first = page.locator("#n1")
    expect(page.locator(".moment-goes")).to_have_count(1)
    first.get_by_text("1 day before at 10:00 am").click()
    first.get_by_label("How many days before").fill("3")
    expect(first.locator("summary", has_text="3 days before at 10:00 am")).to_be_visible()
    check_page(page)
    page.keyboard.press("Escape")
    expect(first.locator("summary", has_text="3 days before")).to_be_focused()
    page.get_by_role("button", name="Add a step").click()
    expect(page.locator(".moment-goes")).to_have_count(2)
    page.get_by_role("button", name="Move step 2 up").click()
    expect(page.locator(".builder-step").first).to_have_id("n2")
    all_visits = page.locator(".coverage").inner_text()
    page.locator("#people-locations-part summary").press("Enter")
    page.get_by_label("Eastside").press("Space")
    expect(page.locator(".coverage")).to_contain_text("are at Downtown")
    assert page.locator(".coverage").inner_text() != all_visits
    expect(page.locator(".timeline summary").first).to_have_text("Eastside")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved. A draft calls nobody.").wait_for()
    watched.check()
    saved = "SELECT string_agg(days::text, ',' ORDER BY position) FROM reminders_step WHERE campaign_id = %s"
    assert clinic.ask(saved, pk) == "1,3"
