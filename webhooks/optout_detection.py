"""Finding opt-outs in events: an opt-out counts in any form, even in an event that is otherwise rejected."""

from contextlib import suppress
from datetime import datetime

from contacts.models.people import Channel
from reminders.models import CallRecord, FollowUp
from reminders.results.answers import ask_about_refusal, open_follow_ups, opt_out
from reminders.results.outcomes import date_event, find_keys, read_reply_in
from reminders.robotalker.events import EventKind, RobotalkerEvent, UnreadableEvent, parse_for_optout
from reminders.rules.keys import OPT_OUT
from reminders.rules.reasons import AnswerReason
from webhooks.address_checks import NumberMatch, compare_numbers


def read_for_optout(body: bytes) -> RobotalkerEvent | None:
    """The event in a body of any form, read from the stored bytes alone; None when it can't be read.

    is_optout() and the recording of an opt-out from a rejected event both read by this, so that they agree.
    """
    with suppress(UnreadableEvent):
        return parse_for_optout(body)
    return None


def is_optout(body: bytes, parsed: RobotalkerEvent | None = None) -> bool:
    """Whether a request says that somebody wants no more calls or texts.

    `parsed`: the event in `body`, where its address accepts the body's form. It is then not parsed again,
    unless it has no kind that we know: then more may be heard in it than its address accepts.
    """
    if parsed and (parsed.kind != EventKind.UNKNOWN or mentions_optout(parsed)):
        return mentions_optout(parsed)
    event = read_for_optout(body)
    return event is not None and mentions_optout(event)


def mentions_optout(parsed: RobotalkerEvent) -> bool:
    """Whether its kind, a 9 among its keys, or a "no" in its text is an opt-out."""
    return OPT_OUT in parsed.keys or OPT_OUT in find_keys(parsed)


def record_optout_from_event(call: CallRecord, parsed: RobotalkerEvent, received_at: datetime) -> bool:
    """Opt the call's number out if the event says so and names no other number; whether it did.

    The call's own address is proof enough where the event's number can't be read; it then stands on the
    worklist, and so does what a text may have meant.
    """
    if not mentions_optout(parsed):
        return False
    match = compare_numbers(parsed, call)
    if match == NumberMatch.OTHER:
        return False
    channel: Channel | None = Channel(call.channel)
    if parsed.kind == EventKind.OPTED_OUT:
        channel = Channel(parsed.channel) if parsed.channel else None
    elif parsed.kind == EventKind.SMS_RECEIVED and call.channel == Channel.VOICE:
        channel = None  # STOP by SMS after a call may mean both
    reply = read_reply_in(parsed)
    at = date_event(parsed, call, received_at)
    by_text = parsed.kind == EventKind.SMS_RECEIVED and match == NumberMatch.SAME
    opt_out(call, at, None if reply.names_calls else channel, by_text=by_text)
    ask_about_refusal(call, reply)
    if match == NumberMatch.UNREADABLE:
        open_follow_ups(call, FollowUp.Kind.DOUBTFUL_OPT_OUT, AnswerReason.NUMBER_UNREADABLE)
    return True
