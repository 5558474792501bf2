"""A step with no calling hours left before the appointment: skipped, or brought forward (product rule 31)."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Appointment, ClosedDay, Contact, Location
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.situations import with_situation
from reminders.desk.bookings import preview_move
from reminders.models import Campaign, Reminder, Step
from reminders.planning.bulk_rows import as_planned
from reminders.planning.editing import finish_edit, prepare_edit
from reminders.planning.never_in_time import NeverInTime, count_never_in_time
from reminders.planning.owed_reminders import find_owed_reminder, read_location_clocks
from reminders.planning.planner import plan_all
from reminders.planning.replanning import replan_location
from reminders.rules.reasons import Reason, sentence_for
from tests.people import (
    at,
    make_appointment,
    make_campaign,
    make_contact,
    make_location,
    make_number,
    make_step,
)

pytestmark = pytest.mark.django_db

NEW_YORK, LOS_ANGELES, CHICAGO = "America/New_York", "America/Los_Angeles", "America/Chicago"
TWO_HOURS = timedelta(hours=2)
BRING_FORWARD = Step.IfNeverInTime.BRING_FORWARD


def new_york(hour: int, minute: int = 0, *, day: int = 16) -> datetime:
    """A time in June 2027; the 16th is a Wednesday."""
    return at(NEW_YORK, 2027, 6, day, hour, minute)


@pytest.fixture
def downtown() -> Location:
    return make_location(time_zone=NEW_YORK, calling_opens=time(9), calling_closes=time(19))


def book(
    location: Location, hour: int = 8, minute: int = 30, *, contact: Contact | None = None, **fields: Any
) -> Appointment:
    return make_appointment(contact, location=location, starts_at=new_york(hour, minute), **fields)


def plan(appointment: Appointment) -> tuple[str, str, datetime]:
    plan_all()
    reminder = Reminder.objects.get(appointment=appointment)
    return reminder.state, reminder.reason, reminder.due_at


@pytest.mark.parametrize("channel", ["voice", "sms"])
@pytest.mark.parametrize("if_late", Step.IfLate)
def test_two_hours_before_half_past_eight_with_calls_from_nine_is_skipped(
    downtown: Location, channel: str, if_late: str
) -> None:
    make_step(elapsed=TWO_HOURS, channel=channel, if_late=if_late)
    assert plan(book(downtown)) == ("skipped", "never_in_hours", new_york(6, 30))


@pytest.mark.parametrize("channel", ["voice", "sms"])
def test_it_is_brought_forward_to_the_evening_before_if_the_step_says_so(
    downtown: Location, channel: str
) -> None:
    make_step(elapsed=TWO_HOURS, channel=channel, if_never_in_time=BRING_FORWARD)
    assert plan(book(downtown)) == ("planned", "brought_forward", new_york(18, 30, day=15))


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(9, 30, "skipped"), (9, 31, "planned"), (10, 59, "planned"), (11, 0, "planned"), (21, 30, "skipped")],
)
def test_it_is_skipped_only_if_no_moment_before_its_last_is_within_the_hours(
    downtown: Location, hour: int, minute: int, expected: str
) -> None:
    """Its last moment is half an hour before the appointment, and not included; 19:30 is after the hours."""
    make_step(elapsed=TWO_HOURS)
    assert plan(book(downtown, hour, minute))[0] == expected


ZONES: list[tuple[str, list[str], str, str]] = [
    # stated zone, zones of the number, state of "2 hours before 11:00", why
    ("", [], "planned", "9:00 at the location"),
    (LOS_ANGELES, [], "skipped", "6:00 to 7:30 there"),
    ("", [LOS_ANGELES], "skipped", "the number can't be at the location"),
    ("", [NEW_YORK, LOS_ANGELES], "planned", "it could be at the location"),
    ("", [CHICAGO, LOS_ANGELES], "skipped", "it must be allowed in both"),
    ("", ["Etc/Unknown"], "planned", "nothing is known of it"),
    (NEW_YORK, [LOS_ANGELES], "planned", "the stated zone comes first"),
    ("Nowhere/Land", [], "planned", "no zone of that name: held, for a person to correct"),
    ("", [CHICAGO, "Asia/Tokyo"], "planned", "their hours never overlap: held, for a person to correct"),
]


@pytest.mark.parametrize(("stated", "number", "expected", "why"), ZONES)
def test_the_recipients_hours_count(
    downtown: Location, stated: str, number: list[str], expected: str, why: str
) -> None:
    make_step(elapsed=TWO_HOURS)
    contact = make_contact(time_zone=stated)
    make_number(time_zones=number)
    appointment = book(downtown, 11, 0, contact=contact)
    assert plan(appointment)[0] == expected, why
    appointment.refresh_from_db()
    owed = find_owed_reminder(Step.objects.get(), appointment)
    assert owed is not None
    assert owed.state == expected, "for one as for many"


def test_somebody_without_a_number_is_judged_by_the_location(downtown: Location) -> None:
    make_step(elapsed=TWO_HOURS)
    assert plan(book(downtown, contact=make_contact(number=None)))[:2] == ("skipped", "never_in_hours")


def test_closed_days_between_its_time_and_the_appointment_leave_no_hours(downtown: Location) -> None:
    for day in (14, 15):
        ClosedDay.objects.create(location=downtown, date=date(2027, 6, day))
    make_step(timing_kind="days_before", days=2, at=time(10), elapsed=timedelta(0))
    assert plan(book(downtown)) == ("skipped", "never_in_hours", new_york(10, day=14))


def test_it_is_brought_forward_over_closed_days(downtown: Location) -> None:
    for day in (14, 15):
        ClosedDay.objects.create(location=downtown, date=date(2027, 6, day))
    make_step(elapsed=TWO_HOURS, if_never_in_time=BRING_FORWARD)
    assert plan(book(downtown))[2] == new_york(18, 30, day=13)


def test_a_time_of_day_after_the_appointment_is_brought_forward_too(downtown: Location) -> None:
    make_step(timing_kind="days_before", at=time(10), elapsed=timedelta(0), if_never_in_time=BRING_FORWARD)
    assert plan(book(downtown, 9, 0)) == ("planned", "brought_forward", new_york(18, 30, day=15))
    late_enough = book(downtown, 10, 15)
    assert plan(late_enough) == ("planned", "brought_forward", new_york(9, 15)), (
        "half an hour before its last"
    )


BOOKED_AFTER_HALF_PAST_SIX = [
    ("skip", 18, "skipped"),
    ("now", 18, "planned"),
    ("next_allowed", 18, "planned"),
    ("now", 19, "skipped"),  # the calling hours of that day are over
    ("next_allowed", 19, "skipped"),
]


@pytest.mark.parametrize(("if_late", "hour", "state"), BOOKED_AFTER_HALF_PAST_SIX)
def test_booked_after_the_time_it_is_brought_forward_to_is_booked_too_late(
    downtown: Location, if_late: str, hour: int, state: str
) -> None:
    """What the step says of late bookings counts for that time too (product rules 5 and 31)."""
    make_step(elapsed=TWO_HOURS, if_never_in_time=BRING_FORWARD, if_late=if_late)
    appointment = book(downtown)
    Appointment.objects.update(revised_at=new_york(hour, 31, day=15))
    earlier = ("planned", "brought_forward", new_york(18, 30, day=15))
    never = ("skipped", "never_in_hours", new_york(6, 30))
    assert plan(appointment) == (earlier if state == "planned" else never)


@pytest.mark.parametrize("since", ["activated_at", "filters_since", "step"])
def test_it_is_never_brought_forward_to_before_somebody_was_meant(downtown: Location, since: str) -> None:
    moment = new_york(18, 31, day=15)
    step = make_step(elapsed=TWO_HOURS, if_never_in_time=BRING_FORWARD)
    appointment = book(downtown)
    if since == "step":
        Step.objects.update(since=moment)
    else:
        Campaign.objects.filter(pk=step.campaign_id).update(**{since: moment})
    owed = find_owed_reminder(Step.objects.select_related("campaign").get(), appointment)
    assert owed is not None
    assert (owed.state, owed.reason, owed.due_at) == ("skipped", "never_in_hours", new_york(6, 30))


def test_booked_in_the_night_before_and_sent_late_it_has_no_hours_left(downtown: Location) -> None:
    make_step(elapsed=timedelta(hours=20), if_late=Step.IfLate.NEXT_ALLOWED)
    appointment = book(downtown)
    Appointment.objects.update(revised_at=new_york(20, day=15))
    assert plan(appointment)[:2] == ("skipped", "never_in_hours")


# --- corrected settings ----------------------------------------------------------------------------


def test_wider_hours_plan_what_had_no_hours(downtown: Location) -> None:
    make_step(elapsed=TWO_HOURS)
    appointment = book(downtown, 9, 30)
    plan_all()
    Location.objects.update(calling_opens=time(8))
    assert sum(replan_location(downtown)) == 1
    assert plan(appointment) == ("planned", "", new_york(7, 30))


def test_a_closed_day_entered_by_mistake_and_removed_leaves_the_reminder_planned(downtown: Location) -> None:
    make_step(elapsed=timedelta(hours=20))
    appointment = book(downtown)
    plan_all()
    closed = ClosedDay.objects.create(location=downtown, date=date(2027, 6, 15))
    assert sum(replan_location(downtown)) == 1
    assert plan(appointment)[:2] == ("skipped", "never_in_hours")
    closed.delete()
    assert sum(replan_location(downtown)) == 1
    assert plan(appointment) == ("planned", "", new_york(12, 30, day=15))
    assert sum(replan_location(downtown)) == 0


def test_hours_that_end_earlier_bring_it_further_forward(downtown: Location) -> None:
    make_step(elapsed=TWO_HOURS, if_never_in_time=BRING_FORWARD)
    appointment = book(downtown)
    plan_all()
    Location.objects.update(calling_closes=time(17))
    assert sum(replan_location(downtown)) == 1
    assert plan(appointment) == ("planned", "brought_forward", new_york(16, 30, day=15))


def test_a_corrected_time_zone_of_the_contact_plans_it_in_the_next_round(downtown: Location) -> None:
    make_step(elapsed=TWO_HOURS)
    contact = make_contact(time_zone=LOS_ANGELES)
    appointment = book(downtown, 11, 0, contact=contact)
    assert plan(appointment)[:2] == ("skipped", "never_in_hours")
    contact.time_zone = NEW_YORK
    contact.save()
    assert plan(appointment) == ("planned", "", new_york(9))


def test_choosing_to_bring_it_forward_plans_what_was_skipped_if_that_is_still_ahead(
    downtown: Location,
) -> None:
    step = make_step(elapsed=TWO_HOURS)
    appointment = book(downtown)
    plan_all()
    before = prepare_edit(step.campaign_id)
    Step.objects.update(if_never_in_time=BRING_FORWARD)
    assert finish_edit(before).moved == 1
    assert plan(appointment) == ("planned", "brought_forward", new_york(18, 30, day=15))


def test_an_edited_step_is_not_brought_forward_to_before_the_edit() -> None:
    """At noon "an hour before" a visit at noon tomorrow becomes "2 hours before" with hours until noon."""
    now = timezone.now()
    location = make_location(calling_opens=time(11), calling_closes=time(12, 1))
    step = make_step(elapsed=timedelta(hours=1), if_never_in_time=BRING_FORWARD)
    appointment = make_appointment(location=location, starts_at=now + timedelta(hours=20))  # about 8:00
    Appointment.objects.update(revised_at=now - timedelta(days=3))
    plan_all()
    reminder = Reminder.objects.get(appointment=appointment)
    assert (reminder.reason, reminder.due_at < now) == ("brought_forward", True), "owed some minutes ago"
    before = prepare_edit(step.campaign_id)
    Step.objects.update(elapsed=TWO_HOURS)
    assert finish_edit(before).skipped == 1
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("skipped", "never_in_hours")


# --- what is shown ---------------------------------------------------------------------------------


def test_it_is_counted_with_the_hours_of_each_recipient(downtown: Location) -> None:
    step = make_step(make_campaign(state="draft", activated_at=None), elapsed=TWO_HOURS)
    far = make_contact("Noah", number="+12025550142", time_zone=LOS_ANGELES)
    sarah = make_contact()
    visits = [book(downtown, hour, 0, contact=sarah) for hour in (8, 9, 11, 12)]
    ahead = [as_planned(visit) for visit in [*visits, book(downtown, 12, 0, contact=far)]]
    clocks = read_location_clocks(Location.objects.all())
    assert count_never_in_time(ahead, [step], clocks) == [NeverInTime(0, no_hours=3, brought_forward=0, of=5)]
    step.if_never_in_time = BRING_FORWARD
    assert count_never_in_time(ahead, [step], clocks) == [NeverInTime(0, no_hours=0, brought_forward=3, of=5)]


def test_the_story_says_why_it_is_sent_earlier_or_not_at_all(downtown: Location) -> None:
    make_step(elapsed=TWO_HOURS, if_never_in_time=BRING_FORWARD)
    make_step(elapsed=TWO_HOURS)
    book(downtown)
    plan_all()
    said = [
        explain_reminder(reminder, timezone.now()).sentence
        for reminder in with_situation(Reminder.objects.order_by("step__position"))
    ]
    assert said == [sentence_for(Reason.BROUGHT_FORWARD), sentence_for(Reason.NEVER_IN_HOURS)]


@pytest.mark.parametrize(
    ("choice", "moment", "reason"),
    [
        ("skip", None, "never_in_hours"),
        ("bring_forward", new_york(18, 30, day=15), "brought_forward"),
    ],
)
def test_the_preview_of_a_move_says_it_too(
    downtown: Location, choice: str, moment: datetime | None, reason: str
) -> None:
    make_step(elapsed=TWO_HOURS, if_never_in_time=choice)
    appointment = book(downtown, 15, 0)
    plan_all()
    [preview] = preview_move(appointment, new_york(8, 30))
    assert (preview.new_due_at, preview.reason) == (moment, reason)
    assert preview.why == sentence_for(reason)
