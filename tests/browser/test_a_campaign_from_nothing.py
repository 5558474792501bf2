"""A manager makes a campaign from nothing, in a browser, and what each page says is what then happens.

Its words in two languages, a test call, its preview, activating it, an edit whose differences are the calls
that the sandbox then has, a pause, and taking the edit back (product rules 6, 29 and 62).
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.running import ROOT, RunningClinic
from tests.browser.signing_in import Logins
from tests.waiting import wait_until

MINE = "+12025550123"
RINGS_WITHIN = 60_000  # ms
WITHIN = 60.0  # seconds, on a machine that is busy with other things
NAME = "Quarterly visits"
VISITS = [("Wilma", "Quarterly"), ("Xenia", "Quarterly"), ("Yusuf", "Quarterly"), ("Zora", "Half-yearly")]
# In three days at noon, booked long ago, each patient by the clock of the location.
BOOK = """
from datetime import timedelta
from django.utils import timezone
from contacts.models import Appointment, Location
from tests.people import make_appointment, make_contact, make_number
location = Location.objects.earliest("pk")
make_number("{mine}")  # without a zone of its own: it is rung by the clock of the location
noon = timezone.now().astimezone(location.zone).replace(hour=12, minute=0, second=0, microsecond=0)
for last, (name, kind) in enumerate({visits}):
    number = f"+12025550{{170 + last}}"
    contact = make_contact(name, number=number, time_zone=location.time_zone, preferred_channel="voice")
    visit = make_appointment(contact, location=location, starts_at=noon + timedelta(days=3), kind=kind)
    Appointment.objects.filter(pk=visit.pk).update(revised_at=timezone.now() - timedelta(days=9))
"""
ENGLISH = (
    "Hello {FIRST_NAME}, this is {PRACTICE}. You have a visit on {APPT_DATE} at {APPT_TIME}. Our number is "
    "{CALLBACK_NUMBER}. Press 1 to confirm, 2 to ask for another time, or 9 to get no more calls."
)
SPANISH = (
    "Hola, {FIRST_NAME}. Le llama {PRACTICE}. Tiene una cita el {APPT_DATE} a las {APPT_TIME}. Nuestro "
    "número es {CALLBACK_NUMBER}. Marque 1 para confirmar, 2 para pedir otra hora o 9 para no recibir más "
    "llamadas."
)
OF_CAMPAIGN = """
    FROM reminders_reminder r JOIN reminders_step s ON s.id = r.step_id
    JOIN reminders_campaign c ON c.id = s.campaign_id WHERE c.name = %s
"""
HELD = f"SELECT count(*) {OF_CAMPAIGN} AND r.reason = 'campaign_paused'"
SENT = f"SELECT count(*) {OF_CAMPAIGN} AND r.state IN ('in_progress', 'done')"
MAKE_DUE = """
    UPDATE reminders_reminder AS r SET due_at = now(), next_look_at = now()
    FROM reminders_step s JOIN reminders_campaign c ON c.id = s.campaign_id
    WHERE s.id = r.step_id AND c.name = %s AND r.state = 'planned'
"""
NUMBERS = """
    SELECT array_agg(n.e164) FROM contacts_appointment a JOIN contacts_contact c ON c.id = a.contact_id
    JOIN contacts_phonenumber n ON n.id = c.phone_id WHERE a.id = ANY(%s)
"""


@pytest.fixture
def manager(logins: Logins) -> Iterator[Page]:
    """A page, logged in as a manager."""
    context = logins.open_as("manager", viewport={"width": 1440, "height": 900}, locale="en-US")
    yield context.new_page()
    context.close()


def test_a_campaign_is_made_from_nothing_and_does_what_its_pages_say(
    clinic: RunningClinic, manager: Page, phones: Page
) -> None:
    book_visits(clinic)
    write_script(clinic, manager)
    hear_it(clinic, manager, phones)
    build_campaign(clinic, manager)
    preview_and_activate(manager)
    expected = edit_it(clinic, manager)
    pause_and_resume(clinic, manager)
    wait_until(lambda: list_called(clinic) >= expected, "the calls that were shown", within_seconds=WITHIN)
    assert list_called(clinic) == expected
    take_the_edit_back(manager)


def book_visits(clinic: RunningClinic) -> None:
    environment = {**os.environ, "DATABASE_URL": clinic.database_url, "DEBUG": "true"}
    code = BOOK.format(visits=VISITS, mine=MINE)
    subprocess.run([sys.executable, "manage.py", "shell", "-c", code], cwd=ROOT, env=environment, check=True)


def write_script(clinic: RunningClinic, page: Page) -> None:
    """A script of its own, published in English and in Spanish."""
    page.goto(f"{clinic.web}/scripts/add/")
    page.get_by_label("Name").fill(NAME)
    page.get_by_role("button", name="Add it and write its text").click()
    for language, text in (("English", ENGLISH), ("Spanish", SPANISH)):
        page.get_by_role("link", name=re.compile(language)).first.click()
        page.locator("#id_text").fill(text)
        page.get_by_role("button", name="Save as a draft").click()
        page.get_by_role("button", name="Publish the draft").click()
        expect(page.get_by_role("heading", name="In force")).to_be_visible()


def hear_it(clinic: RunningClinic, page: Page, phones: Page) -> None:
    """Verify one's own number by the code that a call speaks, then hear the script (in Spanish)."""
    script = page.url
    page.goto(f"{clinic.web}/test-calls/")
    page.get_by_role("textbox", name="Your number").fill(MINE)
    page.get_by_role("button", name="Call me with a code").click()
    answer(phones)
    said = re.search(r"Your code is: ([\d, ]+)\.", read_ledger(clinic, MINE)[-1])
    assert said
    page.get_by_role("textbox", name="The code that the call speaks").fill(said[1].replace(", ", ""))
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("is verified.").first).to_be_visible()
    page.goto(script)
    page.get_by_role("button", name="Call me with this").click()
    answer(phones)
    assert "Tiene una cita el" in read_ledger(clinic, MINE)[-1]


def answer(phones: Page) -> None:
    """Answer one's own phone, and hang up after what it says."""
    ringing = phones.locator(f'[data-phone="{MINE}"][data-state="ringing"]').first
    ringing.wait_for(timeout=RINGS_WITHIN)
    call_id = ringing.get_attribute("data-call")
    phone = phones.locator(f'[data-call="{call_id}"]').first
    phone.locator('[data-action="answer"]').click()
    phone.locator('[data-action="hangup"]').click()


def build_campaign(clinic: RunningClinic, page: Page) -> None:
    page.goto(f"{clinic.web}/campaigns/")
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_role("radio", name="An empty campaign").check()
    page.get_by_role("textbox", name="Name").fill(NAME)
    page.get_by_role("button", name="Make the draft").click()
    choose(page, "appointment", "Quarterly")
    expect(page.locator(".coverage")).to_contain_text("Means 3 of the next")
    page.get_by_role("button", name="Add a step").click()
    page.locator("summary").filter(has_text="“Appointment reminder, by call”").first.click()
    page.locator("details[open] .part-panel select").first.select_option(label=NAME)
    page.keyboard.press("Escape")  # the words follow, though the part has the focus again
    expect(page.locator("summary").filter(has_text=NAME).first).to_be_visible()
    expect(page.locator(".moments")).to_contain_text("a call")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Remind 3 people, 0 of them today.")).to_be_visible()


def choose(page: Page, part: str, option: str) -> None:
    """Press a part of a sentence and choose in its panel; Escape closes it."""
    page.locator("summary").filter(has_text=part).first.click()
    page.locator("details[open] .part-panel").get_by_label(option).check()
    expect(page.locator("summary").filter(has_text=option).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("details[open] .part-panel")).to_have_count(0)


def preview_and_activate(page: Page) -> None:
    page.get_by_role("link", name="What each of them hears, and when").click()
    for name, kind in VISITS:
        expect(page.get_by_text(f"Hello {name}, this is")).to_have_count(int(kind == "Quarterly"))
    page.get_by_role("link", name="Back to the campaign").click()
    page.get_by_role("link", name="Activate …").click()
    page.get_by_role("button", name="Remind 3 people, 0 of them today").click()
    expect(page.get_by_text("It will remind 3 people")).to_be_visible()


def edit_it(clinic: RunningClinic, page: Page) -> set[str]:
    """Mean another kind of visit, too; the numbers that are called by what the page says."""
    page.get_by_role("link", name="Edit").click()
    choose(page, "Quarterly", "Half-yearly")
    page.get_by_role("button", name="See what changes …").click()
    expect(page.get_by_role("heading", name="1 reminder is new")).to_be_visible()
    page.get_by_role("button", name="Save: remind 4 people, 0 of them today").click()
    expect(page.get_by_text("Remind 4 people, 0 of them today.")).to_be_visible()
    page.get_by_role("link", name="What each of them hears, and when").click()
    heard = page.locator(".heard h2 a")
    expect(heard).to_have_count(len(VISITS))  # the page is there
    hrefs = heard.evaluate_all("links => links.map(link => link.pathname)")
    visits = [int(re.findall(r"\d+", href)[0]) for href in hrefs]
    page.get_by_role("link", name="Back to the campaign").click()
    return set(clinic.ask(NUMBERS, visits))


def pause_and_resume(clinic: RunningClinic, page: Page) -> None:
    """What falls due in a pause waits, and is sent when the person says so."""
    page.get_by_role("link", name="Pause …").click()
    page.get_by_label(f"Why? Pause {NAME}").fill("a burst pipe")
    page.get_by_role("button", name=f"Pause {NAME}").click()
    expect(page.get_by_role("link", name=f"Resume {NAME}")).to_be_visible()
    planned = f"SELECT count(*) {OF_CAMPAIGN}"
    wait_until(lambda: clinic.ask(planned, NAME) == len(VISITS), "the reminders", within_seconds=WITHIN)
    clinic.execute(MAKE_DUE, NAME)
    wait_until(lambda: clinic.ask(HELD, NAME) == len(VISITS), "all to be held", within_seconds=WITHIN)
    assert clinic.ask(SENT, NAME) == 0
    page.get_by_role("link", name=f"Resume {NAME}").click()
    expect(page.get_by_text("4 reminders fell due during the pause.")).to_be_visible()
    page.get_by_role("button", name="Remind 4 people, 4 of them today").click()


def take_the_edit_back(page: Page) -> None:
    history = page.locator(".history > li").filter(has_text="activated")
    history.last.get_by_role("link", name="Take back to this …").click()
    page.get_by_role("button", name=re.compile("^Take it back")).click()
    expect(page.get_by_text("Every Quarterly:")).to_be_visible()
    expect(page.locator(".history > li").first).to_contain_text("Taken back")


def list_called(clinic: RunningClinic) -> set[str]:
    """The numbers of the campaign's calls in the sandbox's ledger."""
    numbers = [f"+12025550{170 + last}" for last in range(len(VISITS))]
    return {
        number
        for number in numbers
        if any("You have a visit on" in said for said in read_ledger(clinic, number))
    }


def read_ledger(clinic: RunningClinic, number: str) -> list[str]:
    """What the calls to a number said, in order."""
    entries = requests.get(f"{clinic.phones}/sandbox/ledger", timeout=5).json()["entries"]
    return [entry["message"] for entry in entries if entry["to"] == number]
