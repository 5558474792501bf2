"""What a person said by a key or a text message, applied to what it is about.

An answer belongs to the call it was given in, so to one revision of one appointment; it is never looked
up by telephone number (product rule 12). 1 confirms, 2 asks for another time, 9 opts the number out.
"""

from datetime import datetime

from contacts.appointments import record_answer
from contacts.models import Appointment, ConsentEntry
from contacts.models.people import Channel
from contacts.optouts import record_optout
from reminders.followups import open_follow_up, settle_by_itself
from reminders.models import CallRecord, FollowUp

CONFIRM, ANOTHER_TIME, OPT_OUT = "1", "2", "9"
SCOPE_BY_CHANNEL = {
    Channel.VOICE: ConsentEntry.Scope.VOICE,
    Channel.SMS: ConsentEntry.Scope.SMS,
    None: ConsentEntry.Scope.ALL,
}
MEANINGS = frozenset({CONFIRM, ANOTHER_TIME, OPT_OUT})
# What a text message may say instead of a digit. Never CANCEL, END or QUIT, which carriers read as
# "stop" and patients as "cancel my appointment" (product rule 11).
KEY_BY_WORD = {
    "1": CONFIRM,
    "c": CONFIRM,
    "2": ANOTHER_TIME,
    "r": ANOTHER_TIME,
    "9": OPT_OUT,
    "stop": OPT_OUT,
}


def key_in_text(text: str) -> str:
    """The key a text message stands for, or "" when it says something else."""
    return KEY_BY_WORD.get(text.strip().strip(".!").casefold(), "")


def apply_key(call: CallRecord, key: str, at: datetime) -> None:
    """Do what the key means. The call comes locked, its keys recorded; doing it twice changes nothing."""
    if key in MEANINGS:
        settle_by_itself(call, [FollowUp.Kind.UNCLEAR_ANSWER])
    if key == OPT_OUT:
        opt_out(call, at, Channel(call.channel))
    elif key == CONFIRM:
        _answer(call, Appointment.Answer.CONFIRMED, key, at)
    elif key == ANOTHER_TIME:
        _answer(call, Appointment.Answer.WANTS_ANOTHER_TIME, key, at)
        open_follow_up(FollowUp.Kind.WANTS_ANOTHER_TIME, reminder=call.reminder, call=call)
    else:
        ask_what_was_meant(call, f"pressed {key}")


def ask_what_was_meant(call: CallRecord, detail: str) -> None:
    """Put an answer without a meaning on the worklist, unless the call has one that has."""
    if not any(pressed in MEANINGS for _, pressed in call.keys):
        open_follow_up(FollowUp.Kind.UNCLEAR_ANSWER, reminder=call.reminder, call=call, detail=detail)


def _answer(call: CallRecord, answer: Appointment.Answer, key: str, at: datetime) -> None:
    appointment, revision = call.reminder.appointment, call.reminder.revision
    how = f"key {key}" if call.channel == Channel.VOICE else "text message"
    stands = record_answer(appointment.pk, answer, revision=revision, at=at, how=how)
    if stands:
        return
    appointment.refresh_from_db()
    if appointment.revision != revision:
        _ask_about_late_answer(call, f"{answer.label}, for the time before the move")
    elif appointment.status == Appointment.Status.CANCELLED:
        _ask_about_late_answer(call, f"{answer.label}, though it is cancelled")


def _ask_about_late_answer(call: CallRecord, detail: str) -> None:
    open_follow_up(FollowUp.Kind.LATE_ANSWER, reminder=call.reminder, call=call, detail=detail)


def opt_out(call: CallRecord, at: datetime, channel: Channel | None) -> None:
    """Opt the call's number out of `channel`; of both when nobody said which (our "no" is the wider one)."""
    record_optout(
        call.number_id,
        scope=SCOPE_BY_CHANNEL[channel],
        source=ConsentEntry.Source.KEY if call.channel == Channel.VOICE else ConsentEntry.Source.SMS_REPLY,
        at=at,
        evidence=f"call {call.public_id}",
    )
