"""Events that are stored at the same time are applied together, with the same result as one by one."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DataError
from pytest_django import DjangoAssertNumQueries

from contacts.database.saving import Changes, SavedTwice, save_rows
from contacts.models import Appointment, PhoneNumber
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord, FollowUp, Reminder
from reminders.models.calls import make_public_id
from reminders.traffic.callback_urls import ACCOUNT_CALLBACK, Callback
from tests.people import SARAH, make_contact, make_due_reminder, make_step
from webhooks.applying import apply_event, apply_events
from webhooks.inbox import store_event
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

ROUND_TRIPS = 21  # of a group, with savepoint and release, in a test; six account for visits
NUMBERS = [f"+120255501{ending:02}" for ending in range(40, 52)]


def open_many(count: int, **step: Any) -> list[CallRecord]:
    """Calls to this many people, each at a number of their own."""
    make_step(**step)
    for number in NUMBERS[:count]:
        make_due_reminder(make_contact(f"Patient {number[-2:]}", number=number))
    claim = claim_due(count)
    calls = open_calls(claim.reminder_ids, claim.token)
    assert len(calls) == count
    return calls


def store(call: CallRecord, event: str, purpose: str = "status", **fields: Any) -> int:
    body = {"event": event, "to": call.number.e164, "timestamp": "2026-01-01T10:30:45Z", **fields}
    return store_raw(Callback("c", call.public_id, purpose), json.dumps(body).encode())


def store_raw(callback: Callback, body: bytes) -> int:
    event_id = store_event(callback, body, "application/json")
    assert event_id is not None
    return event_id


def store_one_of_each(calls: Sequence[CallRecord]) -> list[int]:
    """An event of each kind, each for another call; one of the calls gets two."""
    answered: dict[str, Any] = {"status": "answered", "amd_result": "human", "duration_seconds": 28}
    return [
        store(calls[0], "call.completed", dtmf_response="1", **answered),
        store(calls[1], "call.completed", dtmf_response="2", **answered),
        store(calls[2], "call.completed", dtmf_response="5", **answered),
        store(calls[3], "call.completed", **answered),
        store(calls[4], "call.voicemail", status="voicemail", amd_result="machine"),
        store(calls[5], "call.no_answer", status="no_answer"),
        store(calls[6], "call.failed", status="failed", reason="invalid_number"),
        store(calls[7], "call.failed", status="failed", reason="busy"),
        store(calls[8], "contact.optout", channel="voice"),
        store(calls[9], "call.dtmf", "key-1", digit="1"),
        store(calls[9], "call.completed", dtmf_response="1", **answered),
        store(calls[10], "call.completed", dtmf_response="12", **answered),
    ]


def read_end_state() -> list[Any]:
    """All that events change, without the times at which it was written."""
    unlike = ("id", "created_at", "updated_at", "resolved_at", "due_at")
    states: list[Any] = [
        list(WebhookEvent.objects.order_by("pk").values_list("state", "kind", "attempts", "call_id")),
        list(Appointment.objects.order_by("pk").values_list("answer", "answered_at", "answered_how")),
        list(PhoneNumber.objects.order_by("pk").values_list("voice_opted_out_at", "unusable_since")),
    ]
    for model in (CallRecord, Reminder, FollowUp):
        columns = [field.attname for field in model._meta.concrete_fields if field.name not in unlike]
        order = ("appointment", "kind") if model is FollowUp else ("pk",)  # a group's are opened together
        states.append(list(model._default_manager.order_by(*order).values_list(*columns)))
    stories = [
        list(appointment.changes.values_list("what", "how", "at"))
        for appointment in Appointment.objects.order_by("pk")
    ]
    return [*states, [[line for line in story if line[0] != "booked"] for story in stories]]


@pytest.mark.parametrize("max_tries", [1, 3])
def test_events_applied_together_end_in_the_same_state_as_one_by_one(max_tries: int) -> None:
    """(product rule 14)"""
    calls = open_many(11, max_tries=max_tries)
    ids = store_one_of_each(calls)
    with transaction.atomic():
        assert {apply_event(event_id) for event_id in ids} == {"applied"}
        one_by_one = read_end_state()
        transaction.set_rollback(True)
    assert set(apply_events(ids).values()) == {"applied"}
    assert read_end_state() == one_by_one
    kinds = set(FollowUp.objects.values_list("kind", flat=True))
    # a voicemail is not tried again, so that nothing more goes out to that patient
    assert {"wants_another_time", "unclear_answer", "wrong_number", "could_not_reach"} <= kinds


def open_another_for(call: CallRecord) -> CallRecord:
    """A call for another step about the same appointment, like one submitted some time ago."""
    reminder = Reminder.objects.get(pk=call.reminder_id)
    reminder.pk, reminder.step = None, make_step()
    reminder.save(force_insert=True)
    another = CallRecord.objects.get(pk=call.pk)
    another.pk, another.public_id, another.reminder = None, make_public_id(), reminder
    another.save(force_insert=True)
    return another


def test_of_two_answers_in_a_group_about_one_appointment_the_later_stands() -> None:
    [call] = open_many(1)
    call.submitting_at = datetime(2026, 1, 1, 10, tzinfo=UTC)
    call.save()
    later, earlier = "2026-01-01T10:40:00Z", "2026-01-01T10:20:00Z"
    answered = {"status": "answered", "amd_result": "human"}
    ids = [
        store(call, "call.completed", dtmf_response="1", **{**answered, "timestamp": later}),
        store(
            open_another_for(call), "call.completed", dtmf_response="2", **{**answered, "timestamp": earlier}
        ),
    ]
    assert set(apply_events(ids).values()) == {"applied"}
    assert Appointment.objects.get().is_confirmed


def test_a_call_recorded_as_not_sent_counts_as_a_try_when_its_event_is_in_a_group() -> None:
    first, second = open_many(2, max_tries=1)
    CallRecord.objects.filter(pk=first.pk).update(state="not_sent")
    Reminder.objects.filter(pk=first.reminder_id).update(state="planned")
    ids = [store(call, "call.no_answer", status="no_answer") for call in (first, second)]
    assert set(apply_events(ids).values()) == {"applied"}
    assert set(Reminder.objects.values_list("state", flat=True)) == {"done"}


def test_a_group_costs_as_many_queries_as_one_event(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    calls = open_many(9)
    answered = {"status": "answered", "dtmf_response": "1"}
    ids = [store(call, "call.completed", **answered) for call in calls]
    with django_assert_max_num_queries(ROUND_TRIPS):
        assert set(apply_events(ids).values()) == {"applied"}
    assert all(appointment.is_confirmed for appointment in Appointment.objects.all())


def test_an_unreadable_or_misaddressed_event_does_not_affect_its_group() -> None:
    good, foreign, other = open_many(3)
    ids = [
        store(good, "call.completed", status="answered", dtmf_response="1"),
        store_raw(Callback("c", other.public_id, "status"), b"<html>"),
        store(foreign, "call.completed", status="answered", dtmf_response="1", to=SARAH),
    ]
    assert list(apply_events(ids).values()) == ["applied", "quarantined", "quarantined"]
    assert [appointment.is_confirmed for appointment in Appointment.objects.order_by("pk")] == [
        True,
        False,
        False,
    ]


def test_an_event_that_fails_keeps_its_error_and_the_rest_of_its_group_is_applied() -> None:
    calls = open_many(3)
    ids = [
        store(call, "call.completed", status="answered", dtmf_response=key)
        for call, key in zip(calls, "121", strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE reminders_callrecord ADD CONSTRAINT broken CHECK (key_pressed <> '2')")
    assert apply_events(ids) == dict(zip(ids, ["applied", "failed", "applied"], strict=True))
    assert "CheckViolation" in WebhookEvent.objects.get(pk=ids[1]).error
    assert [appointment.is_confirmed for appointment in Appointment.objects.order_by("pk")] == [
        True,
        False,
        True,
    ]


def test_events_of_a_campaign_and_of_the_account_are_applied_in_a_group() -> None:
    make_step()
    for number in NUMBERS[:2]:
        make_due_reminder(make_contact(number=number))
    claim = claim_due(2)
    batch = CallBatch.objects.create()
    open_calls(claim.reminder_ids, claim.token, batch)
    bodies = [
        {"event": "call.completed", "to": number, "status": "answered", "dtmf_response": "1"}
        for number in NUMBERS[:2]
    ]
    ids = [store_raw(Callback("b", batch.public_id, "status"), json.dumps(body).encode()) for body in bodies]
    ids.append(
        store_raw(ACCOUNT_CALLBACK, json.dumps({"event": "contact.optout", "to": NUMBERS[5]}).encode())
    )
    assert set(apply_events(ids).values()) == {"applied"}
    assert all(appointment.is_confirmed for appointment in Appointment.objects.all())
    assert PhoneNumber.objects.get(e164=NUMBERS[5]).voice_opted_out_at is not None


def test_rows_saved_together_have_the_same_values_as_saved_one_by_one() -> None:
    first, second = open_many(2)
    first.keys, first.ended_at, first.duration_seconds = (
        [["2026-01-01T10:30:45+00:00", "1"]],
        first.submitting_at,
        28,
    )
    second.keys, second.reason = [], 'quotes " \\ and {braces}, NULL'
    save_rows([first, second])
    for call in (first, second):
        stored = CallRecord.objects.get(pk=call.pk)
        assert all(
            getattr(stored, f.attname) == getattr(call, f.attname) for f in CallRecord._meta.concrete_fields
        )


def test_a_value_that_is_too_long_is_refused_rather_than_cut() -> None:
    [call] = open_many(1)
    call.reason = "x" * 201
    with pytest.raises(DataError), transaction.atomic():
        save_rows([call], ["reason"])


def test_changes_are_written_once_they_are_complete() -> None:
    [call] = open_many(1)
    changes = Changes()
    call.reason = "the first"
    changes.save(call, ["reason"])
    call.reason = "the last"
    changes.save(call, ["reason"])
    assert CallRecord.objects.get().reason == ""
    changes.write()
    assert CallRecord.objects.get().reason == "the last"


def test_saving_one_row_as_two_objects_or_with_different_fields_is_refused() -> None:
    [call] = open_many(1)
    changes = Changes()
    changes.save(call, ["reason"])
    for row, fields in ((CallRecord.objects.get(), ["reason"]), (call, ["reason", "keys"])):
        with pytest.raises(SavedTwice):
            changes.save(row, fields)


def book_household(*names: str) -> CallRecord:
    """A call for visits of several people who share a number."""
    for name in names:
        make_due_reminder(make_contact(name, number=NUMBERS[-1]))
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    assert call.companions.count() == len(names) - 1
    return call


def test_a_households_event_is_applied_in_the_group(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    others = open_many(3)
    household = book_household("Anna", "Ben", "Carl")
    answered = {"status": "answered", "dtmf_response": "1"}
    ids = [store(call, "call.completed", **answered) for call in (*others, household)]
    with django_assert_max_num_queries(ROUND_TRIPS + 12):
        assert set(apply_events(ids).values()) == {"applied"}
    assert [visit.is_confirmed for visit in Appointment.objects.all()] == [True] * 6


def test_events_that_change_an_outcome_are_applied_in_the_group(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    calls = open_many(6, max_tries=1)
    assert set(apply_events([store(call, "call.no_answer") for call in calls]).values()) == {"applied"}
    assert FollowUp.objects.filter(kind="could_not_reach").exclude(state="resolved").count() == 6
    answered = {"status": "answered", "dtmf_response": "1"}
    ids = [store(call, "call.completed", **answered) for call in calls]
    with django_assert_max_num_queries(ROUND_TRIPS + 12):
        assert set(apply_events(ids).values()) == {"applied"}
    assert not FollowUp.objects.exclude(state="resolved").exists()
