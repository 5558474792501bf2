"""What a patient does in a call, from the due reminder to the appointment, over real HTTP both ways."""

from pytest_django import Settings

from contacts.models import Appointment, PhoneNumber
from reminders.desk.orders import order_call
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.planning.planner import plan_all
from tests.people import SARAH, make_contact, make_due_reminder, make_location, make_step, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

NOAH = "+12025550142"


def wait_for_state(state: str, to: str = SARAH) -> CallRecord:
    """The newest call to that number, once it is in that state."""
    calls = CallRecord.objects.filter(number__e164=to, state=state).order_by("-try_number")
    return wait_until(calls.first, f"a call to be {state}")


def test_sarah_presses_1_and_her_appointment_is_confirmed(sandbox: SandboxServer) -> None:
    reminder = make_due_reminder()
    sandbox.set_scenarios({SARAH: "press_1"})
    assert dispatch_due().calls == 1
    call = wait_for_state("answered")
    reminder.refresh_from_db()
    assert Appointment.objects.get().is_confirmed
    assert (call.key_pressed, reminder.state) == ("1", "done")
    [accepted] = sandbox.ledger()
    assert accepted["message"] == call.text, "the record has the text that was said"


def test_sarah_presses_2_and_a_follow_up_asks_for_another_time(sandbox: SandboxServer) -> None:
    make_due_reminder()
    sandbox.set_scenarios({SARAH: "press_2"})
    dispatch_due()
    follow_up = wait_until(FollowUp.objects.first, "a follow-up")
    assert follow_up.kind == "wants_another_time"
    assert Appointment.objects.get().current_answer == "wants_another_time"


def test_sarah_presses_9_and_no_further_call_to_her_number_is_submitted(sandbox: SandboxServer) -> None:
    """(product rule 10)"""
    first = make_due_reminder()
    sandbox.set_scenarios({SARAH: "press_9"})
    dispatch_due()
    number = first.appointment.contact.phone
    assert number is not None
    opted_out = PhoneNumber.objects.filter(pk=number.pk, voice_opted_out_at__isnull=False)
    wait_until(opted_out.exists, "the opt-out flag")
    brother = make_contact("Elias", number=SARAH)  # the number is opted out for everyone who shares it
    second = make_due_reminder(brother)
    dispatch_due()
    second.refresh_from_db()
    assert (second.state, second.reason) == ("skipped", "opted_out")
    assert len(sandbox.ledger(SARAH)) == 1


def test_an_opted_out_number_is_left_out_of_a_campaign(sandbox: SandboxServer, settings: Settings) -> None:
    """(product rule 10)"""
    settings.CAMPAIGN_MINIMUM = 1
    settings.CAP_PER_DAY = 0  # both are called for two steps
    make_due_reminder()
    other = make_due_reminder(make_contact("Noah", number=NOAH))
    phone = other.appointment.contact.phone
    assert phone is not None
    sandbox.set_scenarios({SARAH: "press_9", NOAH: "press_1"})
    dispatch_due()
    wait_for_state("answered", SARAH)
    wait_for_state("answered", NOAH)
    make_step(audience="everyone")  # a second step for both
    plan_all()
    dispatch_due()
    assert [line["kind"] for line in sandbox.ledger(NOAH)] == ["campaign_call", "campaign_call"]
    assert len(sandbox.ledger(SARAH)) == 1
    assert (
        Reminder.objects.get(appointment__contact__phone__e164=SARAH, step__position=2).reason == "opted_out"
    )


def test_after_no_answer_there_is_another_try_that_reaches_her(sandbox: SandboxServer) -> None:
    reminder = make_due_reminder()
    sandbox.set_scenarios({SARAH: ["no_answer", "press_1"]})
    dispatch_due()
    wait_for_state("no_answer")
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("planned", "try_again")
    assert reminder.next_look_at > reminder.due_at
    assert dispatch_due().calls == 0, "not before the step's wait is over"
    Reminder.objects.update(next_look_at=reminder.due_at, try_after=reminder.due_at)
    dispatch_due()
    wait_for_state("answered")
    assert [call.try_number for call in CallRecord.objects.order_by("try_number")] == [1, 2]
    assert Appointment.objects.get().is_confirmed


def test_a_follow_up_is_opened_when_no_try_is_left(sandbox: SandboxServer) -> None:
    make_step(max_tries=1)
    reminder = make_due_reminder()
    sandbox.set_scenarios({SARAH: "no_answer"})
    dispatch_due()
    follow_up = wait_until(FollowUp.objects.first, "a follow-up")
    reminder.refresh_from_db()
    assert (follow_up.kind, reminder.state, reminder.reason) == ("could_not_reach", "done", "not_reached")


def test_a_voicemail_is_never_confirmed(sandbox: SandboxServer) -> None:
    """(product rule 13)"""
    reminder = make_due_reminder()
    sandbox.set_scenarios({SARAH: "voicemail"})
    dispatch_due()
    wait_for_state("voicemail")
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("done", "voicemail")
    assert not Appointment.objects.get().is_confirmed


def test_an_invalid_number_is_marked_and_never_called_again(sandbox: SandboxServer) -> None:
    """(product rule 17)"""
    first = make_due_reminder()
    sandbox.set_scenarios({SARAH: "invalid_number"})
    dispatch_due()
    wait_for_state("failed")
    number = first.appointment.contact.phone
    assert number is not None
    number.refresh_from_db()
    assert number.unusable_since is not None
    assert number.unusable_reason == "invalid_number"
    make_due_reminder(first.appointment.contact)
    dispatch_due()
    assert len(sandbox.ledger(SARAH)) == 1
    assert FollowUp.objects.filter(kind="wrong_number").count() == 2, "one for each appointment"


def test_many_calls_with_one_script_are_sent_as_one_campaign(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.CAMPAIGN_MINIMUM = 3
    numbers = ["+12125557701", "+12015557701", "+13125557701"]
    for index, number in enumerate(numbers):
        make_due_reminder(make_contact(f"Person {index}", number=number))
    assert dispatch_due().calls == 3
    for number in numbers:
        wait_for_state("answered", number)
    assert {line["kind"] for line in sandbox.ledger()} == {"campaign_call"}
    assert all(appointment.is_confirmed for appointment in Appointment.objects.all())


def test_a_text_message_is_answered_by_a_digit(sandbox: SandboxServer) -> None:
    make_step(channel="sms")
    make_due_reminder()
    dispatch_due()
    wait_for_state("delivered")
    sandbox.reply(SARAH, "1")
    wait_for_state("answered")
    assert Appointment.objects.get().is_confirmed


def test_stop_by_text_message_stops_text_messages(sandbox: SandboxServer) -> None:
    make_step(channel="sms")
    reminder = make_due_reminder()
    dispatch_due()
    wait_for_state("delivered")
    sandbox.reply(SARAH, "STOP")
    number = reminder.appointment.contact.phone
    assert number is not None
    opted_out = PhoneNumber.objects.filter(pk=number.pk, sms_opted_out_at__isnull=False)
    wait_until(opted_out.exists, "the opt-out flag")


def test_a_number_gets_one_call_at_a_time(sandbox: SandboxServer) -> None:
    sandbox.behave(attended=True, ring_seconds=3_000)
    make_due_reminder()
    elsewhere = make_location("Uptown")  # at one location, one call would be for both
    make_due_reminder(make_contact("Elias", number=SARAH), location=elsewhere)
    assert dispatch_due().calls == 1
    states = set(Reminder.objects.values_list("state", "reason"))
    assert states == {("in_progress", ""), ("planned", "line_busy")}
    assert len(sandbox.ledger(SARAH)) == 1


def test_a_reply_in_words_opens_a_follow_up(sandbox: SandboxServer) -> None:
    make_step(channel="sms")
    make_due_reminder()
    sandbox.set_scenarios({SARAH: "listen"})  # no answer but the one below
    dispatch_due()
    wait_for_state("delivered")
    sandbox.reply(SARAH, "I am ill and don't know yet")
    wait_until(lambda: FollowUp.objects.filter(kind="unclear_answer").exists(), "a follow-up")
    unresolved = FollowUp.objects.exclude(state="resolved")  # that nobody had answered is overtaken
    assert unresolved.get().kind == "unclear_answer"
    assert not Appointment.objects.get().current_answer


def test_an_ordered_call_without_an_answer_is_tried_again_like_any_other(sandbox: SandboxServer) -> None:
    reminder = make_due_reminder()
    Reminder.objects.update(due_at=reminder.not_after, next_look_at=reminder.not_after)
    order_call(reminder.pk, by=make_user())
    sandbox.set_scenarios({SARAH: "no_answer"})
    assert dispatch_due().calls == 1
    call = wait_for_state("no_answer")
    reminder.refresh_from_db()
    assert call.ordered_by is not None
    assert (reminder.state, reminder.reason, reminder.ordered_by) == ("planned", "try_again", None)
