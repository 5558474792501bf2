"""What Robotalker reports about texts that are no reminders: those of patients, and whether ours arrived."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Q

from contacts.models import PhoneNumber
from reminders.models import CallRecord, OptOutConfirmation, ReceivedText, StaffText
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.rules.replies import Reply, ReplyMeaning

State = StaffText.State  # those of every such table
LONGEST = 2000  # characters of a received text that are kept
# Tables of single texts, each with the lookup to its number.
SINGLE_TEXTS: tuple[tuple[Any, str], ...] = (
    (StaffText, "number__e164__in"),
    (OptOutConfirmation, "entry__number__e164__in"),
)


def keep_received(
    event_id: int, number: PhoneNumber, text: str, reply: Reply, at: datetime, *, call: CallRecord | None
) -> None:
    """Keep a text that the number wrote, once for its stored event.

    With a `call` its meaning has been acted on, and only an unclear or doubtful text needs a reader. Without
    one it answers nothing that we know: then only an opt-out, or START, has been acted on.
    """
    acted_on = {ReplyMeaning.OPT_OUT, ReplyMeaning.OPT_IN}
    if call:
        acted_on |= {ReplyMeaning.CONFIRM, ReplyMeaning.ANOTHER_TIME}
    kept = ReceivedText(
        event=event_id,
        number=number,
        call=call,
        text=text.replace("\x00", "")[:LONGEST],
        meaning=reply.meaning,
        at=at,
        needs_reader=reply.meaning not in acted_on or reply.doubtful or reply.cancel,
    )
    ReceivedText.objects.bulk_create([kept], ignore_conflicts=True)


def note_delivery(event: RobotalkerEvent, numbers: Collection[str]) -> None:
    """Record for a single text that it was delivered, or wasn't; any other text's event changes nothing.

    `numbers` (E.164): those that the event may name. The event may come before the answer to the request, or
    when that was lost: then it is about the text just sent to its number, unless its id is a reminder's.
    """
    if not event.sms_id:
        return
    state = State.DELIVERED if event.kind == EventKind.SMS_DELIVERED else State.UNDELIVERED
    news = {
        "state": state,
        "robotalker_id": event.sms_id,
        "reason": "",
        "detail": (event.reason or "")[:200],
    }
    by_id = Q(robotalker_id=event.sms_id, state=State.SUBMITTED)
    if any(model.objects.filter(by_id).update(**news) for model, _ in SINGLE_TEXTS):
        return
    if not CallRecord.objects.filter(robotalker_id=event.sms_id).exists():
        for model, of_number in SINGLE_TEXTS:
            without_id = model.objects.filter(
                **{of_number: numbers}, robotalker_id="", state__in=[State.SUBMITTING, State.UNKNOWN]
            )
            if without_id.update(**news):
                return
