"""From an empty database to the first confirmed call, by the list of what is needed first."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from reminders.demo.zones import choose_zone
from tests.browser.looking import Watched, check_accessible
from tests.browser.running import ROOT, RunningClinic, run_clinic
from tests.browser.signing_in import log_in
from tests.waiting import wait_until

RINGS_WITHIN = 90_000  # ms
# What `make run` made is deleted, but for its logins; then as after the first migration.
EMPTY = """
from django.core.management import call_command
from reminders.demo.clinic import clear_practice
clear_practice()
call_command("setup_practice")
"""
HEADER = "Appt ID,Last Name,First Name,Mobile,Date,Time,Location"
# Where it is mid-morning, as at the location.
AWAKE = "UPDATE contacts_phonenumber SET time_zones = (SELECT array_agg(time_zone) FROM contacts_location)"
MAKE_CALL_DUE = """
    UPDATE reminders_reminder SET due_at = now(), next_look_at = now()
    WHERE state = 'planned' AND step_id IN (SELECT id FROM reminders_step WHERE channel = 'voice')
"""
PLANNED = "SELECT count(*) FROM reminders_reminder WHERE state = 'planned'"
CONFIRMED = "SELECT bool_or(answer = 'confirmed') FROM contacts_appointment"


@pytest.fixture
def empty_clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClinic]:
    with run_clinic(tmp_path_factory.mktemp("first-run"), "callboard_first_run", queue=1) as running:
        environment = {**os.environ, "DATABASE_URL": running.database_url, "DEBUG": "true"}
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", EMPTY], cwd=ROOT, env=environment, check=True
        )
        yield running


def test_from_nothing_to_the_first_confirmed_call(empty_clinic: RunningClinic, browser: Browser) -> None:
    zone = choose_zone(datetime.now(UTC))
    watched = Watched(browser.new_context(viewport={"width": 1440, "height": 900}))
    page = watched.page
    log_in(empty_clinic, page, "admin")
    check_accessible(page)
    page.get_by_role("link", name="What is needed first").click()
    check_accessible(page)
    add_location(page, zone)
    day = datetime.now(zone).date() + timedelta(days=5)
    import_list(empty_clinic, page, f"A1,Stone,Ruth,212-555-0111,{day:%m/%d/%Y},10:30 AM,Main Street")
    begin_campaign(empty_clinic, page)
    confirm_by_phone(empty_clinic, browser)
    page.goto(f"{empty_clinic.web}/?day={day}")
    expect(page.locator(".row-line").filter(has_text="Ruth Stone")).to_contain_text("confirmed")
    watched.check()
    page.context.close()


def add_location(page: Page, zone: ZoneInfo) -> None:
    page.get_by_role("link", name="Add a location").click()
    page.locator("#id_name").fill("Main Street")
    page.locator("#id_spoken_name").fill("Main Street")
    page.locator("#id_time_zone").fill(zone.key)
    page.locator("#id_callback_number").fill("+12125550100")
    for day in page.locator("#id_open_weekdays input").all():
        day.check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def import_list(clinic: RunningClinic, page: Page, row: str) -> None:
    page.goto(f"{clinic.web}/campaigns/first/")
    page.get_by_role("link", name="Import a list").click()
    content = f"{HEADER}\n{row}\n".encode()
    page.locator("input[type=file]").set_input_files(
        {"name": "visits.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Preview the import").click()
    page.locator("button[name=apply]").click()
    expect(page.get_by_text("Every row was imported without problems.")).to_be_visible()


def begin_campaign(clinic: RunningClinic, page: Page) -> None:
    page.goto(f"{clinic.web}/campaigns/first/")
    page.get_by_role("link", name="Choose one").click()
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Make the draft and go on").click()
    page.get_by_role("button", name="Save, and read the words").click()
    page.get_by_role("link", name="The words are right").click()
    page.get_by_role("link", name="On to activating it").click()
    check_accessible(page)
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("h1")).to_contain_text("active")
    wait_until(lambda: clinic.ask(PLANNED), "the reminders", within_seconds=60)


def confirm_by_phone(clinic: RunningClinic, browser: Browser) -> None:
    phones = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    phones.goto(clinic.phones)
    clinic.execute(AWAKE)
    clinic.execute(MAKE_CALL_DUE)
    phone = phones.locator('[data-phone="+12125550111"]').first
    phone.locator('[data-action="answer"]').click(timeout=RINGS_WITHIN)
    phone.locator('[data-key="1"]').click()
    wait_until(lambda: clinic.ask(CONFIRMED), "the answer", within_seconds=60)
    phones.context.close()
