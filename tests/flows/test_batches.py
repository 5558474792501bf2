"""Many texts with one script go out as one request, and a silent campaign is asked about as a whole."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment, PhoneNumber
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallBatch, CallRecord, FollowUp, Reminder
from reminders.sweeps.reconciliation import reconcile
from tests.flows.applying import is_all_applied
from tests.people import make_contact, make_due_reminder, make_script, make_step
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

NUMBERS = [f"+12025550{last}" for last in range(110, 114)]
TEXT = "{FIRST_NAME}, {PRACTICE}: {APPT_DATE} {APPT_TIME}. Reply 1 to confirm, 2 to change, STOP to stop."


@pytest.fixture(autouse=True)
def small_batches(settings: Settings) -> None:
    settings.CAMPAIGN_MINIMUM = 2


def make_texts_due() -> list[Reminder]:
    make_step(channel="sms", script=make_script(TEXT, name="Text"))
    return make_several_due()


def make_several_due() -> list[Reminder]:
    return [
        make_due_reminder(make_contact(f"Patient{index}", number=number))
        for index, number in enumerate(NUMBERS)
    ]


def make_older(minutes: int) -> None:
    CallRecord.objects.update(submitting_at=timezone.now() - timedelta(minutes=minutes))


# --- Texts ---------------------------------------------------------------------------------------


def test_many_texts_with_one_script_go_out_as_one_request(sandbox: SandboxServer) -> None:
    make_texts_due()
    assert dispatch_due().calls == 4
    entries = sandbox.ledger()
    assert {entry["kind"] for entry in entries} == {"bulk_sms"}
    assert len({entry["batch_id"] for entry in entries}) == 1
    batch = CallBatch.objects.get()
    assert (batch.channel, batch.robotalker_id) == ("sms", entries[0]["batch_id"])
    wait_until(
        lambda: set(CallRecord.objects.values_list("state", flat=True)) == {"delivered"},
        "all to be delivered",
    )
    assert dict(CallRecord.objects.values_list("number__e164", "robotalker_id")) == {
        entry["to"]: entry["id"] for entry in entries
    }, "each has the id that the response gave"


def test_the_text_that_follows_the_calls_goes_out_with_others_too(sandbox: SandboxServer) -> None:
    fallback = make_script(TEXT, name="Text")
    make_step(script=make_script(), fallback_script=fallback)
    make_several_due()
    Reminder.objects.update(channel="sms")
    assert dispatch_due().calls == 4
    assert {entry["kind"] for entry in sandbox.ledger()} == {"bulk_sms"}


def test_an_answer_to_a_text_of_a_batch_counts_for_its_own_appointment(sandbox: SandboxServer) -> None:
    sarah, noah, *_ = make_texts_due()
    dispatch_due()
    wait_until(lambda: not CallRecord.objects.exclude(state="delivered").exists(), "all to be delivered")
    sandbox.reply(NUMBERS[0], "1")
    sandbox.reply(NUMBERS[1], "STOP")
    wait_until(PhoneNumber.objects.exclude(sms_opted_out_at=None).exists, "the opt-out")
    wait_until(Appointment.objects.exclude(answer="").exists, "the confirmation")
    wait_until(is_all_applied, "the last event to be applied")
    for reminder, confirmed in [(sarah, True), (noah, False)]:
        reminder.appointment.refresh_from_db()
        assert reminder.appointment.is_confirmed == confirmed
    assert PhoneNumber.objects.exclude(sms_opted_out_at=None).get().e164 == NUMBERS[1]


def test_without_the_switch_each_text_is_a_request_of_its_own(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.ROBOTALKER_SMS_BATCHES = False
    make_texts_due()
    assert dispatch_due().calls == 4
    assert [entry["kind"] for entry in sandbox.ledger()] == ["sms"] * 4
    assert not CallBatch.objects.exists()


def test_with_campaigns_off_texts_still_go_out_together_and_calls_do_not(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.ROBOTALKER_CAMPAIGNS = False
    make_texts_due()
    make_step(position=2)
    assert dispatch_due().calls == 4
    assert {entry["kind"] for entry in sandbox.ledger()} == {"bulk_sms"}


def test_texts_of_a_refused_batch_go_out_one_by_one(sandbox: SandboxServer) -> None:
    make_texts_due()
    sandbox.faults({"kind": "error_400", "endpoint": "sms", "next": 1})
    dispatch_due()
    assert [entry["kind"] for entry in sandbox.ledger()] == ["sms"] * 4
    assert CallRecord.objects.filter(state="not_sent", reason="group_refused").count() == 4


def test_texts_whose_response_was_lost_are_unknown_and_their_events_say_what_became_of_them(
    sandbox: SandboxServer,
) -> None:
    """(product rule 15)"""
    make_texts_due()
    sandbox.faults({"kind": "drop_after", "endpoint": "sms"})
    dispatch_due()
    wait_until(
        lambda: set(CallRecord.objects.values_list("state", flat=True)) == {"delivered"},
        "all to be delivered",
    )
    assert len(sandbox.ledger()) == 4, "none was sent again"


def test_a_familys_text_is_not_one_of_a_batch(sandbox: SandboxServer) -> None:
    make_texts_due()
    make_due_reminder(make_contact("Sister", number=NUMBERS[0]))
    dispatch_due()
    kinds = sorted(entry["kind"] for entry in sandbox.ledger())
    assert kinds == ["bulk_sms"] * 3 + ["sms"]


# --- A campaign that went silent -----------------------------------------------------------------


def call_and_lose_every_event(sandbox: SandboxServer) -> CallBatch:
    """A campaign that Robotalker took; no event comes, and all are overdue."""
    make_several_due()
    sandbox.faults({"kind": "lost"})
    assert dispatch_due().calls == 4
    make_older(16)
    return CallBatch.objects.get()


def test_a_silent_campaign_is_asked_about_once_before_any_of_its_calls(sandbox: SandboxServer) -> None:
    batch = call_and_lose_every_event(sandbox)
    wait_until(lambda: len(sandbox.calls(state="ended")) == 4, "all calls to end")
    ids = {call["to"]: call["call_id"] for call in sandbox.calls(state="ended")}
    one = CallRecord.objects.select_related("number").earliest("pk")
    CallRecord.objects.filter(pk=one.pk).update(robotalker_id=ids[one.number.e164])
    report = reconcile()
    assert (report.questions, report.healed) == (2, 1), "the campaign, then the one call whose id is known"
    batch.refresh_from_db()
    assert (batch.reported_status, batch.asked_times) == ("completed", 1)
    assert sum(batch.reported_counts.values()) == 4
    others = CallRecord.objects.exclude(pk=one.pk)
    assert set(others.values_list("state", "reason")) == {("overdue", "no_report")}


def test_the_calls_of_a_campaign_that_is_still_running_are_left_alone(sandbox: SandboxServer) -> None:
    sandbox.behave(attended=True, ring_seconds=3_000)
    batch = call_and_lose_every_event(sandbox)
    report = reconcile()
    assert (report.questions, report.overdue) == (1, 0)
    batch.refresh_from_db()
    assert batch.reported_status == "in_progress"
    assert set(CallRecord.objects.values_list("state", flat=True)) == {"submitted"}
    assert reconcile().questions == 0, "asked again after a pause only"
    CallBatch.objects.update(asked_at=timezone.now() - timedelta(minutes=4))
    assert reconcile().questions == 1


def test_a_campaign_that_runs_for_ever_ends_on_the_worklist(sandbox: SandboxServer) -> None:
    sandbox.behave(attended=True, ring_seconds=3_000)
    call_and_lose_every_event(sandbox)
    reconcile()
    make_older(26)
    assert reconcile().overdue == 4
    assert reconcile().asked == 0, "they were put on the list in the same round"
    assert FollowUp.objects.filter(kind="unknown_outcome").exists()


def test_a_campaign_that_robotalker_does_not_know_is_said_so(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox)
    CallBatch.objects.update(robotalker_id="cmp_nowhere1")
    reconcile()
    assert CallBatch.objects.get().reported_status == "not_found"
    assert set(CallRecord.objects.values_list("state", "reason")) == {("overdue", "no_such_call")}


def test_a_campaign_is_not_asked_about_while_its_events_may_still_come_or_without_a_budget(
    sandbox: SandboxServer, settings: Settings
) -> None:
    call_and_lose_every_event(sandbox)
    make_older(14)
    assert reconcile().questions == 0
    settings.ROBOTALKER_ASK_BUDGET = 0
    make_older(16)
    report = reconcile()
    assert (report.questions, report.overdue) == (0, 4)


def test_a_campaign_whose_response_was_lost_is_asked_about_by_the_id_in_its_first_event(
    sandbox: SandboxServer,
) -> None:
    make_several_due()
    sandbox.faults({"kind": "drop_after", "endpoint": "campaigns"}, {"kind": "lost", "numbers": NUMBERS[1:]})
    dispatch_due()
    wait_until(lambda: CallBatch.objects.exclude(robotalker_id="").exists(), "the campaign's id")
    make_older(16)
    assert reconcile().questions == 1
    assert CallBatch.objects.get().reported_status == "completed"
