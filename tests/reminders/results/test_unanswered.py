"""When nothing more will go out and there is no answer, it stands on the worklist (product rule 57)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks

from contacts.database.clock import read_database_clock
from contacts.models import Appointment, PhoneNumber
from contacts.optouts import record_optout
from contacts.people import change_phone
from reminders.deciding.visits import find_upcoming, read_visits
from reminders.desk.bookings import (
    cancel_and_withdraw,
    confirm_by_staff,
    move_and_replan,
    record_visit,
)
from reminders.desk.orders import order_call, skip_reminder
from reminders.desk.worklist_endings import resolve_follow_up
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, FollowUp, Reminder, Step
from reminders.pages.story import read_story
from reminders.pages.worklist import count_entries, read_index, read_worklist_entries
from reminders.planning.planner import plan_all, plan_appointments
from reminders.results import unanswered
from reminders.results.outcomes import fold_event
from reminders.results.unanswered import account_for_all
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.rules.visit_standings import VisitStanding
from tests.people import (
    make_appointment,
    make_contact,
    make_due_reminder,
    make_number,
    make_script,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db

NO_ANSWER = EventKind.CALL_NO_ANSWER
VOICEMAIL = EventKind.CALL_VOICEMAIL
ANSWERED = EventKind.CALL_COMPLETED
DELIVERED = EventKind.SMS_DELIVERED


@pytest.fixture
def rosa() -> User:
    return make_user("rosa")


def place_call(kind: EventKind = NO_ANSWER, **event: object) -> CallRecord:
    """Everything that is planned is due now: one call goes out, and ends so."""
    Reminder.objects.filter(state="planned").update(next_look_at=timezone.now(), try_after=None)
    claim = claim_due(10)
    [call, *_] = open_calls(claim.reminder_ids, claim.token)
    status = "answered" if kind == ANSWERED else None
    report = RobotalkerEvent(kind=kind, name=str(kind), status=status, **event)  # type: ignore[arg-type]
    fold_event(call.pk, report, received_at=timezone.now())
    return call


def make_unreached(first_name: str = "Sarah", **booking: object) -> Reminder:
    """A visit whose only reminder reached nobody, after its only try."""
    if not Step.objects.exists():
        make_step(max_tries=1)
    reminder = make_due_reminder(make_contact(first_name), **booking)
    place_call()
    return reminder


def read_open() -> list[tuple[str, str]]:
    rows = FollowUp.objects.exclude(state="resolved").order_by("pk")
    return [(row.kind, row.contact.first_name if row.contact else "") for row in rows]


def read_standing() -> VisitStanding:
    plan_all()
    [visit] = read_visits(find_upcoming(timezone.now()), timezone.now())
    return visit.standing


def test_of_a_number_that_can_not_be_reached_every_visit_is_on_the_worklist_at_once(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_step(max_tries=1)
    make_due_reminder(make_contact())
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    ahead = timezone.now() + timedelta(hours=27)
    make_appointment(make_contact("Noah"), starts_at=ahead)
    make_appointment(make_contact("Mia", number="+12025550101"), starts_at=ahead)
    plan_all()
    failed = RobotalkerEvent(kind=EventKind.CALL_FAILED, name="call.failed", reason="invalid_number")
    with django_capture_on_commit_callbacks(execute=True):
        fold_event(call.pk, failed, received_at=timezone.now())
    assert read_open() == [("wrong_number", "Sarah"), ("wrong_number", "Noah")]


# --- it opens ---------------------------------------------------------------------------------------


def test_two_tries_without_an_answer_and_the_last_step_skipped_by_the_cap(settings: Settings) -> None:
    settings.CAP_PER_DAY, settings.CAP_PER_WEEK = 1, 3
    step = make_step(max_tries=2, retry_voicemail=True, retry_wait=timedelta(minutes=1))
    make_step(step.campaign, elapsed=timedelta(hours=3, minutes=30), max_tries=1)
    make_appointment()
    plan_all()
    Reminder.objects.exclude(step=step).update(next_look_at=timezone.now() + timedelta(hours=1))
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    fold_event(call.pk, RobotalkerEvent(kind=VOICEMAIL, name="call.voicemail"), received_at=timezone.now())
    assert read_open() == []  # there is another try, and another step
    for _ in range(2):
        Reminder.objects.filter(state="planned").update(next_look_at=timezone.now(), try_after=None)
        claim = claim_due(10)
        open_calls(claim.reminder_ids, claim.token)
    assert set(Reminder.objects.values_list("state", "reason")) == {("skipped", "held_by_cap")}
    assert [kind for kind, _ in read_open()] == ["nothing_follows"]


def test_two_voicemails_and_nothing_left() -> None:
    make_step(max_tries=2, retry_voicemail=True, retry_wait=timedelta(minutes=1))
    make_due_reminder()
    place_call(VOICEMAIL)
    assert read_open() == []
    CallRecord.objects.update(submitting_at=timezone.now() - timedelta(days=9))  # outside the cap's week
    place_call(VOICEMAIL)
    assert read_open() == [("could_not_reach", "Sarah")]


@pytest.mark.parametrize(
    ("channel", "kind", "opened"),
    [
        ("voice", NO_ANSWER, "could_not_reach"),
        ("voice", VOICEMAIL, "could_not_reach"),
        ("voice", EventKind.CALL_FAILED, "could_not_reach"),
        ("voice", ANSWERED, "nothing_follows"),
        ("sms", DELIVERED, "nothing_follows"),
        ("sms", EventKind.SMS_FAILED, "could_not_reach"),
    ],
)
def test_each_last_outcome_without_an_answer_opens_one(channel: str, kind: EventKind, opened: str) -> None:
    make_step(max_tries=1, channel=channel)
    make_due_reminder()
    call = place_call(kind)
    follow_up = FollowUp.objects.get()
    assert (follow_up.kind, follow_up.call) == (opened, call)
    assert read_standing() == VisitStanding.ON_WORKLIST


@pytest.mark.parametrize(
    ("preference", "opted_out", "kind", "opened"),
    [
        ("voice", "", NO_ANSWER, ["could_not_reach"]),
        ("sms", "", DELIVERED, ["nothing_follows"]),
        ("sms", "voice", EventKind.SMS_FAILED, ["could_not_reach"]),  # a "no" to calls only
        ("sms", "sms", EventKind.SMS_FAILED, []),
        ("voice", "sms", NO_ANSWER, ["could_not_reach"]),
        ("voice", "voice", NO_ANSWER, []),
    ],
)
def test_a_step_that_goes_as_the_patient_prefers_opens_one_too(
    settings: Settings, preference: str, opted_out: str, kind: EventKind, opened: list[str]
) -> None:
    settings.OPT_OUT_SCOPE = "channel"
    texts = make_script("{APPT_DATE} {APPT_TIME}, {CALLBACK_NUMBER}", name="Text")
    make_step(max_tries=1, channel="preferred", text_script=texts)
    reminder = make_due_reminder(make_contact(preferred_channel=preference))
    Reminder.objects.update(next_look_at=timezone.now())
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    assert call.channel == preference
    if opted_out:
        record_optout(call.number_id, scope=opted_out, source="staff", at=timezone.now())
    fold_event(call.pk, RobotalkerEvent(kind=kind, name=str(kind)), received_at=timezone.now())
    assert [name for name, _ in read_open()] == opened
    reminder.refresh_from_db()
    assert reminder.state == "done"
    assert read_standing() == (VisitStanding.ON_WORKLIST if opened else VisitStanding.CHOSEN)


def test_an_answer_in_the_same_event_opens_none() -> None:
    make_step(max_tries=1)
    make_due_reminder()
    place_call(ANSWERED, keys=["1"])
    assert FollowUp.objects.count() == 0
    assert read_standing() == VisitStanding.CONFIRMED


def test_a_patient_who_opts_out_in_the_call_chose_that() -> None:
    make_step(max_tries=1)
    make_due_reminder()
    place_call(ANSWERED, keys=["9"])
    assert FollowUp.objects.count() == 0
    assert read_standing() == VisitStanding.CHOSEN


def test_a_step_for_confirmed_patients_only_doesnt_count_as_something_that_will_go_out() -> None:
    step = make_step(max_tries=1)
    make_step(step.campaign, audience=Step.Audience.CONFIRMED, elapsed=timedelta(hours=1))
    make_appointment()
    plan_all()
    place_call()
    assert read_open() == [("could_not_reach", "Sarah")]


def test_a_visit_that_staff_took_the_only_reminder_off_was_their_choice(rosa: User) -> None:
    reminder = make_due_reminder()
    skip_reminder(reminder.pk, by=rosa)
    assert FollowUp.objects.count() == 0
    assert read_standing() == VisitStanding.CHOSEN


def test_skipping_the_last_step_after_a_call_that_reached_nobody_opens_one(rosa: User) -> None:
    step = make_step(max_tries=1)
    later = make_step(step.campaign, elapsed=timedelta(hours=1))
    make_appointment()
    plan_all()
    Reminder.objects.filter(step=step).update(state="done", reason="not_reached")
    skip_reminder(Reminder.objects.get(step=later).pk, by=rosa)
    assert [kind for kind, _ in read_open()] == ["could_not_reach"]


def test_a_visit_without_a_number_is_on_the_worklist_before_its_reminder_is_due() -> None:
    make_step(elapsed=timedelta(hours=1))
    make_appointment(make_contact(number=None))
    plan_all()
    assert account_for_all() == 1
    assert read_open() == [("wrong_number", "Sarah")]


def test_a_visit_that_nobody_is_called_for_needs_nobody() -> None:
    make_appointment()
    plan_all()
    assert account_for_all() == 0
    assert read_standing() == VisitStanding.NOT_IN_A_CAMPAIGN


def test_a_pause_of_all_sending_puts_nobody_on_the_worklist() -> None:
    make_due_reminder()
    Reminder.objects.update(reason="sending_paused")
    assert account_for_all() == 0
    assert read_standing() == VisitStanding.WILL_GO_OUT


# --- one entry for the number -----------------------------------------------------------------------


def make_unreached_family() -> list[Appointment]:
    starts_at = timezone.now() + timedelta(hours=3)
    make_step(max_tries=1)
    family = [
        make_appointment(make_contact(name), starts_at=starts_at + timedelta(minutes=30 * index))
        for index, name in enumerate(["Mia", "Leo", "Tom"])
    ]
    plan_all()
    place_call()
    return family


def test_a_family_is_one_entry_that_names_all() -> None:
    make_unreached_family()
    [entry] = read_worklist_entries(read_index(timezone.now()).entries)
    assert {one.contact.first_name for one in entry if one.contact} == {"Mia", "Leo", "Tom"}
    assert count_entries() == 1


def test_resolving_the_entry_resolves_it_for_all_with_the_note_in_each_story(rosa: User) -> None:
    family = make_unreached_family()
    first = FollowUp.objects.order_by("pk")[0]
    resolve_follow_up(first.pk, by=rosa, note="spoke to their mother")
    assert read_open() == []
    for appointment in family:
        story = read_story(appointment.pk, timezone.now())
        assert "Done: spoke to their mother" in [entry.sentence for entry in story.past]


def test_what_came_to_the_entry_after_the_page_was_read_stays_open(rosa: User) -> None:
    make_unreached_family()
    first, second, _third = FollowUp.objects.order_by("pk")
    resolve_follow_up(first.pk, by=rosa, seen=[first.pk, second.pk])
    assert len(read_open()) == 1


def test_all_that_is_about_one_number_is_one_entry() -> None:
    people = [make_contact(name) for name in ("Mia", "Leo", "Tom")]
    for person, kind in zip(people, ["missed", "could_not_reach", "unknown_outcome"], strict=True):
        appointment = make_appointment(person)
        for one in (kind, "wants_another_time"):
            FollowUp.objects.create(kind=one, contact=person, appointment=appointment, due_at=timezone.now())
    assert [len(entry) for entry in read_worklist_entries(read_index(timezone.now()).entries)] == [6]
    assert count_entries() == 1


def test_two_people_without_a_number_are_two_entries() -> None:
    for name in ("Mia", "Leo"):
        person = make_contact(name, number=None)
        FollowUp.objects.create(
            kind="wrong_number",
            contact=person,
            appointment=make_appointment(person),
            due_at=timezone.now(),
        )
    assert count_entries() == 2


# --- it closes itself -------------------------------------------------------------------------------


def confirm(reminder: Reminder, by: User) -> None:
    confirm_by_staff(reminder.appointment_id, by=by)


def call_again(reminder: Reminder, by: User) -> None:
    order_call(reminder.pk, by=by)


def cancel(reminder: Reminder, by: User) -> None:
    cancel_and_withdraw(reminder.appointment_id, by=by)


def move(reminder: Reminder, by: User) -> None:
    starts_at = timezone.now() + timedelta(days=5)
    move_and_replan(
        reminder.appointment_id, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30), by=by
    )


def arrive(reminder: Reminder, by: User) -> None:
    record_visit(reminder.appointment_id, "arrived", by=by)


def press_one(reminder: Reminder, _by: User) -> None:
    report = RobotalkerEvent(kind=EventKind.KEY_PRESSED, name="call.dtmf", keys=["1"])  # type: ignore[arg-type]
    fold_event(CallRecord.objects.get().pk, report, received_at=timezone.now())


@pytest.mark.parametrize(
    ("what", "resolution", "words"),
    [
        (confirm, "answered", "They answered after all."),
        (press_one, "overtaken", "Robotalker reported after all."),
        (call_again, "new_try", "Another reminder goes out."),
        (cancel, "cancelled", "The appointment was cancelled."),
        (move, "moved", "The appointment or its number changed; it has new reminders."),
        (arrive, "visit_recorded", "The visit was recorded."),
    ],
)
def test_it_closes_itself_and_the_story_says_why(
    rosa: User, what: Callable[[Reminder, User], None], resolution: str, words: str
) -> None:
    reminder = make_unreached()
    what(reminder, rosa)
    follow_up = FollowUp.objects.get()
    assert (follow_up.state, follow_up.resolution, follow_up.resolved_by) == ("resolved", resolution, None)
    story = read_story(reminder.appointment_id, timezone.now())
    assert f"Taken off the worklist. {words}" in [entry.sentence for entry in story.past]


def test_an_answer_in_words_says_more_than_that_nobody_answered() -> None:
    make_step(channel="sms", max_tries=1)
    make_due_reminder()
    call = place_call(DELIVERED)
    assert [kind for kind, _ in read_open()] == ["nothing_follows"]
    words = RobotalkerEvent(
        kind=EventKind.SMS_RECEIVED, name="sms.received", text="I am ill and don't know yet"
    )
    fold_event(call.pk, words, received_at=timezone.now())
    assert [kind for kind, _ in read_open()] == ["unclear_answer"]


def test_an_answer_of_one_child_leaves_the_others_on_the_worklist(rosa: User) -> None:
    mia, *_ = make_unreached_family()
    confirm_by_staff(mia.pk, by=rosa)
    assert {name for _, name in read_open()} == {"Leo", "Tom"}
    assert count_entries() == 1


def test_a_visit_put_back_to_booked_by_mistake_is_not_forgotten(rosa: User) -> None:
    reminder = make_unreached()
    record_visit(reminder.appointment_id, "arrived", by=rosa)
    record_visit(reminder.appointment_id, "booked", by=rosa)
    assert [kind for kind, _ in read_open()] == ["could_not_reach"]


def test_a_step_that_is_added_afterwards_closes_it() -> None:
    reminder = make_unreached()
    make_step(reminder.step.campaign, elapsed=timedelta(hours=1))
    plan_all()
    account_for_all()
    assert FollowUp.objects.get().resolution == "new_try"


def test_what_a_person_has_settled_is_not_opened_again_until_another_call_reaches_nobody(rosa: User) -> None:
    reminder = make_unreached()
    resolve_follow_up(FollowUp.objects.get().pk, by=rosa, note="left a message")
    assert account_for_all() == 0
    assert read_standing() == VisitStanding.SETTLED_BY_STAFF
    order_call(reminder.pk, by=rosa)
    place_call()
    assert [kind for kind, _ in read_open()] == ["could_not_reach"]


# --- the sweep mends what got past the doors --------------------------------------------------------


def test_the_sweep_finds_a_visit_that_stands_nowhere_and_a_follow_up_that_is_pointless() -> None:
    reminder = make_unreached()
    FollowUp.objects.all().delete()
    assert read_standing() == VisitStanding.UNACCOUNTED
    assert account_for_all() == 1
    assert account_for_all() == 0
    Appointment.objects.filter(pk=reminder.appointment_id).update(status="cancelled")
    account_for_all()
    assert FollowUp.objects.get().resolution == "cancelled"


def test_the_sweep_makes_as_many_queries_for_thirty_visits_in_order_as_for_one() -> None:
    make_step(elapsed=timedelta(hours=1))
    counts = []
    for index in range(30):
        make_appointment(make_contact(f"A{index}", number=f"+1202555{index:04d}"))
        if index in (0, 29):
            plan_all()
            with CaptureQueriesContext(connection) as queries:
                assert account_for_all() == 0
            counts.append(len(queries))
    assert counts[0] == counts[1] <= 10, counts


def forget_unreached(count: int) -> None:
    """So many patients whom no call reaches, and none of whom is on the worklist."""
    make_step(max_tries=1)
    for index in range(count):
        make_due_reminder(make_contact(f"A{index}", number=f"+1202555{index:04d}"))
        place_call(EventKind.CALL_NO_ANSWER)
    FollowUp.objects.all().delete()


def test_the_sweep_goes_on_past_those_that_it_only_suspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unanswered, "MOST_AT_ONCE", 1)
    forget_unreached(3)
    assert account_for_all() == 3


def test_of_very_many_visits_each_round_of_the_sweep_looks_at_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unanswered, "LOOKED_AT", 2)
    forget_unreached(5)
    now = read_database_clock()
    found = []
    for round_number in range(3):
        at = now + round_number * timedelta(seconds=unanswered.ROUND_SECONDS)
        monkeypatch.setattr(unanswered, "read_database_clock", lambda at=at: at)
        found.append(account_for_all())
    assert sum(found) == 5
    assert max(found) == 2
    assert account_for_all() == 0


def test_of_very_many_follow_ups_each_round_of_the_sweep_looks_at_a_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unanswered, "OPEN_LOOKED_AT", 2)
    forget_unreached(5)
    assert account_for_all() == 5
    Appointment.objects.update(status="cancelled")  # past the doors
    now, left = read_database_clock(), []
    for round_number in range(3):
        at = now + round_number * timedelta(seconds=unanswered.ROUND_SECONDS)
        monkeypatch.setattr(unanswered, "read_database_clock", lambda at=at: at)
        account_for_all()
        left.append(len(read_open()))
    assert left[0] > left[1] > left[2] == 0


def test_the_sweeps_rounds_are_as_far_apart_as_it_counts_on() -> None:
    tick: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE["reconcile"]
    assert tick["schedule"] == timedelta(seconds=unanswered.ROUND_SECONDS)


def test_a_new_number_closes_the_entry_about_the_old_one() -> None:
    make_step(max_tries=1)
    reminder = make_due_reminder()
    place_call(EventKind.CALL_FAILED, reason="invalid_number")
    assert read_open() == [("wrong_number", "Sarah")]
    change_phone(reminder.appointment.contact, make_number("+13125550101"))
    plan_appointments([reminder.appointment_id])
    account_for_all()
    assert FollowUp.objects.get().resolution == "moved"


def test_an_opt_out_by_another_way_is_the_patients_choice() -> None:
    make_unreached()
    FollowUp.objects.all().delete()
    number = PhoneNumber.objects.get()
    record_optout(number.pk, scope="all", source="staff", at=timezone.now())
    assert account_for_all() == 0
    assert read_standing() == VisitStanding.CHOSEN
