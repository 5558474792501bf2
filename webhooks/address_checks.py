"""What an event may say on the address it came to, and whether it fits it and may count by itself."""

from dataclasses import replace

from django.conf import settings

from contacts.models.people import Channel
from reminders.models import CallRecord
from reminders.results.outcomes import find_keys, read_outcome
from reminders.robotalker.events import (
    EventKind,
    RobotalkerEvent,
    parse_any_body,
    parse_event,
    parse_for_optout,
)
from reminders.rules.keys import ANOTHER_TIME, CONFIRM, OPT_OUT
from reminders.rules.states import CallState
from reminders.traffic.callback_urls import OPTOUTS, STATUS, key_of

# What may answer for the patient on a status address. The guide shows a call's end with its keys there; a key
# by itself has an address of its own.
ANSWERS_ON_STATUS = frozenset({EventKind.CALL_COMPLETED, EventKind.SMS_RECEIVED})
TEXT_KINDS = frozenset({EventKind.SMS_DELIVERED, EventKind.SMS_FAILED, EventKind.SMS_RECEIVED})


class DoesNotFit(ValueError):
    """The event and the address it came to contradict each other. The message holds nobody's data."""


def read_event(purpose: str, body: bytes, content_type: str) -> RobotalkerEvent:
    """What a body says, as far as it may say it on an address for `purpose`. Raises UnreadableEvent.

    A key's own address says by itself what was pressed, so there any form will do; the account's is there to
    hear a "no".
    """
    if key_of(purpose):
        return parse_any_body(body)
    if purpose == OPTOUTS:
        return parse_for_optout(body)
    parsed = parse_event(body, content_type)
    return drop_misplaced_answer(parsed) if purpose == STATUS else parsed


def drop_misplaced_answer(parsed: RobotalkerEvent) -> RobotalkerEvent:
    """What an event says on a status address, but for an answer that has no place there; a "no" is heard."""
    if parsed.kind in ANSWERS_ON_STATUS:
        return parsed
    kind = EventKind.UNKNOWN if parsed.kind == EventKind.KEY_PRESSED else parsed.kind
    return replace(parsed, kind=kind, keys=OPT_OUT if OPT_OUT in parsed.keys else "")


def find_member(batch_id: int | None, parsed: RobotalkerEvent) -> int:
    """Which of a batch's calls it is about, by its id: each number is in a batch once. Raises DoesNotFit."""
    members = CallRecord.objects.filter(batch=batch_id).order_by().values_list("pk", flat=True)
    found = members.filter(number__e164=f"+{_digits_in(parsed.to)}").first()
    if found is None and parsed.call_id:
        found = members.filter(robotalker_id=parsed.call_id).first()
    if found is None:
        raise DoesNotFit("it doesn't say which of the campaign's calls it is about")
    return found


def check_it_fits(call: CallRecord, parsed: RobotalkerEvent, key_of_address: str = "") -> None:
    """Number, ids, channel and key must agree with what the address belongs to. Raises DoesNotFit."""
    if call.channel == Channel.VOICE and parsed.kind in TEXT_KINDS:
        raise DoesNotFit("it tells of a text message, and its address belongs to a call")
    if names_another(parsed, call.number.e164):
        raise DoesNotFit("it names another number than the one that was called")
    named = parsed.call_id or parsed.sms_id
    if named and call.robotalker_id and named != call.robotalker_id:
        raise DoesNotFit("it names another call than the one its address belongs to")
    if key_of_address:
        _check_it_was_pressed(parsed, key_of_address)


def _check_it_was_pressed(parsed: RobotalkerEvent, key: str) -> None:
    """Nothing that came to a key's own address may speak against it. Raises DoesNotFit."""
    if parsed.says_no_key or set(parsed.keys) - {key}:
        raise DoesNotFit("it names another key than its address, or none")
    if read_outcome(parsed) not in (None, CallState.ANSWERED):
        raise DoesNotFit("it tells that nobody answered, and its address belongs to a key")


def names_another(parsed: RobotalkerEvent, e164: str) -> bool:
    """Whether it is about another number, by the digits alone: a form turns the plus sign into a blank."""
    return bool(parsed.to) and f"+{_digits_in(parsed.to)}" != e164


def _digits_in(number: str | None) -> str:
    return "".join(filter(str.isdecimal, number or ""))


def must_be_verified(call: CallRecord, parsed: RobotalkerEvent, key_of_address: str) -> bool:
    """Whether Robotalker is to be asked before it counts: only keys 1 and 2, and only where that is wished.

    A text message's answer counts at once: the guide has no address to ask about one.
    """
    return (
        settings.ROBOTALKER_VERIFY_EVENTS
        and call.channel == Channel.VOICE
        and bool(read_consequential_keys(parsed, key_of_address))
    )


def read_consequential_keys(parsed: RobotalkerEvent, key_of_address: str) -> set[str]:
    """Which of the keys that change an appointment it tells of."""
    return {CONFIRM, ANOTHER_TIME} & set(find_keys(parsed, key_of_address))
