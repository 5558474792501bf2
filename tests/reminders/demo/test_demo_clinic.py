"""The demo clinic has calls due now, whenever it is created, and an example of everything."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.db import transaction
from django.db.models import Count, F
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    ImportBatch,
    Location,
    PhoneNumber,
    Provider,
)
from contacts.numbers import parse_number
from reminders.deciding.situations import read_reminder_facts, with_situation
from reminders.demo.clinic import build_demo_clinic
from reminders.demo.zones import choose_zone, is_mid_morning
from reminders.models import CallRecord, Campaign, FollowUp, Reminder
from reminders.rules.decide import Verdict, decide
from reminders.rules.states import OUTCOMES_BY_STRENGTH, CallState, ReminderState
from reminders.sandbox.scenarios import Scenario, find_scripted_scenario

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
MOMENTS = [
    pytest.param(datetime(2026, 7, 1, 0, 30, tzinfo=UTC), id="half past midnight"),
    pytest.param(datetime(2026, 9, 13, 11, 59, tzinfo=UTC), id="a Sunday before noon"),
    pytest.param(datetime(2026, 12, 31, 23, 45, tzinfo=UTC), id="the last minutes of a year"),
    pytest.param(datetime(2026, 3, 8, 14, 20, tzinfo=UTC), id="the day US clocks jump forward"),
    pytest.param(datetime(2026, 11, 1, 15, 5, 30, tzinfo=UTC), id="the day US clocks go back"),
    pytest.param(datetime(2028, 2, 29, 5, 0, tzinfo=UTC), id="a leap day, on the full hour"),
    pytest.param(datetime(2026, 5, 4, 15, 29, 59, tzinfo=UTC), id="the end of mid-morning"),
]


@pytest.fixture(scope="module", params=MOMENTS)
def now(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[datetime]:
    """The time at which the clinic was created, once for all tests here, which only read."""
    moment: datetime = request.param
    with django_db_blocker.unblock(), time_machine.travel(moment, tick=False), transaction.atomic():
        with override_settings(DEBUG=True):
            build_demo_clinic(moment)
        yield moment
        transaction.set_rollback(True)


def list_due(now: datetime) -> list[Reminder]:
    """The reminders that a worker would call at `now`, according to decide()."""
    planned = with_situation(Reminder.objects.filter(state=ReminderState.PLANNED, next_look_at__lte=now))
    found = [read_reminder_facts(reminder, sending_paused=False) for reminder in planned]
    return [facts.reminder for facts in found if decide(facts.situation, now).verdict == Verdict.CALL]


def start_of_day(now: datetime) -> datetime:
    local = now.astimezone(Location.objects.get(name="Downtown").zone)
    return local.replace(hour=0, minute=0, second=0)


def list_today(now: datetime) -> list[Appointment]:
    midnight = start_of_day(now)
    return list(Appointment.objects.filter(starts_at__range=(midnight, midnight + timedelta(hours=23))))


# --- calls that are due now and soon --------------------------------------------------------------------


def test_there_is_always_a_zone_where_it_is_mid_morning() -> None:
    midnight = datetime(2026, 3, 8, tzinfo=UTC)
    moments = [midnight + quarter * 15 * MINUTE for quarter in range(4 * 24)]
    assert all(is_mid_morning(moment, choose_zone(moment)) for moment in moments)


def test_it_is_mid_morning_at_both_locations(now: datetime) -> None:
    clocks = [now.astimezone(location.zone).time() for location in Location.objects.all()]
    assert len(clocks) == 2
    assert all(time(9, 30) <= clock <= time(11, 30) for clock in clocks)


def test_calls_for_appointments_of_today_are_due_at_once(now: datetime) -> None:
    due = list_due(now + MINUTE)
    assert 6 <= len(due) <= 12
    assert sum(reminder.appointment in list_today(now) for reminder in due) >= 6
    assert {reminder.appointment.contact.language for reminder in due} == {"en", "es", "fr"}


def test_only_appointments_imported_now_have_overdue_reminders(now: datetime) -> None:
    overdue = Reminder.objects.filter(state=ReminderState.PLANNED, due_at__lt=now, try_after=None)
    assert all(reminder.appointment.revised_at == now for reminder in overdue.select_related("appointment"))


def test_calls_fall_due_in_each_quarter_of_the_next_hour(now: datetime) -> None:
    pending = Reminder.objects.filter(state=ReminderState.PLANNED)
    for quarter in range(4):
        window = (now + quarter * 15 * MINUTE, now + (quarter + 1) * 15 * MINUTE)
        assert pending.filter(next_look_at__range=window).count() >= 3


def test_one_reminder_waits_for_another_try(now: datetime) -> None:
    again = Reminder.objects.get(state=ReminderState.PLANNED, try_after__isnull=False)
    assert again.try_after is not None
    assert now < again.try_after < min(again.not_after, now + timedelta(hours=1))
    assert again.calls.get().state == CallState.NO_ANSWER


# --- an example of everything ------------------------------------------------------------------


def test_the_clinic_has_the_expected_size(now: datetime) -> None:
    assert Provider.objects.count() == 3
    assert Appointment.objects.filter(starts_at__gte=start_of_day(now)).count() >= 100
    assert 25 <= len(list_today(now)) <= 40
    assert Appointment.objects.filter(starts_at__gt=now + timedelta(days=13)).exists()
    assert set(Contact.objects.values_list("language", flat=True)) == {"en", "es", "fr"}
    assert Campaign.objects.filter(state=Campaign.State.ACTIVE).count() == 1
    assert Campaign.objects.filter(state=Campaign.State.DRAFT).exists()


def test_the_appointments_of_a_provider_do_not_overlap(now: datetime) -> None:
    booked = Appointment.objects.exclude(status="cancelled").order_by("provider", "starts_at")
    rows = list(booked.values_list("provider", "starts_at", "ends_at"))
    clashes = [b for a, b in itertools.pairwise(rows) if a[0] == b[0] and b[1] < a[2]]
    assert clashes == []


def test_no_patient_has_two_appointments_on_one_day(now: datetime) -> None:
    zone = Location.objects.get(name="Downtown").zone
    starts = Appointment.objects.exclude(status="cancelled").values_list("contact", "starts_at")
    days = [(contact, moment.astimezone(zone).date()) for contact, moment in starts]
    assert len(days) == len(set(days))


def test_each_family_shares_a_number_and_has_appointments_on_one_day(now: datetime) -> None:
    shared = PhoneNumber.objects.annotate(people=Count("contacts")).filter(people__gte=3)
    assert shared.count() == 2
    families = {a.contact.phone_id for a in list_today(now) if a.contact.phone in shared}
    assert len(families) == 1
    assert sum(a.contact.phone_id in families for a in list_today(now)) == 3


def test_today_has_an_opted_out_an_unusable_and_a_missing_number(now: datetime) -> None:
    phones = [appointment.contact.phone for appointment in list_today(now)]
    assert phones.count(None) == 1
    assert sum(phone is not None and phone.unusable_since is not None for phone in phones) == 1
    opted_out = [phone for phone in phones if phone is not None and phone.voice_opted_out_at is not None]
    assert len(opted_out) == 1
    assert opted_out[0].consent_entries.get().source == "key"


def test_the_numbers_of_today_cover_every_scenario_of_the_sandbox(now: datetime) -> None:
    numbers = {a.contact.phone.e164 for a in list_today(now) if a.contact.phone}
    assert {find_scripted_scenario(number) for number in numbers} == {*Scenario, None}


def test_all_other_numbers_are_reserved_for_fiction(now: datetime) -> None:
    numbers = set(PhoneNumber.objects.values_list("e164", flat=True))
    ordinary = {number for number in numbers if not find_scripted_scenario(number)}
    assert all(number[5:10] == "55501" for number in ordinary)
    assert all(parse_number(number, "US").e164 == number for number in numbers)


def test_the_past_week_has_outcomes_of_every_kind(now: datetime) -> None:
    calls = CallRecord.objects.filter(submitting_at__lt=now)
    assert set(calls.values_list("state", flat=True)) == set(OUTCOMES_BY_STRENGTH)
    assert {"1", "2", "9"} <= set(calls.values_list("key_pressed", flat=True))
    assert Appointment.objects.filter(starts_at__lt=now, status="no_show").exists()
    assert AppointmentChange.objects.filter(what="moved").exists()
    assert Appointment.objects.filter(starts_at__gt=now, status="cancelled").exists()
    assert ImportBatch.objects.count() == 1


def test_the_worklist_has_open_and_resolved_follow_ups(now: datetime) -> None:
    still_open = FollowUp.objects.filter(state=FollowUp.State.OPEN)
    assert {follow_up.kind for follow_up in still_open} == {"wants_another_time", "wrong_number"}
    assert still_open.filter(due_at__gt=now).count() == still_open.count() == 2
    assert FollowUp.objects.filter(state=FollowUp.State.RESOLVED).exists()


# --- the past follows the rules ----------------------------------------------


def test_every_call_was_within_calling_hours_and_has_ended(now: datetime) -> None:
    for call in CallRecord.objects.filter(channel="voice").select_related("reminder__appointment__location"):
        location = call.reminder.appointment.location
        assert (
            location.calling_opens
            <= call.submitting_at.astimezone(location.zone).time()
            < location.calling_closes
        )
        assert call.reminder.due_at <= call.submitting_at < call.reminder.not_after
    assert not CallRecord.objects.filter(ended_at__gt=now).exists()


def test_no_call_was_made_after_a_confirmation_or_an_opt_out(now: datetime) -> None:
    after_answer = CallRecord.objects.filter(
        submitting_at__gt=F("reminder__appointment__answered_at"), reminder__appointment__answer="confirmed"
    )
    assert not after_answer.exists()
    assert not CallRecord.objects.filter(submitting_at__gt=F("number__voice_opted_out_at")).exists()


def test_done_reminders_have_a_call_and_missed_or_skipped_ones_have_none(now: datetime) -> None:
    reminders = Reminder.objects.annotate(tries=Count("calls"))
    assert not reminders.filter(state=ReminderState.DONE, tries=0).exists()
    assert not reminders.filter(state__in=[ReminderState.MISSED, ReminderState.SKIPPED], tries__gt=0).exists()
    assert not reminders.exclude(state__in=ReminderState.values).exists()


def test_every_message_has_its_variables_filled_in(now: datetime) -> None:
    texts = CallRecord.objects.values_list("text", flat=True)
    assert texts
    assert not [text for text in texts if "{" in text]


def test_only_a_text_that_follows_calls_has_a_channel_of_its_own(now: datetime) -> None:
    own = Reminder.objects.exclude(channel="")
    assert not own.filter(step__channel="sms").exists()
    assert own.filter(channel="voice").count() == 0
