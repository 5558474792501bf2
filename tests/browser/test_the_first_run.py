"""From an empty database to the first confirmed call, by the list of what is needed first, on each screen."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from reminders.demo.zones import choose_zone
from tests.browser.long_names import LONG
from tests.browser.running import ROOT, RunningClinic
from tests.browser.signing_in import Logins
from tests.browser.walking import Look, Walk, describe_screen
from tests.waiting import wait_until

RINGS_WITHIN = 90_000  # ms
# What `make run` made is deleted, but for its logins; then as after the first migration.
EMPTY = """
from django.core.management import call_command
from reminders.demo.clinic import clear_practice
clear_practice()
call_command("setup_practice")
"""
PLACE = LONG[::-1].capitalize()  # also of sixty letters
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
def empty_clinic(clinic: RunningClinic) -> RunningClinic:
    """The clinic of the other tests, which are done with it: this file is the last (tests/conftest.py)."""
    environment = {**os.environ, "DATABASE_URL": clinic.database_url, "DEBUG": "true"}
    subprocess.run([sys.executable, "manage.py", "shell", "-c", EMPTY], cwd=ROOT, env=environment, check=True)
    return clinic


@pytest.fixture
def walk(empty_clinic: RunningClinic, logins: Logins, look: Look) -> Iterator[Walk]:
    begun = Walk(logins.open_as("admin", **describe_screen(look)), look)
    begun.page.goto(empty_clinic.web)
    yield begun
    begun.page.context.close()


def test_from_nothing_to_the_first_confirmed_call(
    empty_clinic: RunningClinic, browser: Browser, walk: Walk
) -> None:
    zone, page = choose_zone(datetime.now(UTC)), walk.page
    walk.stop()
    walk.press(page.get_by_role("link", name="What is needed first"))
    page.wait_for_url("**/campaigns/first/")
    walk.stop()
    add_location(walk, zone)
    day = datetime.now(zone).date() + timedelta(days=5)
    number = f"212-555-01{walk.look.width % 90:02}"
    import_list(empty_clinic, walk, f"A1,{LONG},Ruth,{number},{day:%m/%d/%Y},10:30 AM,{PLACE}")
    begin_campaign(empty_clinic, walk)
    confirm_by_phone(empty_clinic, browser, f"+1{number.replace('-', '')}")
    page.goto(f"{empty_clinic.web}/?day={day}")
    expect(page.locator(".row-line").filter(has_text=f"Ruth {LONG}")).to_contain_text("confirmed")
    walk.stop()


def add_location(walk: Walk, zone: ZoneInfo) -> None:
    page = walk.page
    walk.press(page.get_by_role("link", name="Add a location"))
    page.locator("#id_name").fill(PLACE)
    page.locator("#id_spoken_name").fill("Main Street")
    page.locator("#id_time_zone").fill(zone.key)
    page.locator("#id_callback_number").fill("+12125550190")
    for day in page.locator("#id_open_weekdays input").all():
        day.check()
    walk.stop()
    walk.press(page.get_by_role("button", name="Save", exact=True))
    expect(page.locator(".messagelist .success")).to_be_visible()
    walk.stop()


def import_list(clinic: RunningClinic, walk: Walk, row: str) -> None:
    page = walk.page
    page.goto(f"{clinic.web}/campaigns/first/")
    walk.press(page.get_by_role("link", name="Import a list"))
    content = f"{HEADER}\n{row}\n".encode()
    page.locator("input[type=file]").set_input_files(
        {"name": "visits.csv", "mimeType": "text/csv", "buffer": content}
    )
    walk.press(page.get_by_role("button", name="Preview the import"))
    expect(page.locator("button[name=apply]")).to_be_visible()
    walk.stop()
    walk.press(page.locator("button[name=apply]"))
    expect(page.get_by_text("Every row was imported without problems.")).to_be_visible()
    walk.stop()


def begin_campaign(clinic: RunningClinic, walk: Walk) -> None:
    page = walk.page
    page.goto(f"{clinic.web}/campaigns/first/")
    walk.press(page.get_by_role("link", name="Choose one"))
    page.get_by_role("radio").first.check()
    walk.stop()
    for name in ("Make the draft and go on", "Save, and read the words"):
        walk.press(page.get_by_role("button", name=name))
    for name in ("The words are right", "On to activating it"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
        walk.stop()
        walk.press(page.get_by_role("link", name=name))
    page.wait_for_url("**/activate/*")
    walk.stop()
    walk.press(page.locator("main form button[type=submit]").first)
    expect(page.locator("h1")).to_contain_text("active")
    walk.stop()
    wait_until(lambda: clinic.ask(PLANNED), "the reminders", within_seconds=60)


def confirm_by_phone(clinic: RunningClinic, browser: Browser, number: str) -> None:
    phones = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    phones.goto(clinic.phones)
    clinic.execute(AWAKE)
    clinic.execute(MAKE_CALL_DUE)
    phone = phones.locator(f'[data-phone="{number}"]').first
    phone.locator('[data-action="answer"]').click(timeout=RINGS_WITHIN)
    phone.locator('[data-key="1"]').click()
    wait_until(lambda: clinic.ask(CONFIRMED), "the answer", within_seconds=60)
    phones.context.close()
