"""The worklist: follow-ups for staff, and resolving them."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.appointments import cancel_appointment
from contacts.clock_habits import write_clock
from contacts.models.people import Channel
from reminders.models import CallRecord, FollowUp, FollowUpDeed, Reminder
from reminders.pages.worklist import SHOWN
from reminders.rules.states import CallState, ReminderState
from reminders.traffic.switch import pause_sending
from tests.people import make_appointment, make_contact, make_due_reminder, make_location, make_user

pytestmark = pytest.mark.django_db
Kind = FollowUp.Kind


@pytest.fixture
def rosa() -> User:
    return make_user("rosa")


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


def read(client: Client, address: str = "/worklist/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def make_follow_up(kind: str = Kind.MISSED, *, due_at: datetime | None = None, **fields: Any) -> FollowUp:
    appointment = fields.pop("appointment", None) or make_appointment()
    return FollowUp.objects.create(
        kind=kind,
        contact=appointment.contact,
        appointment=appointment,
        due_at=due_at or timezone.now() + timedelta(hours=1),
        **fields,
    )


def make_unknown_call() -> FollowUp:
    """A follow-up about a call that Robotalker may or may not have accepted."""
    reminder = make_due_reminder()
    Reminder.objects.update(state=ReminderState.IN_PROGRESS)
    call = CallRecord.objects.create(
        reminder=reminder,
        number_id=reminder.appointment.contact.phone_id or 0,
        channel=Channel.VOICE,
        try_number=1,
        from_number="+18005550199",
        script_text=reminder.step.script.texts.get(),
        text="Hello",
        state=CallState.UNKNOWN,
        submitting_at=timezone.now(),
    )
    return make_follow_up(
        Kind.UNKNOWN_OUTCOME, appointment=reminder.appointment, reminder=reminder, call=call
    )


SENTENCES = [
    (Kind.WANTS_ANOTHER_TIME, "asked for another time instead of", "Find another time"),
    (Kind.COULD_NOT_REACH, "could not be reached about", "Left message"),
    (Kind.UNKNOWN_OUTCOME, "may or may not have been called about", "Call again"),
    (Kind.WRONG_NUMBER, "there is no working number", "Correct the number"),
    (Kind.LATE_ANSWER, "answered a call about an old time", "Left message"),
    (Kind.UNCLEAR_ANSWER, "but the answer was not understood", "Left message"),
    (Kind.MISSED, "was not reminded of", "Left message"),
    (Kind.NOTHING_FOLLOWS, "nothing more will be sent", "Left message"),
    (Kind.OTHER_PROVIDER, "was told another provider's name", "Left message"),
    (Kind.MAY_WANT_TO_CANCEL, "may want to cancel", "Left message"),
    (Kind.DOUBTFUL_OPT_OUT, "may not want any more calls or text messages", "Left message"),
    (Kind.VISIT_CHANGED, "does not know yet", "Left message"),
    (Kind.EVENT_KEPT_BACK, "that can't be relied on", "Left message"),
]


def test_there_is_a_sentence_for_every_kind() -> None:
    assert {kind for kind, _, _ in SENTENCES} == set(Kind)


@pytest.mark.parametrize(("kind", "happened", "button"), SENTENCES)
def test_each_follow_up_says_who_what_happened_and_what_to_do(
    desk: Client, kind: str, happened: str, button: str
) -> None:
    tokyo = make_location(time_zone="Asia/Tokyo")
    appointment = make_appointment(location=tokyo)
    make_follow_up(kind, appointment=appointment)
    page = read(desk).replace("&#x27;", "'")
    assert "Sarah Lindqvist" in page
    assert happened in page
    assert button in page
    assert write_clock(appointment.starts_at.astimezone(tokyo.zone)) in page  # the location's clock


@pytest.mark.parametrize(
    ("language", "happened", "why", "wrong"),
    [
        ("en", "has not said whether they come", "They picked up and pressed no key.", "There is no answer"),
        ("es", "no ha dicho si viene", "Contestó y no oprimió ninguna tecla.", "No hay respuesta"),
    ],
)
def test_whoever_picked_up_and_pressed_no_key_is_said_to_have_done_that(
    desk: Client, language: str, happened: str, why: str, wrong: str
) -> None:
    follow_up = make_unknown_call()
    CallRecord.objects.update(state=CallState.ANSWERED)
    FollowUp.objects.update(kind=Kind.NOTHING_FOLLOWS, reason="reached")
    desk.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    worklist, visit = read(desk), read(desk, f"/appointments/{follow_up.appointment_id}/")
    assert happened in worklist
    assert wrong not in worklist
    for page in (worklist, visit):
        assert why.rstrip(".") in page
        assert "The call was answered" not in page


def test_follow_ups_are_ordered_by_due_time_and_late_ones_are_marked(desk: Client) -> None:
    now = timezone.now()
    later = make_follow_up(Kind.MISSED, due_at=now + timedelta(hours=2))
    late = make_follow_up(
        Kind.WANTS_ANOTHER_TIME,
        due_at=now - timedelta(hours=1),
        appointment=make_appointment(make_contact("Omar", number="+12025550101")),
    )
    page = read(desk)
    assert page.index(f"follow-up-{late.pk}") < page.index(f"follow-up-{later.pk}")
    assert page.count("follow-up-late") == 1


def test_those_of_one_number_are_one_entry_that_names_all_and_is_settled_once(desk: Client) -> None:
    mia = make_follow_up(Kind.MISSED, appointment=make_appointment(make_contact("Mia")))
    make_follow_up(Kind.COULD_NOT_REACH, appointment=make_appointment(make_contact("Leo")))
    page = read(desk)
    assert page.count('id="follow-up-') == 1
    assert "Mia Lindqvist was not reminded" in page
    assert "Leo Lindqvist could not be reached" in page
    assert "All <strong>1</strong>" in page
    [seen] = {one for one in re.findall('name="seen" value="([0-9,]+)"', page) if "," in one}
    desk.post(f"/worklist/{mia.pk}/resolve/", {"how": "done", "note": "spoke to both", "seen": seen})
    assert set(FollowUp.objects.values_list("state", "note")) == {("resolved", "spoke to both")}


@pytest.mark.parametrize("seen", ["", "nonsense", "0", "9" * 40, ",,"])
def test_a_damaged_list_of_what_was_seen_fails_no_request(desk: Client, seen: str) -> None:
    follow_up = make_follow_up()
    assert desk.post(f"/worklist/{follow_up.pk}/resolve/", {"how": "done", "seen": seen}).status_code == 302
    follow_up.refresh_from_db()
    assert follow_up.state == "resolved"


def test_assigning_the_entry_assigns_all_of_it(desk: Client, rosa: User) -> None:
    mia = make_follow_up(Kind.MISSED, appointment=make_appointment(make_contact("Mia")))
    make_follow_up(Kind.MISSED, appointment=make_appointment(make_contact("Leo")))
    desk.post(f"/worklist/{mia.pk}/take/")
    assert set(FollowUp.objects.values_list("state", "taken_by")) == {("taken", rosa.pk)}


def test_resolved_follow_ups_are_not_shown_and_an_empty_list_says_so(desk: Client) -> None:
    make_follow_up(state=FollowUp.State.RESOLVED)
    assert "Nothing to do" in read(desk)


def test_the_counts_filter_by_kind(desk: Client) -> None:
    missed = make_follow_up(Kind.MISSED)
    other = make_contact("Omar", number="+12025550101")
    wish = make_follow_up(Kind.WANTS_ANOTHER_TIME, appointment=make_appointment(other))
    page = read(desk, "/worklist/?kind=missed")
    assert f"follow-up-{missed.pk}" in page
    assert f"follow-up-{wish.pk}" not in page
    assert "All <strong>2</strong>" in page


def test_an_unknown_kind_is_ignored(desk: Client) -> None:
    follow_up = make_follow_up()
    assert f"follow-up-{follow_up.pk}" in read(desk, "/worklist/?kind=%00nonsense")


def test_a_very_long_list_shows_those_due_first_and_how_many_more_there_are(desk: Client) -> None:
    appointments = [make_appointment(make_contact(number=None)) for _ in range(SHOWN + 1)]
    FollowUp.objects.bulk_create(
        FollowUp(kind=Kind.MISSED, contact=one.contact, appointment=one, due_at=timezone.now())
        for one in appointments
    )
    page = read(desk)
    assert page.count('id="follow-up-') == SHOWN
    assert "1 more is due later." in page


def test_the_list_needs_as_many_queries_for_thirty_follow_ups_as_for_two(
    desk: Client, rosa: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for index in range(2):
        make_follow_up(appointment=make_appointment(make_contact(f"A{index}")), taken_by=rosa, state="taken")
    with CaptureQueriesContext(connection) as queries:
        read(desk)
    for index in range(28):
        appointment = make_appointment(make_contact(f"B{index}", number=f"+1202555{index:04d}"))
        colleague = User.objects.create(username=f"user{index}")
        make_follow_up(appointment=appointment, taken_by=colleague, state="taken")
    with django_assert_num_queries(len(queries)):
        read(desk)


def test_a_follow_up_shows_that_its_appointment_was_cancelled_or_has_passed(desk: Client) -> None:
    follow_up = make_follow_up()
    cancel_appointment(follow_up.appointment_id or 0)
    assert "The appointment has been cancelled since." in read(desk)


def test_everybody_sees_to_whom_a_follow_up_is_assigned(desk: Client, rosa: User) -> None:
    follow_up = make_follow_up()
    answer = desk.post(f"/worklist/{follow_up.pk}/take/", {"kind": "missed"})
    [deed] = FollowUpDeed.objects.all()
    assert answer["Location"] == f"/worklist/?kind=missed&did={deed.act}"
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.taken_by) == ("taken", rosa)
    colleague = Client()
    colleague.force_login(make_user("omar"))
    assert "rosa since " in read(colleague)


def test_resolving_stores_the_note_of_what_was_done(desk: Client, rosa: User) -> None:
    follow_up = make_follow_up()
    desk.post(f"/worklist/{follow_up.pk}/resolve/", {"how": "done", "note": " called, she comes \x00"})
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.resolution) == ("resolved", "done")
    assert (follow_up.note, follow_up.resolved_by) == ("called, she comes", rosa)


def test_a_follow_up_that_a_colleague_has_resolved_is_not_resolved_again(desk: Client, rosa: User) -> None:
    follow_up = make_follow_up(
        state=FollowUp.State.RESOLVED,
        note="done by Omar",
        resolved_by=make_user("omar"),
        resolved_at=timezone.now(),
        resolution="left_message",
    )
    page = desk.post(f"/worklist/{follow_up.pk}/resolve/", {"how": "done", "note": "mine"}, follow=True)
    said = "omar closed this at "
    assert said in page.content.decode()
    assert "A message was left for them." in page.content.decode()
    follow_up.refresh_from_db()
    assert follow_up.note == "done by Omar"


def test_an_unknown_call_can_be_closed_without_another_call(desk: Client) -> None:
    follow_up = make_unknown_call()
    desk.post(f"/worklist/{follow_up.pk}/settle/", {"call_again": "no"})
    assert CallRecord.objects.get().state == CallState.ABANDONED
    assert Reminder.objects.get().state == ReminderState.DONE
    assert "Nothing to do" in read(desk)


def test_a_follow_up_about_an_unknown_call_has_no_done_button(desk: Client) -> None:
    follow_up = make_unknown_call()
    assert f"/worklist/{follow_up.pk}/resolve/" not in read(desk)


def test_an_unknown_call_can_be_ordered_again_by_a_person(desk: Client, rosa: User) -> None:
    follow_up = make_unknown_call()
    desk.post(f"/worklist/{follow_up.pk}/settle/", {"call_again": "yes"})
    reminder = Reminder.objects.get()
    assert CallRecord.objects.get().state == CallState.ABANDONED
    assert (reminder.state, reminder.ordered_by) == (ReminderState.PLANNED, rosa)


def test_a_refused_order_shows_the_reason_and_keeps_the_follow_up(desk: Client) -> None:
    follow_up = make_unknown_call()
    pause_sending()
    page = desk.post(f"/worklist/{follow_up.pk}/settle/", {"call_again": "yes"}, follow=True)
    assert "All sending is paused." in page.content.decode()
    follow_up.refresh_from_db()
    assert follow_up.state == FollowUp.State.OPEN
    assert CallRecord.objects.get().state == CallState.UNKNOWN


def test_a_due_time_today_is_shown_without_the_day(desk: Client) -> None:
    location = make_location()  # it is noon there
    due_at = timezone.now() + timedelta(hours=1)
    make_follow_up(due_at=due_at, appointment=make_appointment(location=location))
    assert f"due {write_clock(due_at.astimezone(location.zone))}<" in read(desk)


@pytest.mark.parametrize("action", ["take", "resolve", "settle", "hand-on", "snooze", "wake", "note"])
def test_actions_require_a_post_and_an_existing_follow_up(desk: Client, action: str) -> None:
    assert desk.get(f"/worklist/1/{action}/").status_code == 405
    said = {"how": "done", "call_again": "no"}
    assert desk.post(f"/worklist/424242/{action}/", said).status_code == 404


@pytest.mark.parametrize("action", ["resolve", "settle"])
def test_a_form_that_lost_its_button_ends_nothing(desk: Client, action: str) -> None:
    """A browser that sends it without the pressed button would else do the first thing that came to mind."""
    follow_up = make_follow_up()
    assert desk.post(f"/worklist/{follow_up.pk}/{action}/").status_code == 400
    follow_up.refresh_from_db()
    assert follow_up.state == "open"
