"""Today: the day's appointments, each with its state."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.appointments import cancel_appointment, record_answer
from contacts.models import Appointment, Location, Provider
from contacts.optouts import record_optout
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.situations import with_situation
from reminders.models import Campaign, Reminder
from reminders.pages.day import LABELS, DayList, Row, read_day
from reminders.pages.standings import (
    find_orderable,
    find_standing,
    needs_reminders,
    read_standing_facts,
)
from reminders.planning.planner import plan_all, plan_appointments
from reminders.traffic.switch import pause_sending
from tests.people import (
    at,
    make_appointment,
    make_contact,
    make_due_reminder,
    make_location,
    make_step,
    make_user,
)
from tests.reminders.pages.clinic import FRAGMENT, make_call, settle, sit_at_desk
from tests.two_clocks import TwoClocks

pytestmark = pytest.mark.django_db
NOON_IN_CHICAGO = datetime(2026, 7, 14, 17, 0, tzinfo=UTC)


@pytest.fixture
def noon_in_chicago() -> Iterator[None]:
    clocks = TwoClocks(NOON_IN_CHICAGO)
    yield
    clocks.stop()


@pytest.fixture
def desk() -> Client:
    return sit_at_desk(make_user())


def read_today(**options: object) -> DayList:
    return read_day(list(Location.objects.all()), None, timezone.now(), **options)  # type: ignore[arg-type]


def read_rows() -> list[Row]:
    return [row for group in read_today().groups for row in group.rows]


def words_of(row: Row) -> str:
    return f"{row.standing.code}: {row.standing.words} | {row.standing.next_step}"


# --- states -------------------------------------------------------------------------------------


def confirm(reminder: Reminder) -> None:
    record_answer(
        reminder.appointment_id,
        "confirmed",
        revision=1,
        at=datetime(2026, 7, 14, 14, 12, tzinfo=UTC),
        how="key_1",
    )


def ask_for_another_time(reminder: Reminder) -> None:
    record_answer(reminder.appointment_id, "wants_another_time", revision=1, at=timezone.now(), how="key_2")


def skip_a_step_that_is_never_in_time(reminder: Reminder) -> None:
    settle(reminder, "missed", "too_late")
    make_step(elapsed=timedelta(minutes=20))
    plan_appointments([reminder.appointment_id])
    assert Reminder.objects.filter(reason="never_in_time").exists()


def narrow_the_campaign(reminder: Reminder) -> None:
    Campaign.objects.update(kinds=["cleaning"])
    Appointment.objects.update(planned_revision=F("revision"))  # planning has seen it
    reminder.delete()


def opt_out(reminder: Reminder) -> None:
    assert reminder.appointment.contact.phone is not None
    number = reminder.appointment.contact.phone.pk
    record_optout(number, scope="all", source="staff", at=timezone.now())


def fall_due_at_2(reminder: Reminder) -> None:
    settle(reminder, "planned", due_at=NOON_IN_CHICAGO + timedelta(hours=2))


def start_a_call(reminder: Reminder) -> None:
    make_call(reminder, "submitted")
    settle(reminder, "in_progress")


def lose_robotalkers_answer(reminder: Reminder) -> None:
    make_call(reminder, "unknown")
    settle(reminder, "in_progress")


def get_no_answer_and_wait(reminder: Reminder) -> None:
    make_call(reminder, "no_answer", ended_at=NOON_IN_CHICAGO - timedelta(minutes=5))
    settle(reminder, "planned", "try_again", try_after=NOON_IN_CHICAGO + timedelta(minutes=50))


def reach_voicemail_with_a_step_ahead(reminder: Reminder) -> None:
    make_call(reminder, "voicemail", ended_at=NOON_IN_CHICAGO - timedelta(minutes=5))
    _add_a_step_ahead(reminder, "voicemail")


def get_no_answer_with_a_step_ahead(reminder: Reminder) -> None:
    make_call(reminder, "no_answer", ended_at=NOON_IN_CHICAGO - timedelta(minutes=5))
    _add_a_step_ahead(reminder, "not_reached")


def _add_a_step_ahead(reminder: Reminder, reason: str) -> None:
    settle(reminder, "done", reason)
    make_step(elapsed=timedelta(minutes=90), channel="sms")
    plan_appointments([reminder.appointment_id])


def press_9_after_a_text(reminder: Reminder) -> None:
    make_call(reminder, "answered", key_pressed="9", ended_at=timezone.now())
    settle(reminder, "done", "reached")
    text = make_step(elapsed=timedelta(days=1), channel="sms")
    plan_appointments([reminder.appointment_id])
    settle(Reminder.objects.get(step=text), "done", "delivered")
    assert reminder.appointment.contact.phone is not None
    record_optout(reminder.appointment.contact.phone.pk, scope="voice", source="key", at=timezone.now())


def fail_for_good(reminder: Reminder) -> None:
    make_call(reminder, "failed", reason="invalid_number", ended_at=timezone.now())
    settle(reminder, "done", "not_reached")


def press_5(reminder: Reminder) -> None:
    make_call(reminder, "answered", key_pressed="5", ended_at=timezone.now())
    settle(reminder, "done", "reached")


def lose_the_number(reminder: Reminder) -> None:
    contact = reminder.appointment.contact
    contact.phone = None
    contact.save()


def set_status(status: str) -> Callable[[Reminder], None]:
    def set_it(reminder: Reminder) -> None:
        Appointment.objects.filter(pk=reminder.appointment_id).update(status=status)

    return set_it


STATES = [
    (lambda _: None, "will_call: will call now | "),
    (fall_due_at_2, "will_call: will call 2:00 pm | "),
    (confirm, "confirmed: confirmed 9:12 am by key 1 | "),
    (ask_for_another_time, "wants_another_time:  | asked 12:00 pm"),
    (start_a_call, "calling: calling since 11:53 am | "),
    (lose_robotalkers_answer, "unknown: unknown since 11:53 am | may or may not have been called"),
    (get_no_answer_and_wait, "no_answer: no answer 11:55 am | next try 12:50 pm"),
    (get_no_answer_with_a_step_ahead, "no_answer: no answer 11:55 am | will text 2:00 pm"),
    (
        reach_voicemail_with_a_step_ahead,
        "voicemail: voicemail 11:55 am | This number has had enough calls for now",
    ),
    (press_9_after_a_text, "opted_out:  | since 12:00 pm"),
    (fail_for_good, "failed: failed 12:00 pm | The number doesn't exist"),
    (press_5, "answered: answered 12:00 pm | pressed key 5"),
    (opt_out, "opted_out:  | since 12:00 pm"),
    (lose_the_number, "held:  | There is no number to call."),
    (lambda _: pause_sending(), "held:  | All sending is paused."),
    (lambda one: settle(one, "missed", "too_late"), "missed:  | It could not be sent in time."),
    (skip_a_step_that_is_never_in_time, "missed:  | It could not be sent in time."),
    (
        lambda one: settle(one, "skipped", "never_in_time"),
        "not_reminded:  | Its time would be too late for an appointment at this hour.",
    ),
    (
        lambda one: settle(one, "skipped", "skipped_by_person"),
        "not_reminded:  | A staff member decided not to send it.",
    ),
    (lambda one: one.delete(), "being_planned: being planned | "),
    (narrow_the_campaign, "not_reminded: no reminder | "),
    (set_status("arrived"), "arrived:  | "),
    (set_status("no_show"), "no_show:  | "),
    (set_status("cancelled"), "cancelled:  | "),
]  # fmt: skip


@pytest.mark.parametrize(("happen", "words"), STATES)
@pytest.mark.usefixtures("noon_in_chicago")
def test_each_appointment_shows_its_state(happen: Callable[[Reminder], object], words: str) -> None:
    """(product rule 16)"""
    location = make_location(time_zone="America/Chicago")
    appointment = make_appointment(location=location, starts_at=at("America/Chicago", 2026, 7, 14, 15, 30))
    make_step()
    plan_appointments([appointment.pk])
    happen(Reminder.objects.get())
    assert [words_of(row) for row in read_rows()] == [words]


def test_an_answer_for_the_old_time_does_not_count_after_a_move() -> None:
    """(product rule 2)"""
    reminder = make_due_reminder()
    confirm(reminder)
    Appointment.objects.update(revision=2)
    assert read_rows()[0].standing.code == "being_planned"


def test_times_are_by_the_locations_clock() -> None:
    """(product rule 7)"""
    phoenix = make_location(time_zone="America/Phoenix")
    make_appointment(location=phoenix, starts_at=at("America/Phoenix", 2026, 7, 14, 15, 30))
    with time_machine.travel(NOON_IN_CHICAGO, tick=False):
        assert [(row.starts_at.hour, row.starts_at.minute) for row in read_rows()] == [(15, 30)]


# --- which appointments --------------------------------------------------------------------------


def test_today_is_each_locations_own_date_and_time_zones_are_grouped() -> None:
    auckland = make_location("Auckland", time_zone="Pacific/Auckland")
    chicago = make_location("Chicago", time_zone="America/Chicago")
    make_appointment(location=auckland, starts_at=at("Pacific/Auckland", 2026, 7, 15, 9, 0))
    make_appointment(location=chicago, starts_at=at("America/Chicago", 2026, 7, 14, 9, 0))
    make_appointment(location=chicago, starts_at=at("America/Chicago", 2026, 7, 15, 9, 0))
    with time_machine.travel(NOON_IN_CHICAGO, tick=False):
        groups = read_today().groups
    assert [(group.locations, group.day.day, group.now) for group in groups] == [
        (("Auckland",), 15, "5:00 am"),
        (("Chicago",), 14, "12:00 pm"),
    ]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/Chicago", (2026, 3, 8)),  # 23 hours
        ("America/Chicago", (2026, 11, 1)),  # 25 hours
        ("America/Havana", (2026, 3, 8)),  # the clocks skip midnight
        ("Australia/Lord_Howe", (2026, 4, 5)),  # 24 and a half
        ("America/Phoenix", (2026, 3, 8)),
    ],
)
def test_a_day_is_from_midnight_to_midnight_by_the_location_s_clock(
    zone: str, day: tuple[int, int, int]
) -> None:
    location, first = make_location(time_zone=zone), datetime(*day, 1, 0, tzinfo=ZoneInfo(zone))
    last = datetime(*day, 23, 59, tzinfo=ZoneInfo(zone))
    nearby = [first - timedelta(days=1), first, last, last + timedelta(hours=2)]
    sarah = make_contact()
    for starts_at in nearby:
        make_appointment(sarah, location=location, starts_at=starts_at)
    shown = read_day([location], first.date(), timezone.now())
    assert [row.starts_at for group in shown.groups for row in group.rows] == [first, last]


def test_the_list_shows_only_the_chosen_location_and_provider(desk: Client) -> None:
    eastside = make_location("Eastside")
    downtown = make_location("Downtown")
    make_appointment(make_contact("Amal", number=None), location=eastside)
    make_appointment(make_contact("Bruno", number=None), location=downtown)
    other = make_appointment(make_contact("Chiara", number=None), location=downtown)
    Appointment.objects.filter(pk=other.pk).update(provider=Provider.objects.create(name="Dr. A. Rivera"))
    rivera = Provider.objects.get(name="Dr. A. Rivera")
    assert names_on(desk, f"/?location={eastside.pk}") == ["Amal"]
    assert names_on(desk, f"/?provider={rivera.pk}") == ["Chiara"]
    assert names_on(desk, f"/?location={eastside.pk}&provider={rivera.pk}") == []


def test_the_counts_are_filters_and_add_up(desk: Client) -> None:
    for name in ("Amal", "Bruno", "Chiara"):
        make_appointment(make_contact(name, number=None))
    first, second, _third = Appointment.objects.order_by("pk")
    record_answer(first.pk, "confirmed", revision=1, at=timezone.now(), how="staff")
    cancel_appointment(second.pk)
    plan_all()
    found = read_today()
    assert found.total == 2
    assert list(LABELS) == [count.key for count in found.counts], "each keeps its place, also when it is none"
    assert {count.key: count.number for count in found.counts if count.number} == {
        "confirmed": 1,
        "not_reminded": 1,
        "cancelled": 1,
    }
    assert names_on(desk, "/?state=confirmed") == ["Amal"]
    assert names_on(desk, "/?state=cancelled") == ["Bruno"]


def test_a_cancelled_visit_stands_at_its_time() -> None:
    soon = make_appointment(
        make_contact("Amal", number=None), starts_at=timezone.now() + timedelta(minutes=5)
    )
    make_appointment(make_contact("Bruno", number=None), starts_at=timezone.now() + timedelta(minutes=10))
    cancel_appointment(soon.pk)
    assert [row.is_cancelled for row in read_rows()] == [True, False]


def test_another_day_can_be_shown_and_has_no_line_for_now(desk: Client) -> None:
    make_appointment(starts_at=timezone.now() + timedelta(days=1))
    tomorrow = timezone.now().astimezone(Location.objects.get().zone).date() + timedelta(days=1)
    page = desk.get(f"/?day={tomorrow}").content.decode()
    assert "Sarah Lindqvist" in page
    assert "Back to today" in page
    assert 'class="now"' not in page


@pytest.mark.parametrize(
    "nonsense", ["day=soon", "location=x", "provider=999999", "state=gone", "day=2026-02-30"]
)
def test_an_invalid_filter_is_ignored(desk: Client, nonsense: str) -> None:
    make_appointment()
    assert names_on(desk, f"/?{nonsense}") == ["Sarah"]


def test_an_empty_day_offers_to_book_or_import(desk: Client) -> None:
    page = desk.get("/").content.decode()
    assert "No appointments today" in page
    assert "Book an appointment" in page


def names_on(desk: Client, address: str) -> list[str]:
    page = desk.get(address, headers=FRAGMENT).content.decode()
    return re.findall(r'<a href="/appointments/\d+/">(\w+)', page)


# --- live ----------------------------------------------------------------------------------------


def test_the_number_of_queries_does_not_depend_on_the_number_of_appointments(desk: Client) -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert desk.get("/").status_code == 200
        return len(asked)

    make_step()
    book_many(5)
    desk.get("/")  # reads the settings, which are kept until one of them changes
    book_many(1)
    few = count_queries()
    book_many(24)
    assert len(read_rows()) == 30
    assert count_queries() == few <= 12


def book_many(count: int) -> None:
    before = Appointment.objects.count()
    for number in range(before, before + count):
        contact = make_contact(f"Person{number}", number=f"+1202555{number:04}")
        appointment = make_appointment(contact, starts_at=timezone.now() + timedelta(minutes=300 + number))
        plan_appointments([appointment.pk])
        make_call(Reminder.objects.get(appointment=appointment), "no_answer")


def test_the_page_and_the_fragment_have_separate_cache_entries(desk: Client) -> None:
    for headers in ({}, FRAGMENT):
        answer = desk.get("/", headers=headers)
        assert "HX-Request" in answer["Vary"]
        assert "no-store" in answer["Cache-Control"]


# --- actions ------------------------------------------------------------------------------------


def test_arrived_is_one_click_and_can_be_undone(desk: Client) -> None:
    appointment = make_due_reminder().appointment
    answer = desk.post(
        f"/appointments/{appointment.pk}/attendance/", {"status": "arrived", "next": "/?state="}
    )
    assert (answer.status_code, answer["Location"]) == (303, "/?state=")
    assert read_rows()[0].standing.code == "arrived"
    reminder = with_situation(Reminder.objects.all()).get()
    assert explain_reminder(reminder, timezone.now()).reason == "visit_recorded", (
        "a patient who has arrived is not called"
    )
    assert "Undo" in desk.get("/").content.decode()
    desk.post(f"/appointments/{appointment.pk}/attendance/", {"status": "booked"})
    assert Appointment.objects.get().status == "booked"


def test_an_unknown_status_is_refused(desk: Client) -> None:
    appointment = make_appointment()
    assert desk.post(f"/appointments/{appointment.pk}/attendance/", {"status": "vanished"}).status_code == 400
    assert Appointment.objects.get().status == "booked"


def test_a_refused_call_now_shows_the_reason(desk: Client) -> None:
    reminder = make_due_reminder()
    opt_out(reminder)
    answer = desk.post(f"/reminders/{reminder.pk}/call/", {"next": "/"}, follow=True, headers=FRAGMENT)
    assert "The number has opted out." in answer.content.decode()
    assert Reminder.objects.get().ordered_by is None


def test_call_now_records_who_ordered_the_call(desk: Client) -> None:
    reminder = make_due_reminder()
    answer = desk.post(f"/reminders/{reminder.pk}/call/", {"next": "/"}, follow=True)
    assert "The call goes out within seconds." in answer.content.decode()
    ordered_by = Reminder.objects.get().ordered_by
    assert ordered_by is not None
    assert ordered_by.username == "frontdesk"


def test_call_now_orders_a_call_and_never_a_text() -> None:
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=2))
    make_step(elapsed=timedelta(minutes=60), channel="sms")
    plan_appointments([appointment.pk])
    facts = read_standing_facts(
        appointment, list(with_situation(Reminder.objects.all())), timezone.now(), sending_paused=False
    )
    assert len(facts.reminders) == 1
    assert find_orderable(facts, find_standing(facts)) is None


@pytest.mark.parametrize("status", ["booked", "arrived", "no_show", "cancelled"])
@pytest.mark.parametrize("answer", ["", "confirmed", "wants_another_time"])
def test_reminders_that_are_not_read_would_change_nothing(status: str, answer: str) -> None:
    """Those of a visit whose status, or the patient's yes, says its state; nobody may call for it either."""
    reminder = make_due_reminder()
    if answer:
        record_answer(reminder.appointment_id, answer, revision=1, at=timezone.now(), how="key_1")
    Appointment.objects.update(status=status)
    with_all = list(with_situation(Reminder.objects.all()))
    facts = read_standing_facts(with_all[0].appointment, with_all, timezone.now(), sending_paused=False)
    offered = find_orderable(facts, standing := find_standing(facts))
    [row] = [row for group in read_today().groups for row in (*group.past, *group.rows)]
    assert row.standing == standing
    assert row.call_reminder_id == (offered.pk if offered else None)
    assert offered is None or needs_reminders(facts.appointment)


def test_an_error_message_stays_when_the_list_refreshes(desk: Client) -> None:
    reminder = make_due_reminder()
    opt_out(reminder)
    refused = desk.post(f"/reminders/{reminder.pk}/call/", {"next": "/"}, follow=True, headers=FRAGMENT)
    assert 'id="messages"' in refused.content.decode()
    assert 'id="messages"' not in desk.get("/", headers=FRAGMENT).content.decode()


def test_the_answer_stays_in_view_once_the_patient_has_arrived(desk: Client) -> None:
    reminder = make_due_reminder()
    record_answer(reminder.appointment_id, "confirmed", revision=1, at=timezone.now(), how="key_1")
    desk.post(f"/appointments/{reminder.appointment_id}/attendance/", {"status": "arrived"})
    standing = read_rows()[0].standing
    assert standing.code == "arrived"
    assert "by key 1" in standing.next_step


@pytest.mark.usefixtures("noon_in_chicago")
def test_what_is_past_is_folded_away_with_how_much_is_not_marked_yet(desk: Client) -> None:
    location = make_location(time_zone="America/Chicago")
    for hour, status in ((9, "arrived"), (10, "booked"), (11, "cancelled"), (15, "booked")):
        visit = make_appointment(
            make_contact(f"At{hour}", number=None),
            location=location,
            starts_at=at("America/Chicago", 2026, 7, 14, hour, 0),
        )
        Appointment.objects.filter(pk=visit.pk).update(status=status)
    [group] = read_today().groups
    assert [row.name.split()[0] for row in group.past] == ["At9", "At10", "At11"]
    assert ([row.pk for row in group.rows], group.unmarked) == ([group.next_pk], 1)
    page = desk.get("/").content.decode()
    assert "3 earlier visits" in page
    assert "1 not marked yet" in page
