"""Two children with one number: one call, and both appointments get the answer to it (product rule 12)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment, ConsentEntry, PhoneNumber
from reminders.desk.bookings import cancel_and_withdraw, confirm_by_staff, move_and_replan
from reminders.desk.orders import order_call
from reminders.desk.worklist_endings import resolve_unknown_outcome
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.sweeps.reconciliation import reconcile
from tests.people import SARAH, make_contact, make_due_reminder, make_step, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

NOAH = "+12025550142"


def book_two_children() -> tuple[Reminder, Reminder]:
    """Anna in three hours and Ben half an hour later, on one number."""
    now = timezone.now()
    return (
        make_due_reminder(make_contact("Anna"), starts_at=now + timedelta(hours=3)),
        make_due_reminder(make_contact("Ben"), starts_at=now + timedelta(hours=3, minutes=30)),
    )


def wait_for_call(state: str) -> CallRecord:
    """The newest call, once it is in that state."""
    return wait_until(CallRecord.objects.filter(state=state).order_by("-pk").first, f"a call to be {state}")


def read_states() -> dict[str, tuple[str, str]]:
    rows = Reminder.objects.select_related("appointment__contact")
    return {row.appointment.contact.first_name: (row.state, row.reason) for row in rows}


def read_worklist() -> list[tuple[str, str]]:
    entries = FollowUp.objects.exclude(state="resolved").order_by("contact__first_name")
    return list(entries.values_list("contact__first_name", "kind"))


def make_due_again() -> None:
    """As if the wait were over."""
    now = timezone.now()
    Reminder.objects.filter(state="planned").update(next_look_at=now, try_after=now - timedelta(seconds=1))


def test_one_call_is_for_both_and_key_1_confirms_both(sandbox: SandboxServer) -> None:
    book_two_children()
    sandbox.set_scenarios({SARAH: "press_1"})
    assert dispatch_due().calls == 1
    call = wait_for_call("answered")
    assert all(appointment.is_confirmed for appointment in Appointment.objects.all())
    assert read_states() == {"Anna": ("done", "reached"), "Ben": ("done", "reached")}
    [accepted] = sandbox.ledger()
    assert accepted["message"] == call.text
    assert "Anna and Ben" in call.text
    assert "both appointments" in call.text
    assert dispatch_due().calls == 0


def test_key_2_opens_a_follow_up_for_each_appointment(sandbox: SandboxServer) -> None:
    book_two_children()
    sandbox.set_scenarios({SARAH: "press_2"})
    dispatch_due()
    wait_for_call("answered")
    assert read_worklist() == [("Anna", "wants_another_time"), ("Ben", "wants_another_time")]
    assert {appointment.current_answer for appointment in Appointment.objects.all()} == {"wants_another_time"}


def test_key_9_opts_the_number_out_once(sandbox: SandboxServer) -> None:
    book_two_children()
    sandbox.set_scenarios({SARAH: "press_9"})
    dispatch_due()
    wait_until(PhoneNumber.objects.exclude(voice_opted_out_at=None).exists, "the opt-out flag")
    wait_for_call("answered")
    assert ConsentEntry.objects.filter(what="opt_out").count() == 1


def test_after_no_answer_the_next_try_is_one_call_again(sandbox: SandboxServer) -> None:
    book_two_children()
    sandbox.set_scenarios({SARAH: ["no_answer", "press_1"]})
    dispatch_due()
    wait_for_call("no_answer")
    assert read_states() == {"Anna": ("planned", "try_again"), "Ben": ("planned", "try_again")}
    make_due_again()
    CallRecord.objects.update(submitting_at=timezone.now() - timedelta(hours=1))
    assert dispatch_due().calls == 1
    wait_for_call("answered")
    assert all(appointment.is_confirmed for appointment in Appointment.objects.all())
    assert len(sandbox.ledger()) == 2


def test_each_appointment_is_on_the_worklist_when_no_try_is_left(sandbox: SandboxServer) -> None:
    make_step(max_tries=1)
    book_two_children()
    sandbox.set_scenarios({SARAH: "no_answer"})
    dispatch_due()
    wait_for_call("no_answer")
    assert read_states() == {"Anna": ("done", "not_reached"), "Ben": ("done", "not_reached")}
    assert read_worklist() == [("Anna", "could_not_reach"), ("Ben", "could_not_reach")]


def test_a_call_as_a_companion_counts_as_a_try(sandbox: SandboxServer) -> None:
    make_step(max_tries=2)
    anna, _ben = book_two_children()
    sandbox.set_scenarios({SARAH: "no_answer"})
    dispatch_due()
    wait_for_call("no_answer")
    confirm_by_staff(anna.appointment_id, by=make_user())
    make_due_again()
    dispatch_due()
    wait_until(lambda: CallRecord.objects.filter(state="no_answer").count() == 2, "the second try")
    assert read_states() == {"Anna": ("skipped", "confirmed"), "Ben": ("done", "not_reached")}
    assert [call.try_number for call in CallRecord.objects.order_by("pk")] == [1, 2]


def test_an_appointment_cancelled_while_the_phone_rings_gets_a_follow_up(sandbox: SandboxServer) -> None:
    anna, ben = book_two_children()
    sandbox.behave(attended=True, ring_seconds=3_000)
    dispatch_due()
    ringing = sandbox.wait_for_call(SARAH, "ringing")
    cancel_and_withdraw(ben.appointment_id)
    sandbox.answer(ringing["call_id"])
    sandbox.press(ringing["call_id"], "1")
    sandbox.hang_up(ringing["call_id"])
    wait_for_call("answered")
    wait_until(lambda: read_worklist() or None, "the follow-up")
    assert read_worklist() == [("Ben", "late_answer")]
    assert Appointment.objects.get(pk=anna.appointment_id).is_confirmed
    assert not Appointment.objects.get(pk=ben.appointment_id).is_confirmed


def test_an_appointment_moved_while_the_phone_rings_is_not_confirmed(sandbox: SandboxServer) -> None:
    anna, ben = book_two_children()
    sandbox.behave(attended=True, ring_seconds=3_000)
    dispatch_due()
    ringing = sandbox.wait_for_call(SARAH, "ringing")
    moved = timezone.now() + timedelta(days=2)
    move_and_replan(anna.appointment_id, starts_at=moved, ends_at=moved + timedelta(minutes=30))
    sandbox.answer(ringing["call_id"])
    sandbox.press(ringing["call_id"], "1")
    wait_until(lambda: read_worklist() or None, "the follow-up")
    assert read_worklist() == [("Anna", "late_answer")]
    assert Appointment.objects.get(pk=ben.appointment_id).is_confirmed
    assert not Appointment.objects.get(pk=anna.appointment_id).is_confirmed


def test_two_dispatchers_at_once_make_one_call(sandbox: SandboxServer) -> None:
    book_two_children()
    start = Barrier(2)

    def dispatch() -> int:
        start.wait(10)
        try:
            return dispatch_due().calls
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(dispatch) for _ in range(2)]
    assert sum(run.result() for run in runs) == 1
    assert len(sandbox.ledger()) == 1


def test_an_opted_out_number_is_called_for_none_of_them(sandbox: SandboxServer) -> None:
    book_two_children()
    PhoneNumber.objects.update(voice_opted_out_at=timezone.now())
    assert dispatch_due().calls == 0
    assert read_states() == {"Anna": ("skipped", "opted_out"), "Ben": ("skipped", "opted_out")}
    assert sandbox.ledger() == []


def test_a_household_gets_a_single_call_beside_a_campaign(sandbox: SandboxServer, settings: Settings) -> None:
    settings.CAMPAIGN_MINIMUM = 1
    book_two_children()
    make_due_reminder(make_contact("Noah", number=NOAH))
    assert dispatch_due().calls == 2
    assert [line["kind"] for line in sandbox.ledger(SARAH)] == ["call"]
    assert [line["kind"] for line in sandbox.ledger(NOAH)] == ["campaign_call"]


def test_a_call_that_was_not_sent_is_tried_again_for_both(sandbox: SandboxServer) -> None:
    book_two_children()
    sandbox.faults({"kind": "error_503", "next": 1})
    dispatch_due()
    assert CallRecord.objects.get(try_number=1).state == "not_sent"
    make_due_again()
    dispatch_due()
    assert [line["message"] for line in sandbox.ledger()] == [CallRecord.objects.get(try_number=2).text]
    assert CallRecord.objects.get(try_number=2).companions.count() == 1


def test_an_order_for_both_is_kept_for_both_when_it_was_not_sent(sandbox: SandboxServer) -> None:
    rosa = make_user()
    now = timezone.now()
    for name in ("Anna", "Ben"):
        reminder = make_due_reminder(make_contact(name), starts_at=now + timedelta(hours=5))
        order_call(reminder.pk, by=rosa)
    sandbox.faults({"kind": "error_503", "next": 1})
    dispatch_due()
    make_due_again()
    dispatch_due()
    [call] = CallRecord.objects.exclude(state="not_sent")
    assert (call.ordered_by, call.companions.count()) == (rosa, 1)
    assert len(sandbox.ledger()) == 1


def test_a_rejected_call_gets_a_follow_up_for_both(sandbox: SandboxServer) -> None:
    book_two_children()
    sandbox.faults({"kind": "error_400"})
    dispatch_due()
    assert read_states() == {"Anna": ("done", "rejected"), "Ben": ("done", "rejected")}
    assert [name for name, _ in read_worklist()] == ["Anna", "Ben"]


def test_a_lost_answer_is_settled_for_both_and_called_again_as_one_call(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.UNKNOWN_GRACE = 0
    book_two_children()
    sandbox.faults({"kind": "drop_before", "next": 1})
    dispatch_due()
    reconcile()
    [follow_up, _] = FollowUp.objects.filter(kind="unknown_outcome")
    resolve_unknown_outcome(follow_up.pk, by=make_user(), call_again=True)
    assert dispatch_due().calls == 1
    assert CallRecord.objects.order_by("-pk")[0].companions.count() == 1
    assert len(sandbox.ledger()) == 1


def test_settling_a_lost_answer_settles_both_reminders(sandbox: SandboxServer, settings: Settings) -> None:
    settings.UNKNOWN_GRACE = 0
    book_two_children()
    sandbox.faults({"kind": "drop_before", "next": 1})
    dispatch_due()
    reconcile()
    [follow_up, _] = FollowUp.objects.filter(kind="unknown_outcome")
    resolve_unknown_outcome(follow_up.pk, by=make_user(), call_again=False)
    assert set(read_states().values()) == {("done", "settled_by_person")}
