"""A list from upload through mapping, mending and apply to its undo, as a manager does it."""

import csv
import io
from datetime import date, timedelta

from playwright.sync_api import FilePayload, Page, expect

from tests.browser.looking import Watched, check_page
from tests.browser.running import RunningClinic
from tests.browser.signing_in import Logins
from tests.contacts.imports.example_lists import AISHA, NOAH, write_list


def upload(clinic: RunningClinic, page: Page, data: bytes, source: str) -> None:
    page.goto(f"{clinic.web}/imports/new/")
    page.locator("input[type=file]").set_input_files(
        FilePayload(name="list.csv", mimeType="text/csv", buffer=data)
    )
    page.locator("[name=new_source]").fill(source)
    page.evaluate("addEventListener('submit', (event) => event.preventDefault(), { once: true })")
    page.get_by_role("button", name="Preview the import").click()
    expect(page.get_by_text("Reading the list.")).to_be_visible()
    page.get_by_role("button", name="Preview the import").click()


def test_a_list_is_mapped_mended_applied_and_undone(clinic: RunningClinic, logins: Logins) -> None:
    watched = Watched(logins.open_as("manager", viewport={"width": 390, "height": 844}))
    page = watched.page
    day = f"{date.today() + timedelta(days=20):%m/%d/%Y}"  # noqa: DTZ011 - any day ahead
    mine = {"date": day, "location": clinic.ask("SELECT min(name) FROM contacts_location")}
    mine |= {"last": "Stone", "mobile": "202-555-0130"}
    rows = [AISHA | mine, NOAH | mine | {"first": ""}]

    def look() -> None:
        watched.check()
        check_page(page)

    source = "browser-export"
    upload(clinic, page, write_list(*rows).replace(b"First Name", b"Vorname"), source)
    page.get_by_role("heading", name="Choose the columns").wait_for()
    look()
    page.get_by_label("First name").select_option("Vorname")
    page.get_by_role("button", name="Read the file with these columns").click()
    page.get_by_role("heading", name="Import preview").wait_for()
    look()
    with page.expect_download() as kept:
        page.get_by_role("button", name="Download the 1 row to mend").click()
    page.get_by_role("button", name="Add 1").click()
    page.get_by_text("because of this list").wait_for()
    look()
    table = list(csv.reader(io.StringIO(kept.value.path().read_text("utf-8-sig"))))
    table[1][table[0].index("Vorname")] = "Noah"
    mended = io.StringIO(newline="")
    csv.writer(mended).writerows(table)
    upload(clinic, page, mended.getvalue().encode(), source)
    page.get_by_role("button", name="Add 1").click()
    page.get_by_role("link", name="Undo this import").click()
    page.get_by_text("Appointments are removed").wait_for()
    look()
    page.get_by_role("button", name="Undo this import").click()
    page.get_by_text("undid this import on").wait_for()
    look()
    left = "SELECT array_agg(external_id) FROM contacts_appointment WHERE source = %s"
    assert clinic.ask(left, source) == ["A1"]
    page.context.close()
