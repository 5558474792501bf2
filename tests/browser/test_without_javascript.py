"""Without JavaScript pages still show, search, book and cancel."""

from playwright.sync_api import Page, expect

from tests.browser.running import RunningClinic
from tests.browser.signing_in import Logins

PATIENT = """
    SELECT array[first_name || ' ' || last_name, id::text] FROM contacts_contact c
    WHERE last_name ~ '^[A-Za-z]{5,}$'
      AND (SELECT count(*) FROM contacts_contact o WHERE o.last_name = c.last_name) = 1
    ORDER BY id DESC LIMIT 1
"""
STATUS = "SELECT status FROM contacts_appointment WHERE id = %s"


def test_a_patient_is_found_booked_and_cancelled_without_javascript(
    clinic: RunningClinic, logins: Logins
) -> None:
    screen = {"width": 1024, "height": 844}
    context = logins.open_as("frontdesk", viewport=screen, java_script_enabled=False)
    page = context.new_page()
    page.goto(clinic.web)
    expect(page.locator(".row-line:visible").first).to_be_visible()
    name, contact = clinic.ask(PATIENT)
    search(page, clinic, name, contact)
    visit = book(page, clinic, name)
    cancel(page, clinic, visit)
    for path in ("/calendar/", "/calendar/?view=week", "/worklist/", "/texts/", "/reports/", "/settings/"):
        page.goto(clinic.web + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    context.close()


def search(page: Page, clinic: RunningClinic, name: str, contact: str) -> None:
    page.goto(f"{clinic.web}/contacts/")
    page.get_by_role("searchbox").last.fill(name)
    page.locator("main").get_by_role("button", name="Search").click()
    page.locator("main").get_by_role("link", name=name).click()
    expect(page).to_have_url(f"{clinic.web}/contacts/{contact}/")


def book(page: Page, clinic: RunningClinic, name: str) -> str:
    page.goto(f"{clinic.web}/appointments/book/")
    page.get_by_role("searchbox", name="Name, number or ID").fill(name)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("radio").check()
    page.get_by_label("Location").select_option(index=1)
    page.get_by_label("Day", exact=True).fill("2027-03-03")
    page.get_by_label("Time", exact=True).fill("10:40 am")
    with page.expect_navigation():
        page.get_by_role("button", name="Book").click()
    if "/book/" in page.url:  # such as a provider who must be chosen, or what has to be confirmed
        page.locator(".form-buttons button[type=submit]").click()
    page.wait_for_url(f"{clinic.web}/appointments/*/")
    expect(page.locator("main")).to_contain_text("10:40 am")
    return page.url.rstrip("/").rpartition("/")[2]


def cancel(page: Page, clinic: RunningClinic, visit: str) -> None:
    page.get_by_role("link", name="Cancel").first.click()
    page.locator(".form-buttons button[type=submit]").click()
    expect(page).to_have_url(f"{clinic.web}/appointments/{visit}/")
    expect(page.locator("main")).to_contain_text("cancelled", ignore_case=True)
    assert clinic.ask(STATUS, visit) == "cancelled"
