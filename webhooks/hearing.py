"""Hearing a "no": it counts in whatever form it comes, also where nothing else would be believed."""

from contextlib import suppress
from datetime import datetime

from contacts.models.people import Channel
from reminders.answers import OPT_OUT, opt_out
from reminders.callbacks import OPTOUTS
from reminders.models import CallRecord
from reminders.outcomes import date_event, find_keys
from reminders.robotalker.events import EventKind, RobotalkerEvent, UnreadableEvent, parse_in_any_form
from webhooks.fitting import names_another


def read_at_all(body: bytes, content_type: str) -> RobotalkerEvent | None:
    """The event, whatever form it has; None when it has none."""
    with suppress(UnreadableEvent):
        return parse_in_any_form(body, content_type)
    return None


def is_optout(purpose: str, body: bytes, content_type: str) -> bool:
    """Whether a request tells that somebody wants no more calls or messages."""
    parsed = read_at_all(body, content_type)
    return parsed is not None and (purpose == OPTOUTS or tells_of_optout(parsed))


def tells_of_optout(parsed: RobotalkerEvent) -> bool:
    """By its kind, by a 9 among its keys, or by STOP."""
    return OPT_OUT in parsed.keys or OPT_OUT in find_keys(parsed)


def record_no(call: CallRecord, parsed: RobotalkerEvent | None, received_at: datetime) -> None:
    """Opt the call's number out if the event says so and names no other number."""
    if parsed is None or not tells_of_optout(parsed) or names_another(parsed, call.number.e164):
        return
    opt_out(call, date_event(parsed, call, received_at), _channel_of(parsed, call))


def _channel_of(parsed: RobotalkerEvent, call: CallRecord) -> Channel | None:
    """Which it means: a key that of its call, an opt-out its own. STOP after a call may mean both."""
    if parsed.kind == EventKind.OPTED_OUT:
        return Channel(parsed.channel) if parsed.channel else None
    if parsed.kind == EventKind.SMS_RECEIVED and call.channel == Channel.VOICE:
        return None
    return Channel(call.channel)
