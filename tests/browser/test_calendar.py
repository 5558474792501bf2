"""The calendar in a real browser: by mouse and by keyboard, on a desk and on a phone."""

from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import Error, Locator, Page, expect

from tests.browser.looking import WIDTHS, check_page
from tests.browser.running import RunningClinic
from tests.browser.signing_in import enter_password
from tests.waiting import wait_until

# A visit that can be moved, with nothing by the same provider in the hour after it; and its place and day.
MOVABLE = """
    SELECT array[visit.id::text, visit.location_id::text, visit.local_start::date::text]
    FROM contacts_appointment visit
    WHERE visit.status = 'booked' AND visit.starts_at > now() + interval '40 hours'
      AND visit.local_start::time BETWEEN '10:00' AND '12:00'
      AND NOT EXISTS (SELECT FROM contacts_appointment other WHERE other.provider_id = visit.provider_id
        AND other.id <> visit.id AND other.starts_at >= visit.starts_at
        AND other.starts_at < visit.starts_at + interval '90 minutes')
    ORDER BY visit.starts_at, visit.id LIMIT 1
"""
START = "SELECT local_start::time::text FROM contacts_appointment WHERE id = %s"
HOUR = 96  # pixels
CROWDED_DAY = "2027-02-03"  # in a week without a visit
# As many visits of the clinic again, at that time, of so many minutes at that location.
COPY_VISITS = """
    WITH wanted AS (SELECT %s::timestamp AS at, %s::timestamptz AS start, make_interval(mins => %s) AS length)
    INSERT INTO contacts_appointment
    SELECT (jsonb_populate_record(NULL::contacts_appointment, to_jsonb(visit) || jsonb_build_object(
        'id', nextval(pg_get_serial_sequence('contacts_appointment', 'id')), 'external_id', '',
        'local_start', at, 'starts_at', start, 'ends_at', start + length,
        'planned_revision', visit.revision))).*
    FROM wanted, (SELECT * FROM contacts_appointment WHERE status = 'booked' AND location_id = %s
        ORDER BY provider_id, id LIMIT %s) AS visit
"""
TOO_SMALL = """
    [...document.querySelectorAll("#calendar a")].map((one) => [one.title, one.getBoundingClientRect()])
        .filter(([, { width, height }]) => width < 24 || height < 24).map(([title]) => title)
"""


def open_day(desk: Page, clinic: RunningClinic) -> tuple[str, Locator]:
    """The id of a visit that can be moved, and where the calendar shows it."""
    visit, place, day = clinic.ask(MOVABLE)
    desk.goto(f"{clinic.web}/calendar/?location={place}&day={day}")
    shown = desk.locator(".ec-event.visit", has=desk.locator(f'a[href="/appointments/{visit}/"]'))
    expect(shown).to_be_visible()
    return visit, shown


def drag_down(desk: Page, shown: Locator, pixels: int) -> None:
    shown.scroll_into_view_if_needed()
    box = shown.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    desk.mouse.move(x, y)
    desk.mouse.down()
    desk.mouse.move(x, y + pixels / 2, steps=5)
    desk.mouse.move(x, y + pixels, steps=5)
    desk.mouse.up()


def test_a_drag_asks_first_and_goes_back_on_no(
    desk: Page, clinic: RunningClinic, complaints: list[str]
) -> None:
    visit, shown = open_day(desk, clinic)
    before, at_first = shown.bounding_box(), clinic.ask(START, visit)
    drag_down(desk, shown, HOUR)
    dialog = desk.get_by_role("dialog", name="Move this appointment?")
    leave = dialog.get_by_role("button", name="No, leave it")
    expect(leave).to_be_focused()
    check_page(desk, [1440])
    leave.press("Enter")
    expect(dialog).to_be_hidden()
    wait_until(lambda: shown.bounding_box() == before, "the visit is where it was")
    drag_down(desk, shown, HOUR)
    desk.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    wait_until(lambda: shown.bounding_box() == before, "the visit is where it was")
    assert clinic.ask(START, visit) == at_first
    drag_down(desk, shown, HOUR)
    dialog.locator("button[name=save]").click()
    expect(desk.get_by_text("The appointment is now on")).to_be_visible()
    desk.wait_for_url(f"{clinic.web}/calendar/*")
    expect(desk.locator(f'.visit a[href="/appointments/{visit}/"]')).to_be_visible()
    assert clinic.ask(START, visit)[:2] == f"{int(at_first[:2]) + 1:02}"


def test_a_press_on_an_empty_place_books_there(
    desk: Page, clinic: RunningClinic, complaints: list[str]
) -> None:
    provider = clinic.ask(
        "INSERT INTO contacts_provider (name, spoken_name) VALUES ('Dr. E. Empty', '') RETURNING id"
    )
    desk.goto(f"{clinic.web}/calendar/?day=2027-01-15&provider={provider}")
    column = desk.locator(".ec-day").last
    column.click(position={"x": 40, "y": 2 * HOUR + 4})
    desk.wait_for_url(f"{clinic.web}/appointments/book/?*")
    expect(desk.get_by_label("Day", exact=True)).to_have_value("2027-01-15")
    expect(desk.get_by_label("Time", exact=True)).to_have_value("10:00 am")
    expect(desk.get_by_label("Provider")).to_have_value(str(provider))
    clinic.execute("DELETE FROM contacts_provider WHERE id = %s", provider)


def test_it_can_be_used_by_keyboard_and_on_a_phone(
    desk: Page, clinic: RunningClinic, complaints: list[str]
) -> None:
    visit, shown = open_day(desk, clinic)
    check_page(desk)
    desk.set_viewport_size({"width": 390, "height": 844})
    desk.reload()  # it chooses the width of its columns when it is loaded
    expect(shown).to_be_attached()
    check_page(desk, [390])
    shown.get_by_role("link").focus()
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"{clinic.web}/appointments/{visit}/")


def test_a_crowded_time_of_a_week_is_one_entry_that_leads_to_the_day(
    desk: Page, clinic: RunningClinic, complaints: list[str]
) -> None:
    """Eight visits at ten, two at noon, and one of five minutes: each can be hit, at every width."""
    place = clinic.ask("SELECT min(location_id) FROM contacts_appointment")
    zone = clinic.ask("SELECT time_zone FROM contacts_location WHERE id = %s", place)
    for at, minutes, count in (("10:00", 30, 8), ("12:00", 30, 2), ("17:55", 5, 1)):
        clock = datetime.fromisoformat(f"{CROWDED_DAY} {at}")
        start = clock.replace(tzinfo=ZoneInfo(zone))
        clinic.execute(COPY_VISITS, clock, start, minutes, place, count)
    try:
        for width in WIDTHS:
            desk.set_viewport_size({"width": width, "height": 844})
            desk.goto(f"{clinic.web}/calendar/?view=week&location={place}&day={CROWDED_DAY}")
            crowd = desk.locator("#calendar").get_by_role("link", name="8 visits")
            expect(crowd).to_have_count(1)
            expect(desk.locator("#calendar .visit")).to_have_count(4)
            assert desk.evaluate(TOO_SMALL) == [], width
            check_page(desk, [width])
            crowd.focus()
            desk.keyboard.press("Enter")
            desk.wait_for_url("**view=day**")
            expect(desk.locator("#calendar .visit")).to_have_count(11)
            assert desk.evaluate(TOO_SMALL) == [], width
            check_page(desk, [width])
    finally:
        cancel = "UPDATE contacts_appointment SET status = 'cancelled' WHERE local_start::date = %s"
        clinic.execute(cancel, CROWDED_DAY)  # and not deleted: reminders of them may be planned


def test_a_half_filled_booking_is_there_again_after_the_session_has_ended(
    desk: Page, clinic: RunningClinic
) -> None:
    desk.goto(f"{clinic.web}/appointments/book/")
    desk.get_by_label("Location").select_option(index=1)
    desk.get_by_label("Appointment type").fill("Check-up")
    desk.get_by_label("Time", exact=True).fill("3:30 pm")
    desk.get_by_label("Minutes").fill("45")
    clinic.execute("DELETE FROM django_session")
    with suppress(Error):  # the page may find out at the same moment, and go there by itself
        desk.reload()
    enter_password(desk, "frontdesk")
    expect(desk.get_by_text("What you had filled in is here again.")).to_be_visible()
    expect(desk.get_by_label("Appointment type")).to_have_value("Check-up")
    expect(desk.get_by_label("Time", exact=True)).to_have_value("3:30 pm")
    expect(desk.get_by_label("Minutes")).to_have_value("45")
    desk.get_by_label("Your account").click()
    desk.get_by_role("button", name="Log out").click()
    expect(desk.get_by_label("Username")).to_be_visible()
    kept = desk.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('booking'))")
    assert kept == []
