"""Whoever writes an appointment, its wall time and zone are kept beside the moment (product rule 27)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import Settings

from contacts.appointments import book_appointment, cancel_appointment, move_appointment, record_answer
from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment, Location
from contacts.wall_times import find_moment
from reminders.demo.clinic import build_demo_clinic
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown, write_list
from tests.people import at, make_appointment, make_contact, make_location, make_user

pytestmark = pytest.mark.django_db

NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"


def wall(*moment: int) -> datetime:
    return datetime(*moment)  # type: ignore[arg-type] # noqa: DTZ001 - a wall time


def book(zone: str = NEW_YORK, *moment: int) -> Appointment:
    return make_appointment(location=make_location(time_zone=zone), starts_at=at(zone, *moment))


def booked(appointment: Appointment) -> tuple[datetime, int, str]:
    appointment.refresh_from_db()
    return appointment.local_start, appointment.fold, appointment.time_zone


def by_the_form() -> None:
    location, sarah, client = make_location(time_zone=NEW_YORK), make_contact(), Client()
    client.force_login(make_user())
    form = {"contact": sarah.pk, "location": location.pk, "day": "2027-12-15", "at": "9:00", "minutes": 30}
    assert client.post("/appointments/book/", form).status_code == 302


def by_an_import() -> None:
    make_downtown()
    import_rows(AISHA)


def by_a_move() -> None:
    appointment = book(NEW_YORK, 2027, 12, 15, 9, 0)
    west = make_location("West", time_zone=LOS_ANGELES)
    later = at(LOS_ANGELES, 2027, 12, 16, 9, 0)
    move_appointment(appointment.pk, starts_at=later, ends_at=later + timedelta(hours=1), location=west)


def by_a_later_import() -> None:
    by_an_import()
    import_rows(AISHA | {"time": "11:00 AM"})


def by_the_demo() -> None:
    build_demo_clinic(datetime.now(UTC))


@pytest.mark.parametrize("write", [by_the_form, by_an_import, by_a_move, by_a_later_import, by_the_demo])
def test_every_writer_keeps_a_wall_time_that_stands_for_the_moment(
    write: Callable[[], None], settings: Settings
) -> None:
    settings.DEBUG = True  # the demo's logins need it
    write()
    appointments = list(Appointment.objects.select_related("location"))
    assert appointments
    for each in appointments:
        assert find_moment(each.local_start, each.time_zone, each.fold) == each.starts_at
        assert each.time_zone == each.location.time_zone
        change = each.changes.exclude(local_after=None).latest("pk")
        assert change.local_after == each.local_start


def test_an_appointment_without_a_wall_time_can_not_be_saved() -> None:
    appointment = book(NEW_YORK, 2027, 12, 15, 9, 0)
    with pytest.raises(IntegrityError), transaction.atomic():
        Appointment.objects.filter(pk=appointment.pk).update(local_start=None)


@pytest.mark.parametrize("fold", [0, 1])
def test_of_a_time_that_occurs_twice_the_one_that_was_booked_is_kept(fold: int) -> None:
    half_past_one = at(NEW_YORK, 2027, 11, 7, 1, 30).replace(fold=fold)
    location = make_location(time_zone=NEW_YORK)
    appointment = make_appointment(location=location, starts_at=half_past_one.astimezone(UTC))
    assert booked(appointment) == (wall(2027, 11, 7, 1, 30), fold, NEW_YORK)
    assert appointment.starts_at == datetime(2027, 11, 7, 5 + fold, 30, tzinfo=UTC)


def test_an_appointment_moved_to_another_zone_is_at_the_time_that_was_entered_there() -> None:
    appointment = book(NEW_YORK, 2027, 12, 15, 9, 0)
    west = make_location("West", time_zone=LOS_ANGELES)
    nine = at(LOS_ANGELES, 2027, 12, 15, 9, 0)
    moved = move_appointment(appointment.pk, starts_at=nine, ends_at=nine + timedelta(hours=1), location=west)
    assert booked(moved) == (wall(2027, 12, 15, 9, 0), 0, LOS_ANGELES)
    assert (moved.starts_at, moved.revision) == (datetime(2027, 12, 15, 17, tzinfo=UTC), 2)
    line = moved.changes.latest("pk")
    assert (line.local_before, line.local_after) == (wall(2027, 12, 15, 9, 0), wall(2027, 12, 15, 9, 0))
    assert line.starts_before == datetime(2027, 12, 15, 14, tzinfo=UTC)


def test_only_a_longer_visit_is_no_new_time() -> None:
    appointment = book(NEW_YORK, 2027, 12, 15, 9, 0)
    length = timedelta(hours=2)
    moved = move_appointment(
        appointment.pk, starts_at=appointment.wall_start, ends_at=appointment.wall_start + length
    )
    assert (moved.revision, moved.ends_at - moved.starts_at) == (1, length)


def test_an_appointment_booked_with_an_older_zone_of_its_location_keeps_its_wall_time() -> None:
    """Somebody corrected the zone after the form had read the location."""
    seen = make_location(time_zone=NEW_YORK)
    Location.objects.update(time_zone=LOS_ANGELES)
    nine = at(NEW_YORK, 2027, 12, 15, 9, 0).astimezone(UTC)
    appointment = book_appointment(
        contact=make_contact(),
        location=seen,
        provider=None,
        starts_at=nine,
        ends_at=nine + timedelta(minutes=30),
    )
    assert booked(appointment) == (wall(2027, 12, 15, 9, 0), 0, LOS_ANGELES)
    assert appointment.starts_at == datetime(2027, 12, 15, 17, tzinfo=UTC)
    assert appointment.ends_at - appointment.starts_at == timedelta(minutes=30)


def test_an_appointment_moved_with_an_older_zone_of_its_location_keeps_its_wall_time() -> None:
    appointment = book(NEW_YORK, 2027, 12, 15, 9, 0)
    seen = Location.objects.get()
    Location.objects.update(time_zone=LOS_ANGELES)
    ten = at(NEW_YORK, 2027, 12, 15, 10, 0).astimezone(UTC)
    moved = move_appointment(
        appointment.pk, starts_at=ten, ends_at=ten + timedelta(minutes=30), location=seen
    )
    assert booked(moved) == (wall(2027, 12, 15, 10, 0), 0, LOS_ANGELES)


# --- imports compare wall times --------------------------------------------------------------------


def test_the_same_list_changes_nothing_while_moments_are_still_by_old_rules() -> None:
    """New zone data were installed, and the moments have not been derived again yet."""
    make_downtown()
    import_rows(AISHA)
    appointment = Appointment.objects.get()
    record_answer(appointment.pk, "confirmed", revision=1, at=datetime.now(UTC), how="key_1")
    hour = timedelta(hours=1)
    Appointment.objects.update(starts_at=appointment.starts_at + hour, ends_at=appointment.ends_at + hour)
    report = import_rows(AISHA)
    assert (report.counts["unchanged"], report.counts["missing"]) == (1, 0)
    report = import_rows(AISHA | {"minutes": "60"})
    assert report.counts["updated"] == 1
    appointment.refresh_from_db()
    assert (appointment.revision, appointment.is_confirmed) == (1, True)
    assert booked(appointment) == (wall(2026, 12, 15, 9, 30), 0, NEW_YORK)


def test_a_row_without_an_id_is_matched_by_its_wall_time() -> None:
    make_downtown()
    nameless = AISHA | {"id": "", "patient": ""}
    import_rows(nameless)
    hour = timedelta(hours=1)
    appointment = Appointment.objects.get()
    Appointment.objects.update(starts_at=appointment.starts_at + hour, ends_at=appointment.ends_at + hour)
    assert import_rows(nameless).counts["matched_by_slot"] == 1
    assert Appointment.objects.count() == 1


def test_the_second_of_two_equal_times_stays_the_second_when_its_list_comes_again() -> None:
    make_downtown()
    twice = AISHA | {"date": "11/07/2027", "time": "1:30 AM"}
    import_rows(twice)
    second = at(NEW_YORK, 2027, 11, 7, 1, 30).replace(fold=1)
    pk = Appointment.objects.get().pk
    move_appointment(pk, starts_at=second, ends_at=second.astimezone(UTC) + timedelta(minutes=30))
    import_rows(twice | {"minutes": "45"})
    appointment = Appointment.objects.get()
    assert (booked(appointment)[1], appointment.revision) == (1, 2)
    assert appointment.ends_at - appointment.starts_at == timedelta(minutes=45)


def test_staff_s_cancellation_stays_after_a_change_of_moments() -> None:
    make_downtown()
    import_rows(AISHA)
    appointment = Appointment.objects.get()
    cancel_appointment(appointment.pk)
    hour = timedelta(hours=1)
    Appointment.objects.update(starts_at=appointment.starts_at + hour, ends_at=appointment.ends_at + hour)
    assert import_rows(AISHA).counts["booked_again"] == 0


def test_a_list_is_imported_into_a_zone_of_its_own_time() -> None:
    make_downtown(time_zone="America/Vancouver")
    with time_machine.travel("2026-11-20T12:00Z", tick=False):
        import_file(write_list(AISHA), "list.csv", ImportOptions())
    appointment = Appointment.objects.get()
    assert booked(appointment) == (wall(2026, 12, 15, 9, 30), 0, "America/Vancouver")
    assert appointment.starts_at == datetime(2026, 12, 15, 16, 30, tzinfo=UTC)
