"""Correcting the zone of a location moves when we call, never what was told (product rule 27).

Seen before: 9:00 in New York became "8:00 AM" in the call without a word, and the next import took the
confirmation back.
"""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import RequestFactory
from django.utils import timezone

from contacts.appointments import book_appointment, cancel_appointment, record_answer
from contacts.models import Appointment, Contact, Location, PhoneNumber
from reminders.deciding.situations import read_practice_config, read_reminder_facts, with_situation
from reminders.desk.bookings import move_and_replan, reinstate_and_plan
from reminders.desk.zone_corrections import ZoneNotCorrected, correct_zone, preview_zone
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import Reminder, Step
from reminders.pages.day import read_day
from reminders.pages.story import read_story
from reminders.planning.planner import plan_all
from reminders.rules.states import ReminderState
from reminders.wording.scripts import fill_variables
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown
from tests.people import (
    at,
    make_appointment,
    make_campaign,
    make_contact,
    make_location,
    make_step,
    make_user,
)
from tests.two_clocks import TwoClocks

NEW_YORK, CHICAGO, LOS_ANGELES = "America/New_York", "America/Chicago", "America/Los_Angeles"


@pytest.fixture
def sam() -> User:
    return make_user("sam")


@pytest.fixture
def clock() -> Iterator[TwoClocks]:
    """It is noon in New York, five days before the visits."""
    clocks = TwoClocks(at(NEW_YORK, 2026, 12, 10, 12, 0))
    yield clocks
    clocks.stop()


def make_steps() -> None:
    campaign = make_campaign(activated_at=datetime(2026, 11, 1, tzinfo=UTC))
    make_step(campaign, elapsed=timedelta(hours=4), if_late=Step.IfLate.SKIP, audience="everyone")
    day_before = {"timing_kind": "days_before", "days": 1, "at": time(10), "elapsed": timedelta(0)}
    make_step(campaign, if_late=Step.IfLate.SKIP, **day_before)


def import_aisha() -> Appointment:
    """Aisha's visit at 9:30, in a list for a location with the wrong zone; she confirms it."""
    make_steps()
    make_downtown(time_zone=NEW_YORK, calling_opens=time(8))  # else four hours before is before hours
    import_rows(AISHA)
    plan_all()
    appointment = Appointment.objects.get()
    record_answer(appointment.pk, "confirmed", revision=1, at=timezone.now(), how="key_1")
    return appointment


def correct(zone: str, by: User, seen: str = NEW_YORK) -> int:
    return correct_zone(Location.objects.get(name="Downtown").pk, zone, seen=seen, by=by)


@pytest.mark.django_db
def test_what_was_told_stays_and_the_next_import_changes_nothing(clock: TwoClocks, sam: User) -> None:
    appointment = import_aisha()
    told = fill_variables(appointment, "en")
    assert told["APPT_TIME"] == "9:30 AM"
    assert correct(CHICAGO, sam) == 1

    appointment = Appointment.objects.get()
    assert fill_variables(appointment, "en") == told
    assert appointment.starts_at == at(CHICAGO, 2026, 12, 15, 9, 30)
    assert (appointment.revision, appointment.is_confirmed) == (1, True)
    assert appointment.time_zone == CHICAGO

    report = import_rows(AISHA)
    assert {key: report.counts[key] for key in ("unchanged", "moved", "updated", "missing")} == {
        "unchanged": 1,
        "moved": 0,
        "updated": 0,
        "missing": 0,
    }
    appointment.refresh_from_db()
    assert (appointment.revision, appointment.is_confirmed) == (1, True)


@pytest.mark.django_db
def test_reminders_go_by_the_new_zone(clock: TwoClocks, sam: User) -> None:
    import_aisha()
    PhoneNumber.objects.update(time_zones=[])
    correct(CHICAGO, sam)
    moments = Reminder.objects.order_by("step__position").values_list("due_at", "not_after", "next_look_at")
    last = at(CHICAGO, 2026, 12, 15, 9, 0)
    half_past_five, ten = at(CHICAGO, 2026, 12, 15, 5, 30), at(CHICAGO, 2026, 12, 14, 10, 0)
    assert list(moments) == [(half_past_five, last, half_past_five), (ten, last, ten)]
    [reminder] = with_situation(Reminder.objects.filter(step__position=2))
    zones = read_reminder_facts(reminder, sending_paused=False).situation.zones
    assert [zone.key for zone in zones] == [CHICAGO]
    assert plan_all().added == 0


@pytest.mark.django_db
def test_what_had_no_calling_hours_by_the_wrong_zone_is_planned_by_the_right_one(
    clock: TwoClocks, sam: User
) -> None:
    """A mistaken setting must not have ended a reminder for good (product rule 30)."""
    campaign = make_campaign(activated_at=datetime(2026, 11, 1, tzinfo=UTC))
    make_step(campaign, elapsed=timedelta(minutes=45))
    location = make_location(time_zone=NEW_YORK)  # calls from 8:00
    lives_in_chicago = make_contact(time_zone=CHICAGO)
    make_appointment(lives_in_chicago, location=location, starts_at=at(NEW_YORK, 2026, 12, 15, 9, 0))
    plan_all()
    assert Reminder.objects.get().reason == "never_in_hours"
    correct(CHICAGO, sam)
    reminder = Reminder.objects.get()
    assert (reminder.state, reminder.reason) == ("planned", "")
    assert reminder.due_at == at(CHICAGO, 2026, 12, 15, 8, 15)


@pytest.mark.django_db
def test_a_form_that_was_read_before_the_correction_leaves_the_zone_alone(rf: RequestFactory) -> None:
    read_before = make_location(time_zone=NEW_YORK)
    Location.objects.update(time_zone=CHICAGO)
    read_before.spoken_name = "Harbor Clinic"
    form = SimpleNamespace(changed_data=["spoken_name"], instance=read_before)
    site.get_model_admin(Location).save_model(rf.post("/"), read_before, form, change=True)
    location = Location.objects.get()
    assert (location.spoken_name, location.time_zone) == ("Harbor Clinic", CHICAGO)


@pytest.mark.django_db
def test_each_story_has_a_line_about_it_and_the_old_lines_read_as_before(clock: TwoClocks, sam: User) -> None:
    appointment = import_aisha()
    correct(CHICAGO, sam)
    story = read_story(appointment.pk, timezone.now())
    assert f"{story.starts_at:%H:%M}–{story.ends_at:%H:%M}" == "09:30–10:00"
    lines = {entry.sentence: entry.by for entry in story.past}
    assert lines["Came in with an import, for Tue, Dec 15, 9:30 am."] == ""
    assert (
        lines[
            "The location's time zone was corrected. The visit stays on Tue, Dec 15, 9:30 am; "
            "reminders go by the new zone."
        ]
        == "sam"
    )


@pytest.mark.django_db
def test_a_day_of_the_past_is_shown_as_it_was(clock: TwoClocks, sam: User) -> None:
    location = make_location(time_zone=NEW_YORK)
    over = make_appointment(location=location, starts_at=at(NEW_YORK, 2026, 12, 9, 0, 30))
    assert correct(LOS_ANGELES, sam) == 0
    over.refresh_from_db()
    assert (over.starts_at, over.time_zone) == (at(NEW_YORK, 2026, 12, 9, 0, 30), NEW_YORK)
    shown = read_day([Location.objects.get()], datetime(2026, 12, 9, tzinfo=UTC).date(), timezone.now())
    assert [f"{row.starts_at:%d %H:%M}" for group in shown.groups for row in group.rows] == ["09 00:30"]


@pytest.mark.django_db
def test_a_visit_that_only_seemed_over_is_ahead_again(clock: TwoClocks, sam: User) -> None:
    seemed_over = make_appointment(
        location=make_location(time_zone=NEW_YORK), starts_at=at(NEW_YORK, 2026, 12, 10, 11, 0)
    )
    assert correct(LOS_ANGELES, sam) == 1
    seemed_over.refresh_from_db()
    assert seemed_over.starts_at == at(LOS_ANGELES, 2026, 12, 10, 11, 0)


@pytest.mark.django_db
def test_a_visit_that_has_begun_by_the_right_zone_gets_no_call(clock: TwoClocks, sam: User) -> None:
    make_steps()
    make_appointment(
        location=make_location(time_zone=LOS_ANGELES), starts_at=at(LOS_ANGELES, 2026, 12, 10, 11, 30)
    )
    Appointment.objects.update(revised_at=at(NEW_YORK, 2026, 12, 1, 12, 0))
    plan_all()
    shown = preview_zone(Location.objects.get(), NEW_YORK)
    assert (shown.visits, shown.reminders, shown.too_late) == (1, 2, 2)
    correct(NEW_YORK, sam, seen=LOS_ANGELES)
    assert set(Reminder.objects.values_list("not_after", flat=True)) == {at(NEW_YORK, 2026, 12, 10, 11, 0)}


@pytest.mark.django_db
def test_a_cancelled_visit_that_is_booked_again_is_at_its_wall_time(clock: TwoClocks, sam: User) -> None:
    appointment = import_aisha()
    cancel_appointment(appointment.pk, by=sam)
    assert correct(CHICAGO, sam) == 0
    reinstate_and_plan(appointment.pk, by=sam)
    appointment.refresh_from_db()
    assert appointment.starts_at == at(CHICAGO, 2026, 12, 15, 9, 30)
    pending = Reminder.objects.filter(revision=2, step__position=2, state=ReminderState.PLANNED)
    assert pending.get().due_at == at(CHICAGO, 2026, 12, 14, 10, 0)


@pytest.mark.django_db
def test_the_preview_says_what_the_correction_then_does_and_changes_nothing(
    clock: TwoClocks, sam: User
) -> None:
    import_aisha()
    before = list(Reminder.objects.order_by("pk").values()), list(Appointment.objects.values())
    shown = preview_zone(Location.objects.get(), LOS_ANGELES)
    assert (shown.visits, shown.reminders, shown.sent_late, shown.too_late) == (1, 2, 0, 0)
    first = shown.examples[0]
    assert (first.name, f"{first.local_start:%H:%M}") == ("Aisha Okafor", "09:30")
    assert first.was_due_at == at(NEW_YORK, 2026, 12, 14, 10, 0)
    assert first.due_at == at(LOS_ANGELES, 2026, 12, 14, 10, 0)
    assert before == (list(Reminder.objects.order_by("pk").values()), list(Appointment.objects.values()))
    correct(LOS_ANGELES, sam)
    [appointment] = Appointment.objects.all()
    assert appointment.starts_at == at(LOS_ANGELES, 2026, 12, 15, 9, 30)
    assert [each.due_at for each in Reminder.objects.order_by("due_at")] == [
        each.due_at for each in shown.examples
    ]


@pytest.mark.django_db
def test_a_name_with_the_same_clock_moves_no_visit(clock: TwoClocks, sam: User) -> None:
    import_aisha()
    shown = preview_zone(Location.objects.get(), "America/Detroit")
    assert (shown.visits, shown.reminders) == (0, 0)
    assert correct("America/Detroit", sam) == 0
    assert Appointment.objects.get().time_zone == "America/Detroit"


@pytest.mark.django_db
def test_a_correction_of_a_correction_brings_everything_back(clock: TwoClocks, sam: User) -> None:
    import_aisha()
    before = list(Reminder.objects.order_by("pk").values_list("due_at", "not_after", "next_look_at"))
    correct(LOS_ANGELES, sam)
    correct(NEW_YORK, sam, seen=LOS_ANGELES)
    after = list(Reminder.objects.order_by("pk").values_list("due_at", "not_after", "next_look_at"))
    assert after == before


@pytest.mark.django_db
def test_visits_to_look_at_are_named(clock: TwoClocks) -> None:
    """A time that the clocks skip there, and another visit of the patient that is now at the same time."""
    sarah = make_contact()
    downtown = make_location("Downtown", time_zone="America/Phoenix")
    skipped = make_appointment(sarah, location=downtown, starts_at=at("America/Phoenix", 2027, 3, 14, 2, 30))
    nine = at("America/Phoenix", 2026, 12, 15, 9, 0)
    same_time = make_appointment(sarah, location=downtown, starts_at=nine)
    west = make_location("West", time_zone=LOS_ANGELES)
    make_appointment(sarah, location=west, starts_at=at(LOS_ANGELES, 2026, 12, 15, 6, 0))
    shown = preview_zone(Location.objects.get(name="Downtown"), NEW_YORK)
    assert [one.pk for one in shown.skipped] == [skipped.pk]
    assert [one.pk for one in shown.overlapping] == [same_time.pk]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "seen", "said"),
    [("Mars/Olympus_Mons", NEW_YORK, "not a time zone"), (CHICAGO, LOS_ANGELES, "Somebody has changed")],
)
def test_a_correction_that_can_not_be_meant_is_refused(
    clock: TwoClocks, sam: User, zone: str, seen: str, said: str
) -> None:
    import_aisha()
    with pytest.raises(ZoneNotCorrected, match=said):
        correct(zone, sam, seen=seen)
    assert Location.objects.get().time_zone == NEW_YORK


@pytest.mark.django_db
def test_a_worker_that_had_read_the_old_zone_goes_by_the_new_one(clock: TwoClocks, sam: User) -> None:
    """At the last look it would be noon by the zone that it has read, and is seven in the morning."""
    make_steps()
    location = make_location(time_zone=NEW_YORK)
    number = make_contact("Noah", number="+12025550142")
    make_appointment(number, location=location, starts_at=at(NEW_YORK, 2026, 12, 15, 9, 0))
    plan_all()
    Reminder.objects.filter(step__position=1).update(ordered_by=sam, next_look_at=timezone.now())
    claim, practice = claim_due(10), read_practice_config()
    assert len(claim.reminder_ids) == 1
    correct("Pacific/Honolulu", sam)
    assert open_calls(claim.reminder_ids, claim.token, practice=practice) == []
    waiting = Reminder.objects.get(step__position=1)
    assert waiting.reason == "outside_calling_hours"
    assert waiting.next_look_at == at("Pacific/Honolulu", 2026, 12, 10, 8, 0)


# --- while others book, move and plan --------------------------------------------------------------


class Race:
    """Runs a deed in another thread while a correction to Los Angeles is not committed yet."""

    def __init__(self, by: User) -> None:
        self.by, self.errors = by, list[Exception]()
        self.location = Location.objects.get()

    def run(self, deed: Any) -> None:
        thread = threading.Thread(target=self._run, args=[deed])
        with transaction.atomic():
            correct_zone(self.location.pk, LOS_ANGELES, seen=NEW_YORK, by=self.by)
            thread.start()
            wait_until_somebody_waits()
        thread.join(timeout=30)
        assert not self.errors

    def _run(self, deed: Any) -> None:
        try:
            deed()
        except Exception as error:  # noqa: BLE001 - shown by the assertion above
            self.errors.append(error)
        finally:
            connection.close()


def wait_until_somebody_waits() -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    deadline = timezone.now() + timedelta(seconds=20)
    with connection.cursor() as cursor:
        while timezone.now() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(query)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("the deed did not wait for the correction")


def assert_all_is_at_its_wall_time() -> None:
    for each in Appointment.objects.all():
        assert each.wall_start.astimezone(UTC) == each.starts_at
        assert each.time_zone == LOS_ANGELES
        for reminder in each.reminders.filter(state=ReminderState.PLANNED, step__position=1):
            assert reminder.due_at == each.starts_at - timedelta(hours=4)


def make_race() -> tuple[Race, Appointment, datetime]:
    make_steps()
    nine = at(NEW_YORK, 2027, 12, 15, 9, 0)
    appointment = make_appointment(location=make_location(time_zone=NEW_YORK), starts_at=nine)
    plan_all()
    return Race(make_user("sam")), appointment, nine.astimezone(UTC)


@pytest.mark.django_db(transaction=True)
def test_an_appointment_booked_meanwhile_keeps_its_wall_time() -> None:
    race, _, nine = make_race()
    seen = Location.objects.get()
    contact = make_contact("Noah", number="+12025550142")

    def book() -> None:
        ends_at = nine + timedelta(hours=1)
        book_appointment(contact=contact, location=seen, provider=None, starts_at=nine, ends_at=ends_at)

    race.run(book)
    plan_all()
    assert {f"{each.local_start:%H:%M}" for each in Appointment.objects.all()} == {"09:00"}
    assert_all_is_at_its_wall_time()


@pytest.mark.django_db(transaction=True)
def test_an_appointment_moved_meanwhile_keeps_its_wall_time() -> None:
    race, appointment, nine = make_race()
    seen, ten = Location.objects.get(), nine + timedelta(hours=1)
    ends_at = ten + timedelta(hours=1)
    race.run(lambda: move_and_replan(appointment.pk, starts_at=ten, ends_at=ends_at, location=seen))
    appointment.refresh_from_db()
    assert f"{appointment.local_start:%H:%M}" == "10:00"
    assert_all_is_at_its_wall_time()


@pytest.mark.django_db(transaction=True)
def test_reminders_planned_meanwhile_are_due_by_the_new_zone() -> None:
    race, _, _ = make_race()
    Reminder.objects.all().delete()
    race.run(plan_all)
    plan_all()
    assert Reminder.objects.count() == 2
    assert_all_is_at_its_wall_time()


@pytest.mark.django_db(transaction=True)
def test_a_list_imported_meanwhile_is_at_its_wall_times() -> None:
    race, _, _ = make_race()
    race.run(lambda: import_rows(AISHA | {"date": "12/15/2027"}))
    assert Contact.objects.count() == 2
    plan_all()
    assert {f"{each.local_start:%H:%M}" for each in Appointment.objects.all()} == {"09:00", "09:30"}
    assert_all_is_at_its_wall_time()


@pytest.mark.django_db(transaction=True)
def test_an_answer_given_meanwhile_is_kept() -> None:
    race, appointment, _ = make_race()
    race.run(lambda: record_answer(appointment.pk, "confirmed", revision=1, at=timezone.now(), how="key_1"))
    appointment.refresh_from_db()
    assert appointment.is_confirmed
    assert_all_is_at_its_wall_time()


@pytest.mark.django_db(transaction=True)
def test_a_visit_booked_again_meanwhile_waits_and_is_planned_by_the_new_zone() -> None:
    race, appointment, _ = make_race()
    cancel_appointment(appointment.pk)
    race.run(lambda: reinstate_and_plan(appointment.pk, by=race.by))
    assert_all_is_at_its_wall_time()
