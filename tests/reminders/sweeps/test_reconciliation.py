"""What reconciliation finds in the database: lost submissions, overdue events, missed reminders."""

from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from psycopg import sql

from contacts.models import Appointment
from reminders.desk.worklist import AlreadyResolved
from reminders.desk.worklist_endings import resolve_unknown_outcome
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.lifecycle.locking import lock_call, wait_briefly
from reminders.models import CallRecord, FollowUp, Reminder, SendingSwitch
from reminders.results.outcomes import fold_event
from reminders.results.post_results import record_accepted
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.robotalker.responses import CallStatus
from reminders.sweeps.call_status import read_as_event
from reminders.sweeps.missed import miss_what_is_too_late
from reminders.sweeps.reconciliation import ask_about_unknown, reconcile
from reminders.traffic.switch import pause_sending
from reminders.views.worklist_deeds import OVERTAKEN_SAID
from tests.people import make_contact, make_due_reminder, make_user
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


def open_call(state: str, *, age: timedelta, **fields: Any) -> CallRecord:
    make_due_reminder()
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    CallRecord.objects.update(state=state, submitting_at=timezone.now() - age, **fields)
    return call


def make_late_reminder(name: str = "Sarah", number: str = "+12025550100") -> Reminder:
    reminder = make_due_reminder(make_contact(name, number=number))
    moment = timezone.now() - timedelta(minutes=1)
    Reminder.objects.filter(pk=reminder.pk).update(due_at=moment, next_look_at=moment, not_after=moment)
    return reminder


PRESSED_1 = RobotalkerEvent(kind=EventKind.CALL_COMPLETED, name="call.completed", status="answered", keys="1")
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("created_at", "duration", "ended_at", "reason"),
    [
        (NOON, 30, NOON + timedelta(seconds=30), "an answer that staff have recorded since then is kept"),
        (NOON, None, NOON, "without a length, its start is the earliest possible end"),
        (None, 30, NOON - timedelta(seconds=30), "without a start, the time when we submitted it"),
        (NOON + timedelta(hours=2), 30, NOON + timedelta(hours=1), "never in the future"),
    ],
)
def test_an_answer_is_dated_to_the_earliest_possible_end_of_the_call(
    created_at: datetime | None, duration: int | None, ended_at: datetime, reason: str
) -> None:
    status = CallStatus("cal_1", "answered", created_at=created_at, duration_seconds=duration, keys="1")
    event = read_as_event(status, NOON - timedelta(minutes=1), now=NOON + timedelta(hours=1))
    assert event.occurred_at == ended_at, reason


def test_a_submission_without_a_result_becomes_unknown() -> None:
    """(product rule 15)"""
    open_call("submitting", age=timedelta(seconds=61))
    assert reconcile().lost == 1
    assert CallRecord.objects.get().state == "unknown"


def test_a_submission_within_its_lease_is_left_alone() -> None:
    open_call("submitting", age=timedelta(seconds=50))
    assert reconcile().lost == 0


@pytest.mark.parametrize(("minutes", "overdue"), [(14, 0), (16, 1)])
def test_a_call_without_an_id_becomes_overdue_when_its_event_is(minutes: int, overdue: int) -> None:
    open_call("submitted", age=timedelta(minutes=minutes))
    assert reconcile().overdue == overdue


@pytest.mark.parametrize(
    ("state", "minutes", "asked"),
    [("unknown", 9, 0), ("unknown", 11, 1), ("overdue", 24, 0), ("overdue", 26, 1)],
)
def test_a_follow_up_is_opened_after_the_grace_time(state: str, minutes: int, asked: int) -> None:
    open_call(state, age=timedelta(minutes=minutes))
    assert reconcile().asked == asked
    assert reconcile().asked == 0, "only once"
    assert FollowUp.objects.filter(kind="unknown_outcome").count() == asked


@pytest.mark.parametrize("state", ["unknown", "overdue"])
def test_a_follow_up_is_opened_at_once_when_the_last_moment_has_passed(state: str) -> None:
    open_call(state, age=timedelta(minutes=1))
    Reminder.objects.update(not_after=timezone.now())
    assert reconcile().asked == 1


def test_a_household_gets_a_follow_up_for_each_appointment_at_its_earliest_last_moment() -> None:
    make_due_reminder(make_contact("Anna"), starts_at=timezone.now() + timedelta(hours=3))
    make_due_reminder(make_contact("Ben"), starts_at=timezone.now() + timedelta(hours=2))
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    CallRecord.objects.update(state="unknown")
    companion = call.companions.get().reminder
    Reminder.objects.filter(pk=companion.pk).update(not_after=timezone.now())
    assert reconcile(ask=False).asked == 1
    follow_ups = FollowUp.objects.filter(kind="unknown_outcome", call=call)
    by_appointment = follow_ups.order_by("appointment__starts_at").values_list(
        "appointment__contact__first_name", flat=True
    )
    assert list(by_appointment) == ["Ben", "Anna"]
    by_due_time = follow_ups.order_by("due_at").values_list("appointment__contact__first_name", flat=True)
    assert list(by_due_time) == ["Ben", "Anna"]
    assert reconcile(ask=False).asked == 0


def test_finding_calls_without_an_outcome_takes_one_query_with_a_household_too() -> None:
    def count_reads() -> int:
        with CaptureQueriesContext(connection) as queries:
            ask_about_unknown()
        return len(queries)

    alone = count_reads()
    for name in ("Anna", "Ben", "Cleo"):
        make_due_reminder(make_contact(name))
    claim = claim_due(10)
    open_calls(claim.reminder_ids, claim.token)
    CallRecord.objects.update(state="unknown")
    assert count_reads() == alone == 1


@pytest.mark.django_db(transaction=True)
def test_no_follow_up_is_opened_when_the_event_comes_at_that_moment() -> None:
    call = open_call("unknown", age=timedelta(minutes=20))
    asked: list[int] = []

    def ask() -> None:
        asked.append(ask_about_unknown())
        connection.close()

    with transaction.atomic():
        lock_call(call.pk)
        asking = Thread(target=ask)
        asking.start()
        wait_until(is_anyone_waiting_for_a_lock, "the round to wait for the call's lock")
        fold_event(call.pk, PRESSED_1, received_at=timezone.now())
    asking.join()
    assert asked == [0]
    assert not FollowUp.objects.exists()
    assert CallRecord.objects.get().state == "answered"


def is_anyone_waiting_for_a_lock() -> bool:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as watcher:
        return watcher.execute(waiting).fetchone() != (0,)


def test_the_follow_up_of_an_unknown_call_is_resolved_when_it_is_answered_after_all() -> None:
    call = open_call("unknown", age=timedelta(minutes=20))
    assert ask_about_unknown() == 1
    record_accepted({call.pk: "cal_1"})
    assert CallRecord.objects.get().state == "submitted"
    fold_event(call.pk, PRESSED_1, received_at=timezone.now())
    assert (CallRecord.objects.get().state, FollowUp.objects.get().state) == ("answered", "resolved")


def test_call_again_orders_no_call_when_robotalker_has_reported_meanwhile(client: Client) -> None:
    call = open_call("unknown", age=timedelta(minutes=20))
    ask_about_unknown()
    follow_up = FollowUp.objects.get()
    record_accepted({call.pk: "cal_1"})
    client.force_login(make_user())
    answer = client.post(reverse("settle_follow_up", args=[follow_up.pk]), {"call_again": "yes"}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [str(OVERTAKEN_SAID)]
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.resolution) == ("resolved", "overtaken")
    reminder = Reminder.objects.get()
    assert (reminder.state, reminder.ordered_by) == ("in_progress", None)
    CallRecord.objects.update(state="overdue", submitting_at=timezone.now() - timedelta(minutes=30))
    assert ask_about_unknown() == 1, "no report came after all"


def test_settling_one_follow_up_of_a_household_settles_the_call_for_all_of_them() -> None:
    for name in ("Anna", "Ben"):
        make_due_reminder(make_contact(name))
    claim = claim_due(10)
    open_calls(claim.reminder_ids, claim.token)
    CallRecord.objects.update(state="unknown", submitting_at=timezone.now() - timedelta(minutes=20))
    ask_about_unknown()
    companions_follow_up = FollowUp.objects.get(reminder__companion_calls__isnull=False)
    rosa = make_user()
    resolve_unknown_outcome(companions_follow_up.pk, by=rosa, call_again=True)
    assert set(FollowUp.objects.values_list("state", "resolution", "resolved_by")) == {
        ("resolved", "called_again", rosa.pk)
    }
    assert set(Reminder.objects.values_list("state", "ordered_by")) == {("planned", rosa.pk)}
    assert CallRecord.objects.get().state == "abandoned"
    with pytest.raises(AlreadyResolved):
        resolve_unknown_outcome(
            FollowUp.objects.exclude(pk=companions_follow_up.pk).get().pk, by=rosa, call_again=True
        )


def test_a_late_reminder_is_missed_even_when_no_dispatcher_runs() -> None:
    """(product rule 4)"""
    reminder = make_late_reminder()
    assert reconcile().missed == 1
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("missed", "too_late")
    assert FollowUp.objects.get().kind == "missed"
    assert reconcile().missed == 0


def test_a_late_reminder_is_missed_even_while_sending_is_paused_and_the_gate_is_closed() -> None:
    """(product rule 4)"""
    make_late_reminder()
    pause_sending(by=make_user())
    SendingSwitch.objects.update(gate_until=timezone.now() + timedelta(hours=1))
    assert reconcile().missed == 1


def test_a_late_reminder_whose_worker_was_lost_is_missed() -> None:
    """(product rule 4)"""
    make_late_reminder()
    claim_due(10)
    Reminder.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    report = reconcile()
    assert (report.released, report.missed) == (1, 1)


def test_a_late_reminder_for_a_cancelled_appointment_is_skipped_and_not_missed() -> None:
    reminder = make_late_reminder()
    Appointment.objects.update(status="cancelled")
    reconcile()
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("skipped", "cancelled")
    assert not FollowUp.objects.exists()


def test_a_reminder_with_time_left_is_not_missed() -> None:
    make_due_reminder()
    assert reconcile().missed == 0


@pytest.mark.parametrize("table", ["contacts_appointment", "contacts_phonenumber", "reminders_reminder"])
@pytest.mark.django_db(transaction=True)
def test_a_locked_row_is_left_for_the_next_round_without_waiting(table: str) -> None:
    make_late_reminder()
    with psycopg.connect(**connection.get_connection_params()) as worker:
        worker.execute(sql.SQL("SELECT 1 FROM {} FOR UPDATE").format(sql.Identifier(table)))
        with wait_briefly():  # if it did wait, not for ever
            assert miss_what_is_too_late(10) == 0
        worker.rollback()
    assert miss_what_is_too_late(10) == 1


def test_ten_late_reminders_take_no_more_reads_than_one_but_for_their_follow_ups() -> None:
    def count_reads() -> int:
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            miss_what_is_too_late(500)
        return sum(query["sql"].startswith("SELECT") for query in queries)

    make_late_reminder()
    one = count_reads()
    for index in range(10):
        make_late_reminder(f"Person {index}", f"+1202555{1000 + index}")
    assert count_reads() <= one + 9, "one more read for each: its follow-ups"
