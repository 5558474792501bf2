"""One appointment: its timeline, and booking, moving and cancelling it."""

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Appointment, Location, Provider
from contacts.roles import AUDITOR, MANAGER
from contacts.templatetags.display import day_and_clock
from reminders.desk.bookings import cancel_and_withdraw, confirm_by_staff, move_and_replan
from reminders.forms.wall_time import NoSuchTime, TimeComesTwice, TimeOfDay, read_wall_time
from reminders.models import FollowUp, Reminder
from reminders.pages.story import Story, read_story
from reminders.planning.planner import plan_appointments
from tests.people import (
    make_appointment,
    make_contact,
    make_due_reminder,
    make_location,
    make_step,
    make_user,
)
from tests.reminders.pages.clinic import FRAGMENT, make_call, settle, sit_at_desk
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", first_name="Rosa", last_name="Quint")


@pytest.fixture
def desk(rosa: User) -> Client:
    return sit_at_desk(rosa)


def read_sentences(appointment: Appointment) -> list[str]:
    """The sentences of the timeline, newest first."""
    story = read_story(appointment.pk, timezone.now())
    return [entry.sentence for entry in (*story.ahead, *story.past)]


# --- the timeline --------------------------------------------------------------------------------


def test_the_timeline_has_one_sentence_for_each_event_newest_first(rosa: User) -> None:
    make_step()
    start = timezone.now() + timedelta(hours=30)
    appointment = make_appointment(starts_at=start, by=rosa)
    plan_appointments([appointment.pk])
    move_and_replan(
        appointment.pk, starts_at=start + timedelta(hours=1), ends_at=start + timedelta(hours=2), by=rosa
    )
    confirm_by_staff(appointment.pk, by=rosa)
    sentences = read_sentences(appointment)
    assert [one.split(" for ")[0].split(" from ")[0] for one in sentences] == [
        "Won't be sent: call, 4 hours before. The appointment is already confirmed.",
        "Confirmed, as the patient told the staff.",
        "Withdrawn: call, 4 hours before. The appointment was moved; this was",
        "Moved",
        "Booked",
    ]


def test_the_timeline_shows_the_exact_text_of_a_call_and_robotalkers_events_to_a_manager() -> None:
    reminder = make_due_reminder()
    call = make_call(
        reminder,
        "answered",
        key_pressed="5",
        keys=[[timezone.now().isoformat(), "5"]],
        duration_seconds=31,
        amd_result="human",
        text="Hello Sarah, <this> is said.",
        ended_at=timezone.now(),
    )
    settle(reminder, "done", "reached")
    WebhookEvent.objects.create(
        call=call,
        purpose="key-5",
        body=b'{"digit": "5"}',
        digest="a" * 64,
        received_at=timezone.now(),
        kind="key",
    )
    desk = sit_at_desk(make_user("mia", role=MANAGER))
    page = desk.get(f"/appointments/{reminder.appointment_id}/").content.decode()
    assert "The call was answered; key 5 was pressed." in page
    assert "Hello Sarah, &lt;this&gt; is said." in page
    assert "31 s long" in page
    assert "{&quot;digit&quot;: &quot;5&quot;}" in page


def test_somebody_who_may_not_dial_sees_the_masked_number_in_robotalkers_events_too() -> None:
    reminder = make_due_reminder()
    call = make_call(reminder, "no_answer")
    WebhookEvent.objects.create(
        call=call,
        purpose="status",
        body=b"to=%2B12025550100&status=no-answer",
        digest="a" * 64,
        received_at=timezone.now(),
        kind="status",
    )
    auditor = sit_at_desk(make_user("olga", role=AUDITOR))
    page = auditor.get(f"/appointments/{reminder.appointment_id}/").content.decode()
    assert "2025550100" not in page
    assert "status=no-answer" in page
    assert "••00" in page


def test_an_open_follow_up_is_shown_until_it_is_resolved(rosa: User) -> None:
    reminder = make_due_reminder()
    follow_up = FollowUp.objects.create(
        kind="could_not_reach",
        contact=reminder.appointment.contact,
        appointment=reminder.appointment,
        due_at=timezone.now(),
    )
    assert read(reminder).open_follow_ups == ("could not be reached",)
    FollowUp.objects.filter(pk=follow_up.pk).update(
        state="resolved", resolved_at=timezone.now(), resolved_by=rosa, note="left a note"
    )
    assert read(reminder).open_follow_ups == ()
    assert "Done: left a note" in read_sentences(reminder.appointment)


def read(reminder: Reminder) -> Story:
    return read_story(reminder.appointment_id, timezone.now())


def test_the_page_needs_as_many_queries_for_many_calls_as_for_one() -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert reader.get(f"/appointments/{reminder.appointment_id}/").status_code == 200
        return len(asked)

    reader = sit_at_desk(make_user("mara", role=MANAGER))  # who sees what Robotalker sent, too
    reminder = make_due_reminder()
    make_call(reminder, "no_answer")
    count_queries()  # reads the settings, which are kept until one of them changes
    few = count_queries()
    assert few <= 12
    for number in range(10):
        call = make_call(reminder, "failed")
        WebhookEvent.objects.create(call=call, body=b"{}", digest=f"{number:064}", received_at=timezone.now())
    assert len(read(reminder).past) > 10
    assert count_queries() == few


def test_htmx_gets_304_while_nothing_changes(desk: Client) -> None:
    reminder = make_due_reminder()
    address = f"/appointments/{reminder.appointment_id}/"
    with time_machine.travel(timezone.now(), tick=False):
        etag = desk.get(address, headers=FRAGMENT).context["etag"]
        known = {**FRAGMENT, "If-None-Match": etag}
        assert desk.get(address, headers=known).status_code == 304
        make_call(reminder, "submitted")
        settle(reminder, "in_progress")
        assert "Robotalker has accepted the call" in desk.get(address, headers=known).content.decode()


def test_an_unknown_appointment_is_a_404(desk: Client) -> None:
    assert desk.get("/appointments/4711/").status_code == 404


# --- actions ------------------------------------------------------------------------------------


def test_staff_can_mark_an_appointment_confirmed(desk: Client) -> None:
    appointment = make_appointment()
    answer = desk.post(f"/appointments/{appointment.pk}/confirm/")
    assert answer["Location"] == f"/appointments/{appointment.pk}/"
    assert Appointment.objects.get().is_confirmed


def test_a_skipped_reminder_is_shown_with_who_skipped_it(desk: Client) -> None:
    """(product rule 18)"""
    reminder = make_due_reminder()
    desk.post(f"/reminders/{reminder.pk}/skip/")
    assert Reminder.objects.get().reason == "skipped_by_person"
    page = desk.get(f"/appointments/{reminder.appointment_id}/").content.decode()
    assert "Left out a reminder." in page
    assert "Rosa Quint" in page


def test_cancelling_asks_first_and_lists_the_reminders_to_be_withdrawn(desk: Client) -> None:
    reminder = make_due_reminder()
    address = f"/appointments/{reminder.appointment_id}/cancel/"
    assert "Cancel and withdraw 1 reminder" in desk.get(address).content.decode()
    assert Appointment.objects.get().status == "booked"
    desk.post(address)
    assert Appointment.objects.get().status == "cancelled"
    assert Reminder.objects.get().state == "withdrawn"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("cancelled", "This appointment is cancelled already."),
        ("arrived", "The visit is already recorded, so the appointment can't be cancelled."),
        ("no_show", "The visit is already recorded, so the appointment can't be cancelled."),
    ],
)
def test_what_is_no_longer_booked_is_not_asked_about(desk: Client, status: str, words: str) -> None:
    """The browser's Back asks for the page again once the appointment was cancelled."""
    appointment = make_due_reminder().appointment
    Appointment.objects.update(status=status)
    page = unescape(desk.get(f"/appointments/{appointment.pk}/cancel/").content.decode())
    assert words in page
    assert "Cancel the appointment of" not in page
    assert "btn-danger" not in page
    moving = desk.get(f"/appointments/{appointment.pk}/move/").content.decode()
    assert "Only a booked appointment can be moved." in moving
    assert 'id="move-form"' not in moving


def test_an_appointment_with_a_recorded_visit_can_not_be_cancelled(desk: Client) -> None:
    appointment = make_appointment()
    Appointment.objects.update(status="arrived")
    answer = desk.post(f"/appointments/{appointment.pk}/cancel/", follow=True)
    assert "already recorded" in answer.content.decode()
    assert Appointment.objects.get().status == "arrived"


def test_a_cancelled_appointment_can_be_booked_again_with_its_reminders(desk: Client) -> None:
    reminder = make_due_reminder()
    cancel_and_withdraw(reminder.appointment_id)
    address = f"/appointments/{reminder.appointment_id}/reinstate/"
    asked = desk.post(address)
    if asked.status_code == 422:  # it is in three hours, which may be at night or on a Sunday
        about, *codes = re.findall(r'name="(?:about|confirm)" value="(\w+)"', asked.content.decode())
        desk.post(address, {"about": about, "confirm": codes})
    assert Appointment.objects.get().status == "booked"
    assert Reminder.objects.filter(revision=2, state="planned").exists()


# --- booking -------------------------------------------------------------------------------------


def fill_in(location: Location, **changes: str | int | None) -> dict[str, str | int]:
    """The form's data for an open day three to five days ahead; a field that is None is left out."""
    day = timezone.now().astimezone(location.zone).date() + timedelta(days=3)
    day += timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
    form = {"location": location.pk, "day": day.isoformat(), "at": "10:30", "minutes": 20, **changes}
    return {name: value for name, value in form.items() if value is not None}


def test_booking_reads_the_time_by_the_locations_clock_and_plans_reminders(desk: Client) -> None:
    make_step()
    phoenix = make_location(time_zone="America/Phoenix")
    sarah = make_contact()
    answer = desk.post("/appointments/book/", fill_in(phoenix, contact=sarah.pk, kind="check-up"))
    appointment = Appointment.objects.get()
    assert answer["Location"] == f"/appointments/{appointment.pk}/"
    local = appointment.starts_at.astimezone(ZoneInfo("America/Phoenix"))
    assert (local.hour, local.minute) == (10, 30)
    assert appointment.ends_at - appointment.starts_at == timedelta(minutes=20)
    assert appointment.reminders.count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"contact": ""}, "Search for the patient by name, number or ID, and choose them."),
        ({"contact": 4711}, "That contact no longer exists. Search again."),
        ({"location": ""}, "Choose a location."),
        ({"day": ""}, "Choose a day."),
        ({"day": "2020-01-07"}, "That is more than two years ago. Check the year."),
        ({"day": "2926-01-07"}, "Check the year."),
        ({"at": ""}, "Enter a time, such as 9:30 am."),
        ({"at": "quarter past"}, "Enter the time like 9:30 am or 2:05 pm."),
        ({"minutes": 0}, "Enter at least 5 minutes."),
    ],
)
def test_errors_are_shown_beside_the_field(
    desk: Client, changes: dict[str, str | int], sentence: str
) -> None:
    answer = desk.post("/appointments/book/", fill_in(make_location(), contact=make_contact().pk) | changes)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Appointment.objects.exists()


def test_a_contact_can_not_be_booked_twice_at_the_same_time(desk: Client) -> None:
    form = fill_in(make_location(), contact=make_contact().pk)
    desk.post("/appointments/book/", form)
    answer = desk.post("/appointments/book/", form | {"kind": "another"})
    assert "Sarah Lindqvist already has an appointment at that location and time." in answer.content.decode()
    assert Appointment.objects.count() == 1


def test_a_contact_can_be_found_and_chosen_with_and_without_javascript(desk: Client) -> None:
    sarah = make_contact()
    address = "/appointments/book/contacts/"
    choice = re.compile(rf'name="contact"\s+value="{sarah.pk}"')
    assert choice.search(desk.post(address, {"q": "sar"}).content.decode())
    assert choice.search(desk.post(address, {"q": "lind"}, headers=FRAGMENT).content.decode())
    assert choice.search(desk.get(f"/appointments/book/?contact={sarah.pk}").content.decode())
    assert "No contacts match." in desk.post(address, {"q": "zzz"}).content.decode()


# --- days when the clocks change ------------------------------------------------------------------

CHICAGO = ZoneInfo("America/Chicago")


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(NoSuchTime):
        read_wall_time(datetime(2027, 3, 14, 2, 30), CHICAGO)  # noqa: DTZ001 - a wall time


def test_a_time_that_comes_twice_needs_a_choice() -> None:
    wall = datetime(2026, 11, 1, 1, 30)  # noqa: DTZ001 - a wall time
    with pytest.raises(TimeComesTwice):
        read_wall_time(wall, CHICAGO)
    assert read_wall_time(wall, CHICAGO, which="first") == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert read_wall_time(wall, CHICAGO, which="second") == datetime(2026, 11, 1, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "at", "which", "sentence"),
    [
        (date(2027, 3, 14), "2:30 am", "", "go forward on Sunday, March 14, 2027, so there is no 2:30 am"),
        (date(2026, 11, 1), "1:30 am", "", "so 1:30 am comes twice. Choose which one below."),
        (date(2026, 11, 1), "1:30 am", "second", ""),
    ],
)
def test_the_form_explains_times_that_are_skipped_or_come_twice(
    desk: Client, day: date, at: str, which: str, sentence: str
) -> None:
    with time_machine.travel(datetime(2026, 10, 1, 15, tzinfo=UTC)):
        desk.force_login(User.objects.get())
        chicago = make_location(time_zone="America/Chicago")
        form = fill_in(chicago, contact=make_contact().pk, day=day.isoformat(), at=at, which=which)
        answer = desk.post("/appointments/book/", form)
        if not sentence:
            answer = desk.post("/appointments/book/", form | read_confirmations(answer.content.decode()))
    assert Appointment.objects.exists() is not bool(sentence)
    assert sentence in answer.content.decode()
    assert ("The later one" in answer.content.decode()) is ("twice" in sentence)


@pytest.mark.parametrize(
    ("typed", "in_the_us", "in_germany"),
    [
        ("9:30", "09:30", "09:30"),
        ("930", "09:30", "09:30"),
        ("1430", "14:30", "14:30"),
        ("2pm", "14:00", "14:00"),
        ("2:05 p.m.", "14:05", "14:05"),
        ("230 PM", "14:30", "14:30"),
        ("3 a", "03:00", "03:00"),
        ("9.15", "09:15", "09:15"),
        ("9", "09:00", "09:00"),
        ("14", "14:00", "14:00"),
        ("3:00", "15:00", "03:00"),
        ("03:00", "03:00", "03:00"),
        ("12", "12:00", "12:00"),
        ("10", "10:00", "10:00"),
        ("12:30 am", "00:30", "00:30"),
        ("0:30", "00:30", "00:30"),
        ("6:59", "18:59", "06:59"),
        ("7", "07:00", "07:00"),
        ("99", "", ""),
        ("25:00", "", ""),
        ("13 pm", "", ""),
    ],
)
def test_a_time_is_read_as_people_of_the_country_type_it(
    settings: Any, typed: str, in_the_us: str, in_germany: str
) -> None:
    """(product rule 55)"""
    for settings.PHONE_REGION, read in (("US", in_the_us), ("DE", in_germany)):
        if read:
            assert TimeOfDay().clean(typed).strftime("%H:%M") == read
        else:
            with pytest.raises(ValidationError):
                TimeOfDay().clean(typed)


@pytest.mark.parametrize("region", ["US", "GB", "DE", "AU", "IN", "ZZ"])
def test_a_time_that_a_form_shows_is_read_as_the_same_time_again(settings: Any, region: str) -> None:
    settings.PHONE_REGION = region
    for hour in range(24):
        shown = TimeOfDay().prepare_value(time(hour, 5))
        assert TimeOfDay().clean(shown) == time(hour, 5), shown


@pytest.mark.parametrize(
    ("days", "at", "sentence"),
    [
        (0, "5:00 am", "That is outside opening hours."),
        (12, "9:00", "The location is closed on that day."),
        (-14, "9:00", "That time has passed."),
        (0, "10:45", "The patient has another appointment at that time."),
    ],
)
def test_what_stands_against_a_booking_is_said_first_and_one_more_click_books_it(
    desk: Client, days: int, at: str, sentence: str
) -> None:
    """(product rule 56)"""
    place = make_location()
    form = fill_in(place, contact=make_contact().pk)
    desk.post("/appointments/book/", form)
    day = date.fromisoformat(str(form["day"])) + timedelta(days=days)
    day += timedelta(days=5 - day.weekday() if days == 12 else 0)  # a Saturday
    wanted = form | {"day": day.isoformat(), "at": at}
    asked = desk.post("/appointments/book/", wanted).content.decode()
    assert sentence in asked
    assert "Book all the same" in asked
    assert sentence in desk.post("/appointments/book/", wanted, headers=FRAGMENT).content.decode()
    assert Appointment.objects.count() == 1
    desk.post("/appointments/book/", wanted | read_confirmations(asked))
    assert Appointment.objects.count() == 2


def read_confirmations(page: str) -> dict[str, Any]:
    """The hidden fields by which a page confirms what it asks."""
    about = re.search(r'name="about" value="(\w+)"', page)
    assert about
    return {"about": about[1], "confirm": re.findall(r'name="confirm" value="(\w+)"', page)}


def test_a_move_onto_another_visit_is_asked_about_and_one_to_another_length_alone(desk: Client) -> None:
    """(product rule 56)"""
    place = make_location()
    sarah, form = make_contact(), fill_in(place, at="10:00")
    for at in ("10:00", "14:00"):
        desk.post("/appointments/book/", form | {"contact": sarah.pk, "at": at})
    later = Appointment.objects.order_by("starts_at").last()
    assert later
    address = f"/appointments/{later.pk}/move/"
    asked = desk.post(address, form | {"at": "10:10", "save": "1"})
    assert asked.status_code == 422
    assert "The patient has another appointment at that time." in asked.content.decode()
    assert "Move all the same" in asked.content.decode()
    wanted = form | {"at": "10:10", "save": "1"}
    confirmed = read_confirmations(asked.content.decode())
    assert desk.post(address, wanted | {"at": "14:10"} | confirmed).status_code == 302, "nothing stands there"
    assert desk.post(address, wanted | {"at": "10:15"} | confirmed).status_code == 422, "another time"
    assert desk.post(address, wanted | confirmed).status_code == 302
    later.refresh_from_db()
    assert later.local_start.minute == 10


def test_before_it_is_booked_the_page_says_what_will_go_out(desk: Client) -> None:
    make_step(if_late="skip")
    form = fill_in(make_location(), contact=make_contact().pk, at="2:00 pm")
    shown = desk.post("/appointments/book/", form, headers=FRAGMENT).content.decode()
    assert "No reminder will go out" not in shown
    assert not Appointment.objects.exists()
    planned = re.search(r"<strong>(.*?)</strong>", shown)
    desk.post("/appointments/book/", form)
    due = Reminder.objects.get()
    assert planned
    assert planned[1] == day_and_clock(due.due_at.astimezone(due.appointment.location.zone))


def test_adding_a_patient_while_booking_keeps_the_day_and_the_time(desk: Client) -> None:
    place = make_location()
    form = fill_in(place)
    offered = desk.post("/appointments/book/contacts/", form | {"q": "nobody"}, headers=FRAGMENT)
    link = re.search(r'href="(/contacts/[a-z]+/[^"]+)"', offered.content.decode())
    assert link
    new = {"first_name": "Omar", "last_name": "Haddad", "number": "+12025550177", "language": "en"}
    added = desk.post(unescape(link[1]), new | {"preferred_channel": "voice"})
    assert added.status_code == 302, added.content.decode()
    page = desk.get(added["Location"]).content.decode()
    for shown in ("Omar Haddad", f'value="{form["day"]}"', 'value="10:30 am"'):
        assert shown in page


# --- moving --------------------------------------------------------------------------------------


def test_a_move_previews_its_effect_on_each_reminder(desk: Client) -> None:
    make_step(if_late="skip")
    appointment = make_appointment(starts_at=timezone.now() + timedelta(days=2))
    plan_appointments([appointment.pk])
    address = f"/appointments/{appointment.pk}/move/"
    form = fill_in(appointment.location, provider=appointment.provider_id)
    for shown in (desk.get(address, form, headers=FRAGMENT), desk.post(address, form)):
        assert "Move and re-plan 1 reminder" in shown.content.decode()
    assert Appointment.objects.get().revision == 1
    desk.post(address, {**form, "save": "1"})
    moved = Appointment.objects.get()
    assert moved.revision == 2
    assert sorted(Reminder.objects.values_list("revision", "state")) == [(1, "withdrawn"), (2, "planned")]


@pytest.mark.parametrize(
    ("open_weekdays", "button"),
    [(list(range(7)), "Save without moving"), ([], "Save all the same")],
    ids=["an open day", "a closed day"],
)
def test_changing_only_length_or_provider_moves_no_reminder(
    desk: Client, open_weekdays: list[int], button: str
) -> None:
    appointment = make_appointment(location=make_location(open_weekdays=open_weekdays))
    local = appointment.starts_at.astimezone(appointment.location.zone)
    rivera = Provider.objects.create(name="Dr. A. Rivera")
    form = {
        "location": appointment.location_id,
        "provider": rivera.pk,
        "day": local.date().isoformat(),
        "at": f"{local:%H:%M}",
        "minutes": 45,
    }
    address = f"/appointments/{appointment.pk}/move/"
    asked = desk.post(address, form).content.decode()
    assert button in asked
    desk.post(address, {**form, "save": "1", **(read_confirmations(asked) if not open_weekdays else {})})
    changed = Appointment.objects.get()
    assert (changed.revision, changed.provider) == (1, rivera)


def test_a_cancelled_appointment_can_not_be_moved(desk: Client) -> None:
    appointment = make_appointment()
    cancel_and_withdraw(appointment.pk)
    address = f"/appointments/{appointment.pk}/move/"
    assert "Book it again first" in desk.get(address).content.decode()
    form = fill_in(appointment.location, provider=appointment.provider_id, save="1")
    assert "Book it again first" in desk.post(address, form, follow=True).content.decode()
    assert Appointment.objects.get().revision == 1
