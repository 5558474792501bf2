"""The caps on calls and texts to one number, over all campaigns and channels, by the location's clock.

(product rule 21)
"""

from datetime import UTC, date, datetime, timedelta
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from contacts.models import Appointment, Contact, Location, PhoneNumber
from contacts.models.people import Channel
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.number_caps import Caps, NumberUse, find_free_day, read_use
from reminders.deciding.situations import with_situation
from reminders.desk.orders import order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallCompanion, CallRecord, FollowUp, Reminder, Step
from reminders.planning.planner import plan_all
from reminders.wording.scripts import caller_id, channel_of
from tests.people import (
    SARAH,
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_script,
    make_step,
    make_user,
)
from tests.waiting import wait_until

TODAY = date(2026, 12, 10)
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def days_ago(*days: int) -> list[date]:
    return [TODAY - timedelta(days=ago) for ago in days]


MOMENT = datetime(2026, 12, 10, 5, tzinfo=UTC)


@given(
    hours=st.lists(st.integers(-24, 24 * 8), max_size=6),
    zone=st.sampled_from(["America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"]),
    per_day=st.integers(0, 3),
    per_week=st.integers(0, 4),
)
def test_whoever_is_capped_may_be_capped(hours: list[int], zone: str, per_day: int, per_week: int) -> None:
    """And whoever may be is, unless a call was to others of the household."""
    location = Location(pk=1, time_zone=zone)
    visit = Appointment(pk=5, location=location, starts_at=MOMENT + timedelta(days=2), revision=1)
    reminder = Reminder(appointment=visit, step=Step(pk=3), revision=1)
    use = NumberUse()
    for ago in hours:
        use.add(MOMENT - timedelta(hours=ago), Channel.VOICE, [reminder])
    with override_settings(CAP_PER_DAY=per_day, CAP_PER_WEEK=per_week):
        is_capped = use.capped_until(reminder, MOMENT) is not None
        assert use.may_be_capped(MOMENT, ZoneInfo(zone)) == is_capped


@pytest.mark.parametrize(
    ("why", "calls", "caps", "in_days"),
    [
        ("nobody called", [], Caps(1, 3), 0),
        ("one call today", [0], Caps(1, 3), 1),
        ("one call today of two", [0], Caps(2, 3), 0),
        ("one call yesterday", [1], Caps(1, 3), 0),
        ("three calls in three days", [1, 2, 3], Caps(1, 3), 4),
        ("the first of three has just left the week", [2, 3, 7], Caps(1, 3), 0),
        ("the first of three leaves the week tomorrow", [2, 3, 6], Caps(1, 3), 1),
        ("three calls today", [0, 0, 0], Caps(3, 3), 7),
        ("the day is full, the week has no cap", [0, 0, 0], Caps(1, 0), 1),
        ("the week is full, the day has no cap", [0, 0, 0], Caps(0, 3), 7),
        ("no caps", [0, 0, 0, 1, 1], Caps(0, 0), 0),
    ],
)  # fmt: skip
def test_the_first_day_with_room_for_a_call(why: str, calls: list[int], caps: Caps, in_days: int) -> None:
    assert find_free_day(days_ago(*calls), TODAY, caps) == TODAY + timedelta(days=in_days), why


def capped_until(called_at: datetime, zone: str, moment: datetime) -> datetime | None:
    """Until when the cap holds a reminder after one call to its number, by the clock of that zone."""
    appointment = Appointment(pk=1, location=Location(pk=1, time_zone=zone), starts_at=moment)
    reminder = Reminder(appointment=appointment, step_id=1, revision=1)
    use = NumberUse()
    use.add(called_at, "voice", [reminder])
    return use.capped_until(reminder, moment)


@pytest.mark.parametrize(
    ("called_at", "until"),
    [
        # 0:30 in New York; Tuesday's call in UTC is Monday's there
        (datetime(2026, 12, 1, 4, 30, tzinfo=UTC), None),
        (datetime(2026, 12, 1, 5, 30, tzinfo=UTC), datetime(2026, 12, 2, 5, 0, tzinfo=UTC)),
    ],
)
def test_a_day_is_a_calendar_day_of_the_location(
    called_at: datetime, until: datetime | None, settings: Settings
) -> None:
    settings.CAP_PER_DAY, settings.CAP_PER_WEEK = 1, 3
    now = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
    assert capped_until(called_at, "America/New_York", now) == until


def test_the_next_day_begins_at_its_first_moment_even_when_the_clock_is_changed(settings: Settings) -> None:
    settings.CAP_PER_DAY = 1
    called_at = datetime(2026, 9, 5, 15, 0, tzinfo=UTC)  # midnight of the 6th doesn't exist in Santiago
    until = capped_until(called_at, "America/Santiago", called_at)
    assert until == datetime(2026, 9, 6, 4, 0, tzinfo=UTC)


def make_call(
    reminder: Reminder, state: str = "answered", *, ago: timedelta = timedelta(minutes=5)
) -> CallRecord:
    """A call of the reminder that was submitted this long ago."""
    text = reminder.step.script.texts.get()
    number = reminder.appointment.contact.phone
    assert number is not None
    return CallRecord.objects.create(
        reminder=reminder,
        number=number,
        channel=channel_of(reminder),
        try_number=reminder.calls.count() + 1,
        from_number=caller_id(reminder.appointment.location),
        script_text=text,
        text=text.text,
        state=state,
        submitting_at=timezone.now() - ago,
    )


def make_other_reminder(**step: object) -> Reminder:
    """Another due reminder for the same appointment, of another campaign's step."""
    before = list(Reminder.objects.values_list("pk", flat=True))
    make_step(make_campaign("Other campaign"), **step)
    plan_all()
    return Reminder.objects.exclude(pk__in=before).get()


def open_and_read(reminder: Reminder) -> str:
    """Open what is due; the reminder's state and reason then."""
    claim = claim_due(10)
    open_calls(claim.reminder_ids, claim.token)
    reminder.refresh_from_db()
    return f"{reminder.state} {reminder.reason}".strip()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("answered", "skipped held_by_cap"),
        ("voicemail", "skipped held_by_cap"),
        ("delivered", "skipped held_by_cap"),
        ("abandoned", "skipped held_by_cap"),
        ("submitted", "planned held_by_cap"),
        ("unknown", "planned held_by_cap"),
        ("overdue", "planned held_by_cap"),
        ("no_answer", "in_progress"),
        ("failed", "in_progress"),
        ("not_sent", "in_progress"),
        ("rejected", "in_progress"),
    ],
)
def test_calls_that_may_have_reached_somebody_count(state: str, found: str) -> None:
    first = make_due_reminder()
    second = make_other_reminder()
    make_call(first, state)
    Reminder.objects.filter(pk=first.pk).update(state="done")
    assert open_and_read(second) == found


@pytest.mark.django_db
def test_a_reminder_over_the_cap_is_missed_and_on_the_worklist() -> None:
    make_call(make_due_reminder())
    Reminder.objects.update(state="done")
    brother = make_due_reminder(make_contact("Elias", number=SARAH), location=make_location("Uptown"))
    assert open_and_read(brother) == "missed held_by_cap"
    entry = FollowUp.objects.get()
    assert (entry.kind, entry.appointment) == ("missed", brother.appointment)
    assert entry.reason == "held_by_cap"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "found"), [("no_answer", "in_progress"), ("answered", "missed held_by_cap")]
)
def test_a_reminder_over_the_cap_waits_for_the_result_of_an_open_call(state: str, found: str) -> None:
    call = make_call(make_due_reminder(), "submitted")
    Reminder.objects.update(state="done")
    brother = make_due_reminder(make_contact("Elias", number=SARAH), location=make_location("Uptown"))
    assert open_and_read(brother) == "planned held_by_cap", (
        "today is its only day, and the open call may have reached nobody"
    )
    assert brother.next_look_at <= timezone.now() + timedelta(minutes=5)
    CallRecord.objects.filter(pk=call.pk).update(state=state)
    Reminder.objects.filter(pk=brother.pk).update(next_look_at=timezone.now())
    assert open_and_read(brother) == found


@pytest.mark.django_db
def test_a_reminder_over_the_cap_is_missed_a_few_minutes_before_its_last_moment() -> None:
    make_call(make_due_reminder(), "submitted")
    Reminder.objects.update(state="done")
    brother = make_due_reminder(make_contact("Elias", number=SARAH), location=make_location("Uptown"))
    Reminder.objects.filter(pk=brother.pk).update(not_after=timezone.now() + timedelta(minutes=4))
    assert open_and_read(brother) == "missed held_by_cap"


@pytest.mark.django_db
def test_an_open_call_does_not_matter_when_the_others_are_enough_for_the_cap(settings: Settings) -> None:
    settings.CAP_PER_DAY = 1
    first = make_due_reminder()
    make_call(first, "answered")
    make_call(first, "submitted")
    Reminder.objects.update(state="done")
    brother = make_due_reminder(make_contact("Elias", number=SARAH), location=make_location("Uptown"))
    assert open_and_read(brother) == "missed held_by_cap", "the answered one alone is enough"


@pytest.mark.django_db
def test_the_seventh_appointment_of_a_household_is_called_too(settings: Settings) -> None:
    settings.CAP_PER_DAY = 1
    for index in range(7):
        starts_at = timezone.now() + timedelta(hours=3, minutes=index)
        make_due_reminder(make_contact(f"Child {index}", number=SARAH), starts_at=starts_at)
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    assert call.companions.count() == 5
    CallRecord.objects.update(state="answered", submitting_at=timezone.now() - timedelta(minutes=3))
    [last] = Reminder.objects.exclude(state="in_progress")
    Reminder.objects.filter(pk=last.pk).update(state="planned", next_look_at=timezone.now())
    assert open_and_read(last) == "in_progress"


@pytest.mark.django_db
def test_texts_to_a_household_that_are_too_long_together_are_all_sent(settings: Settings) -> None:
    settings.CAP_PER_DAY = 1
    make_step(channel="sms", script=make_script("{FIRST_NAME}, " + "come and see us. " * 7 + "{APPT_TIME}"))
    for name in ("Anna", "Ben"):
        make_due_reminder(make_contact(name, number=SARAH))
    for _ in range(2):
        claim = claim_due(10)
        [call] = open_calls(claim.reminder_ids, claim.token)
        assert call.companions.count() == 0
        CallRecord.objects.update(state="delivered")
        Reminder.objects.filter(state="planned").update(next_look_at=timezone.now())
    assert CallRecord.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("campaign", "in_hours", "found"),
    [
        ("Reminders", 3, "in_progress"),
        ("Reminders", 27, "missed held_by_cap"),
        ("Other campaign", 3, "missed held_by_cap"),
    ],
)
def test_a_call_to_a_relative_counts_unless_it_was_for_the_same_day_and_step(
    settings: Settings, campaign: str, in_hours: int, found: str
) -> None:
    settings.CAP_PER_DAY = 1
    make_step(make_campaign())
    make_step(make_campaign("Other campaign"))
    make_due_reminder_of_each(make_contact(), starts_at=timezone.now() + timedelta(hours=in_hours))
    make_call(Reminder.objects.get(step__campaign__name=campaign))
    Reminder.objects.update(state="done")
    make_due_reminder_of_each(make_contact("Elias", number=SARAH))
    brother = Reminder.objects.get(state="planned", step__campaign__name="Reminders")
    Reminder.objects.exclude(pk=brother.pk).update(state="done")
    assert open_and_read(brother) == found


def make_due_reminder_of_each(contact: Contact, **booking: Any) -> None:
    """An appointment with a reminder of every step."""
    make_appointment(contact, **booking)
    plan_all()


@pytest.mark.django_db
def test_a_reminder_over_the_cap_is_skipped_when_a_relatives_call_mentioned_its_appointment() -> None:
    first = make_due_reminder()
    brother = make_due_reminder(make_contact("Elias", number=SARAH))
    CallCompanion.objects.create(call=make_call(first), reminder=brother)
    Reminder.objects.update(state="done")
    plan_all()
    make_step(make_campaign("Other campaign"))
    plan_all()
    second = Reminder.objects.get(appointment=brother.appointment, state="planned")
    assert open_and_read(second) == "skipped held_by_cap"
    assert not FollowUp.objects.filter(kind="missed").exists()


@pytest.mark.django_db
def test_a_reminder_waits_for_the_first_day_with_room_and_the_page_says_until_when() -> None:
    """(product rule 18)"""
    make_step(elapsed=timedelta(days=10))
    reminder = make_due_reminder(starts_at=timezone.now() + timedelta(days=9))
    for days in (1, 2, 3):
        call = make_call(reminder, "voicemail", ago=timedelta(days=days))
    location = reminder.appointment.location
    first_day = (timezone.now().astimezone(location.zone) + timedelta(days=4)).date()
    assert open_and_read(reminder) == "planned held_by_cap"
    [seen] = with_situation(Reminder.objects.all())
    use = read_use([call.number_id], timezone.now())[call.number_id]
    explanation = explain_reminder(seen, timezone.now(), use=use)
    assert explanation.moment is not None
    until = explanation.moment.astimezone(location.zone)
    assert (until.date(), until.time()) == (first_day, location.calling_opens)
    assert explanation.sentence == (
        f"This number has had enough calls for now; it waits until {until:%a, %b {until.day}}, 8:00 am."
    )


@pytest.mark.django_db
def test_a_held_reminder_is_called_soon_after_the_call_that_counted_reached_nobody() -> None:
    make_step(elapsed=timedelta(days=10))
    call = make_call(make_due_reminder(starts_at=timezone.now() + timedelta(days=9)), "submitted")
    Reminder.objects.update(state="done")
    other = make_other_reminder(elapsed=timedelta(days=10))
    assert open_and_read(other) == "planned held_by_cap"
    assert other.next_look_at <= timezone.now() + timedelta(minutes=5)
    CallRecord.objects.filter(pk=call.pk).update(state="no_answer")
    Reminder.objects.filter(pk=other.pk).update(next_look_at=timezone.now())
    assert open_and_read(other) == "in_progress"


@pytest.mark.django_db
def test_a_page_applies_the_cap_to_a_reminder_that_is_due_later_today() -> None:
    make_call(make_due_reminder())
    later = make_other_reminder(elapsed=timedelta(hours=1))
    [seen] = with_situation(Reminder.objects.filter(pk=later.pk))
    number = seen.appointment.contact.phone
    assert number is not None
    now = timezone.now()
    assert explain_reminder(seen, now).reason == "not_due_yet"
    explanation = explain_reminder(seen, now, use=read_use([number.pk], now)[number.pk])
    assert (explanation.verdict, explanation.reason, explanation.moment) == ("skip", "held_by_cap", None)


@pytest.mark.django_db
def test_a_person_may_order_a_call_beyond_the_cap() -> None:
    reminder = make_due_reminder()
    make_call(reminder)
    order_call(reminder.pk, by=make_user())
    assert open_and_read(reminder) == "in_progress"


@pytest.mark.django_db
def test_without_caps_a_number_is_called_again(settings: Settings) -> None:
    settings.CAP_PER_DAY = settings.CAP_PER_WEEK = 0
    make_call(make_due_reminder())
    Reminder.objects.update(state="done")
    assert open_and_read(make_other_reminder()) == "in_progress"


@pytest.mark.django_db
def test_of_two_due_texts_to_one_number_only_the_first_is_sent() -> None:
    make_step(channel="sms")
    first = make_due_reminder()
    second = make_other_reminder(channel="sms")
    assert open_and_read(first) == "in_progress"
    second.refresh_from_db()
    assert (second.state, second.reason) == ("planned", "held_by_cap"), "the first may reach nobody"


@pytest.mark.django_db
def test_two_due_texts_to_one_number_are_sent_one_after_the_other_even_without_caps(
    settings: Settings,
) -> None:
    settings.CAP_PER_DAY = settings.CAP_PER_WEEK = 0
    make_step(channel="sms")
    first = make_due_reminder()
    second = make_other_reminder(channel="sms")
    assert open_and_read(first) == "in_progress"
    second.refresh_from_db()
    assert second.state == "planned"
    assert open_and_read(second) == "in_progress"


def a_lock_is_awaited() -> bool:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as watcher:
        return watcher.execute(WAITING).fetchone() != (0,)


@pytest.mark.django_db(transaction=True)
def test_the_cap_holds_between_two_workers_at_once() -> None:
    make_step(channel="sms")
    first = make_due_reminder()
    make_due_reminder(
        make_contact("Elias", number=SARAH), starts_at=first.appointment.starts_at + timedelta(days=1)
    )
    Reminder.objects.update(next_look_at=timezone.now(), due_at=timezone.now())
    claims = [claim_due(1), claim_due(1)]
    opened: list[int] = []

    def work() -> None:
        opened.append(len(open_calls(claims[1].reminder_ids, claims[1].token)))
        connection.close()

    with transaction.atomic():
        assert len(open_calls(claims[0].reminder_ids, claims[0].token)) == 1
        other = Thread(target=work)
        other.start()
        wait_until(a_lock_is_awaited, "the other worker to wait for the number")
    other.join()
    assert opened == [0]
    assert PhoneNumber.objects.get().calls.count() == 1
    assert set(Reminder.objects.values_list("state", "reason")) == {
        ("in_progress", ""),
        ("planned", "held_by_cap"),
    }
