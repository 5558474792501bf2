"""No page breaks the Content-Security-Policy, in a real browser; and each can be used by everybody.

Pages that stand at an address are looked at in test_every_page.py; here are those that only a deed shows.
"""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import WIDTHS, Watched, check_page, check_width
from tests.browser.running import RunningClinic
from tests.browser.signing_in import Logins, log_in

AN_APPOINTMENT = """
    SELECT array[a.id, c.id, c.phone_id]
    FROM contacts_appointment a JOIN contacts_contact c ON c.id = a.contact_id
    WHERE a.status = 'booked' AND c.phone_id IS NOT NULL ORDER BY a.starts_at DESC LIMIT 1
"""
A_CALL = "SELECT id FROM reminders_callrecord WHERE state = 'answered' ORDER BY id LIMIT 1"


ALL_SCRIPTS = "SELECT array_agg(id) FROM reminders_script"


@pytest.fixture
def watched(browser: Browser) -> Watched:
    return Watched(browser.new_context(viewport={"width": 1440, "height": 900}))


def test_the_policy_stops_what_is_inline(clinic: RunningClinic, watched: Watched) -> None:
    watched.page.goto(f"{clinic.web}/login/")
    watched.page.evaluate("document.body.setAttribute('style', 'color: red')")
    with pytest.raises(AssertionError, match="inline style"):
        watched.check()


def test_the_question_whether_somebody_is_known_can_be_used_by_everybody(
    clinic: RunningClinic, logins: Logins
) -> None:
    watched = Watched(logins.open_as("manager"))
    page = watched.page
    _, contact, _ = clinic.ask(AN_APPOINTMENT)
    page.goto(f"{clinic.web}/contacts/new/")
    name = "SELECT array[first_name, last_name] FROM contacts_contact WHERE id = %s"
    for label, value in zip(("First name", "Last name"), clinic.ask(name, contact), strict=True):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Add the contact").click()
    page.get_by_role("heading", name="Is it one of these?").wait_for()
    check_page(page)
    watched.check()
    page.context.close()


def test_the_page_of_phones_breaks_no_policy(clinic: RunningClinic, watched: Watched) -> None:
    watched.open(clinic.phones)
    watched.page.locator("#counts").get_by_text("ringing").wait_for()
    watched.page.get_by_role("button", name="I answer").click()
    watched.check()


def test_searching_works_as_one_types_and_puts_no_name_into_the_address(
    clinic: RunningClinic, logins: Logins
) -> None:
    watched = Watched(logins.open_as("frontdesk"))
    name = clinic.ask("SELECT last_name FROM contacts_contact WHERE last_name <> '' ORDER BY id LIMIT 1")
    watched.open(f"{clinic.web}/contacts/")
    watched.page.locator("#find").press_sequentially(name)
    watched.page.wait_for_url("**/contacts/?q=~*")
    watched.page.locator(".results-count").get_by_text("found").wait_for()
    assert name.lower() not in watched.page.url.lower()
    watched.page.reload()
    assert watched.page.locator("#find").input_value() == name
    watched.open(f"{clinic.web}/appointments/book/")
    watched.page.get_by_label("Name, number or ID").press_sequentially(name)
    watched.page.locator("#offered").get_by_text(name).first.wait_for()
    assert watched.page.url == f"{clinic.web}/appointments/book/"
    watched.check()
    watched.page.context.close()


def test_what_is_said_when_signing_in_fails_can_be_used_by_everybody(
    clinic: RunningClinic, browser: Browser
) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{clinic.web}/login/")
    page.context.clear_cookies()
    try_password(page, "nobody")
    page.get_by_role("heading", name="The form was not sent").wait_for()
    check_page(page)
    page.goto(f"{clinic.web}/login/")
    for _ in range(6):
        try_password(page, "guessed")
    page.get_by_text("Too many wrong passwords.").wait_for()
    check_page(page)
    log_in(clinic, page, "frontdesk")
    page.goto(f"{clinic.web}/admin/")  # which the front desk may not see
    check_page(page)
    page.context.close()


def test_explanations_and_evidence_can_be_used_by_everybody(clinic: RunningClinic, logins: Logins) -> None:
    page = logins.open_as("admin", viewport={"width": 390, "height": 844}).new_page()
    appointment, _, _ = clinic.ask(AN_APPOINTMENT)
    page.goto(f"{clinic.web}/appointments/{appointment}/why/")
    page.get_by_label("Reminder").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Explain").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_role("heading", name="The rules, in order").wait_for()
    check_page(page)
    page.goto(f"{clinic.web}/calls/{clinic.ask(A_CALL)}/evidence/")
    check_page(page)
    assert page.locator(".rail").count() == 0
    page.emulate_media(media="print")
    assert not page.get_by_role("link", name="Signed file").is_visible()
    page.context.close()


def test_a_script_is_written_by_keyboard_and_can_be_used_by_everybody(
    clinic: RunningClinic, logins: Logins
) -> None:
    page = logins.open_as("manager", viewport={"width": 1440, "height": 900}).new_page()
    for script in clinic.ask(ALL_SCRIPTS):
        page.goto(f"{clinic.web}/scripts/{script}/es/")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            check_width(page)
    page.get_by_label("What it says").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" su cardiólogo")
    page.locator("#measured").get_by_text("cardiologo").wait_for()
    chip = page.get_by_role("button", name="practice", exact=True)
    chip.focus()
    page.keyboard.press("Enter")
    assert page.get_by_label("What it says").input_value().endswith("su cardiólogo {PRACTICE}")
    check_page(page)
    page.context.close()


def try_password(page: Page, name: str) -> None:
    """Fill in the login form by keyboard only."""
    page.get_by_label("Username").fill(name)
    page.keyboard.press("Tab")
    page.keyboard.type("not it")
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_what_booking_again_asks_is_a_page_of_its_own(clinic: RunningClinic, logins: Logins) -> None:
    """The button is in a part of a page that htmx puts in place: no whole page may land within it."""
    visit = clinic.ask("SELECT max(id) FROM contacts_appointment WHERE starts_at < now()")
    status = clinic.ask("SELECT status FROM contacts_appointment WHERE id = %s", visit)
    clinic.execute("UPDATE contacts_appointment SET status = 'cancelled' WHERE id = %s", visit)
    page = logins.open_as("frontdesk").new_page()
    page.goto(f"{clinic.web}/appointments/{visit}/")
    page.get_by_role("button", name="Book again").click()
    page.wait_for_url(f"{clinic.web}/appointments/{visit}/reinstate/")
    expect(page.get_by_role("button", name="Book again all the same")).to_be_visible()
    check_page(page)
    page.get_by_role("link", name="Back to the appointment").click()
    page.wait_for_url(f"{clinic.web}/appointments/{visit}/")
    clinic.execute("UPDATE contacts_appointment SET status = %s WHERE id = %s", status, visit)
    page.context.close()


def test_what_is_folded_on_today_is_printed(clinic: RunningClinic, logins: Logins) -> None:
    page = logins.open_as("frontdesk").new_page()
    page.goto(clinic.web)
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend',"
        " `<details class='past card'><summary>1 past</summary><p id='folded'>8:00 am</p></details>`)"
    )
    folded = page.locator("#folded")
    assert not folded.is_visible()
    page.emulate_media(media="print")
    expect(folded).to_be_visible()
    page.context.close()
