"""Ordering a test call or text: to the verified number of whoever asks, and to no other."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext

from contacts.database.clock import read_database_clock
from contacts.models import Location
from contacts.models.people import Channel
from contacts.worker_hints import hint_worker
from reminders.deciding.households import build_message
from reminders.deciding.sending_mode import read_mode
from reminders.deciding.situations import read_reminder_facts, with_situation
from reminders.deciding.test_objections import find_test_objection, find_verified_number
from reminders.models import Reminder, ScriptText, TestCall
from reminders.rules.reasons import sentence_for
from reminders.wording.scripts import caller_id, channel_of, is_sayable
from reminders.wording.sms_alphabet import measure_text
from reminders.wording.sms_length import MOST_CHARACTERS
from reminders.wording.test_messages import fill_example

TASK = "reminders.tasks.place_test_calls"
TICK = 10  # seconds
MOST_A_DAY = 40  # for one person, in any 24 hours


class TestRefused(ValueError):
    """The test can't go out. The message says why, in a sentence for staff."""

    __test__ = False


def order_script_test(
    script_text: ScriptText,
    *,
    channel: Channel,
    by: User,
    location: Location | None = None,
    in_batch: bool = False,
) -> TestCall:
    """ "Call me with this" or "text me this", for a script's text, with an example visit. Raises TestRefused.

    `in_batch`: as a campaign, or a batch of texts, with one recipient.
    """
    location = location or Location.objects.first()
    if location is None:
        raise TestRefused(gettext("Enter a location first: its name and number are part of what is said."))
    if not is_sayable(script_text.text):
        raise TestRefused(gettext("This text uses a variable that can't be filled in."))
    is_text = channel == Channel.SMS
    variables, text = fill_example(
        script_text.text, script_text.language, location, read_database_clock(), is_text=is_text
    )
    test = TestCall(
        location=location,
        channel=channel,
        in_batch=in_batch,
        script_text=script_text,
        voice=script_text.voice,
        message=script_text.text,
        variables=variables,
        text=text,
    )
    return _order(test, by)


def order_visit_test(reminder_id: int, *, by: User) -> TestCall:
    """The same for a step of a visit: word for word what its next call or text would say.

    Raises TestRefused, and Reminder.DoesNotExist.
    """
    reminder = with_situation(Reminder.objects.filter(pk=reminder_id)).get()
    facts = read_reminder_facts(reminder, sending_paused=False)
    if facts.script_text is None or not facts.situation.has_script:
        raise TestRefused(gettext("The script has no text in a language we can use."))
    variables, text = build_message(facts, [])
    test = TestCall(
        location=reminder.appointment.location,
        channel=channel_of(reminder),
        script_text=facts.script_text,
        voice=facts.script_text.voice,
        message=facts.script_text.text,
        variables=variables,
        text=text,
    )
    return _order(test, by)


@transaction.atomic
def _order(test: TestCall, by: User) -> TestCall:
    number = find_verified_number(by)
    if number is None:
        raise TestRefused(gettext("Verify your own number first: tests go there, and nowhere else."))
    if test.channel == Channel.SMS and measure_text(test.text).units > MOST_CHARACTERS:
        raise TestRefused(gettext("It is too long for a text message."))
    test.number, test.by = number, by
    submit_test(test, most_a_day=MOST_A_DAY)
    return test


def submit_test(test: TestCall, *, most_a_day: int) -> None:
    """Save it, so that a worker sends it at once. Raises TestRefused."""
    now = read_database_clock()
    User.objects.select_for_update(no_key=True).get(pk=test.by_id)  # two clicks at once count as two
    recent = TestCall.objects.filter(by=test.by_id, created_at__gt=now - timedelta(days=1))
    if recent.filter(purpose=test.purpose).count() >= most_a_day:
        raise TestRefused(gettext("That is enough for one day. Try again tomorrow."))
    if recent.filter(state__in=[TestCall.State.WAITING, TestCall.State.SUBMITTING]).exists():
        raise TestRefused(gettext("The last one is still on its way. Wait for it."))
    if objection := find_test_objection(test, now):
        raise TestRefused(sentence_for(objection))
    test.mode = read_mode()
    test.from_number = caller_id(test.location) if test.location else test.from_number
    test.save()
    hint_worker(TASK, worth_seconds=TICK)
