"""From an empty database to a confirmed appointment, in a browser."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests
from playwright.sync_api import Locator, Page, expect

from reminders.pages.day_snapshots import SHARED_FOR
from tests.browser.running import RunningClinic
from tests.waiting import wait_until

RINGS_WITHIN = 90_000  # ms; the first calls fall due within a minute
SEEN_WITHIN = 5_000  # ms by the clock of the page
HOWEVER_BUSY = 60_000  # ms in which this machine has answered a request
# A call of a campaign gets its id with its first event; a campaign has each number only once.
CALLED_FOR = """
    SELECT r.appointment_id FROM reminders_callrecord c
    JOIN reminders_reminder r ON r.id = c.reminder_id
    JOIN contacts_phonenumber n ON n.id = c.number_id
    WHERE c.robotalker_id = %s OR (c.robotalker_id = '' AND c.batch_id IS NOT NULL AND n.e164 = %s)
    ORDER BY c.id DESC LIMIT 1
"""
CONFIRMED = "SELECT answer = 'confirmed' FROM contacts_appointment WHERE id = %s"
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


@dataclass(frozen=True)
class Answered:
    """A phone that was answered, and the appointment it was called about."""

    phone: Locator
    number: str
    appointment_id: int


def answer_next_phone(clinic: RunningClinic, phones: Page) -> Answered:
    """Answer the first ringing phone. By call id, since a family's phone may have two calls at once."""
    ringing = phones.locator('[data-phone][data-state="ringing"]').first
    ringing.wait_for(timeout=RINGS_WITHIN)
    number, call_id = ringing.get_attribute("data-phone"), ringing.get_attribute("data-call")
    assert number
    assert call_id
    phone = phones.locator(f'[data-call="{call_id}"]').first
    phone.locator('[data-action="answer"]').click()
    return Answered(phone, number, clinic.ask(CALLED_FOR, call_id, number))


def test_today_shows_confirmed_within_five_seconds_of_key_1(
    clinic: RunningClinic, desk: Page, phones: Page
) -> None:
    """By the page's own clock, which stands still until it is moved: a busy machine changes nothing."""
    desk.clock.install()
    desk.reload()
    sarah = answer_next_phone(clinic, phones)
    row = desk.locator(f"#appointment-{sarah.appointment_id}")
    expect(row).to_contain_text("calling", ignore_case=True, timeout=HOWEVER_BUSY)
    desk.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    sarah.phone.locator('[data-key="1"]').click()
    wait_until(lambda: clinic.ask(CONFIRMED, sarah.appointment_id), "her answer", within_seconds=60)
    # The server's clock doesn't stand still: a reading of the day that it shares is from before her answer.
    answered = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) > answered + SHARED_FOR, "the server to read the day again")
    # While a list that was asked for before her answer is on its way, the page asks for no other.
    expect(desk.locator(".htmx-request")).to_have_count(0, timeout=HOWEVER_BUSY)
    desk.clock.run_for(SEEN_WITHIN)
    expect(row).to_contain_text("confirmed", ignore_case=True, timeout=HOWEVER_BUSY)


def test_no_call_is_submitted_to_a_number_after_key_9(
    clinic: RunningClinic, desk: Page, phones: Page
) -> None:
    noah = answer_next_phone(clinic, phones)
    noah.phone.locator('[data-key="9"]').click()
    wait_until(lambda: clinic.ask(OPTED_OUT, noah.number), "the number's opt-out flag", within_seconds=60)
    before = len(accepted_calls(clinic, noah.number))
    clinic.execute(MAKE_DUE, noah.number)
    wait_until(
        lambda: clinic.ask(STILL_PENDING, noah.number) == 0,
        "no reminder of his to be due any more",
        within_seconds=60,
    )
    desk.goto(f"{clinic.web}/appointments/{noah.appointment_id}/")
    expect(desk.get_by_text("opted out").first).to_be_visible()
    assert len(accepted_calls(clinic, noah.number)) == before


def accepted_calls(clinic: RunningClinic, number: str) -> list[object]:
    """The calls to this number in the sandbox's ledger, single or in a campaign."""
    entries = requests.get(f"{clinic.phones}/sandbox/ledger", timeout=5).json()["entries"]
    return [
        entry for entry in entries if entry["to"] == number and entry["kind"] in ("call", "campaign_call")
    ]
