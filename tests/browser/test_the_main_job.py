"""From nothing to a confirmed appointment, as somebody who tries it first would see it."""

import requests
from playwright.sync_api import Locator, Page, expect

from tests.browser.running import RunningClinic
from tests.sandbox_server import wait_until

RINGS_WITHIN = 90_000  # ms; the first calls fall due within a minute
SEEN_WITHIN = 5_000  # ms
OPEN_CALL = """
    SELECT r.appointment_id FROM reminders_callrecord c
    JOIN reminders_reminder r ON r.id = c.reminder_id
    JOIN contacts_phonenumber n ON n.id = c.number_id
    WHERE n.e164 = %s ORDER BY c.id DESC LIMIT 1
"""
OPTED_OUT = "SELECT voice_opted_out_at IS NOT NULL FROM contacts_phonenumber WHERE e164 = %s"
MAKE_DUE = """
    UPDATE reminders_reminder SET state = 'planned', reason = '', due_at = now(), next_look_at = now()
    WHERE revision = 1 AND state IN ('planned', 'skipped', 'done') AND appointment_id IN (
        SELECT a.id FROM contacts_appointment a JOIN contacts_contact c ON c.id = a.contact_id
        JOIN contacts_phonenumber n ON n.id = c.phone_id
        WHERE n.e164 = %s AND a.status = 'booked' AND a.starts_at > now() + interval '1 hour')
"""
STILL_PENDING = """
    SELECT count(*) FROM reminders_reminder r JOIN contacts_appointment a ON a.id = r.appointment_id
    JOIN contacts_contact c ON c.id = a.contact_id JOIN contacts_phonenumber n ON n.id = c.phone_id
    WHERE n.e164 = %s AND r.state IN ('planned', 'claimed', 'in_progress') AND r.next_look_at <= now()
"""


def answer_next_phone(phones: Page) -> tuple[str, Locator]:
    """Pick up the first phone that rings; its number, and the phone."""
    ringing = phones.locator('[data-phone][data-state="ringing"]').first
    ringing.wait_for(timeout=RINGS_WITHIN)
    number = ringing.get_attribute("data-phone")
    assert number
    phone = phones.locator(f'[data-phone="{number}"]').first
    phone.locator('[data-action="answer"]').click()
    return number, phone


def test_she_presses_1_and_today_shows_confirmed_within_five_seconds(
    clinic: RunningClinic, desk: Page, phones: Page
) -> None:
    number, phone = answer_next_phone(phones)
    row = desk.locator(f"#appointment-{clinic.ask(OPEN_CALL, number)}")
    expect(row).to_contain_text("calling", ignore_case=True, timeout=SEEN_WITHIN)
    phone.locator('[data-key="1"]').click()
    expect(row).to_contain_text("confirmed", ignore_case=True, timeout=SEEN_WITHIN)


def test_he_presses_9_and_no_further_call_to_his_number_is_submitted(
    clinic: RunningClinic, desk: Page, phones: Page
) -> None:
    number, phone = answer_next_phone(phones)
    appointment = clinic.ask(OPEN_CALL, number)
    phone.locator('[data-key="9"]').click()
    wait_until(lambda: clinic.ask(OPTED_OUT, number), "the number's opt-out flag")
    before = len(accepted_calls(clinic, number))
    clinic.tell(MAKE_DUE, number)
    wait_until(lambda: clinic.ask(STILL_PENDING, number) == 0, "everything due for him to be settled")
    desk.goto(f"{clinic.web}/appointments/{appointment}/")
    expect(desk.get_by_text("opted out").first).to_be_visible()
    assert len(accepted_calls(clinic, number)) == before


def accepted_calls(clinic: RunningClinic, number: str) -> list[object]:
    """What the sandbox's ledger holds for this number, singly or in a campaign."""
    entries = requests.get(f"{clinic.phones}/sandbox/ledger", timeout=5).json()["entries"]
    return [entry for entry in entries if entry["to"] == number and entry["kind"] in ("call", "campaign_call")]
