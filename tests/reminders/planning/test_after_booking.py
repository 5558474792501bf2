"""A step right after booking, for what is booked or moved here from then on (product rules 5, 8 and 29)."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.appointments import move_appointment, reinstate_appointment
from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment, Contact, Location
from contacts.people import change_phone
from reminders.desk.bookings import cancel_and_withdraw, preview_move
from reminders.models import Campaign, Reminder, Step
from reminders.planning.activation import activate_campaign
from reminders.planning.bulk_rows import PlannedAppointment, as_planned
from reminders.planning.editing import finish_edit, prepare_edit
from reminders.planning.never_in_time import count_never_in_time
from reminders.planning.owed_reminders import LocationClock, StepTiming, find_owed, read_location_clock
from reminders.planning.planner import plan_all
from reminders.rules.calling_hours import OUTER, CallingHours, next_allowed
from reminders.rules.reaching_back import MeantSince
from reminders.rules.reasons import Reason, sentence_for
from reminders.rules.schedule import OpenDays, Timing, TimingKind
from tests.people import make_appointment, make_campaign, make_contact, make_location, make_number, make_step

NEW_YORK = ZoneInfo("America/New_York")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HOURS = CallingHours(time(9), time(19))
LOCATION = LocationClock(NEW_YORK, OpenDays(frozenset(range(7)), frozenset()), HOURS)


def new_york(text: str) -> datetime:
    """A wall time of July 2027, such as "14 10:30"."""
    return datetime.strptime(f"2027-07-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)


def make_timing(
    minutes: int, since: datetime, *, bring_forward: bool = False, if_late: str = "skip"
) -> StepTiming:
    timing = Timing(TimingKind.AFTER_BOOKING, elapsed=minutes * MINUTE)
    return StepTiming(timing, 30 * MINUTE, if_late, bring_forward, MeantSince(since, since))


def make_planned(
    starts_at: datetime, booked_at: datetime | None, revised_at: datetime | None = None
) -> PlannedAppointment:
    known = revised_at or booked_at or datetime(2027, 7, 1, tzinfo=UTC)
    return PlannedAppointment(1, 1, 1, starts_at, known, None, "", (), booked_at=booked_at)


SINCE = "10 08:00"
# minutes after booking, booked, start, state, reason, due
OWED = [
    (0, "14 10:00", "20 15:00", "planned", "", "14 10:00", "at once"),
    (30, "14 10:00", "20 15:00", "planned", "", "14 10:30", "half an hour after"),
    (30, "14 22:00", "20 15:00", "planned", "", "14 22:30", "at night: it waits for calling hours"),
    (30, "10 08:00", "20 15:00", "planned", "", "10 08:30", "booked in the moment the step was added"),
    (30, "10 07:59", "20 15:00", "skipped", "before_activation", "10 08:29", "a minute before that"),
    (600, "10 07:59", "20 15:00", "skipped", "before_activation", "10 17:59", "its minutes don't count"),
    (30, "14 10:00", "14 11:00", "skipped", "booked_too_shortly", "14 10:30", "an hour before the visit"),
    (30, "14 10:00", "14 11:01", "planned", "", "14 10:30", "a minute is left"),
    (0, "14 10:00", "14 10:15", "skipped", "booked_too_shortly", "14 10:00", "too late for any call"),
    (30, "14 20:00", "15 09:15", "skipped", "never_in_hours", "14 20:30", "no hours before the visit"),
    (30, "14 20:00", "15 09:31", "planned", "", "14 20:30", "a minute of hours before it"),
]


@pytest.mark.parametrize(("minutes", "booked", "starts", "state", "reason", "due", "why"), OWED)
def test_it_is_owed_to_what_was_booked_since_it_was_added(
    minutes: int, booked: str, starts: str, state: str, reason: str, due: str, why: str
) -> None:
    appointment = make_planned(new_york(starts), new_york(booked))
    owed = find_owed(make_timing(minutes, new_york(SINCE)), appointment, LOCATION)
    assert owed
    assert (owed.state, owed.reason, owed.due_at) == (state, reason, new_york(due)), why


def test_a_visit_of_a_list_gets_none_since_nobody_knows_when_it_was_booked() -> None:
    appointment = make_planned(new_york("20 15:00"), None)
    owed = find_owed(make_timing(30, new_york("01 08:00")), appointment, LOCATION)
    assert owed
    assert (owed.state, owed.reason) == ("skipped", "booking_unknown")
    assert "doesn't say when it was booked" in sentence_for(owed.reason)


@pytest.mark.parametrize("if_late", Step.IfLate)
@pytest.mark.parametrize(("revised", "state"), [("14 10:20", "planned"), ("14 10:31", "skipped")])
def test_a_new_number_is_told_only_while_it_is_still_to_come(if_late: str, revised: str, state: str) -> None:
    """A correction of many numbers calls nobody about visits that were booked long ago."""
    appointment = make_planned(new_york("20 15:00"), new_york("14 10:00"), new_york(revised))
    owed = find_owed(make_timing(30, new_york(SINCE), if_late=if_late), appointment, LOCATION)
    assert owed
    assert (owed.state, owed.due_at) == (state, new_york("14 10:30"))


@pytest.mark.parametrize(("minutes", "expected"), [(120, "14 11:00"), (30, "14 10:30")])
def test_it_may_be_brought_forward_before_a_visit_that_is_soon(minutes: int, expected: str) -> None:
    appointment = make_planned(new_york("14 12:00"), new_york("14 10:00"))
    owed = find_owed(make_timing(minutes, new_york(SINCE), bring_forward=True), appointment, LOCATION)
    assert owed
    assert (owed.state, owed.due_at) == ("planned", new_york(expected))


@settings(deadline=None)  # a slow machine must not fail the test
@given(
    booked=st.integers(0, 20_000),
    since=st.integers(0, 20_000),
    ahead=st.integers(1, 20_000),
    minutes=st.integers(0, 10_080),
    bring_forward=st.booleans(),
)
def test_it_never_reaches_back_and_goes_out_in_calling_hours_before_the_visit(
    booked: int, since: int, ahead: int, minutes: int, bring_forward: bool
) -> None:
    begun = datetime(2027, 2, 20, tzinfo=UTC)  # clocks go forward on 14 March
    booked_at, since_at = begun + booked * MINUTE, begun + since * MINUTE
    appointment = make_planned(booked_at + ahead * MINUTE, booked_at)
    owed = find_owed(make_timing(minutes, since_at, bring_forward=bring_forward), appointment, LOCATION)
    assert owed
    if booked_at < since_at:
        assert owed.reason == Reason.BEFORE_ACTIVATION
    if owed.state == "skipped":
        assert owed.reason
        return
    goes_at = next_allowed(owed.due_at, HOURS, [NEW_YORK])
    assert goes_at
    assert booked_at <= owed.due_at <= goes_at < owed.not_after
    assert OUTER[0] <= goes_at.astimezone(NEW_YORK).time() < OUTER[1]


@pytest.fixture
def step(db: None) -> Step:
    make_location(time_zone="America/New_York", calling_opens=time(9), calling_closes=time(19))
    return make_step(timing_kind="after_booking", elapsed=10 * MINUTE)


def book(contact: Contact | None = None) -> Appointment:
    return make_appointment(contact, starts_at=timezone.now() + timedelta(days=20))


def read(appointment: Appointment) -> list[tuple[int, str, str]]:
    plan_all()
    return list(appointment.reminders.order_by("revision").values_list("revision", "state", "reason"))


def test_a_booking_here_is_confirmed_and_a_move_once_more(step: Step) -> None:
    appointment = book()
    assert read(appointment) == [(1, "planned", "")]
    later = appointment.starts_at + HOUR
    move_appointment(appointment.pk, starts_at=later, ends_at=later + HOUR)
    assert read(appointment) == [(1, "withdrawn", "moved"), (2, "planned", "")]
    appointment.refresh_from_db()
    assert appointment.reminders.get(revision=2).due_at == appointment.revised_at + 10 * MINUTE


def test_a_visit_that_is_booked_again_is_confirmed_again(step: Step) -> None:
    appointment = book()
    cancel_and_withdraw(appointment.pk)
    reinstate_appointment(appointment.pk)
    assert read(appointment)[-1] == (2, "planned", "")


def test_a_new_number_of_an_old_booking_is_not_called(step: Step) -> None:
    contact = make_contact()
    appointment = book(contact)
    Appointment.objects.update(booked_at=timezone.now() - timedelta(days=3))
    change_phone(contact, make_number("+12025550111"))
    assert read(appointment) == [(2, "skipped", "past_when_booked")]


LIST = """appointment id,patient id,first name,last name,mobile,date,time,location
{rows}"""
ROW = "A{index},P{index},Ann{index},Lee,(202) 555-01{index:02},{day},{at} PM,Downtown\n"


def import_list(count: int, *, at: str = "3:00") -> None:
    day = f"{timezone.now() + timedelta(days=20):%m/%d/%Y}"
    rows = "".join(ROW.format(index=index, at=at, day=day) for index in range(10, 10 + count))
    import_file(LIST.format(rows=rows).encode(), "list.csv", ImportOptions(source="desk"))


def test_no_list_calls_everybody_on_it_neither_the_first_nor_a_longer_one(step: Step) -> None:
    """What is new in a list was booked at some time; what moved since the last list has just been moved."""
    import_list(3)
    import_list(9)
    plan_all()
    assert {*Reminder.objects.values_list("state", "reason")} == {("skipped", "booking_unknown")}
    import_list(1, at="4:00")
    plan_all()
    [moved] = Reminder.objects.filter(state="planned")
    assert (moved.appointment.external_id, moved.revision) == ("A10", 2)


def edit(step: Step, change: Callable[[], object]) -> None:
    before = prepare_edit(step.campaign_id)
    change()
    finish_edit(before)


def set_minutes(step: Step, minutes: int) -> None:
    edit(step, lambda: Step.objects.filter(pk=step.pk).update(elapsed=minutes * MINUTE))


def test_other_minutes_move_what_waits_and_mean_the_same_bookings(step: Step) -> None:
    appointment = book()
    set_minutes(step, 45)
    assert read(appointment) == [(1, "planned", "")]
    assert appointment.reminders.get().due_at == appointment.revised_at + 45 * MINUTE
    step.refresh_from_db()
    assert step.since < appointment.revised_at


def test_a_step_that_becomes_one_after_booking_means_nobody_who_has_booked(step: Step) -> None:
    Step.objects.update(timing_kind="elapsed_before", elapsed=timedelta(days=5))
    appointment = book()
    plan_all()
    edit(step, lambda: Step.objects.update(timing_kind="after_booking", elapsed=10 * MINUTE))
    assert read(appointment) == [(1, "skipped", "before_step")]
    assert read(book(make_contact("Ben", number="+12025550101"))) == [(1, "planned", "")]


def test_activating_a_draft_confirms_nothing_that_was_booked_before(step: Step) -> None:
    draft = make_campaign("Draft", state=Campaign.State.DRAFT, activated_at=None)
    Step.objects.update(campaign=draft)
    appointment = book()
    activate_campaign(draft)
    assert read(appointment) == [(1, "skipped", "before_activation")]


def test_widened_filters_confirm_nothing_that_was_booked_before(step: Step) -> None:
    Campaign.objects.update(kinds=["Cleaning"])
    appointment = book()
    assert read(appointment) == []
    edit(step, lambda: Campaign.objects.update(kinds=[]))
    assert read(appointment) == [(1, "skipped", "before_filters")]


def test_a_move_shows_beforehand_that_it_is_confirmed(step: Step) -> None:
    appointment = book()
    Appointment.objects.update(booked_at=None)
    appointment.refresh_from_db()
    [planned] = preview_move(appointment, appointment.starts_at + HOUR)
    assert planned.new_due_at is not None
    assert planned.reason == ""


def test_it_counts_as_in_time_for_each_booking(step: Step) -> None:
    visit = book()
    clocks = {visit.location_id: read_location_clock(visit.location)}
    assert count_never_in_time([as_planned(visit)], [step], clocks) == [(0, 0, 0, 0)]


def test_its_words_and_location_are_those_of_any_step(step: Step) -> None:
    assert str(step) == "call, 10 minutes after booking"
    assert Location.objects.count() == 1
