"""Hearing a "no": it counts in whatever form it comes, also where nothing else would be believed."""

from contextlib import suppress
from datetime import datetime

from contacts.models.people import Channel
from reminders.models import CallRecord
from reminders.results.answers import opt_out
from reminders.results.outcomes import date_event, find_keys
from reminders.robotalker.events import EventKind, RobotalkerEvent, UnreadableEvent, parse_for_optout
from reminders.rules.keys import OPT_OUT
from webhooks.address_checks import names_another


def read_for_optout(body: bytes) -> RobotalkerEvent | None:
    """The event, whatever form it has, by the bytes that are stored and nothing else; None when it has none.

    What is_optout() promises is recorded by this very reading.
    """
    with suppress(UnreadableEvent):
        return parse_for_optout(body)
    return None


def is_optout(body: bytes) -> bool:
    """Whether a request tells that somebody wants no more calls or messages."""
    parsed = read_for_optout(body)
    return parsed is not None and mentions_optout(parsed)


def mentions_optout(parsed: RobotalkerEvent) -> bool:
    """By its kind, by a 9 among its keys, or by STOP."""
    return OPT_OUT in parsed.keys or OPT_OUT in find_keys(parsed)


def record_heard_optout(call: CallRecord, parsed: RobotalkerEvent, received_at: datetime) -> bool:
    """Opt the call's number out if the event says so and names no other number; whether it did."""
    if not mentions_optout(parsed) or names_another(parsed, call.number.e164):
        return False
    opt_out(call, date_event(parsed, call, received_at), _channel_of(parsed, call))
    return True


def _channel_of(parsed: RobotalkerEvent, call: CallRecord) -> Channel | None:
    """Which it means: a key that of its call, an opt-out its own. STOP after a call may mean both."""
    if parsed.kind == EventKind.OPTED_OUT:
        return Channel(parsed.channel) if parsed.channel else None
    if parsed.kind == EventKind.SMS_RECEIVED and call.channel == Channel.VOICE:
        return None
    return Channel(call.channel)
