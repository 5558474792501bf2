"""A day is worked out anew as soon as a row that it is made of has changed, and else is kept for a while."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.appointments import record_answer
from contacts.models import Appointment, Contact, Location, PhoneNumber
from reminders.deciding import shared_settings
from reminders.deciding.shared_settings import read_shared_settings
from reminders.models import CallCompanion, CallRecord, Campaign, Reminder
from reminders.pages import day_versions
from reminders.pages.day_reading import read_visits_of_day
from reminders.pages.day_snapshots import STRETCH, DaySnapshot, read_snapshot
from reminders.planning.planner import plan_all
from reminders.traffic.switch import pause_sending
from tests.people import SARAH, at, make_appointment, make_contact, make_location, make_number, make_step
from tests.reminders.pages.clinic import make_call
from tests.two_clocks import TwoClocks

pytestmark = pytest.mark.django_db
NEW_YORK, OTHER = "America/New_York", "+12025550177"
NOON = datetime(2026, 7, 14, 16, tzinfo=UTC)
SOON = NOON + timedelta(seconds=4)


@pytest.fixture
def clock() -> Iterator[TwoClocks]:
    clock = TwoClocks(NOON - timedelta(days=10))
    yield clock
    clock.stop()


@pytest.fixture
def visit(clock: TwoClocks) -> Appointment:
    """Of somebody with two numbers and a planned reminder, on a day with another visit."""
    location = make_location(time_zone=NEW_YORK)
    make_step()
    other = make_number(OTHER)
    sarah = make_contact(other_phone=other, other_phone_use="standby")
    visit = make_appointment(sarah, location=location, starts_at=at(NEW_YORK, 2026, 7, 14, 14, 0))
    noah = make_contact("Noah", number="+12025550142")
    make_appointment(noah, location=location, starts_at=at(NEW_YORK, 2026, 7, 14, 15, 0))
    plan_all()
    clock.let_pass(timedelta(days=10))
    return visit


def read_at(now: datetime) -> DaySnapshot:
    locations = list(Location.objects.all())
    return read_snapshot(locations, None, now, newer_than=None, practice=read_shared_settings())


def reminder_of(visit: Appointment) -> Reminder:
    return Reminder.objects.filter(appointment=visit).earliest("pk")


def rename(visit: Appointment) -> None:
    Contact.objects.filter(pk=visit.contact_id).update(first_name="Sara")


def opt_out(_visit: Appointment) -> None:
    PhoneNumber.objects.filter(e164=SARAH).update(voice_opted_out_at=NOON)


def opt_other_number_out(_visit: Appointment) -> None:
    PhoneNumber.objects.filter(e164=OTHER).update(voice_opted_out_at=NOON)


def skip(visit: Appointment) -> None:
    Reminder.objects.filter(appointment=visit).update(state="skipped", reason="cancelled_by_staff")


def call(visit: Appointment) -> None:
    make_call(reminder_of(visit), "submitted")


def call_for_both(visit: Appointment) -> None:
    """One call, led by the reminder of somebody who isn't on this day's list."""
    dora = make_contact("Dora", number="+12025550143")
    led_by = make_appointment(dora, starts_at=at(NEW_YORK, 2026, 8, 3, 14, 0))
    plan_all()
    CallCompanion.objects.create(
        call=make_call(reminder_of(led_by), "submitted"), reminder=reminder_of(visit)
    )


def call_about_another_day(visit: Appointment) -> None:
    later = make_appointment(visit.contact, starts_at=at(NEW_YORK, 2026, 8, 3, 14, 0))
    plan_all()
    make_call(reminder_of(later), "answered", submitting_at=NOON)


def move_away(visit: Appointment) -> None:
    Appointment.objects.filter(pk=visit.pk).update(local_start="2026-07-20 13:00")


def book_another(visit: Appointment) -> None:
    make_appointment(visit.contact, starts_at=at(NEW_YORK, 2026, 7, 14, 16, 0))


def confirm(visit: Appointment) -> None:
    record_answer(visit.pk, "confirmed", revision=1, at=NOON, how="key_1")


def pause_campaign(_visit: Appointment) -> None:
    Campaign.objects.update(state="paused")


def pause_everything(_visit: Appointment) -> None:
    pause_sending()


CHANGES = (
    *(rename, opt_out, opt_other_number_out, skip, call, call_for_both, call_about_another_day, move_away),
    *(book_another, confirm, pause_campaign, pause_everything),
)


def test_an_unchanged_day_is_not_worked_out_again_until_the_time_changes_its_words(
    visit: Appointment,
) -> None:
    first = read_at(NOON)
    assert read_at(SOON) is first
    assert first.at == SOON, "it was still so"
    later = NOON + timedelta(seconds=STRETCH)
    again = read_at(later)
    assert again is not first
    assert (again.moment, again.rows) == (later, first.rows)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_whatever_has_changed_is_seen_at_once(
    visit: Appointment, change: Callable[[Appointment], None]
) -> None:
    first = read_at(NOON)
    change(visit)
    again = read_at(SOON)
    assert again is not first
    assert read_at(SOON) is again


def test_another_visit_is_seen_at_once_where_a_campaign_asks_who_is_known(visit: Appointment) -> None:
    earlier = make_appointment(visit.contact, starts_at=at(NEW_YORK, 2026, 7, 7, 14, 0))
    kept = read_at(NOON)
    Appointment.objects.filter(pk=earlier.pk).update(status="no_show")
    assert read_at(SOON) is kept
    Campaign.objects.update(patients="new")
    first = read_at(SOON)
    Appointment.objects.filter(pk=earlier.pk).update(status="arrived")
    assert read_at(SOON) is not first


def test_a_call_that_ends_is_seen_at_once(visit: Appointment) -> None:
    made = make_call(reminder_of(visit), "submitted")
    first = read_at(NOON)
    assert first.rows[0].standing.code == "calling"
    CallRecord.objects.filter(pk=made.pk).update(state="voicemail", ended_at=NOON)
    assert read_at(SOON).rows[0].standing.code == "voicemail"


def test_every_table_that_a_day_is_read_from_is_watched(visit: Appointment) -> None:
    make_call(reminder_of(visit), "submitted")
    practice = read_shared_settings()
    with CaptureQueriesContext(connection) as asked:
        assert len(read_visits_of_day(list(practice.config.locations.values()), None, NOON, practice)) == 2
    read = {
        table for one in asked.captured_queries for table in re.findall(r"(?:FROM|JOIN) \"?(\w+)", one["sql"])
    }
    watched = (*day_versions._TABLES.values(), *shared_settings.SETTINGS)
    assert read
    assert read <= {model._meta.db_table for model in watched}
