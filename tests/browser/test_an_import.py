"""A list from upload through mapping, mending and apply to its undo, as a manager does it."""

import csv
import io
from datetime import date, timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.looking import Watched, check_accessible
from tests.browser.running import RunningClinic
from tests.browser.signing_in import log_in
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


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_a_list_is_mapped_mended_applied_and_undone(
    clinic: RunningClinic, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    watched = Watched(context)
    page = watched.page
    log_in(clinic, page, "manager")
    day = f"{date.today() + timedelta(days=20):%m/%d/%Y}"  # noqa: DTZ011 - any day ahead
    mine = {"date": day, "location": clinic.ask("SELECT min(name) FROM contacts_location")}
    rows = [AISHA | mine, NOAH | mine | {"first": ""}]
    own = {"last": {390: "Stone", 1440: "Reed"}[width], "mobile": f"202-555-01{width % 90:02}"}
    rows = [
        row | own | {"id": f"{row['id']}-{width}", "patient": f"{row['patient']}-{width}"} for row in rows
    ]

    def look() -> None:
        watched.check()
        check_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url

    source = f"browser-export-{width}"
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
    left = "SELECT array_agg(external_id) FROM contacts_appointment WHERE source = %s AND external_id LIKE %s"
    assert clinic.ask(left, source, f"%-{width}") == [f"A1-{width}"]
    context.close()
