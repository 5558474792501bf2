"""What an event may say on the address it was posted to, and whether the two fit together.

An opt-out counts in any form, even in an event that is otherwise refused.
"""

from contextlib import suppress
from dataclasses import replace
from enum import Enum

from django.conf import settings

from contacts.models.people import Channel
from contacts.numbers import find_region, read_reported_number
from contacts.own_numbers import read_own_numbers
from reminders.models import CallRecord
from reminders.results.outcomes import find_keys, names_nobody
from reminders.robotalker.events import (
    EventKind,
    RobotalkerEvent,
    UnreadableEvent,
    parse_any_body,
    parse_event,
    parse_for_optout,
)
from reminders.rules.keys import ANOTHER_TIME, CONFIRM, OPT_OUT
from reminders.traffic.callback_urls import OPTOUTS, STATUS, key_of

# The kinds whose keys count as the patient's answer on a status address. The guide shows the keys in the
# event of a call's end; a single key press has an address of its own.
ANSWERS_ON_STATUS = frozenset({EventKind.CALL_COMPLETED, EventKind.SMS_RECEIVED})
TEXT_KINDS = frozenset({EventKind.SMS_DELIVERED, EventKind.SMS_FAILED, EventKind.SMS_RECEIVED})


class DoesNotFit(ValueError):
    """The event contradicts the address it was posted to. The message contains no personal data."""


class NumberMatch(Enum):
    """Whether the numbers in an event are that of the call whose address it was posted to."""

    SAME = "same"
    OTHER = "other"
    UNREADABLE = "unreadable"


def read_event(purpose: str, body: bytes, content_type: str) -> RobotalkerEvent:
    """The event in a body, without what has no effect on an address for `purpose`. Raises UnreadableEvent.

    A key's own address already says which key was pressed, so any form is accepted there; the account's
    address is for opt-outs only. On a status address keys count only in ANSWERS_ON_STATUS, but 9 always does.
    """
    if key_of(purpose):
        return parse_any_body(body)
    if purpose == OPTOUTS:
        return parse_for_optout(body)
    parsed = parse_event(body, content_type)
    if purpose != STATUS or parsed.kind in ANSWERS_ON_STATUS:
        return parsed
    kind = EventKind.UNKNOWN if parsed.kind == EventKind.KEY_PRESSED else parsed.kind
    return replace(parsed, kind=kind, keys=OPT_OUT if OPT_OUT in parsed.keys else "", unread_keys="")


def try_reading(purpose: str, body: bytes, content_type: str) -> RobotalkerEvent | None:
    """The same, but None for a body that its address doesn't accept."""
    with suppress(UnreadableEvent):
        return read_event(purpose, body, content_type)
    return None


def read_for_optout(body: bytes) -> RobotalkerEvent | None:
    """The event in a body of any form, read from the stored bytes alone; None when it can't be read.

    is_optout() and the recording of an opt-out from a rejected event both read by this, so that they agree.
    """
    with suppress(UnreadableEvent):
        return parse_for_optout(body)
    return None


def says_no(purpose: str, body: bytes, content_type: str) -> bool:
    """Whether a request to such an address says that somebody wants no more calls or texts."""
    return is_optout(body, try_reading(purpose, body, content_type))


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


def find_member(batch_id: int | None, parsed: RobotalkerEvent) -> int:
    """The id of the batch's call that the event is about, by its number, which is in a batch only once, or by
    Robotalker's id. Raises DoesNotFit.
    """
    members = CallRecord.objects.filter(batch=batch_id).order_by()
    ids, named = members.values_list("pk", flat=True), name_numbers(parsed)
    forms = [form for raw in named for form in read_reported_number(raw, [settings.PHONE_REGION])]
    found = ids.filter(number__e164__in=forms).first() if forms else None
    if found is None and named:
        regions = sorted(set(members.values_list("reminder__appointment__location__region", flat=True)))
        forms = [form for raw in named for form in read_reported_number(raw, regions)]
        found = ids.filter(number__e164__in=forms).first()
    if found is None and (robotalker_id := parsed.call_id or parsed.sms_id):
        found = ids.filter(robotalker_id=robotalker_id).first()
    if found is None:
        raise DoesNotFit("it doesn't say which of the campaign's calls it is about")
    return found


def check_it_fits(call: CallRecord, parsed: RobotalkerEvent, key_of_address: str = "") -> None:
    """Check number, ids, channel and key against the address's call and key. Raises DoesNotFit."""
    if call.channel == Channel.VOICE and parsed.kind in TEXT_KINDS:
        raise DoesNotFit("it is about a text message, but its address belongs to a call")
    match compare_numbers(parsed, call):
        case NumberMatch.OTHER:
            raise DoesNotFit("it names another number than the one that was called")
        case NumberMatch.UNREADABLE:
            raise DoesNotFit("it names a number that can't be read")
    robotalker_id = parsed.call_id or parsed.sms_id
    if robotalker_id and call.robotalker_id and robotalker_id != call.robotalker_id:
        raise DoesNotFit("it names another call than the one its address belongs to")
    if key_of_address:
        if parsed.says_no_key or parsed.unread_keys or set(parsed.keys) - {key_of_address}:
            raise DoesNotFit(
                "its address belongs to a key, but it names another key, or says that none was pressed"
            )
        if names_nobody(parsed):
            raise DoesNotFit("its address belongs to a key, but it says that no person answered the call")


def name_numbers(parsed: RobotalkerEvent) -> list[str]:
    """The numbers in an event, as written; the patient is one of them, most likely the first."""
    return list(dict.fromkeys(raw for raw in (parsed.to, parsed.sender) if raw and raw.strip()))


def compare_numbers(parsed: RobotalkerEvent, call: CallRecord) -> NumberMatch:
    """Whether the numbers in an event are the call's, compared as numbers (product rule 35).

    Either of `to` and `from` may be the patient. Where only our own numbers are named, the address says whose
    event it is (product rule 39).
    """
    named, e164 = name_numbers(parsed), call.number.e164
    if not named or e164 in named:
        return NumberMatch.SAME
    regions = [find_region(e164), call.reminder.appointment.location.region, settings.PHONE_REGION]
    readings = [read_reported_number(raw, regions) for raw in named]
    if any(e164 in reading for reading in readings):
        return NumberMatch.SAME
    own = read_own_numbers()
    others = [reading for reading in readings if own.isdisjoint(reading)]
    if any(others):
        return NumberMatch.OTHER
    return NumberMatch.UNREADABLE if others else NumberMatch.SAME


def must_be_verified(call: CallRecord, parsed: RobotalkerEvent, key_of_address: str) -> bool:
    """Whether Robotalker must be asked before the event counts: only about keys 1 and 2, and if configured.

    A text message's answer counts at once: the guide has no request to ask about a text message.
    """
    return (
        settings.ROBOTALKER_VERIFY_EVENTS
        and call.channel == Channel.VOICE
        and bool(read_consequential_keys(parsed, key_of_address))
    )


def read_consequential_keys(parsed: RobotalkerEvent, key_of_address: str) -> set[str]:
    """The keys in the event that change an appointment."""
    return {CONFIRM, ANOTHER_TIME} & set(find_keys(parsed, key_of_address))
