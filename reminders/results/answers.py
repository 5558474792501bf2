"""What a person said by a key or a text message, applied to what it is about.

An answer belongs to the call it was given in, so to one revision of each appointment that the call spoke
of; it is never looked up by telephone number (product rule 12). 1 confirms, 2 asks for another time, 9 opts
the number out.
"""

from datetime import datetime

from contacts.appointments import record_answer_on_locked
from contacts.models import Appointment, ConsentEntry, Way
from contacts.models.people import Channel
from contacts.optouts import record_optout
from reminders.lifecycle.call_reminders import reminders_of
from reminders.lifecycle.follow_ups import open_follow_up, resolve_automatically
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.rules.keys import ANOTHER_TIME, CONFIRM, MEANINGS, OPT_OUT
from reminders.rules.reasons import AnswerReason

SCOPE_BY_CHANNEL = {
    Channel.VOICE: ConsentEntry.Scope.VOICE,
    Channel.SMS: ConsentEntry.Scope.SMS,
    None: ConsentEntry.Scope.ALL,
}
WAY_BY_KEY = {CONFIRM: Way.KEY_1, ANOTHER_TIME: Way.KEY_2}
ANSWERED_OLD_TIME = {
    Appointment.Answer.CONFIRMED: AnswerReason.CONFIRMED_OLD_TIME,
    Appointment.Answer.WANTS_ANOTHER_TIME: AnswerReason.DECLINED_OLD_TIME,
}
ANSWERED_CANCELLED = {
    Appointment.Answer.CONFIRMED: AnswerReason.CONFIRMED_CANCELLED,
    Appointment.Answer.WANTS_ANOTHER_TIME: AnswerReason.DECLINED_CANCELLED,
}
# What a text message may say instead of a digit. Never CANCEL, END or QUIT, which carriers read as
# "stop" and patients as "cancel my appointment" (product rule 11).
KEY_BY_WORD = {
    CONFIRM: CONFIRM,
    "c": CONFIRM,
    ANOTHER_TIME: ANOTHER_TIME,
    "r": ANOTHER_TIME,
    OPT_OUT: OPT_OUT,
    "stop": OPT_OUT,
}


def key_in_text(text: str) -> str:
    """The key a text message stands for, or "" when it says something else."""
    return KEY_BY_WORD.get(text.strip().strip(".!").casefold(), "")


def apply_key(call: CallRecord, key: str, at: datetime) -> None:
    """Do what the key means. The call comes locked, its keys recorded; doing it twice changes nothing."""
    if key in MEANINGS and _may_have_been_unclear(call):
        resolve_automatically(call, [FollowUp.Kind.UNCLEAR_ANSWER])
    if key == OPT_OUT:
        opt_out(call, at, Channel(call.channel))
    elif key == CONFIRM:
        _answer_for_all(call, Appointment.Answer.CONFIRMED, key, at)
    elif key == ANOTHER_TIME:
        _answer_for_all(call, Appointment.Answer.WANTS_ANOTHER_TIME, key, at)
        _ask_a_person(call, FollowUp.Kind.WANTS_ANOTHER_TIME)
    else:
        ask_about_unclear_answer(call, AnswerReason.UNKNOWN_KEY, key)


def _may_have_been_unclear(call: CallRecord) -> bool:
    """Whether there may be an entry about an answer without a meaning: a key, or words in a text."""
    return call.channel == Channel.SMS or any(pressed not in MEANINGS for _, pressed in call.keys)


def ask_about_unclear_answer(call: CallRecord, reason: AnswerReason, key: str = "") -> None:
    """Put an answer without a meaning on the worklist, unless the call has one that has."""
    if not any(pressed in MEANINGS for _, pressed in call.keys):
        _ask_a_person(call, FollowUp.Kind.UNCLEAR_ANSWER, reason, key)


def _answer_for_all(call: CallRecord, answer: Appointment.Answer, key: str, at: datetime) -> None:
    how = WAY_BY_KEY[key] if call.channel == Channel.VOICE else Way.TEXT
    for reminder in reminders_of(call):
        _answer(reminder, call, answer, how, at)


def _answer(reminder: Reminder, call: CallRecord, answer: Appointment.Answer, how: Way, at: datetime) -> None:
    appointment, revision = reminder.appointment, reminder.revision
    if record_answer_on_locked(appointment, answer, revision=revision, at=at, how=how):
        return
    if appointment.revision != revision:
        late = ANSWERED_OLD_TIME[answer]
    elif appointment.status == Appointment.Status.CANCELLED:
        late = ANSWERED_CANCELLED[answer]
    else:
        return
    open_follow_up(FollowUp.Kind.LATE_ANSWER, reminder=reminder, call=call, reason=late)


def _ask_a_person(call: CallRecord, kind: FollowUp.Kind, reason: str = "", detail: str = "") -> None:
    """One entry for each appointment the call spoke of."""
    for reminder in reminders_of(call):
        open_follow_up(kind, reminder=reminder, call=call, reason=reason, detail=detail)


def opt_out(call: CallRecord, at: datetime, channel: Channel | None) -> None:
    """Opt the call's number out of `channel`; of both when nobody said which (our "no" is the wider one)."""
    record_optout(
        call.number_id,
        scope=SCOPE_BY_CHANNEL[channel],
        source=ConsentEntry.Source.KEY if call.channel == Channel.VOICE else ConsentEntry.Source.SMS_REPLY,
        at=at,
        evidence=f"call {call.public_id}",
    )
