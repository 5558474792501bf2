"""Whether a request repeats one that is stored already, or is a new event with the same body.

Robotalker sends a request again when our response was lost, so the same body may come twice. But patients
send the same words twice, too: "1", then "2", then "1" again. A request is a repetition (product rule 33)

- never for a "no": after staff have opted somebody in again, a second STOP counts;
- always, however late, when its body has a timestamp: it is the same moment;
- else within REPETITION_WINDOW of the latest with this body, unless another answer came in between.

A request whose first copy is not applied yet repeats it in each of these cases: that copy is applied then.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from reminders.results.outcomes import find_keys, read_reply_in
from reminders.robotalker.events import RobotalkerEvent, UnreadableEvent
from reminders.rules.replies import ReplyMeaning
from reminders.traffic.callback_urls import key_of
from webhooks.address_checks import mentions_optout, read_event, read_for_optout
from webhooks.models import WebhookEvent

REPETITION_WINDOW = timedelta(minutes=2)
MOST_COMPARED = 20  # events after the latest with the same body, so that a storm stays cheap
UNFINISHED = (WebhookEvent.State.STORED, WebhookEvent.State.FAILED)


@dataclass(frozen=True)
class SameBody:
    """The latest stored event with a body. `age`: since it was received, by the database's clock."""

    pk: int
    occurrence: int
    state: str
    received_at: datetime
    age: timedelta
    call_id: int | None
    batch_id: int | None

    @property
    def is_unfinished(self) -> bool:
        """Whether it is still to be applied."""
        return self.state in UNFINISHED


def find_latest(digest: str) -> SameBody | None:
    """The latest event with this digest."""
    rows = WebhookEvent.objects.filter(digest=digest).annotate(now=Now()).order_by("-occurrence")
    row = rows.values_list("pk", "occurrence", "state", "received_at", "now", "call_id", "batch_id").first()
    if row is None:
        return None
    pk, occurrence, state, received_at, now, call_id, batch_id = row
    return SameBody(pk, occurrence, state, received_at, now - received_at, call_id, batch_id)


def is_repetition(latest: SameBody, purpose: str, body: bytes, content_type: str) -> bool:
    """Whether another request with the body of `latest`, on the address it came to, says nothing new."""
    parsed = _read(purpose, body, content_type)
    if parsed is None:
        return True  # no event can be read in it, whenever it comes
    if mentions_optout(parsed):
        return latest.is_unfinished
    if parsed.occurred_at is not None:
        return True
    is_soon = latest.age < REPETITION_WINDOW or latest.is_unfinished
    return is_soon and not _was_answered_otherwise(latest, _read_answer(parsed, purpose))


def _was_answered_otherwise(latest: SameBody, answer: frozenset[str]) -> bool:
    """Whether another answer came for the same call (or for a call of the same campaign) after `latest`."""
    same = Q(call=latest.call_id) if latest.call_id else Q(pk=None)
    if latest.batch_id:
        same |= Q(batch=latest.batch_id, call=None) if latest.call_id else Q(batch=latest.batch_id)
    later = WebhookEvent.objects.filter(same, received_at__gte=latest.received_at).exclude(pk=latest.pk)
    rows = later.order_by("-received_at").values_list("purpose", "body", "content_type")[:MOST_COMPARED]
    for purpose, body, content_type in rows:
        parsed = _read(purpose, bytes(body), content_type)
        other = _read_answer(parsed, purpose) if parsed else frozenset()
        if other and other != answer:
            return True
    return False


def _read_answer(parsed: RobotalkerEvent, purpose: str) -> frozenset[str]:
    """What an event says for the patient; empty when it is no answer."""
    started = {ReplyMeaning.OPT_IN.value} if read_reply_in(parsed).meaning == ReplyMeaning.OPT_IN else set()
    return frozenset(find_keys(parsed, key_of(purpose))) | started


def _read(purpose: str, body: bytes, content_type: str) -> RobotalkerEvent | None:
    """The event in a body as its address takes it; else as one in which only an opt-out would count."""
    try:
        return read_event(purpose, body, content_type)
    except UnreadableEvent:
        return read_for_optout(body)
