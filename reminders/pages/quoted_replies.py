"""What patients wrote in reply to a text, as the worklist and a visit's page quote it.

Templates show the words only to those who may read received texts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet

from reminders.models import CallRecord, FollowUp, ReceivedText
from reminders.rules.reasons import AnswerReason

# Why a reply is on the worklist: its words have to be read.
ABOUT_WORDS = (AnswerReason.IN_WORDS, AnswerReason.CANCEL_IN_WORDS, AnswerReason.DOUBTFUL_WORDS)
MOST_QUOTED = 3  # replies of one follow-up


@dataclass(frozen=True)
class QuotedReplies:
    """The words of replies, oldest first, and the number (its id) whose thread has them."""

    words: tuple[str, ...]
    number_id: int


class TextReply(NamedTuple):
    """Columns of a ReceivedText that is the reply to one of our texts. `at`: aware UTC."""

    id: int
    at: datetime
    text: str
    number_id: int


def with_replies(follow_ups: "QuerySet[FollowUp]") -> "QuerySet[FollowUp]":
    """The same with their calls, and with the replies that quote_replies() needs."""
    of_call = Q(call=OuterRef("call")) | Q(call=None)  # None: it came to the account's address
    replies = ReceivedText.objects.filter(
        of_call, number=OuterRef("call__number"), at__gte=OuterRef("call__submitting_at"), needs_reader=True
    )
    newest = replies.order_by("-at", "-pk").values("text")[:MOST_QUOTED]
    return follow_ups.select_related("call").annotate(reply_words=ArraySubquery(newest))


def quote_replies(follow_up: FollowUp) -> QuotedReplies | None:
    """The replies that a follow-up of with_replies() is about; None if it is about none that are kept."""
    found: list[str] = getattr(follow_up, "reply_words", [])
    words = tuple(one for one in reversed(found) if one.strip())
    if follow_up.reason not in ABOUT_WORDS or follow_up.call is None or not words:
        return None
    return QuotedReplies(words, follow_up.call.number_id)


def with_texts_back(calls: "QuerySet[CallRecord]") -> "QuerySet[CallRecord]":
    """The calls and texts with what list_replies() needs, in the same statement."""
    replies = ReceivedText.objects.filter(call=OuterRef("pk")).order_by("at", "pk")
    columns = {f"reply_{name}": ArraySubquery(replies.values(name)) for name in TextReply._fields}
    return calls.annotate(**columns)


def list_replies(call: CallRecord) -> list[TextReply]:
    """The replies to a text of with_texts_back(), oldest first."""
    columns = (getattr(call, f"reply_{name}") for name in TextReply._fields)
    return [TextReply(*values) for values in zip(*columns, strict=True)]
