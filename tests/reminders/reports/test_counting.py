"""The counts of reports equal a fresh count after whatever happens; test calls count nowhere."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.utils import timezone

from contacts.appointments import (
    cancel_appointment,
    move_appointment,
    record_answer,
    record_attendance,
    reinstate_appointment,
)
from contacts.erasing import erase_contact, lock_erasure
from contacts.merging import lock_pair, merge_contacts
from contacts.models import Appointment, AppointmentChange, Contact, Location
from reminders.models import (
    CallCompanion,
    CallCount,
    CallRecord,
    Reminder,
    ReportMark,
    ResultCount,
    TestCall,
    VisitCount,
)
from reminders.models.report_counts import ContactMade
from reminders.reports.counting import count_marked
from reminders.reports.local_periods import LocalPeriod, find_days, split_days
from reminders.rules.states import CallState, ReminderState
from tests.office import make_call, make_colleague
from tests.people import at, make_appointment, make_contact, make_location, make_number, make_step
from tests.reminders.reports.counted import forget_marks, read_counts, recount

pytestmark = pytest.mark.django_db

NEW_YORK, KOLKATA, HAVANA = "America/New_York", "Asia/Kolkata", "America/Havana"
NOON = at(NEW_YORK, 2026, 11, 17, 12)
ENDED = [CallState.ANSWERED, CallState.VOICEMAIL, CallState.NO_ANSWER, CallState.NOT_SENT, CallState.UNKNOWN]


def make_reminder(appointment: Appointment, **fields: object) -> Reminder:
    step = make_step() if not Reminder.objects.exists() else Reminder.objects.earliest("pk").step
    values = {
        "due_at": NOON,
        "not_after": appointment.starts_at,
        "next_look_at": NOON,
        "state": "in_progress",
    }
    return Reminder.objects.create(
        appointment=appointment, step=step, **{"revision": appointment.revision, **values, **fields}
    )


class Practice:
    """Two locations in two zones, and what may happen there, in an order that chance chooses."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.by = make_colleague("sam")
        self.places = [make_location("Elm", time_zone=NEW_YORK), make_location("Oak", time_zone=KOLKATA)]
        self.made = 0
        for _ in range(4):
            self.book()

    def now(self) -> datetime:
        return NOON + timedelta(minutes=self.chance.randrange(60 * 24 * 3))

    def pick(self, **by: object) -> Appointment | None:
        found = list(Appointment.objects.filter(**by).order_by("pk"))
        return self.chance.choice(found) if found else None

    def book(self) -> None:
        self.made += 1
        contact = make_contact(f"Person{self.made}", number=f"+1202555{self.made:04d}")
        start = timezone.now() + timedelta(days=self.chance.randrange(1, 4), hours=self.chance.randrange(24))
        make_appointment(contact, location=self.chance.choice(self.places), starts_at=start)

    def call(self) -> None:
        if visit := self.pick(contact__erased_at=None):
            reminder = Reminder.objects.filter(appointment=visit, revision=visit.revision).first()
            reminder = reminder or make_reminder(visit)
            if not reminder.calls.filter(state__in=[CallState.SUBMITTED, CallState.UNKNOWN]).exists():
                tried = reminder.calls.count() + 1
                make_call(reminder, try_number=tried, state=CallState.SUBMITTED, submitting_at=self.now())

    def end(self) -> None:
        if call := CallRecord.objects.filter(state=CallState.SUBMITTED).first():
            call.state, call.key_pressed = self.chance.choice(ENDED), self.chance.choice(["", "1", "5"])
            call.save()
            Reminder.objects.filter(pk=call.reminder_id).update(
                state=self.chance.choice([ReminderState.DONE, ReminderState.PLANNED])
            )

    def join(self) -> None:
        call, visit = CallRecord.objects.order_by("?").first(), self.pick()
        if call and visit and not Reminder.objects.filter(appointment=visit).exists():
            CallCompanion.objects.create(call=call, reminder=make_reminder(visit))

    def move(self) -> None:
        if visit := self.pick(status="booked"):
            start = visit.starts_at + timedelta(hours=self.chance.randrange(1, 60))
            place = self.chance.choice([None, *self.places])
            move_appointment(
                visit.pk, starts_at=start, ends_at=start + timedelta(minutes=30), location=place, by=self.by
            )

    def answer(self) -> None:
        if visit := self.pick(status="booked"):
            answer = self.chance.choice(["confirmed", "wants_another_time"])
            how = self.chance.choice(["key_1", "text", "staff"])
            record_answer(visit.pk, answer, revision=visit.revision, at=self.now(), how=how)

    def cancel(self) -> None:
        if visit := self.pick(status="booked"):
            cancel_appointment(visit.pk, by=self.by)
        if self.chance.random() < 0.3 and (visit := self.pick(status="cancelled")):
            reinstate_appointment(visit.pk, by=self.by)

    def attend(self) -> None:
        if visit := self.pick(status__in=["booked", "arrived", "no_show"]):
            record_attendance(visit.pk, self.chance.choice(["arrived", "no_show", "booked"]), by=self.by)

    def merge(self) -> None:
        people = list(Contact.objects.filter(erased_at=None).order_by("pk"))
        if len(people) > 2:
            survivor, other = self.chance.sample(people, 2)
            merge_contacts(lock_pair(survivor.pk, other.pk), cancelled=[], by=self.by)

    def erase(self) -> None:
        ahead = Appointment.objects.filter(status="booked").values("contact")
        if gone := Contact.objects.filter(erased_at=None).exclude(pk__in=ahead).first():
            erase_contact(lock_erasure(gone.pk), by=self.by)

    def correct_zone(self) -> None:
        place = self.chance.choice(self.places)
        Location.objects.filter(pk=place.pk).update(time_zone=self.chance.choice([NEW_YORK, KOLKATA, HAVANA]))

    def undo(self) -> None:
        found = Appointment.objects.filter(reminders=None, pk__gt=2)
        if visit := found.order_by("?").first():
            visit.delete()


DEEDS: list[Callable[[Practice], None]] = [
    Practice.book, Practice.call, Practice.call, Practice.end, Practice.end, Practice.end, Practice.join,
    Practice.move, Practice.answer, Practice.answer, Practice.cancel, Practice.attend, Practice.merge,
    Practice.erase, Practice.correct_zone, Practice.undo,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_the_counts_equal_a_fresh_count_after_any_events(seed: int) -> None:
    forget_marks()
    practice = Practice(seed)
    for _ in range(12):
        done = practice.chance.choices(DEEDS, k=5)
        for deed in done:
            deed(practice)
        count_marked()
        assert read_counts() == recount(), [deed.__name__ for deed in done]
    assert read_counts()["CallCount"]


def test_a_day_is_counted_as_it_is_on_the_locations_own_clock() -> None:
    forget_marks()
    elm, oak = make_location("Elm", time_zone=NEW_YORK), make_location("Oak", time_zone=KOLKATA)
    late = at(NEW_YORK, 2026, 11, 17, 22, 40)
    for place, number in ((elm, "+12025550100"), (oak, "+12025550101")):
        visit = make_appointment(make_contact(place.name, number=number), location=place)
        make_call(make_reminder(visit), submitting_at=late, key_pressed="1")
    count_marked()
    found = CallCount.objects.order_by("location__name").values_list("day", "hour", "weekday", "count")
    assert list(found) == [(date(2026, 11, 17), 22, 1, 1), (date(2026, 11, 18), 9, 2, 1)]


def test_a_day_on_which_clocks_change_is_split_where_they_do() -> None:
    [before, after] = split_days(NEW_YORK, [date(2026, 11, 1)])
    change = datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert before == LocalPeriod(NEW_YORK, datetime(2026, 11, 1, 4, tzinfo=UTC), change, -4 * 3600)
    assert after == LocalPeriod(NEW_YORK, change, datetime(2026, 11, 2, 5, tzinfo=UTC), -5 * 3600)
    [whole] = split_days(NEW_YORK, [date(2026, 11, 3), date(2026, 11, 2)])
    assert whole.end - whole.begin == timedelta(days=2)


@pytest.mark.parametrize("zone", [NEW_YORK, KOLKATA, HAVANA, "Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu"])
def test_every_hour_of_a_year_has_its_local_time_by_the_periods(zone: str) -> None:
    first = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) // 3600
    hours = range(first, first + 366 * 24)
    periods = split_days(zone, find_days(zone, hours))
    for hour in hours:
        moment = datetime.fromtimestamp(hour * 3600, UTC)
        [period] = [one for one in periods if one.begin <= moment < one.end]
        shown = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
        assert shown == moment + timedelta(seconds=period.offset)


def count_visits(**by: object) -> int:
    return sum(VisitCount.objects.filter(campaign=None, **by).values_list("count", flat=True))


@pytest.mark.parametrize(
    ("state", "far"),
    [
        ("answered", ContactMade.PERSON),
        ("voicemail", ContactMade.MESSAGE),
        ("no_answer", ContactMade.TRIED),
        ("submitted", ContactMade.TRIED),
        ("not_sent", ContactMade.DUE),
        (None, ContactMade.NONE),
    ],
)
def test_a_visit_counts_by_the_furthest_that_its_reminders_got(state: str | None, far: ContactMade) -> None:
    visit = make_appointment()
    if state:
        make_call(make_reminder(visit), state="no_answer" if state == "answered" else state)
    if state == "answered":
        make_call(Reminder.objects.get(), state=state, try_number=2)
    count_marked()
    assert list(VisitCount.objects.filter(campaign=None).values_list("contact_made", "count")) == [(far, 1)]
    assert VisitCount.objects.exclude(campaign=None).count() == (1 if state else 0)


def test_a_visit_that_shared_a_call_was_reached_too() -> None:
    reminder = make_reminder(make_appointment())
    other = make_reminder(make_appointment(make_contact("Ida")))
    CallCompanion.objects.create(call=make_call(reminder), reminder=other)
    count_marked()
    assert count_visits(contact_made=ContactMade.PERSON) == 2
    assert sum(CallCount.objects.values_list("count", flat=True)) == 1


def test_a_slot_is_freed_once_however_often_it_is_given_up_and_only_after_a_reminder() -> None:
    visit, other = make_appointment(starts_at=NOON + timedelta(days=1, hours=5)), make_appointment()
    make_call(make_reminder(visit), submitting_at=NOON - timedelta(hours=1))
    record_answer(visit.pk, "confirmed", revision=1, at=NOON, how="key_1")
    record_answer(visit.pk, "wants_another_time", revision=1, at=NOON + timedelta(hours=1), how="key_2")
    cancel_appointment(visit.pk)
    cancel_appointment(other.pk)
    count_marked()
    found = ResultCount.objects.filter(campaign=None).values_list("result", "hours_ahead", "count")
    assert list(found) == [("wants_another_time", 24, 1)]


def test_a_test_call_counts_nowhere() -> None:
    forget_marks()
    TestCall.objects.create(
        by=make_colleague("sam"), number=make_number(), channel="voice", mode="trial", message="a", text="a"
    )
    assert not ReportMark.objects.exists()
    call_command("rebuild_reports")
    assert not CallCount.objects.exists()


def test_what_changes_nothing_in_the_counts_leaves_no_mark() -> None:
    reminder = make_reminder(make_appointment(), state="planned")
    call = make_call(reminder)
    forget_marks()
    CallRecord.objects.filter(pk=call.pk).update(robotalker_id="cal_1", asked_times=1)
    Reminder.objects.filter(pk=reminder.pk).update(next_look_at=timezone.now(), reason="held")
    Appointment.objects.update(file_values={"pms": {}}, kind="Cleaning")
    Location.objects.update(calls_per_minute=3)
    AppointmentChange.objects.create(
        appointment=reminder.appointment, what="call_ordered", revision=1, at=timezone.now()
    )
    assert not ReportMark.objects.exists()
