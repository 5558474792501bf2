"""No more calls a minute for a location than its desk can take callbacks for (product rule 24)."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from contacts.clock_habits import write_clock
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
        ("one of two calls is left", [-10], 0),
        ("two calls in the last minute, the first 20 seconds ago", [-20, -10], 40),
        ("two calls, the first a minute ago", [-60, -10], 0),
        ("two reminders wait already", [-20, -10, 40, 50], 100),
    ],
)
def test_the_next_turn_at_two_calls_a_minute(why: str, moments: list[int], room_in: int) -> None:
    assert find_room(seconds(*moments), 2, NOON) == NOON + timedelta(seconds=room_in), why


def make_due(count: int, location: Location, begin: int = 0) -> None:
    """Reminders that are due, each for a number of its own."""
    for index in range(begin, begin + count):
        make_due_reminder(make_contact(f"Child {index}", number=f"+120255501{index:02}"), location=location)


def open_due() -> list[CallRecord]:
    claim = claim_due(100)
    return open_calls(claim.reminder_ids, claim.token)


def let_pass(passed: timedelta) -> None:
    """Move all calls and turns into the past by this; what is due stays due."""
    CallRecord.objects.update(submitting_at=F("submitting_at") - passed)
    Reminder.objects.filter(state="planned").update(next_look_at=F("next_look_at") - passed)


def turns() -> list[float]:
    """How many seconds after the last call each waiting reminder has its turn."""
    last = CallRecord.objects.latest("submitting_at").submitting_at
    waiting = Reminder.objects.filter(state="planned", reason="desk_pace").order_by("next_look_at")
    return [(turn - last).total_seconds() for turn in waiting.values_list("next_look_at", flat=True)]


@pytest.fixture
def desk(db: None) -> Location:
    """A location that may call two a minute."""
    return make_location(calls_per_minute=2)


def test_calls_over_the_limit_are_spread_over_the_next_minutes(desk: Location) -> None:
    make_due(7, desk)
    assert len(open_due()) == 2
    assert turns() == [60, 60, 120, 120, 180]


def test_a_campaign_keeps_to_the_limit_too(desk: Location) -> None:
    make_due(4, desk)
    claim = claim_due(100)
    assert len(open_calls(claim.reminder_ids, claim.token, CallBatch.objects.create())) == 2
    assert turns() == [60, 60]


def test_a_reminder_whose_turn_has_come_goes_before_those_that_are_due_since(desk: Location) -> None:
    make_due(4, desk)
    open_due()
    waiting = set(Reminder.objects.filter(reason="desk_pace").values_list("pk", flat=True))
    let_pass(timedelta(seconds=61))
    make_due(3, desk, begin=4)
    Reminder.objects.filter(state="planned").exclude(pk__in=waiting).update(
        due_at=F("due_at") - timedelta(hours=1)
    )
    assert {call.reminder_id for call in open_due()} == waiting
    assert turns() == [60, 60, 120]


def test_a_reminder_whose_turn_has_come_does_not_wait_behind_later_turns(desk: Location) -> None:
    make_due(5, desk)
    open_due()
    let_pass(timedelta(seconds=61))
    for _ in range(2):
        claim = claim_due(1)
        assert len(open_calls(claim.reminder_ids, claim.token)) == 1


def test_reminders_due_later_get_turns_after_those_that_wait_already(desk: Location) -> None:
    make_due(5, desk)
    open_due()
    let_pass(timedelta(seconds=5))
    make_due(2, desk, begin=5)
    assert open_due() == []
    assert turns() == [60, 60, 120, 120, 180]


def test_calls_are_made_again_after_a_minute(desk: Location) -> None:
    make_due(2, desk)
    open_due()
    let_pass(timedelta(seconds=61))
    make_due(2, desk, begin=2)
    assert len(open_due()) == 2


def test_a_call_that_was_not_sent_does_not_count(desk: Location) -> None:
    make_due(2, desk)
    open_due()
    CallRecord.objects.update(state="not_sent")
    make_due(2, desk, begin=2)
    assert len(open_due()) == 2


def test_other_locations_are_not_limited(desk: Location) -> None:
    make_due(2, desk)
    open_due()
    make_due(2, make_location("Uptown"), begin=2)
    assert len(open_due()) == 2


def test_texts_are_not_limited(desk: Location) -> None:
    make_step(channel="sms")
    make_due(3, desk)
    assert [call.channel for call in open_due()] == ["sms"] * 3


def test_a_person_may_order_a_call_beyond_the_limit(desk: Location) -> None:
    make_due(3, desk)
    open_due()
    [waiting] = Reminder.objects.filter(reason="desk_pace")
    order_call(waiting.pk, by=make_user())
    assert [call.reminder_id for call in open_due()] == [waiting.pk]


def test_the_page_says_when_the_turn_is(desk: Location) -> None:
    make_due(3, desk)
    open_due()
    [waiting] = with_situation(Reminder.objects.filter(reason="desk_pace"))
    explanation = explain_reminder(waiting, timezone.now())
    turn = waiting.next_look_at.astimezone(desk.zone)
    assert (explanation.reason, explanation.moment) == ("desk_pace", waiting.next_look_at)
    assert explanation.sentence.startswith("Its turn is at ")
    assert f"{write_clock(turn)}," in explanation.sentence


def a_lock_is_awaited() -> bool:
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
        wait_until(a_lock_is_awaited, "the other worker to wait for the location")
    other.join()
    assert opened == [0]
    assert turns() == [60, 60]


@pytest.mark.django_db(transaction=True)
def test_a_locked_location_row_keeps_no_call_waiting() -> None:
    location = make_location(calls_per_minute=10)
    make_due_reminder(location=location)
    claim = claim_due(10)
    with psycopg.connect(**connection.get_connection_params()) as editor, wait_briefly():
        editor.execute("SELECT FROM contacts_location WHERE id = %s FOR UPDATE", [location.pk])
        assert len(open_calls(claim.reminder_ids, claim.token)) == 1
        editor.rollback()
