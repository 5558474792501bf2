"""How a list was read can be looked at and corrected by everybody, on any screen (product rule 47)."""

from tests.browser.looking import check_page, check_width
from tests.browser.running import RunningClinic
from tests.browser.signing_in import Logins

HEADER = ["Appt ID", "Last Name", "First Name", "Mobile", "Date", "Time", "Location"]
ROW = ["A1", "Stone", "Ruth", "202-555-0111", "12/15/2026", "9:00 AM", "Downtown"]
WIDE = "\n".join(
    ",".join(cells) for cells in ([*HEADER, "W" * 60, *map(str, range(90))], [*ROW, "word " * 200, *"x" * 90])
)


def test_a_list_of_a_hundred_columns_is_corrected_by_hand_and_pushes_no_page_sideways(
    clinic: RunningClinic, logins: Logins
) -> None:
    page = logins.open_as("frontdesk", viewport={"width": 390, "height": 900}).new_page()
    page.goto(f"{clinic.web}/imports/new/")
    page.locator("input[type=file]").set_input_files(
        {"name": "wide.csv", "mimeType": "text/csv", "buffer": WIDE.encode()}
    )
    page.get_by_role("button", name="Preview the import").click()
    page.get_by_role("region", name="The first row, under its headers").focus()
    check_page(page, [390])
    page.get_by_text("Correct how the file is read").click()
    page.get_by_label("Line of the header").fill("9")
    page.get_by_role("button", name="Read again").click()
    page.get_by_role("alert").get_by_text("Line 9 can't be the header").wait_for()
    check_page(page, [768, 390])
    page.get_by_label("Line of the header").fill("1")
    page.get_by_role("button", name="Read again").click()
    page.get_by_role("heading", name="Import preview").wait_for()
    check_width(page)
    page.context.close()
