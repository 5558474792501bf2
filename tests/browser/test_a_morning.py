"""A morning at the front desk, from one page to the next, on each screen (product rules 56 and 58)."""

from collections.abc import Callable
from typing import Final

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from tests.browser.looking import WIDTHS
from tests.browser.running import RunningClinic
from tests.browser.test_calendar import HOUR, START, drag_down, open_day
from tests.browser.walking import Walk
from tests.waiting import wait_until

# Somebody with a long name who may be texted, with nothing booked ahead.
PATIENT = """
    SELECT array[c.first_name || ' ' || c.last_name, c.id::text, c.phone_id::text, n.e164]
    FROM contacts_contact c JOIN contacts_phonenumber n ON n.id = c.phone_id
    WHERE length(c.last_name) = 60 AND n.sms_opted_out_at IS NULL AND n.voice_opted_out_at IS NULL
      AND NOT EXISTS (SELECT FROM contacts_appointment a WHERE a.contact_id = c.id AND a.starts_at > now())
    ORDER BY c.id LIMIT 1
"""
# A visit in the coming days, whose provider is then busy; each walk takes another.
BUSY = """
    SELECT array[location_id::text, provider_id::text, local_start::date::text,
        to_char(local_start, 'FMHH12:MI am')]
    FROM contacts_appointment visit WHERE status = 'booked' AND starts_at > now() + interval '30 hours'
      AND (SELECT count(*) FROM contacts_appointment other WHERE other.provider_id = visit.provider_id
        AND other.starts_at = visit.starts_at) = 1
    ORDER BY starts_at, id LIMIT 1
"""
# The demo's clinic is where it is mid-morning; the number is from there, too, so that it is not night.
AWAKE = """
    UPDATE contacts_phonenumber SET time_zones = (SELECT array_agg(time_zone) FROM contacts_location)
    WHERE id = %s
"""
BOOKED = "SELECT count(*) FROM contacts_appointment WHERE contact_id = %s AND starts_at > now()"
WAS_UNDONE = """
    SELECT what = 'undone' FROM reminders_followupdeed WHERE follow_up_id = %s
    ORDER BY at DESC, id DESC LIMIT 1
"""
IS_OPEN = "SELECT resolved_at IS NULL FROM reminders_followup WHERE id = %s"
STATUS = "SELECT status FROM contacts_appointment WHERE id = %s"
WORDS: Final = "Please bring your insurance card to your visit."


@pytest.fixture
def desk_walk(walk_as: Callable[[str], Walk]) -> Walk:
    return walk_as("frontdesk")


def test_a_morning_at_the_front_desk(desk_walk: Walk, clinic: RunningClinic) -> None:
    name, contact, number, e164 = clinic.ask(PATIENT)
    desk_walk.page.goto(clinic.web)
    find(desk_walk, clinic, name, contact)
    book_in_spite_of_a_conflict(desk_walk, clinic, contact)
    if desk_walk.look.is_phone:
        move_by_its_form(desk_walk, clinic)
    else:
        move_by_drag(desk_walk, clinic)
    answer_an_entry(desk_walk, clinic)
    clinic.execute(AWAKE, number)
    text(desk_walk, clinic, contact)
    mark_an_arrival(desk_walk, clinic)
    print_tomorrow(desk_walk)
    wait_until(lambda: WORDS in read_texts(clinic, e164), "the text at Robotalker", within_seconds=60)


def find(walk: Walk, clinic: RunningClinic, name: str, contact: str) -> None:
    desk = walk.page
    if walk.look.is_phone:
        desk.get_by_role("link", name="Find anything").tap()
    else:
        desk.keyboard.press("Control+k")
    desk.get_by_role("combobox", name="A patient, a page").fill(name)
    first = desk.get_by_role("group", name="Patients").get_by_role("option").first
    expect(first).to_contain_text(name)
    walk.stop()
    if walk.look.is_phone:
        first.tap()
    else:
        for _ in desk.get_by_role("group", name="Visits today").get_by_role("option").all():
            desk.keyboard.press("ArrowDown")  # theirs of today, which has been marked, comes first
        desk.keyboard.press("Enter")
    desk.wait_for_url(f"{clinic.web}/contacts/{contact}/")
    walk.stop()


def book_in_spite_of_a_conflict(walk: Walk, clinic: RunningClinic, contact: str) -> None:
    desk = walk.page
    location, provider, day, time = clinic.ask(BUSY)
    walk.press(desk.get_by_role("link", name="Book an appointment"))
    desk.get_by_label("Location").select_option(location)
    desk.get_by_label("Provider").select_option(provider)
    desk.get_by_label("Day", exact=True).fill(day)
    desk.get_by_label("Time", exact=True).fill(time)
    desk.get_by_label("Appointment type").fill("Check-up")
    expect(desk.locator("#preview .note-warning").first).to_be_visible()
    walk.stop()
    assert clinic.ask(BOOKED, contact) == 0
    walk.press(desk.locator("#preview button[type=submit]"))
    desk.wait_for_url(f"{clinic.web}/appointments/*/")
    assert clinic.ask(BOOKED, contact) == 1
    walk.stop()


def move_by_its_form(walk: Walk, clinic: RunningClinic) -> None:
    """On a phone nobody drags: a free time is pressed, of those that stand under the form."""
    desk = walk.page
    visit = desk.url.rstrip("/").rpartition("/")[2]
    at_first = clinic.ask(START, visit)
    walk.press(desk.get_by_role("link", name="Move"))
    walk.press(desk.get_by_role("link", name="Show free times"))
    walk.press(desk.locator("#provider-day .free-slots button").last)
    save = desk.locator("#preview button[name=save]")
    expect(save).to_be_visible()
    walk.stop()
    assert clinic.ask(START, visit) == at_first, "nothing is saved before it is asked"
    walk.press(save)
    expect(desk.get_by_text("The appointment is now on")).to_be_visible()
    assert clinic.ask(START, visit) != at_first


def move_by_drag(walk: Walk, clinic: RunningClinic) -> None:
    desk = walk.page
    visit, shown = open_day(desk, clinic)
    at_first = clinic.ask(START, visit)
    drag_down(desk, shown, HOUR)
    dialog = desk.get_by_role("dialog", name="Move this appointment?")
    expect(dialog.locator("button[name=save]")).to_be_visible()
    walk.stop()
    assert clinic.ask(START, visit) == at_first, "nothing is saved before it is asked"
    dialog.locator("button[name=save]").click()
    expect(desk.get_by_text("The appointment is now on")).to_be_visible()
    assert clinic.ask(START, visit) != at_first


def answer_an_entry(walk: Walk, clinic: RunningClinic) -> None:
    """One press; it can be undone beside, not where the pressed button was."""
    desk = walk.page
    walk.go_to("Worklist")
    uncalled = desk.locator(".follow-up", has=desk.get_by_role("link", name="Correct the number"))
    first = uncalled.filter(has=desk.get_by_role("button", name="Left message")).first  # no call closes it
    entry = str(first.get_attribute("id")).rpartition("-")[2]  # another may be the first by the next line
    button = desk.locator(f"#follow-up-{entry}").get_by_role("button", name="Left message")
    place = button.bounding_box()
    walk.press(button)
    undo = desk.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    assert not clinic.ask(IS_OPEN, entry)
    assert undo.bounding_box() != place
    walk.stop()
    walk.press(undo)
    expect(desk.locator(".note", has_text="Undone.")).to_be_visible()
    assert clinic.ask(WAS_UNDONE, entry)


def text(walk: Walk, clinic: RunningClinic, contact: str) -> None:
    desk = walk.page
    desk.goto(f"{clinic.web}/contacts/{contact}/")
    walk.press(desk.get_by_role("main").get_by_role("link", name="Texts"))
    desk.get_by_label("Write a text").fill(WORDS)
    walk.press(desk.get_by_role("button", name="Send"))
    expect(desk.locator(".thread").get_by_text(WORDS)).to_be_visible()
    walk.stop()


def read_texts(clinic: RunningClinic, e164: str) -> str:
    entries = requests.get(f"{clinic.phones}/sandbox/ledger", timeout=5).json()["entries"]
    return " ".join(str(entry["message"]) for entry in entries if entry["to"] == e164)


def mark_an_arrival(walk: Walk, clinic: RunningClinic) -> None:
    """The row stays where it is, also while the one after it changes (product rule 58)."""
    desk = walk.page
    walk.go_to("Today")
    rows = desk.locator(".now ~ .row-line:not(.is-cancelled)", has=desk.locator("[id^=arrived-]"))
    pk, other = [str(rows.nth(place).get_attribute("id")).removeprefix("appointment-") for place in (0, 1)]
    row = desk.locator(f"#appointment-{pk}")
    if not walk.look.is_phone:
        row.hover()
    walk.press(row.locator(f"#arrived-{pk}"))
    expect(row.locator(".chip")).to_contain_text("arrived")
    assert clinic.ask(STATUS, pk) == "arrived"
    walk.stop()
    place = row.bounding_box()
    clinic.execute(CONFIRM, other)
    expect(desk.locator(f"#appointment-{other}")).to_contain_text("confirmed")
    assert row.bounding_box() == place


def print_tomorrow(walk: Walk) -> None:
    desk = walk.page
    if walk.look.is_phone:
        walk.press(desk.locator(".day-more > summary"))
    walk.press(desk.get_by_role("link", name="Print tomorrow"))
    expect(desk.get_by_role("button", name="Print")).to_be_visible()
    desk.evaluate("window.print = () => { document.title = 'printed' }")
    walk.press(desk.get_by_role("button", name="Print"))
    assert desk.title() == "printed"
    walk.stop()
    lines = desk.locator(".paper tbody tr").count()
    expect(desk.locator("main > .quiet").first).to_contain_text(f"{lines} visit")
    desk.emulate_media(media="print")
    assert not desk.locator(".rail").is_visible()
    assert not desk.locator(".topbar").is_visible()


@pytest.mark.parametrize("state", ["", "unanswered"])
def test_no_row_moves_under_a_resting_pointer(desk: Page, clinic: RunningClinic, state: str) -> None:
    """Rows around it change, also so that they no longer belong to the filter (product rule 58)."""
    address = f"{clinic.web}/?day={clinic.ask(NEXT_FULL_DAY)}&state={state}"
    pages = [desk, *(desk.context.new_page() for _width in WIDTHS[1:])]  # all are told of the same change
    for page, width in zip(pages, WIDTHS, strict=True):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(address)
    above, rested, below = (read_pk(desk, place) for place in (1, 2, 3))
    rows = [page.locator(f"#appointment-{rested}") for page in pages]
    for row in rows:
        row.hover()
    places = [read_place(row) for row in rows]
    for pk in (above, below):
        clinic.execute(CONFIRM, pk)
        for page in pages:
            expect(page.locator(f"#appointment-{pk}")).to_contain_text("confirmed", timeout=20_000)
    assert [read_place(row) for row in rows] == pytest.approx(places, abs=0.5)  # pages move by whole pixels
    for row, place in zip(rows, places, strict=True):
        row.locator(".row-who a").focus()
        assert read_place(row) == pytest.approx(place, abs=0.5)


def read_place(row: Locator) -> float:
    """How far below the upper end of the screen it is, in pixels."""
    box = row.bounding_box()
    assert box
    return box["y"]


def read_pk(page: Page, place: int) -> str:
    """The id of the visit in that row of those that aren't cancelled."""
    row = page.locator(".row-line:not(.is-cancelled)").nth(place)
    return str(row.get_attribute("id")).removeprefix("appointment-")


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
