"""Why a step goes out for a visit, or not: the page and the command (product rules 18, 29 and 61)."""

import re
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from contacts.appointments import move_appointment
from contacts.models import Appointment, ClosedDay, Location, PhoneNumber, Provider
from reminders.deciding.rule_words import WORDS
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import Campaign, Reminder, SendingSwitch, Step
from reminders.pages.planning_checks import NOT_PLANNED
from reminders.pages.step_explanation import StepExplanation, explain_step
from reminders.planning.planner import plan_appointments
from reminders.rules.decide import Verdict
from reminders.rules.reasons import SKIPPED_BY_PLANNING, Reason, sentence_for
from reminders.rules.rule_results import RuleResult
from tests.people import (
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_step,
    make_user,
)
from tests.reminders.pages.clinic import make_call, settle, sit_at_desk

pytestmark = pytest.mark.django_db

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def rosa() -> User:
    return make_user("rosa")


@pytest.fixture
def desk(rosa: User) -> Client:
    return sit_at_desk(rosa)


def explain(reminder: Reminder, moment: datetime | None = None) -> StepExplanation:
    return explain_step(reminder.appointment_id, reminder.step_id, moment or timezone.now())


def explain_unplanned(appointment: Appointment, step: Step) -> StepExplanation:
    assert not Reminder.objects.exists()
    return explain_step(appointment.pk, step.pk, timezone.now())


def find_deciding(explanation: StepExplanation) -> list[str]:
    lines = (*explanation.planning, *explanation.rules)
    return [line.code for line in lines if line.result == RuleResult.DECIDES]


# --- what is decided -----------------------------------------------------------------------------


def test_every_rule_is_listed_in_order_with_what_it_saw() -> None:
    explanation = explain(make_due_reminder())
    assert [line.code for line in explanation.rules] == list(WORDS)
    assert {line.result for line in explanation.rules} == {RuleResult.PASSED}
    assert explanation.sentence == "It goes out. It is due."
    assert explanation.planning == ()


def pause() -> None:
    SendingSwitch.objects.create(paused_at=timezone.now(), cause="person")


def use_up_the_cap() -> None:
    make_call(Reminder.objects.get(), "voicemail")


def close_today() -> None:
    location = Location.objects.get()
    ClosedDay.objects.create(location=location, date=timezone.now().astimezone(location.zone).date())


def cancel() -> None:
    Appointment.objects.update(status=Appointment.Status.CANCELLED)


def move_away() -> None:
    campaign = Campaign.objects.get()
    campaign.locations.add(make_location("Uptown"))


def opt_out() -> None:
    PhoneNumber.objects.update(voice_opted_out_at=timezone.now())


def pace_desk() -> None:
    make_call(Reminder.objects.get(), "failed", submitting_at=timezone.now() - timedelta(seconds=5))
    Location.objects.update(calls_per_minute=1)


def ring() -> None:
    make_call(Reminder.objects.get(), "submitted", submitting_at=timezone.now() - timedelta(seconds=5))


CHANGES: list[tuple[Any, str, Reason | None]] = [
    (lambda: None, Verdict.CALL, Reason.DUE),
    (pause, Verdict.BLOCK, Reason.SENDING_PAUSED),
    (use_up_the_cap, Verdict.SKIP, Reason.HELD_BY_CAP),
    (cancel, Verdict.SKIP, Reason.CANCELLED),
    (move_away, Verdict.SKIP, Reason.NOT_COVERED),
    (opt_out, Verdict.SKIP, Reason.OPTED_OUT),
    (pace_desk, Verdict.WAIT, Reason.DESK_PACE),
    (close_today, Verdict.MISS, Reason.TOO_LATE),
    (lambda: PhoneNumber.objects.update(consent_basis="none"), Verdict.BLOCK, Reason.NO_CONSENT),
    (lambda: Campaign.objects.update(state="paused"), Verdict.BLOCK, Reason.CAMPAIGN_PAUSED),
]


@pytest.mark.parametrize(("change", "verdict", "reason"), CHANGES)
def test_the_page_decides_as_the_dispatcher_does(change: Any, verdict: str, reason: Reason) -> None:
    reminder = make_due_reminder()
    change()
    explanation = explain(reminder)
    assert explanation.decision is not None
    assert (explanation.decision.verdict, explanation.decision.reason) == (verdict, reason)
    claim = claim_due(1)
    calls = open_calls(claim.reminder_ids, claim.token)
    reminder.refresh_from_db()
    assert bool(calls) == (verdict == Verdict.CALL)
    if not calls and reason != Reason.SENDING_PAUSED:
        assert reminder.reason == reason


def test_another_call_to_the_number_is_seen() -> None:
    reminder = make_due_reminder()
    ring()
    assert find_deciding(explain(reminder)) == ["wait_for_open_calls"]


def test_the_turn_that_a_reminder_was_given_is_kept() -> None:
    reminder = make_due_reminder()
    Location.objects.update(calls_per_minute=5)
    turn = timezone.now() + timedelta(minutes=7)
    settle(reminder, "planned", Reason.DESK_PACE, next_look_at=turn)
    explanation = explain(reminder)
    assert explanation.decision is not None
    assert explanation.decision.until == turn


def test_what_has_ended_is_told_with_its_reason_and_with_what_would_be_decided() -> None:
    reminder = make_due_reminder()
    settle(reminder, "skipped", Reason.SKIPPED_BY_PERSON)
    explanation = explain(reminder)
    assert explanation.sentence == "The reminder is skipped. A staff member decided not to send it."
    assert explanation.note == "This is what would be decided if the reminder were still planned."
    assert explanation.decision is not None
    assert explanation.decision.verdict == Verdict.CALL


def test_a_moment_before_it_is_due_or_after_its_last_moment_is_judged_as_such() -> None:
    reminder = make_due_reminder()
    early = explain(reminder, reminder.due_at - timedelta(days=1))
    late = explain(reminder, reminder.not_after)
    assert find_deciding(early) == ["wait_until_due"]
    assert find_deciding(late) == ["miss_late_reminders"]


# --- what planning says --------------------------------------------------------------------------


def test_a_step_of_a_draft_is_explained_as_if_it_were_activated() -> None:
    step = make_step(make_campaign(state="draft", activated_at=None), elapsed=timedelta(hours=1))
    explanation = explain_unplanned(make_appointment(), step)
    assert explanation.sentence == f"There is no reminder. {NOT_PLANNED['draft']}"
    assert find_deciding(explanation) == ["campaign_active", "wait_until_due"]
    assert "It is for every provider." in explanation.planning[1].seen
    assert explanation.due_at is not None


FILTERS = [
    ("other_location", lambda campaign: campaign.locations.add(make_location("Uptown"))),
    ("other_provider", lambda campaign: campaign.providers.add(Provider.objects.create(name="Dr. B. Diaz"))),
    ("other_kind", lambda campaign: Campaign.objects.update(kinds=["cleaning"])),
]


@pytest.mark.parametrize(("why", "narrow"), FILTERS)
def test_a_visit_that_the_campaign_is_not_for_is_told_which_filter_leaves_it_out(
    why: str, narrow: Any
) -> None:
    step, appointment = make_step(), make_appointment(kind="checkup")
    narrow(step.campaign)
    explanation = explain_unplanned(appointment, step)
    plan_appointments([appointment.pk])
    assert explanation.sentence == f"There is no reminder. {NOT_PLANNED[why]}"
    assert not Reminder.objects.exists(), "planning says the same"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"if_late": "skip"}, Reason.PAST_WHEN_BOOKED),
        ({"elapsed": timedelta(minutes=20)}, Reason.NEVER_IN_TIME),
        ({"elapsed": timedelta(hours=2)}, ""),
    ],
)
def test_before_planning_the_page_says_what_planning_will(fields: dict[str, Any], reason: str) -> None:
    step, appointment = make_step(**fields), make_appointment()
    before = explain_unplanned(appointment, step)
    plan_appointments([appointment.pk])
    planned = Reminder.objects.get()
    assert planned.reason == reason
    assert before.due_at == planned.due_at
    if reason:
        assert before.sentence == f"There is no reminder. {sentence_for(reason)}"
        assert reason in SKIPPED_BY_PLANNING
        after = explain(planned)
        assert after.sentence == f"The reminder is skipped. {sentence_for(reason)}"
        assert after.planning[-1].decision == sentence_for(reason)
    else:
        assert before.sentence == "It is being planned. This takes less than a minute."


def test_a_cancelled_visit_and_one_that_is_over_have_no_reminder() -> None:
    step, appointment = make_step(), make_appointment()
    over = explain_step(appointment.pk, step.pk, appointment.starts_at + timedelta(minutes=1))
    cancel()
    cancelled = explain_unplanned(appointment, step)
    assert over.sentence == f"There is no reminder. {NOT_PLANNED['over']}"
    assert cancelled.sentence == f"There is no reminder. {NOT_PLANNED['not_booked']}"


def test_a_location_that_is_never_open_has_no_time_for_a_step_by_open_days() -> None:
    step = make_step(timing_kind="open_days_before", days=1, at=time(10), elapsed=timedelta(0))
    appointment = make_appointment(location=make_location(open_weekdays=[]))
    explanation = explain_unplanned(appointment, step)
    assert explanation.sentence == f"There is no reminder. {NOT_PLANNED['no_moment']}"
    assert explanation.rules == ()


def test_a_moved_visit_is_explained_by_its_new_time() -> None:
    reminder = make_due_reminder()
    start = reminder.appointment.starts_at + timedelta(days=3)
    move_appointment(reminder.appointment_id, starts_at=start, ends_at=start + timedelta(minutes=30), by=None)
    explanation = explain(reminder)
    assert explanation.due_at == start - timedelta(hours=4)


def test_a_zone_that_does_not_exist_is_explained_and_breaks_nothing() -> None:
    reminder = make_due_reminder()
    reminder.appointment.contact.time_zone = "Mars/Olympus"
    reminder.appointment.contact.save()
    assert find_deciding(explain(reminder)) == ["wait_for_calling_hours"]


# --- the page ------------------------------------------------------------------------------------


def address_of(reminder: Reminder, query: str = "") -> str:
    return f"/appointments/{reminder.appointment_id}/why/?step={reminder.step_id}{query}"


def test_the_visits_page_leads_to_the_explanation_of_each_step(desk: Client) -> None:
    reminder = make_due_reminder()
    page = desk.get(f"/appointments/{reminder.appointment_id}/").content.decode()
    [link] = re.findall(r'href="([^"]+/why/\?step=[^"]+)"', page)
    assert link == address_of(reminder)
    answer = desk.get(link).content.decode()
    for words in ("It goes out. It is due.", "Calling hours", "passed"):
        assert words in answer
    assert 'class="check check-decides"' not in answer
    pause()
    assert 'class="check check-decides"' in desk.get(link).content.decode()


def test_a_chosen_moment_is_by_the_locations_clock(desk: Client) -> None:
    make_location(time_zone="America/New_York")
    start = datetime(2027, 3, 2, 18, 0, tzinfo=UTC)
    reminder = make_due_reminder(make_contact(time_zone="America/Denver"), starts_at=start)
    page = desk.get(address_of(reminder, "&day=2027-03-02&at=9:30")).content.decode()
    assert "Tue, Mar 2, 2027, 9:30 am" in page
    assert "by the clock of Denver: it is Tue, Mar 2, 2027, 7:30 am there, so not before" in page


ODD = [
    ("&day=2027-03-14&at=2:30+am", 422, "there is no 2:30 am"),  # the clocks skip it
    ("&day=2026-11-01&at=1:30+am", 422, "comes twice"),
    ("&day=2026-11-01&at=1:30+am&which=second", 200, "Sun, Nov 1, 1:30 am"),
    ("&day=2027-03-14", 422, "Enter both the day and the time"),
    ("&at=9:30", 422, "Enter both the day and the time"),
    ("&day=0001-01-01&at=0:00", 422, "Check the year"),
    ("&day=9999-12-31&at=23:59", 422, "Check the year"),
    ("&day=tomorrow&at=9", 422, "Enter a valid date."),
    ("&day=2027-03-02&at=%00", 422, "Enter the time like"),
    ("&day=%ed%a0%80&at=1:00", 422, "Enter a valid date."),
]


@pytest.mark.parametrize(("query", "status", "words"), ODD)
def test_odd_moments_are_asked_about_and_break_nothing(
    desk: Client, query: str, status: int, words: str
) -> None:
    make_location(time_zone="America/New_York")
    answer = desk.get(address_of(make_due_reminder(), query))
    assert answer.status_code == status
    assert words in answer.content.decode()


@pytest.mark.parametrize("step", ["", "0", "99999999999999999999999", "%00", "1' OR 1=1", "-1", "²"])
def test_a_step_that_does_not_exist_is_refused_in_words(desk: Client, step: str) -> None:
    appointment = make_due_reminder().appointment
    answer = desk.get(f"/appointments/{appointment.pk}/why/?step={step}&day=")
    assert answer.status_code == 422
    assert "hoose" in answer.content.decode()


def test_without_a_step_the_page_offers_those_with_a_reminder_first(desk: Client) -> None:
    make_step(make_campaign("A first campaign", state="draft"))
    reminder = make_due_reminder_of_another_campaign()
    page = desk.get(f"/appointments/{reminder.appointment_id}/why/").content.decode()
    assert page.index(f'value="{reminder.step_id}"') < page.index("A first campaign")


def make_due_reminder_of_another_campaign() -> Reminder:
    step = make_step(make_campaign("Reminders"))
    appointment = make_appointment()
    plan_appointments([appointment.pk])
    return Reminder.objects.get(step=step)


def test_hostile_names_are_shown_as_text(desk: Client) -> None:
    reminder = make_due_reminder()
    Campaign.objects.update(name="<script>alert(1)</script> %s %(x)s")
    Location.objects.update(name="100% <b>Downtown</b> %(when)s")
    page = desk.get(address_of(reminder)).content.decode()
    assert "<script>alert" not in page
    assert "<b>Downtown" not in page
    assert "100% &lt;b&gt;Downtown" in page


def count_queries(reminder: Reminder) -> int:
    with CaptureQueriesContext(connection) as asked:
        explain(reminder)
    return len(asked)


def test_the_explanation_needs_as_many_queries_for_much_as_for_little(settings: Settings) -> None:
    settings.CAP_PER_DAY = settings.CAP_PER_WEEK = 0
    Location.objects.all().delete()
    make_location(calls_per_minute=100)
    reminder = make_due_reminder()
    make_call(reminder, "no_answer")
    few = count_queries(reminder)
    for index in range(10):
        make_call(reminder, "voicemail")
        reminder.step.campaign.locations.add(make_location(f"Office {index}"))
        ClosedDay.objects.create(location=reminder.appointment.location, date=date(2027, 1, 1 + index))
    reminder.step.campaign.locations.add(reminder.appointment.location)
    assert count_queries(reminder) == few
    assert few <= 18


# --- the command ---------------------------------------------------------------------------------


def run(*arguments: str | int, **options: str) -> str:
    output = StringIO()
    call_command("explain", *map(str, arguments), stdout=output, **options)
    return output.getvalue()


def test_the_command_prints_the_same_without_names() -> None:
    reminder = make_due_reminder()
    pause()
    said = run(reminder.appointment_id, reminder.step_id)
    assert "It is held. All sending is paused." in said
    assert "=> What may hold it: All sending is paused." in said
    assert "   Calling hours: passed" in said
    assert "Sarah" not in said
    assert "0100" not in said
    explanation = explain(reminder)
    for line in explanation.rules:
        assert all(sentence in said for sentence in line.seen if "it is" not in sentence)


def test_the_command_takes_a_moment_by_the_locations_clock() -> None:
    make_location(time_zone="America/New_York")
    start = datetime(2027, 3, 2, 18, 0, tzinfo=UTC)
    reminder = make_due_reminder(starts_at=start)
    for at in ("2027-03-02T07:30", "2027-03-02T12:30+00:00"):
        said = run(reminder.appointment_id, reminder.step_id, at=at)
        assert "Tue, Mar 2, 2027, 7:30 am: It waits." in said


@pytest.mark.parametrize("at", ["tomorrow", "0001-01-01", "9999-12-31T23:59", "2027-13-01"])
def test_the_command_refuses_what_is_no_moment(at: str) -> None:
    reminder = make_due_reminder()
    with pytest.raises(CommandError, match="--at takes"):
        run(reminder.appointment_id, reminder.step_id, at=at)


def test_the_command_says_what_does_not_exist() -> None:
    reminder = make_due_reminder()
    with pytest.raises(CommandError, match="no visit"):
        run(4711, reminder.step_id)
    with pytest.raises(CommandError, match="no step"):
        run(reminder.appointment_id, 4711)
