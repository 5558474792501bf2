"""Applying a patient's answer, a key or a text message, to the appointments that the call was about.

An answer belongs to the call in which it was given, and so to one revision of each appointment that the call
was about; the appointment is never found by phone number (product rule 12). 1 confirms, 2 asks for another
time, 9 opts the number out. What a text means is in rules/replies.py.
"""

from datetime import datetime

from contacts.appointments import give_answer
from contacts.database.saving import Changes
from contacts.models import Appointment, ConsentEntry, Way
from contacts.models.people import Channel
from contacts.optouts import record_optin_by_text, record_optout, scope_of_optout
from contacts.own_numbers import is_own_number
from reminders.lifecycle.calls import reminders_of
from reminders.lifecycle.follow_ups import open_follow_up, resolve_automatically
from reminders.models import CallRecord, FollowUp
from reminders.results.optout_confirmations import record_optout_by_text
from reminders.rules.keys import ANOTHER_TIME, CONFIRM, MEANINGS, OPT_OUT
from reminders.rules.reasons import AnswerReason
from reminders.rules.replies import Reply, ReplyMeaning

WAY_BY_KEY = {CONFIRM: Way.KEY_1, ANOTHER_TIME: Way.KEY_2}
ANSWERED_OLD_TIME = {
    Appointment.Answer.CONFIRMED: AnswerReason.CONFIRMED_OLD_TIME,
    Appointment.Answer.WANTS_ANOTHER_TIME: AnswerReason.DECLINED_OLD_TIME,
}
ANSWERED_CANCELLED = {
    Appointment.Answer.CONFIRMED: AnswerReason.CONFIRMED_CANCELLED,
    Appointment.Answer.WANTS_ANOTHER_TIME: AnswerReason.DECLINED_CANCELLED,
}


def apply_key(call: CallRecord, key: str, at: datetime, changes: Changes, *, by_text: bool = False) -> None:
    """Carry out what the key means, for a locked call whose keys are recorded. Repeating changes nothing.

    What to write of its appointments goes into `changes`. `by_text`: the patient said it in a text message.
    """
    # only a key without a meaning, or words in a text, can have put an unclear answer on the worklist
    had_unclear = call.channel == Channel.SMS or any(pressed not in MEANINGS for _, pressed in call.keys)
    if key in MEANINGS and had_unclear:
        resolve_automatically(call, [FollowUp.Kind.UNCLEAR_ANSWER])
    if key == OPT_OUT:
        opt_out(call, at, Channel(call.channel), by_text=by_text)
    elif key == CONFIRM:
        _answer_for_all(call, Appointment.Answer.CONFIRMED, key, at, changes)
    elif key == ANOTHER_TIME:
        _answer_for_all(call, Appointment.Answer.WANTS_ANOTHER_TIME, key, at, changes)
        open_follow_ups(call, FollowUp.Kind.WANTS_ANOTHER_TIME)
    else:
        ask_about_unclear_answer(call, AnswerReason.UNKNOWN_KEY, key)


def apply_reply(call: CallRecord, reply: Reply, at: datetime) -> None:
    """Do what a text asks for beyond its key, for a locked call: START, or what a person has to look at."""
    if reply.meaning == ReplyMeaning.OPT_OUT:
        if reply.names_calls:
            opt_out(call, at, None, by_text=True)
        ask_about_refusal(call, reply)
    elif reply.meaning == ReplyMeaning.OPT_IN:
        refused_since = any(key == OPT_OUT and moment >= at.isoformat() for moment, key in call.keys)
        if not refused_since:  # of two texts the later one counts, in whichever order they arrive
            record_optin_by_text(call.number_id, at=at, evidence=f"call {call.public_id}")
    elif reply.meaning == ReplyMeaning.UNCLEAR:
        answered_since = any(key in MEANINGS and moment >= at.isoformat() for moment, key in call.keys)
        if not answered_since:  # "1", and later "sorry, I can't come"
            open_follow_ups(call, FollowUp.Kind.UNCLEAR_ANSWER, AnswerReason.IN_WORDS)


def ask_about_refusal(call: CallRecord, reply: Reply) -> None:
    """Put a "no" by text on the worklist if it may have meant the appointment, or something else."""
    if reply.cancel:
        open_follow_ups(call, FollowUp.Kind.MAY_WANT_TO_CANCEL, AnswerReason.CANCEL_IN_WORDS)
    elif reply.doubtful:
        open_follow_ups(call, FollowUp.Kind.DOUBTFUL_OPT_OUT, AnswerReason.DOUBTFUL_WORDS)


def ask_about_unclear_answer(call: CallRecord, reason: AnswerReason, key: str = "") -> None:
    """Put an answer without a meaning on the worklist, unless the call also has an answer with a meaning."""
    if not any(pressed in MEANINGS for _, pressed in call.keys):
        open_follow_ups(call, FollowUp.Kind.UNCLEAR_ANSWER, reason, key)


def _answer_for_all(
    call: CallRecord, answer: Appointment.Answer, key: str, at: datetime, changes: Changes
) -> None:
    """Record the answer for each appointment that the call was about, or put it on the worklist as late."""
    how = WAY_BY_KEY[key] if call.channel == Channel.VOICE else Way.TEXT
    for reminder in reminders_of(call):
        appointment, revision = reminder.appointment, reminder.revision
        if give_answer(appointment, answer, changes, revision=revision, at=at, how=how):
            continue
        if appointment.revision != revision:
            late = ANSWERED_OLD_TIME[answer]
        elif appointment.status == Appointment.Status.CANCELLED:
            late = ANSWERED_CANCELLED[answer]
        else:
            continue
        open_follow_up(FollowUp.Kind.LATE_ANSWER, reminder=reminder, call=call, reason=late)


def open_follow_ups(call: CallRecord, kind: FollowUp.Kind, reason: str = "", detail: str = "") -> None:
    """One follow-up for each appointment that the call was about."""
    for reminder in reminders_of(call):
        open_follow_up(kind, reminder=reminder, call=call, reason=reason, detail=detail)


def opt_out(call: CallRecord, at: datetime, channel: Channel | None, *, by_text: bool = False) -> None:
    """Opt the call's number out because of a "no" by `channel`; None: of both, as it is read broadly.

    `by_text`: the patient said it in a text message, which one text may confirm. One of our own numbers is
    not opted out, but stands on the worklist.
    """
    scope, evidence = scope_of_optout(channel), f"call {call.public_id}"
    source = ConsentEntry.Source.KEY if call.channel == Channel.VOICE else ConsentEntry.Source.SMS_REPLY
    if by_text:
        changed = record_optout_by_text(
            call.number_id, call, scope=scope, source=source, at=at, evidence=evidence
        )
    else:
        changed = record_optout(call.number_id, scope=scope, source=source, at=at, evidence=evidence)
    already = call.number.voice_opted_out_at or call.number.sms_opted_out_at
    if not changed and not already and is_own_number(call.number.e164):
        open_follow_ups(call, FollowUp.Kind.DOUBTFUL_OPT_OUT, AnswerReason.OWN_NUMBER)
