"""A half-filled form outlives the lock of a desk, and no other person sees it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.running import RunningClinic
from tests.browser.signing_in import log_in

# so that the night is no reason not to write to them
JUST_WROTE = """
    INSERT INTO reminders_receivedtext (event, number_id, text, meaning, at, needs_reader)
    VALUES (1000000000, %s, 'Hello?', 'unclear', now(), false)
"""


@pytest.fixture
def desk(browser: Browser, clinic: RunningClinic) -> Iterator[Page]:
    """A page on Today of the front desk, in a session of its own, since it is locked."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    log_in(clinic, page, "frontdesk")
    yield page
    page.context.close()


def lock(page: Page) -> None:
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Lock, or switch user").click()
    expect(page.get_by_role("heading", name="This desk is locked")).to_be_visible()


def unlock(page: Page, who: str) -> None:
    page.get_by_label(who).check()
    page.get_by_label("Password").fill("callboard")
    page.get_by_role("button", name="Go on").click()


def change_person(page: Page, name: str, clinic: RunningClinic) -> None:
    page.get_by_role("button", name="Somebody else").click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("callboard")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{clinic.web}/")


def test_a_half_filled_booking_outlives_the_lock(desk: Page, clinic: RunningClinic) -> None:
    booking = f"{clinic.web}/appointments/book/"
    desk.goto(booking)
    desk.get_by_label("Appointment type").fill("Check-up")
    desk.get_by_label("Minutes").fill("45")
    lock(desk)
    assert "Check-up" not in desk.content()
    unlock(desk, "Robin Ames")
    desk.wait_for_url(booking)
    expect(desk.get_by_label("Appointment type")).to_have_value("Check-up")
    expect(desk.get_by_label("Minutes")).to_have_value("45")


def test_relatives_who_were_ticked_outlive_the_lock(desk: Page, clinic: RunningClinic) -> None:
    one = clinic.ask(
        "SELECT min(id) FROM contacts_contact WHERE phone_id IN"
        " (SELECT phone_id FROM contacts_contact WHERE erased_at IS NULL GROUP BY 1 HAVING count(*) > 1)"
    )
    booking = f"{clinic.web}/appointments/book/?contact={one}"
    desk.goto(booking)
    box = desk.locator("input[name=also]").first
    assert box.evaluate("(box) => box.offsetWidth") <= 24, "a box to tick, and no text field"
    box.check()
    lock(desk)
    unlock(desk, "Robin Ames")
    desk.wait_for_url(booking)
    expect(desk.locator("input[name=also]").first).to_be_checked()
    expect(desk.get_by_text("What you had filled in is here again.")).to_be_visible()
    expect(desk.get_by_text("Your half-filled form is here again.")).to_be_hidden()
    desk.get_by_role("button", name="Start over").click()


def test_a_form_comes_back_to_its_own_person_only(desk: Page, clinic: RunningClinic) -> None:
    new_contact = f"{clinic.web}/contacts/new/"
    desk.goto(new_contact)
    desk.get_by_label("First name").fill("Zelda")
    lock(desk)
    change_person(desk, "manager", clinic)
    desk.goto(new_contact)
    expect(desk.get_by_label("First name")).to_have_value("")
    lock(desk)
    unlock(desk, "Robin Ames")
    desk.wait_for_url(f"{clinic.web}/")
    desk.goto(new_contact)
    expect(desk.get_by_label("First name")).to_have_value("Zelda")
    expect(desk.get_by_text("Your half-filled form is here again.")).to_be_visible()


def test_a_refused_text_outlives_the_lock(desk: Page, clinic: RunningClinic) -> None:
    """The browser shows the address that only takes the form; the thread is at another one."""
    number = clinic.ask(
        "SELECT min(n.id) FROM contacts_phonenumber n JOIN contacts_contact c ON c.phone_id = n.id"
        " WHERE n.sms_opted_out_at IS NULL AND n.unusable_since IS NULL"
    )
    clinic.execute(JUST_WROTE, number)
    thread = f"{clinic.web}/texts/{number}/"
    desk.goto(thread)
    long = "It is too long. " * 30
    desk.get_by_label("Write a text").fill(long)
    desk.get_by_role("button", name="Send").click()
    desk.wait_for_url(f"{thread}send/")
    lock(desk)
    unlock(desk, "Robin Ames")
    desk.wait_for_url(thread)
    expect(desk.get_by_label("Write a text")).to_have_value(long)


def test_a_page_that_is_open_gives_way_to_the_lock(desk: Page, clinic: RunningClinic) -> None:
    other = desk.context.new_page()
    other.goto(f"{clinic.web}/worklist/")
    lock(other)
    expect(desk.get_by_role("heading", name="This desk is locked")).to_be_visible(timeout=30_000)
    desk.go_back()
    expect(desk.get_by_role("heading", name="This desk is locked")).to_be_visible()
    other.close()
