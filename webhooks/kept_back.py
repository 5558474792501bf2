"""Telling staff of an event that was kept back: what it seems to say (product rule 34). Its opt-out counts.

Only events at a validly signed address get here, so a stranger can't fill the worklist; and however many
come, there is one open follow-up for an appointment, and one for all events of calls that we don't know.
"""

from datetime import datetime

from contacts.models.people import Channel
from reminders.lifecycle.follow_ups import UNRESOLVED, close_follow_ups, keep_back
from reminders.models import CallRecord, FollowUp
from reminders.results.answers import ask_about_refusal, open_follow_ups, opt_out
from reminders.results.outcomes import date_event, read_outcome, read_reply_in
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.rules.reasons import AnswerReason, KeptBackReason
from reminders.rules.states import CallState
from reminders.traffic.callback_urls import OPTOUTS, key_of
from webhooks.address_checks import NumberMatch, compare_numbers, mentions_optout
from webhooks.models import WebhookEvent

SEEMS_BY_STATE = {
    CallState.ANSWERED: KeptBackReason.SEEMS_ANSWERED,
    CallState.VOICEMAIL: KeptBackReason.SEEMS_VOICEMAIL,
    CallState.NO_ANSWER: KeptBackReason.SEEMS_NO_ANSWER,
    CallState.FAILED: KeptBackReason.SEEMS_FAILED,
    CallState.DELIVERED: KeptBackReason.SEEMS_DELIVERED,
}
_NOTHING = KeptBackReason.SEEMS_NOTHING


def describe_kept_back(parsed: RobotalkerEvent | None, key_of_address: str = "") -> tuple[str, str]:
    """What an event seems to say: a KeptBackReason, and the keys or the text. None: it can't be read."""
    if parsed is None:
        return (KeptBackReason.SEEMS_KEY, key_of_address) if key_of_address else (_NOTHING, "")
    if mentions_optout(parsed):
        return KeptBackReason.SEEMS_OPT_OUT, ""
    if keys := parsed.keys or parsed.unread_keys or key_of_address:
        return KeptBackReason.SEEMS_KEY, keys
    if parsed.text and parsed.kind == EventKind.SMS_RECEIVED:  # else it may be our own message
        return KeptBackReason.SEEMS_TEXT, parsed.text[:300]
    state = read_outcome(parsed)
    return (SEEMS_BY_STATE.get(state, _NOTHING) if state else _NOTHING), ""


def put_on_worklist(
    event: WebhookEvent, call: CallRecord | None, parsed: RobotalkerEvent | None, *, lost_optout: bool = False
) -> None:
    """Open a follow-up for a kept-back event of this call; `parsed` is what read_for_optout() read in it.

    `lost_optout`: it is an opt-out that could be recorded for nobody. The account's address gets every event
    that Robotalker has: there only one that can't be read, or that seems to be an opt-out, is worth a
    follow-up.
    """
    if event.purpose == OPTOUTS and parsed is not None and not mentions_optout(parsed):
        return
    if call is not None and not lost_optout and parsed is not None and mentions_optout(parsed):
        kinds = (FollowUp.Kind.DOUBTFUL_OPT_OUT, FollowUp.Kind.MAY_WANT_TO_CANCEL)
        asked = FollowUp.objects.filter(call=call, kind__in=kinds)
        if asked.exclude(state=FollowUp.State.RESOLVED).exists():
            return  # it was recorded, and staff are asked about it already
    reason, detail = describe_kept_back(parsed, key_of(event.purpose))
    keep_back(call, KeptBackReason.SEEMS_LOST_OPT_OUT if lost_optout else reason, detail)


def take_off_worklist(event: WebhookEvent) -> None:
    """Resolve the follow-up of an event that was applied after all, unless another one is still kept back."""
    others = WebhookEvent.objects.filter(call=event.call_id).exclude(pk=event.pk)
    settled = (WebhookEvent.State.APPLIED, WebhookEvent.State.DISMISSED)
    if others.exclude(error="").exclude(state__in=settled).exists():
        return
    open_ones = FollowUp.objects.filter(
        kind=FollowUp.Kind.EVENT_KEPT_BACK, call=event.call_id, reason__in=KeptBackReason.values
    )
    close_follow_ups(open_ones.filter(UNRESOLVED), FollowUp.Resolution.APPLIED)


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
