"""What a patient prefers is obeyed by steps that say so; what they never want, by all (product rule 41)."""

from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from contacts.models import Contact
from contacts.models.people import Channel, Preference
from reminders.deciding.call_now import may_order_call
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.situations import read_practice_config, with_situation
from reminders.desk.orders import OrderRefused, order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.grouping import sort_for_submission
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, Reminder, Step
from reminders.models.campaigns import StepChannel
from reminders.pages.story import read_story
from reminders.planning.planner import plan_all
from reminders.rules.reasons import Reason
from reminders.wording.scripts import choose_channel, find_refusal
from tests.people import make_appointment, make_contact, make_due_reminder, make_script, make_step, make_user

pytestmark = pytest.mark.django_db
TEXT = "{FIRST_NAME}, {APPT_DATE} {APPT_TIME}. 1=yes"
CALL, SMS = Channel.VOICE, Channel.SMS

# the step's channel, the patient's preference: the channel, and why it isn't wanted
CHANNELS = [
    ("voice", "voice", CALL, None),
    ("voice", "sms", CALL, None),
    ("voice", "voice_only", CALL, None),
    ("voice", "sms_only", CALL, Reason.WANTS_NO_CALLS),
    ("voice", "never", CALL, Reason.WANTS_NO_REMINDERS),
    ("sms", "voice", SMS, None),
    ("sms", "sms", SMS, None),
    ("sms", "voice_only", SMS, Reason.WANTS_NO_TEXTS),
    ("sms", "sms_only", SMS, None),
    ("sms", "never", SMS, Reason.WANTS_NO_REMINDERS),
    ("preferred", "voice", CALL, None),
    ("preferred", "sms", SMS, None),
    ("preferred", "voice_only", CALL, None),
    ("preferred", "sms_only", SMS, None),
    ("preferred", "never", CALL, Reason.WANTS_NO_REMINDERS),
]


@pytest.mark.parametrize(("step", "preference", "channel", "refusal"), CHANNELS)
def test_a_steps_channel_and_the_patients_wish_say_how_a_reminder_goes(
    step: str, preference: str, channel: Channel, refusal: Reason | None
) -> None:
    assert choose_channel(step, preference) == channel
    assert find_refusal(channel, preference) == refusal


def test_the_table_above_is_complete() -> None:
    assert {row[:2] for row in CHANNELS} == set(product(StepChannel.values, Preference.values))


def make_preferred_step() -> Step:
    text = make_script(TEXT, name="Text")
    return make_step(channel="preferred", script=make_script(), text_script=text)


def dispatch() -> list[CallRecord]:
    """Open what is due now, as a dispatcher does."""
    claim = claim_due(100)
    return open_calls(claim.reminder_ids, claim.token)


def test_a_step_goes_as_the_patient_prefers() -> None:
    make_preferred_step()
    make_due_reminder(make_contact("Ann", number="+12025550101"))
    make_due_reminder(make_contact("Ben", number="+12025550102", preferred_channel="sms"))
    calls = {call.number.e164: call for call in dispatch()}
    assert calls["+12025550101"].channel == "voice"
    assert calls["+12025550101"].text.startswith("Hello Ann, this is")
    assert calls["+12025550102"].channel == "sms"
    assert calls["+12025550102"].text.startswith("Ben, ")


def test_those_who_prefer_calls_go_out_as_one_campaign_and_the_others_as_one_batch_of_texts() -> None:
    make_preferred_step()
    wishes = ["voice", "sms", "voice_only", "sms_only"] * 6
    for index, wish in enumerate(wishes):
        make_due_reminder(make_contact(number=f"+120255501{index:02}", preferred_channel=wish))
    ids = list(Reminder.objects.values_list("pk", flat=True))
    [first, second], singles = sort_for_submission(ids, read_practice_config())
    callers = Reminder.objects.filter(appointment__contact__preferred_channel__in=["voice", "voice_only"])
    by_call = set(callers.values_list("pk", flat=True))
    assert {frozenset(first), frozenset(second)} == {frozenset(by_call), frozenset(set(ids) - by_call)}
    assert not singles


@pytest.mark.parametrize(
    ("channel", "wish", "reason"),
    [
        ("voice", "never", Reason.WANTS_NO_REMINDERS),
        ("sms", "never", Reason.WANTS_NO_REMINDERS),
        ("voice", "sms_only", Reason.WANTS_NO_CALLS),
        ("sms", "voice_only", Reason.WANTS_NO_TEXTS),
    ],
)
def test_what_a_patient_never_wants_is_not_sent_and_the_pages_say_why(
    channel: str, wish: str, reason: Reason
) -> None:
    make_step(channel=channel, script=make_script(TEXT))
    reminder = make_due_reminder(make_contact(preferred_channel=wish))
    story = read_story(reminder.appointment_id, timezone.now())
    assert story.standing.next_step == str(reason.label), "before it is due"
    assert not story.reminders[0].can_call
    assert dispatch() == []
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("skipped", reason)
    story = read_story(reminder.appointment_id, timezone.now())
    assert story.standing.next_step == str(reason.label), "and after"
    assert any(str(reason.label) in entry.sentence for entry in story.past)


def test_call_now_does_not_override_the_patients_wish() -> None:
    make_step()
    reminder = make_due_reminder(make_contact(preferred_channel="never"))
    loaded = with_situation(Reminder.objects.all()).get()
    assert not may_order_call(loaded, timezone.now())
    with pytest.raises(OrderRefused, match="wants no calls or text messages"):
        order_call(reminder.pk, by=make_user())


def test_call_now_goes_as_the_patient_prefers() -> None:
    make_preferred_step()
    reminder = make_due_reminder(make_contact(preferred_channel="sms"))
    order_call(reminder.pk, by=make_user())
    [call] = dispatch()
    assert call.channel == "sms"


def test_once_the_patient_wants_it_again_it_is_planned_and_sent() -> None:
    make_step()
    reminder = make_due_reminder(make_contact(preferred_channel="never"))
    dispatch()
    plan_all()
    reminder.refresh_from_db()
    assert reminder.state == "skipped", "the wish still stands"
    Contact.objects.update(preferred_channel="sms")
    plan_all()
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("planned", "")
    [call] = dispatch()
    assert call.channel == "voice", "the step is a call, and text message is only a preference"


@pytest.mark.parametrize("reason", [Reason.SKIPPED_BY_PERSON, Reason.CONFIRMED, Reason.OPTED_OUT])
def test_what_was_skipped_for_another_reason_stays_skipped(reason: Reason) -> None:
    make_step()
    reminder = make_due_reminder()
    Reminder.objects.update(state="skipped", reason=reason)
    plan_all()
    reminder.refresh_from_db()
    assert reminder.state == "skipped"


def test_what_is_too_late_or_moved_or_cancelled_stays_skipped() -> None:
    make_step()
    late = make_due_reminder(make_contact("Ann", number="+12025550101"))
    moved = make_due_reminder(make_contact("Ben", number="+12025550102"))
    gone = make_due_reminder(make_contact("Cal", number="+12025550103"))
    Reminder.objects.update(state="skipped", reason=Reason.WANTS_NO_REMINDERS)
    Reminder.objects.filter(pk=late.pk).update(not_after=timezone.now() - timedelta(minutes=1))
    type(moved.appointment).objects.filter(pk=moved.appointment_id).update(revision=2)
    type(gone.appointment).objects.filter(pk=gone.appointment_id).update(status="cancelled")
    plan_all()
    for reminder in (late, moved, gone):
        reminder.refresh_from_db()
        assert reminder.state == "skipped"


def test_a_sibling_who_wants_no_calls_is_not_spoken_of() -> None:
    make_step()
    make_due_reminder(make_contact("Anna"))
    make_due_reminder(make_contact("Boris", preferred_channel="never"))
    [call] = dispatch()
    assert "Anna" in call.text
    assert "Boris" not in call.text


def test_siblings_who_prefer_another_way_are_not_one_message() -> None:
    make_preferred_step()
    when = timezone.now() + timedelta(hours=3)
    make_due_reminder(make_contact("Anna"), starts_at=when)
    make_due_reminder(make_contact("Boris", preferred_channel="sms"), starts_at=when)
    [first] = dispatch()
    assert ("Anna" in first.text) != ("Boris" in first.text)


def test_a_preview_of_a_text_step_finds_its_script() -> None:
    """A step that sends texts was shown as one without a script, while an appointment was being moved."""
    from reminders.desk.bookings import preview_move

    make_step(channel="sms", script=make_script(TEXT), elapsed=timedelta(hours=1))
    appointment = make_appointment()
    [move] = preview_move(appointment, timezone.now() + timedelta(hours=5))
    assert (move.reason, move.new_due_at is not None) == ("", True)


def test_a_reminder_by_preference_is_explained_with_its_own_script() -> None:
    make_preferred_step()
    make_due_reminder(make_contact(preferred_channel="sms"))
    reminder = with_situation(Reminder.objects.all()).get()
    assert explain_reminder(reminder, timezone.now()).reason == Reason.DUE
    reminder.step.text_script = None
    assert explain_reminder(reminder, timezone.now()).reason == Reason.NO_SCRIPT
