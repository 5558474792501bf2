"""A page that was opened before somebody else changed the same thing overwrites nothing unseen."""

import re
from datetime import datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from contacts.models import Appointment, Contact
from reminders.desk.bookings import move_and_replan
from tests.people import make_appointment, make_contact, make_due_reminder

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit() -> Appointment:
    location = make_due_reminder().appointment.location
    in_nine_days = timezone.now().astimezone(location.zone).date() + timedelta(days=9)
    starts_at = datetime.combine(in_nine_days, time(11), location.zone)
    return make_appointment(make_contact("Ruth", number="+12025550111"), starts_at=starts_at)


def read_fields(page: str) -> dict[str, str]:
    """The hidden fields of a page."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: value.replace("&quot;", '"').replace("&#x27;", "'") for name, value in found}


def move_by_a_day(visit: Appointment) -> None:
    later = timedelta(days=1)
    move_and_replan(visit.pk, starts_at=visit.starts_at + later, ends_at=visit.ends_at + later)
    visit.refresh_from_db()


def test_a_visit_that_was_moved_meanwhile_is_not_cancelled(office: Client, visit: Appointment) -> None:
    address = f"/appointments/{visit.pk}/cancel/"
    seen = read_fields(office.get(address).content.decode())
    move_by_a_day(visit)
    page = office.post(address, seen, follow=True).content.decode()
    assert "Somebody has changed this appointment meanwhile" in page
    visit.refresh_from_db()
    assert visit.status == "booked"
    office.post(address, read_fields(page))
    visit.refresh_from_db()
    assert visit.status == "cancelled"


def test_a_visit_that_was_moved_meanwhile_is_not_moved_back(office: Client, visit: Appointment) -> None:
    address = f"/appointments/{visit.pk}/move/"
    seen = read_fields(office.get(address).content.decode())["seen"]
    wanted = {
        "location": visit.location_id,
        "provider": visit.provider_id,
        "day": str(visit.local_start.date()),
        "at": f"{visit.local_start:%H:%M}",
        "minutes": "45",
        "save": "1",
    }
    move_by_a_day(visit)
    moved_to = visit.starts_at
    answer = office.post(address, {**wanted, "seen": seen})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody has changed this appointment meanwhile, so nothing was saved" in page
    visit.refresh_from_db()
    assert visit.starts_at == moved_to
    assert office.post(address, {**wanted, "seen": read_fields(page)["seen"]}).status_code == 302
    visit.refresh_from_db()
    assert visit.starts_at == moved_to - timedelta(days=1)


def read_form(contact: Contact, page: str) -> dict[str, str]:
    return {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "number": "(202) 555-0111",
        "language": "en",
        "preferred_channel": "voice",
        "shown": read_fields(page)["shown"],
    }


def test_an_edit_takes_over_what_somebody_else_corrected_meanwhile(office: Client) -> None:
    ruth = make_contact("Ruth", number="+12025550111")
    address = f"/contacts/{ruth.pk}/edit/"
    form = read_form(ruth, office.get(address).content.decode())
    office.post(address, {**form, "number": "(202) 555-0122", "preferred_channel": "never"})
    assert office.post(address, {**form, "first_name": "Ruthie"}).status_code == 302
    ruth = Contact.objects.get(pk=ruth.pk)
    assert ruth.first_name == "Ruthie"
    assert ruth.phone
    assert ruth.phone.e164 == "+12025550122"
    assert ruth.preferred_channel == "never"


def test_what_two_people_changed_differently_is_asked_about(office: Client) -> None:
    ruth = make_contact("Ruth", number="+12025550111")
    address = f"/contacts/{ruth.pk}/edit/"
    form = read_form(ruth, office.get(address).content.decode())
    office.post(address, {**form, "number": "(202) 555-0122"})
    answer = office.post(address, {**form, "number": "(202) 555-0133"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert escape("Somebody has changed this meanwhile to “(202) 555-0122”.") in page
    assert "(202) 555-0133" in page
    again = {**form, "number": "(202) 555-0133", "shown": read_fields(page)["shown"]}
    assert office.post(address, again).status_code == 302
    ruth = Contact.objects.get(pk=ruth.pk)
    assert ruth.phone
    assert ruth.phone.e164 == "+12025550133"


@pytest.mark.parametrize("shown", ["", "[", "[]", "{}", '{"number": 5}', "null", "9" * 5000, "[" * 100_000])
def test_a_form_without_what_it_showed_is_saved_as_it_is(office: Client, shown: str) -> None:
    ruth = make_contact("Ruth", number="+12025550111")
    form = read_form(ruth, office.get(f"/contacts/{ruth.pk}/edit/").content.decode()) | {"shown": shown}
    assert office.post(f"/contacts/{ruth.pk}/edit/", {**form, "last_name": "Stone"}).status_code in (302, 422)


def test_booking_again_asks_what_booking_asks(office: Client, visit: Appointment) -> None:
    office.post(f"/appointments/{visit.pk}/cancel/")
    make_appointment(make_contact("Noah", number="+12025550133"), starts_at=visit.starts_at)
    address = f"/appointments/{visit.pk}/reinstate/"
    answer = office.post(address)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Book again all the same" in page
    visit.refresh_from_db()
    assert visit.status == "cancelled"
    assert "Booked again" in office.post(address, read_fields(page), follow=True).content.decode()
    visit.refresh_from_db()
    assert visit.status == "booked"
    again = office.post(address, follow=True).content.decode()
    assert escape("It isn't cancelled, so nothing was changed.") in again
    assert office.get(address)["Location"] == f"/appointments/{visit.pk}/"


def test_an_undo_puts_back_what_was_before_and_nothing_that_changed_since(office: Client) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    visit = make_appointment(make_contact("Ruth", number="+12025550111"), starts_at=soon)
    Appointment.objects.filter(pk=visit.pk).update(starts_at=timezone.now() - timedelta(hours=1))
    address = f"/appointments/{visit.pk}/attendance/"
    office.post(address, {"status": "arrived"}, follow=True)
    undo = read_undo(office.post(address, {"status": "no_show"}, follow=True).content.decode())
    assert undo == {"status": "arrived", "now": "no_show"}
    office.post(address, undo)
    visit.refresh_from_db()
    assert visit.status == "arrived"
    page = office.post(address, undo, follow=True).content.decode()
    assert "Somebody has changed it since, so nothing was undone." in page
    pressed_twice = office.post(address, {"status": "arrived"}, follow=True).content.decode()
    assert "has arrived" in pressed_twice
    assert read_undo(pressed_twice) == {}, "what a colleague had marked already isn't taken away"


def read_undo(page: str) -> dict[str, str]:
    form = re.search(r'<div class="note note-success".*?</form>', page, re.DOTALL)
    fields = read_fields(form[0]) if form and "data-undo" in form[0] else {}
    return {name: fields[name] for name in ("status", "now") if name in fields}
