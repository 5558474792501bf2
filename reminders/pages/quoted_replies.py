"""What patients wrote in reply to a text, as the worklist and a visit's page quote it.

Templates show the words only to those who may read received texts.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet

from contacts.models.people import Channel
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


def read_replies(calls: Iterable[CallRecord]) -> list[ReceivedText]:
    """The replies to these texts; no query for calls."""
    texts = [call.pk for call in calls if call.channel == Channel.SMS]
    return list(ReceivedText.objects.filter(call__in=texts)) if texts else []
