"""Finding anything by keyboard alone, in a real browser."""

from playwright.sync_api import Page, expect

from tests.browser.looking import check_page
from tests.browser.running import RunningClinic

SOMEBODY = """
    SELECT array[first_name, last_name, id::text] FROM contacts_contact
    WHERE last_name ~ '^[A-Za-z]{6,}$' AND first_name ~ '^[A-Za-z]+$' ORDER BY id LIMIT 1
"""


def test_a_patient_and_a_page_are_found_by_keyboard_and_the_focus_goes_back(
    desk: Page, clinic: RunningClinic
) -> None:
    first, last, contact = clinic.ask(SOMEBODY)
    desk.keyboard.press("Control+k")
    field = desk.get_by_role("combobox", name="A patient, a page")
    expect(field).to_be_focused()
    expect(desk.get_by_role("option", name="Worklist")).to_be_visible()
    field.fill(f"{last.lower()} {first.lower()}")
    chosen = desk.get_by_role("group", name="Patients").get_by_role("option").first
    expect(chosen).to_contain_text(f"{first} {last}")
    check_page(desk)
    while chosen.get_attribute("aria-selected") != "true":
        desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"{clinic.web}/contacts/{contact}/")
    desk.get_by_role("link", name="Edit").focus()
    desk.keyboard.press("/")
    expect(field).to_be_focused()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("link", name="Edit")).to_be_focused()


def test_enter_opens_what_stands_in_the_field_and_nothing_that_was_listed_before(
    desk: Page, clinic: RunningClinic
) -> None:
    desk.keyboard.press("Control+k")
    expect(desk.get_by_role("option", name="Worklist")).to_be_visible()
    desk.keyboard.type("calendar", delay=0)
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"{clinic.web}/calendar/")
