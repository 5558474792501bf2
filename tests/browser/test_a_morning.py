"""A morning at the front desk, from one page to the next (product rules 56 and 58)."""

from typing import Final

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.running import RunningClinic
from tests.browser.test_calendar import HOUR, START, drag_down, open_day
from tests.waiting import wait_until

# Somebody who may be texted, with nothing booked ahead.
PATIENT = """
    SELECT array[c.first_name || ' ' || c.last_name, c.id::text, c.phone_id::text, n.e164]
    FROM contacts_contact c JOIN contacts_phonenumber n ON n.id = c.phone_id
    WHERE c.last_name ~ '^[A-Za-z]{5,}$' AND n.sms_opted_out_at IS NULL AND n.voice_opted_out_at IS NULL
      AND (SELECT count(*) FROM contacts_contact o WHERE o.last_name = c.last_name) = 1
      AND NOT EXISTS (SELECT FROM contacts_appointment a WHERE a.contact_id = c.id AND a.starts_at > now())
    ORDER BY c.id LIMIT 1
"""
# A visit in the coming days, whose provider is then busy.
BUSY = """
    SELECT array[location_id::text, provider_id::text, local_start::date::text,
        to_char(local_start, 'FMHH12:MI am')]
    FROM contacts_appointment WHERE status = 'booked' AND starts_at > now() + interval '30 hours'
    ORDER BY starts_at, id LIMIT 1
"""
# The demo's clinic is where it is mid-morning; the number is from there, too, so that it is not night.
AWAKE = """
    UPDATE contacts_phonenumber SET time_zones = (SELECT array_agg(time_zone) FROM contacts_location)
    WHERE id = %s
"""
BOOKED = "SELECT count(*) FROM contacts_appointment WHERE contact_id = %s AND starts_at > now()"
OPEN_ENTRIES = "SELECT count(*) FROM reminders_followup WHERE resolved_at IS NULL"
STATUS = "SELECT status FROM contacts_appointment WHERE id = %s"
WORDS: Final = "Please bring your insurance card to your visit."


def test_a_morning_at_the_front_desk(desk: Page, clinic: RunningClinic, complaints: list[str]) -> None:
    name, contact, number, e164 = clinic.ask(PATIENT)
    find(desk, clinic, name, contact)
    book_in_spite_of_a_conflict(desk, clinic, contact)
    move_by_drag(desk, clinic)
    answer_an_entry(desk, clinic)
    text(desk, clinic, number, e164)
    mark_an_arrival(desk, clinic)
    print_tomorrow(desk, clinic)
    assert complaints == []


def find(desk: Page, clinic: RunningClinic, name: str, contact: str) -> None:
    desk.keyboard.press("Control+k")
    desk.get_by_role("combobox", name="A patient, a page").fill(name)
    expect(desk.get_by_role("group", name="Patients").get_by_role("option").first).to_contain_text(name)
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"{clinic.web}/contacts/{contact}/")


def book_in_spite_of_a_conflict(desk: Page, clinic: RunningClinic, contact: str) -> None:
    location, provider, day, time = clinic.ask(BUSY)
    desk.get_by_role("link", name="Book an appointment").click()
    desk.get_by_label("Location").select_option(location)
    desk.get_by_label("Provider").select_option(provider)
    desk.get_by_label("Day", exact=True).fill(day)
    desk.get_by_label("Time", exact=True).fill(time)
    desk.get_by_label("Appointment type").fill("Check-up")
    warning = desk.locator("#preview .note-warning").first
    expect(warning).to_be_visible()
    assert Axe().run(desk).response["violations"] == []
    assert clinic.ask(BOOKED, contact) == 0
    desk.locator("#preview button[type=submit]").click()
    desk.wait_for_url(f"{clinic.web}/appointments/*/")
    assert clinic.ask(BOOKED, contact) == 1


def move_by_drag(desk: Page, clinic: RunningClinic) -> None:
    visit, shown = open_day(desk, clinic)
    at_first = clinic.ask(START, visit)
    drag_down(desk, shown, HOUR)
    dialog = desk.get_by_role("dialog", name="Move this appointment?")
    expect(dialog).to_be_visible()
    assert clinic.ask(START, visit) == at_first, "nothing is saved before it is asked"
    dialog.locator("button[name=save]").click()
    expect(desk.get_by_text("The appointment is now on")).to_be_visible()
    assert clinic.ask(START, visit) != at_first


def answer_an_entry(desk: Page, clinic: RunningClinic) -> None:
    """One press; it can be undone beside, not where the pressed button was."""
    desk.get_by_role("navigation").get_by_role("link", name="Worklist").first.click()
    button = desk.get_by_role("button", name="Left message").first
    before, place = clinic.ask(OPEN_ENTRIES), button.bounding_box()
    button.click()
    undo = desk.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    assert clinic.ask(OPEN_ENTRIES) < before
    assert undo.bounding_box() != place
    assert Axe().run(desk).response["violations"] == []


def text(desk: Page, clinic: RunningClinic, number: str, e164: str) -> None:
    clinic.execute(AWAKE, number)
    desk.goto(f"{clinic.web}/texts/{number}/")
    desk.get_by_label("Write a text").fill(WORDS)
    desk.get_by_role("button", name="Send").click()
    expect(desk.get_by_text(WORDS).first).to_be_visible()
    wait_until(lambda: WORDS in read_texts(clinic, e164), "the text at Robotalker", within_seconds=60)


def read_texts(clinic: RunningClinic, e164: str) -> str:
    entries = requests.get(f"{clinic.phones}/sandbox/ledger", timeout=5).json()["entries"]
    return " ".join(str(entry["message"]) for entry in entries if entry["to"] == e164)


def mark_an_arrival(desk: Page, clinic: RunningClinic) -> None:
    desk.get_by_role("navigation").get_by_role("link", name="Today").first.click()
    first = desk.locator(".now ~ .row-line:not(.is-cancelled)").first
    pk = str(first.get_attribute("id")).removeprefix("appointment-")
    row = desk.locator(f"#appointment-{pk}")
    row.hover()
    row.locator(f"#arrived-{pk}").click()
    expect(row.locator(".chip")).to_contain_text("arrived")
    assert clinic.ask(STATUS, pk) == "arrived"


def print_tomorrow(desk: Page, clinic: RunningClinic) -> None:
    desk.get_by_role("link", name="Print tomorrow").click()
    desk.evaluate("window.print = () => { document.title = 'printed' }")
    desk.get_by_role("button", name="Print").click()
    assert desk.title() == "printed"
    lines = desk.locator(".paper tbody tr").count()
    expect(desk.locator("main > .quiet").first).to_contain_text(f"{lines} visit")
    desk.emulate_media(media="print")
    assert not desk.locator(".rail").is_visible()
    assert not desk.locator(".topbar").is_visible()


@pytest.mark.parametrize("state", ["", "unanswered"])
def test_no_row_moves_under_a_resting_pointer(desk: Page, clinic: RunningClinic, state: str) -> None:
    """Rows around it change, also so that they no longer belong to the filter (product rule 58)."""
    desk.goto(f"{clinic.web}/?day={clinic.ask(NEXT_FULL_DAY)}&state={state}")
    rows = desk.locator(".row-line:not(.is-cancelled)")
    rested, above, below = rows.nth(2), rows.nth(1), rows.nth(3)
    rested.hover()
    place = rested.bounding_box()
    for row in (above, below):
        pk = str(row.get_attribute("id")).removeprefix("appointment-")
        clinic.execute(CONFIRM, pk)
        changed = desk.locator(f"#appointment-{pk}")
        expect(changed).to_contain_text("confirmed", timeout=20_000)
    assert rested.bounding_box() == place
    rested.locator(".row-who a").focus()
    assert rested.bounding_box() == place


def test_the_line_of_now_moves_on_as_it_was_drawn(desk: Page, clinic: RunningClinic) -> None:
    """Among the rows, and not in a list of its own, whose number would stand beside it."""
    desk.goto(clinic.web)
    line = desk.locator("ol.rows > li.now")
    expect(line).to_have_count(1)
    desk.evaluate("""() => {
        document.querySelector("li.now").dataset.isOld = "yes";
        const seen = document.getElementById("day-seen");
        const parts = seen.dataset.seen.split("~");
        seen.dataset.seen = [...parts.slice(0, 2), "else", ...parts.slice(3)].join("~");
    }""")
    expect(desk.locator("li.now[data-is-old]")).to_have_count(0, timeout=20_000)
    expect(line).to_have_count(1)
    expect(desk.locator("ol.rows > :not(li)")).to_have_count(0)


CONFIRM: Final = """
    UPDATE contacts_appointment SET answer = 'confirmed', answered_at = now(), answer_revision = revision
    WHERE id = %s
"""
NEXT_FULL_DAY: Final = """
    SELECT local_start::date::text FROM contacts_appointment
    WHERE status = 'booked' AND answer = '' AND starts_at > now() + interval '20 hours'
    GROUP BY 1 HAVING count(*) > 6 ORDER BY 1 LIMIT 1
"""
