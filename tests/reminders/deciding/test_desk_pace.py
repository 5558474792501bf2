"""No more calls a minute for a location than its desk can take the callbacks of."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from contacts.models import Location
from reminders.deciding.desk_pace import find_room
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.situations import with_situation
from reminders.desk.orders import order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.lifecycle.locking import wait_briefly
from reminders.models import CallBatch, CallRecord, Reminder
from tests.people import make_contact, make_due_reminder, make_location, make_step, make_user
from tests.waiting import wait_until

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def seconds(*offsets: int) -> list[datetime]:
    return [NOON + timedelta(seconds=offset) for offset in offsets]


@pytest.mark.parametrize(
    ("why", "moments", "room_in"),
    [
        ("nobody was called", [], 0),
        ("one of two places is free", [-10], 0),
        ("both are taken, the first for 40 seconds more", [-20, -10], 40),
        ("both were taken, the first is free again", [-60, -10], 0),
        ("two wait for their turn already", [-20, -10, 40, 50], 100),
    ],
)
def test_where_there_is_room_at_two_a_minute(why: str, moments: list[int], room_in: int) -> None:
    assert find_room(seconds(*moments), 2, NOON) == NOON + timedelta(seconds=room_in), why


def make_due(count: int, location: Location, begin: int = 0) -> None:
    """Reminders that are due, each for a number of its own."""
    for place in range(begin, begin + count):
        make_due_reminder(make_contact(f"Child {place}", number=f"+120255501{place:02}"), location=location)


def look() -> list[CallRecord]:
    claim = claim_due(100)
    return open_calls(claim.reminder_ids, claim.token)


def let_pass(passed: timedelta) -> None:
    """As if all had happened so much earlier; what is due stays due."""
    CallRecord.objects.update(submitting_at=F("submitting_at") - passed)
    Reminder.objects.filter(state="planned").update(next_look_at=F("next_look_at") - passed)


def turns() -> list[float]:
    """How many seconds after the last call each reminder that waits has its turn."""
    last = CallRecord.objects.latest("submitting_at").submitting_at
    waiting = Reminder.objects.filter(state="planned", reason="desk_pace").order_by("next_look_at")
    return [(turn - last).total_seconds() for turn in waiting.values_list("next_look_at", flat=True)]


@pytest.fixture
def desk(db: None) -> Location:
    """A location that may call two a minute."""
    return make_location(calls_per_minute=2)


def test_what_is_too_much_for_the_desk_is_spread_over_the_next_minutes(desk: Location) -> None:
    make_due(7, desk)
    assert len(look()) == 2
    assert turns() == [60, 60, 120, 120, 180]


def test_a_campaign_takes_no_more_than_the_desk_does(desk: Location) -> None:
    make_due(4, desk)
    claim = claim_due(100)
    assert len(open_calls(claim.reminder_ids, claim.token, CallBatch.objects.create())) == 2
    assert turns() == [60, 60]


def test_whose_turn_has_come_goes_before_those_that_fall_due_only_then(desk: Location) -> None:
    make_due(4, desk)
    look()
    waiting = set(Reminder.objects.filter(reason="desk_pace").values_list("pk", flat=True))
    let_pass(timedelta(seconds=61))
    make_due(3, desk, begin=4)
    Reminder.objects.filter(state="planned").exclude(pk__in=waiting).update(
        due_at=F("due_at") - timedelta(hours=1)
    )
    assert {call.reminder_id for call in look()} == waiting
    assert turns() == [60, 60, 120]


def test_those_that_fall_due_later_wait_behind_those_that_wait_already(desk: Location) -> None:
    make_due(5, desk)
    look()
    let_pass(timedelta(seconds=5))
    make_due(2, desk, begin=5)
    assert look() == []
    assert turns() == [60, 60, 120, 120, 180]


def test_the_next_minute_has_room_again(desk: Location) -> None:
    make_due(2, desk)
    look()
    let_pass(timedelta(seconds=61))
    make_due(2, desk, begin=2)
    assert len(look()) == 2


def test_what_never_rang_takes_nobodys_turn(desk: Location) -> None:
    make_due(2, desk)
    look()
    CallRecord.objects.update(state="not_sent")
    make_due(2, desk, begin=2)
    assert len(look()) == 2


def test_other_locations_are_not_held_up(desk: Location) -> None:
    make_due(2, desk)
    look()
    make_due(2, make_location("Uptown"), begin=2)
    assert len(look()) == 2


def test_text_messages_are_not_paced(desk: Location) -> None:
    make_step(channel="sms")
    make_due(3, desk)
    assert [call.channel for call in look()] == ["sms"] * 3


def test_a_person_may_order_a_call_whatever_the_pace(desk: Location) -> None:
    make_due(3, desk)
    look()
    [waiting] = Reminder.objects.filter(reason="desk_pace")
    order_call(waiting.pk, by=make_user())
    assert [call.reminder_id for call in look()] == [waiting.pk]


def test_the_page_says_when_its_turn_is(desk: Location) -> None:
    make_due(3, desk)
    look()
    [waiting] = with_situation(Reminder.objects.filter(reason="desk_pace"))
    told = explain_reminder(waiting, timezone.now())
    turn = waiting.next_look_at.astimezone(desk.zone)
    assert (told.reason, told.moment) == ("desk_pace", waiting.next_look_at)
    assert told.sentence.startswith("Its turn is at ")
    assert f"{turn:%-H:%M}," in told.sentence


def somebody_waits() -> bool:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as watcher:
        return watcher.execute(WAITING).fetchone() != (0,)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_do_not_fill_the_same_minute() -> None:
    make_due(4, make_location(calls_per_minute=2))
    claims = [claim_due(2), claim_due(2)]
    opened: list[int] = []

    def work() -> None:
        opened.append(len(open_calls(claims[1].reminder_ids, claims[1].token)))
        connection.close()

    with transaction.atomic():
        assert len(open_calls(claims[0].reminder_ids, claims[0].token)) == 2
        other = Thread(target=work)
        other.start()
        wait_until(somebody_waits, "the other worker to wait for the location")
    other.join()
    assert opened == [0]
    assert turns() == [60, 60]


@pytest.mark.django_db(transaction=True)
def test_a_long_plan_or_edit_of_a_paced_location_keeps_no_call_waiting() -> None:
    location = make_location(calls_per_minute=10)
    make_due_reminder(location=location)
    claim = claim_due(10)
    with psycopg.connect(**connection.get_connection_params()) as editor, wait_briefly():
        editor.execute("SELECT FROM contacts_location WHERE id = %s FOR UPDATE", [location.pk])
        assert len(open_calls(claim.reminder_ids, claim.token)) == 1
        editor.rollback()
