"""What people do with an entry of the worklist, and undoing it (product rules 57 and 58)."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks

from contacts.consent_ledger import ledger_open
from contacts.models import Appointment, AppointmentChange, PhoneNumber
from reminders.desk.bookings import cancel_and_withdraw, confirm_by_staff, move_and_replan
from reminders.desk.erasing import erase_person
from reminders.desk.worklist import (
    AlreadyResolved,
    TakenByColleague,
    WorklistRefused,
    hand_on,
    note_on_entry,
    snooze_entry,
    take_follow_up,
    wake_entry,
)
from reminders.desk.worklist_endings import end_follow_ups
from reminders.desk.worklist_undoing import undo_deed
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.models import FollowUp, FollowUpDeed
from reminders.pages.worklist import count_entries
from reminders.planning.planner import plan_all
from reminders.results.unanswered import account_for_all
from tests.people import make_appointment, make_contact, make_due_reminder, make_step, make_user
from webhooks.retention.visits import delete_follow_ups

Resolution = FollowUp.Resolution
pytestmark = pytest.mark.django_db


@pytest.fixture
def rosa() -> User:
    return make_user("rosa")


def make_entry(*names: str, kind: str = "wants_another_time") -> list[FollowUp]:
    """One entry: follow-ups about the visits of people who share a number."""
    for name in names or ("Mia",):
        open_follow_up(kind, reminder=make_due_reminder(make_contact(name)))
    return list(FollowUp.objects.order_by("pk"))


def read_visit(follow_up: FollowUp) -> Appointment:
    return Appointment.objects.get(pk=follow_up.appointment_id or 0)


def press_at_once(*deeds: Callable[[], object]) -> list[object]:
    """Each in a thread with a connection of its own, all released together; what each returned or raised."""
    barrier, results = threading.Barrier(len(deeds)), []

    def press(deed: Callable[[], object]) -> None:
        connection.ensure_connection()
        barrier.wait(timeout=20)
        try:
            results.append(deed())
        except WorklistRefused as refused:
            results.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_take_an_entry_at_once_one_gets_it_and_the_other_is_told_who_has_it() -> None:
    first, second = make_entry("Mia", "Leo")
    rosa, omar = make_user("rosa"), make_user("omar")
    results = press_at_once(
        lambda: take_follow_up(first.pk, by=rosa), lambda: take_follow_up(second.pk, by=omar)
    )
    [refused] = [one for one in results if isinstance(one, TakenByColleague)]
    [holder] = {one.taken_by for one in FollowUp.objects.all()}
    assert holder
    assert str(refused).startswith(f"{holder.username} has had this since ")
    assert FollowUpDeed.objects.filter(by=holder).count() == FollowUpDeed.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_end_an_entry_at_once_the_second_is_told_how_it_ended() -> None:
    [entry] = make_entry()
    rosa, omar = make_user("rosa"), make_user("omar")
    results = press_at_once(
        lambda: end_follow_ups(entry.pk, Resolution.LEFT_MESSAGE, by=rosa),
        lambda: end_follow_ups(entry.pk, Resolution.CONFIRMED_BY_PHONE, by=omar),
    )
    [refused] = [one for one in results if isinstance(one, AlreadyResolved)]
    entry.refresh_from_db()
    assert entry.resolved_by
    assert str(refused).startswith(f"{entry.resolved_by.username} closed this at ")
    assert str(refused).endswith(entry.get_resolution_display())
    assert read_visit(entry).is_confirmed == (entry.resolution == "confirmed_by_phone")
    assert FollowUpDeed.objects.count() == 1


def test_whoever_has_it_can_hand_it_on_and_take_it_back_for_anybody(rosa: User) -> None:
    [entry] = make_entry()
    omar = make_user("omar")
    take_follow_up(entry.pk, by=rosa)
    hand_on(entry.pk, to=omar, by=rosa)
    entry.refresh_from_db()
    assert (entry.state, entry.taken_by) == ("taken", omar)
    hand_on(entry.pk, to=None, by=omar)
    entry.refresh_from_db()
    assert (entry.state, entry.taken_by, entry.taken_at) == ("open", None, None)
    assert list(FollowUpDeed.objects.values_list("what", "by__username", "to__username")) == [
        ("taken", "rosa", None),
        ("handed_on", "rosa", "omar"),
        ("released", "omar", None),
    ]


def test_a_snoozed_entry_is_off_the_count_until_its_time_but_not_past_its_visit(rosa: User) -> None:
    first, _second = make_entry("Mia", "Leo")
    now = timezone.now()
    with pytest.raises(WorklistRefused, match="has passed"):
        snooze_entry(first.pk, until=now - timedelta(minutes=1), by=rosa)
    with pytest.raises(WorklistRefused, match="The visit is before that"):
        snooze_entry(first.pk, until=read_visit(first).starts_at, by=rosa)
    snooze_entry(first.pk, until=now + timedelta(hours=1), by=rosa)
    assert count_entries() == 0
    wake_entry(first.pk, by=rosa)
    assert count_entries() == 1


def test_what_comes_new_to_a_snoozed_entry_brings_it_back(rosa: User) -> None:
    [first] = make_entry("Mia")
    snooze_entry(first.pk, until=timezone.now() + timedelta(hours=1), by=rosa)
    make_entry("Leo")
    assert count_entries() == 1


def test_a_note_is_kept_and_the_entry_stays(rosa: User) -> None:
    [entry] = make_entry()
    note_on_entry(entry.pk, note="rings until 6", by=rosa)
    assert [deed.note for deed in entry.deeds.all()] == ["rings until 6"]
    assert count_entries() == 1
    with pytest.raises(WorklistRefused, match="Write something"):
        note_on_entry(entry.pk, note="", by=rosa)


def test_confirmed_by_phone_confirms_every_visit_that_was_chosen_and_undo_takes_it_back(rosa: User) -> None:
    mia, leo = make_entry("Mia", "Leo", kind="unclear_answer")
    act = end_follow_ups(mia.pk, Resolution.CONFIRMED_BY_PHONE, by=rosa, seen=[mia.pk])
    assert [read_visit(one).is_confirmed for one in (mia, leo)] == [True, False]
    leo.refresh_from_db()
    assert leo.state == "open"
    undo_deed(act, by=rosa)
    mia.refresh_from_db()
    assert (mia.state, mia.resolution, mia.resolved_by, mia.resolved_at) == ("open", "", None, None)
    assert not read_visit(mia).is_confirmed
    changes = AppointmentChange.objects.filter(appointment=mia.appointment_id).order_by("pk")
    assert [change.what for change in changes][-2:] == ["confirmed", "answer_taken_back"]


def test_undoing_a_confirmation_puts_the_wish_for_another_time_back(rosa: User) -> None:
    [entry] = make_entry()
    visit, wished_at = read_visit(entry), timezone.now() - timedelta(hours=1)
    Appointment.objects.filter(pk=visit.pk).update(
        answer="wants_another_time", answer_revision=1, answered_at=wished_at, answered_how="key_2"
    )
    act = end_follow_ups(entry.pk, Resolution.CONFIRMED_BY_PHONE, by=rosa)
    assert read_visit(entry).is_confirmed
    undo_deed(act, by=rosa)
    visit.refresh_from_db()
    assert (visit.current_answer, visit.answered_at, visit.answered_how) == (
        "wants_another_time",
        wished_at,
        "key_2",
    )


def test_a_wrong_number_is_marked_and_asked_for_and_undo_makes_it_usable_again(rosa: User) -> None:
    mia, _leo = make_entry("Mia", "Leo", kind="could_not_reach")
    act = end_follow_ups(mia.pk, Resolution.WRONG_NUMBER, by=rosa)
    number = PhoneNumber.objects.get()
    assert number.unusable_reason == "found_wrong"
    unresolved = FollowUp.objects.exclude(state="resolved")
    assert [one.kind for one in unresolved] == ["wrong_number"] * 2
    assert count_entries() == 1
    undo_deed(act, by=rosa)
    number.refresh_from_db()
    assert number.unusable_since is None
    assert {one.kind for one in FollowUp.objects.exclude(state="resolved")} <= {"could_not_reach"}
    assert not FollowUp.objects.filter(kind="wrong_number", resolved_by__isnull=False).exists()


def test_of_a_wrong_number_every_other_visit_is_on_the_worklist_at_once_and_off_it_after_undo(
    rosa: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    make_step(max_tries=1)
    [entry] = make_entry(kind="could_not_reach")
    make_appointment(make_contact("Noah"), starts_at=timezone.now() + timedelta(hours=27))
    plan_all()
    with django_capture_on_commit_callbacks(execute=True):
        act = end_follow_ups(entry.pk, Resolution.WRONG_NUMBER, by=rosa)
    of_noah = FollowUp.objects.filter(contact__first_name="Noah")
    assert [(one.kind, one.state) for one in of_noah] == [("wrong_number", "open")]
    with django_capture_on_commit_callbacks(execute=True):
        undo_deed(act, by=rosa)
    assert [(one.state, one.resolution) for one in of_noah.all()] == [("resolved", "number_usable")]


def test_only_the_last_deed_can_be_undone_and_the_refusal_says_who_came_after(rosa: User) -> None:
    [entry] = make_entry()
    act = take_follow_up(entry.pk, by=rosa)
    hand_on(entry.pk, to=rosa, by=make_user("omar"))
    with pytest.raises(WorklistRefused, match="omar has done something about this since"):
        undo_deed(act, by=rosa)


def test_an_undone_deed_is_not_undone_again(rosa: User) -> None:
    [entry] = make_entry()
    act = end_follow_ups(entry.pk, Resolution.NO_LONGER_NEEDED, by=rosa)
    undo_deed(act, by=rosa)
    with pytest.raises(WorklistRefused):
        undo_deed(act, by=rosa)
    entry.refresh_from_db()
    assert entry.state == "open"
    assert [deed.what for deed in entry.deeds.all()] == ["no_longer_needed", "undone"]


# --- it closes itself -------------------------------------------------------------------------------


def move(visit: Appointment, by: User) -> None:
    later = visit.starts_at + timedelta(days=1)
    move_and_replan(visit.pk, starts_at=later, ends_at=later + timedelta(minutes=30), by=by)


def confirm(visit: Appointment, by: User) -> None:
    confirm_by_staff(visit.pk, by=by)


def cancel(visit: Appointment, by: User) -> None:
    cancel_and_withdraw(visit.pk, by=by)


def let_pass(visit: Appointment, by: User) -> None:
    ago = timezone.now() - timedelta(minutes=1)
    Appointment.objects.filter(pk=visit.pk).update(starts_at=ago, ends_at=ago + timedelta(minutes=30))


def opt_out(visit: Appointment, by: User) -> None:
    now = timezone.now()
    PhoneNumber.objects.update(voice_opted_out_at=now, sms_opted_out_at=now)
    visit.reminders.update(state="done", reason="not_reached")


def make_usable(visit: Appointment, by: User) -> None:
    """The number was usable all the time, as it is once staff have corrected the mark."""


CLOSED = [
    ("wants_another_time", move, "moved"),
    ("wants_another_time", confirm, "answered"),
    ("wants_another_time", cancel, "cancelled"),
    ("unclear_answer", confirm, "answered"),
    ("unclear_answer", cancel, "cancelled"),
    ("unclear_answer", let_pass, "passed"),
    ("late_answer", confirm, "answered"),
    ("may_want_to_cancel", cancel, "cancelled"),
    ("other_provider", let_pass, "passed"),
    ("could_not_reach", let_pass, "passed"),
    ("missed", let_pass, "passed"),
    ("nothing_follows", opt_out, "opted_out"),
    ("wrong_number", make_usable, "number_usable"),
    ("wrong_number", cancel, "cancelled"),
]


@pytest.mark.parametrize(("kind", "happens", "resolution"), CLOSED)
def test_an_entry_closes_itself_when_it_is_overtaken_and_says_why(
    rosa: User, kind: str, happens: Callable[[Appointment, User], None], resolution: str
) -> None:
    [entry] = make_entry(kind=kind)
    if kind == "wants_another_time":
        Appointment.objects.update(answer=kind, answer_revision=1, answered_at=timezone.now())
    if happens is make_usable:
        PhoneNumber.objects.update(unusable_since=None)
    happens(read_visit(entry), rosa)
    account_for_all()
    entry.refresh_from_db()
    assert (entry.state, entry.resolution, entry.resolved_by) == ("resolved", resolution, None)


@pytest.mark.parametrize("kind", ["doubtful_opt_out", "event_kept_back"])
def test_what_isnt_about_the_visit_outlives_it(rosa: User, kind: str) -> None:
    [entry] = make_entry(kind=kind)
    cancel(read_visit(entry), rosa)
    account_for_all()
    entry.refresh_from_db()
    assert entry.state == "open"


def test_a_wish_for_another_time_outlives_the_time_that_did_not_suit(rosa: User) -> None:
    [entry] = make_entry()
    Appointment.objects.update(answer="wants_another_time", answer_revision=1, answered_at=timezone.now())
    let_pass(read_visit(entry), rosa)
    account_for_all()
    entry.refresh_from_db()
    assert entry.state == "open"


# --- what was done stays ---------------------------------------------------------------------------


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


BREACHES: dict[str, Callable[[], object]] = {
    "changed": lambda: FollowUpDeed.objects.update(note="nothing"),
    "deleted": lambda: FollowUpDeed.objects.all().delete(),
    "changed by SQL": lambda: execute("UPDATE reminders_followupdeed SET by_id = by_id"),
    "emptied": lambda: execute(
        "SET LOCAL callboard.ledger_may_be_emptied = off", "TRUNCATE reminders_followupdeed"
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
def test_what_somebody_did_is_not(breach: Callable[[], object]) -> None:
    [entry] = make_entry()
    note_on_entry(entry.pk, note="She calls back", by=make_user("rosa"))
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        breach()
    assert FollowUpDeed.objects.get().note == "She calls back"


@pytest.mark.django_db
def test_an_erasure_empties_what_was_written_and_retention_deletes_it() -> None:
    [entry] = make_entry()
    rosa = make_user("rosa")
    note_on_entry(entry.pk, note="She calls back", by=rosa)
    cancel_and_withdraw(entry.appointment_id or 0)
    erase_person(entry.contact_id or 0, by=rosa)
    [deed] = FollowUpDeed.objects.all()
    assert (deed.note, deed.was, deed.by) == ("", {}, rosa)
    with ledger_open():
        assert delete_follow_ups([entry.pk])
    assert not FollowUpDeed.objects.exists()
