"""Whether an event fits the address it came to, and may count by itself."""

from dataclasses import replace

from django.conf import settings

from contacts.models.people import Channel
from reminders.answers import ANOTHER_TIME, CONFIRM, OPT_OUT
from reminders.callbacks import STATUS
from reminders.models import CallRecord
from reminders.outcomes import find_keys
from reminders.robotalker.events import EventKind, RobotalkerEvent

TEXT_KINDS = frozenset({EventKind.SMS_DELIVERED, EventKind.SMS_FAILED, EventKind.SMS_RECEIVED})


class DoesNotFit(ValueError):
    """The event and the address it came to contradict each other. The message holds nobody's data."""


def find_member(batch_id: int | None, parsed: RobotalkerEvent) -> int:
    """Which of a batch's calls it is about, by its id: each number is in a batch once. Raises DoesNotFit."""
    members = CallRecord.objects.filter(batch=batch_id).order_by().values_list("pk", flat=True)
    found = members.filter(number__e164=parsed.to or "").first()
    if found is None and parsed.call_id:
        found = members.filter(robotalker_id=parsed.call_id).first()
    if found is None:
        raise DoesNotFit("it doesn't say which of the campaign's calls it is about")
    return found


def check_it_fits(call: CallRecord, parsed: RobotalkerEvent) -> None:
    """Number, ids and channel must agree with the try that the address belongs to. Raises DoesNotFit."""
    if call.channel == Channel.VOICE and parsed.kind in TEXT_KINDS:
        raise DoesNotFit("it tells of a text message, and its address belongs to a call")
    if parsed.to and parsed.to != call.number.e164:
        raise DoesNotFit("it names another number than the one that was called")
    named = parsed.call_id or parsed.sms_id
    if named and call.robotalker_id and named != call.robotalker_id:
        raise DoesNotFit("it names another call than the one its address belongs to")


def drop_nameless_answer(purpose: str, parsed: RobotalkerEvent) -> RobotalkerEvent:
    """On the status address only an event we know may answer for the patient; a "no" is heard anyhow."""
    if purpose != STATUS or parsed.kind != EventKind.UNKNOWN:
        return parsed
    return replace(parsed, keys=OPT_OUT if OPT_OUT in parsed.keys else "")


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
