"""What the admin's first page tells: how today's calls and texts went, what failed and why, what is stuck.

Each line leads to the list that it counts. A part that this person may not see is None.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, Min
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy
from redis import RedisError

from reminders.lifecycle.follow_ups import UNRESOLVED
from reminders.models import CallRecord, FollowUp
from reminders.rules.reasons import sentence_for
from reminders.rules.states import CallState
from webhooks.applying import count_stuck
from webhooks.refusal_counts import Refusal, read_refusals

FAILED = (CallState.NOT_SENT, CallState.REJECTED, CallState.FAILED, CallState.UNKNOWN, CallState.OVERDUE)
REFUSED: dict[Refusal, Promise] = {
    Refusal.FORGED: gettext_lazy("at an address that was never given out"),
    Refusal.EXPIRED: gettext_lazy("at an address that is too old"),
    Refusal.UNKNOWN: gettext_lazy("about a call that isn't known here"),
    Refusal.FOREIGN: gettext_lazy("meant for another database"),
    Refusal.SURPLUS: gettext_lazy("more than a call can have"),
}


@dataclass(frozen=True)
class DeliveryLine:
    """How many calls and texts of a state or a reason; `address`: the list of them."""

    code: str
    words: str
    count: int
    address: str


@dataclass(frozen=True)
class Overview:
    """`stuck`: messages from Robotalker that need a person. `oldest_due`: when the first entry is due.

    `refused`: messages that were refused today (by the day of UTC), by why, in words; none without Redis.
    """

    delivered: list[DeliveryLine] | None
    failures: list[DeliveryLine] | None
    stuck: int | None
    refused: list[tuple[Promise, int]]
    oldest_due: datetime | None


def read_overview(user: User, since: datetime) -> Overview:
    """What this person may see of it; calls and texts since `since`. At most three queries."""
    sees_calls = user.has_perm("reminders.view_callrecord")
    sees_events = user.has_perm("webhooks.view_webhookevent")
    counts = _count_calls(since) if sees_calls else Counter()
    return Overview(
        delivered=_list_states(counts, since) if sees_calls else None,
        failures=_list_reasons(counts, since) if sees_calls else None,
        stuck=count_stuck() if sees_events else None,
        refused=_list_refused() if sees_events else [],
        oldest_due=_find_oldest_due() if user.has_perm("reminders.view_followup") else None,
    )


def _count_calls(since: datetime) -> Counter[tuple[str, str]]:
    """By state and reason."""
    rows = CallRecord.objects.filter(submitting_at__gte=since).order_by().values_list("state", "reason")
    return Counter({(state, reason): count for state, reason, count in rows.annotate(count=Count("pk"))})


def _list_states(counts: Counter[tuple[str, str]], since: datetime) -> list[DeliveryLine]:
    """In the order of CallState; states that nothing is in are left out."""
    by_state: Counter[str] = Counter()
    for (state, _), count in counts.items():
        by_state[state] += count
    return [
        DeliveryLine(state, str(state.label), by_state[state], _address(since, state=state))
        for state in CallState
        if by_state[state]
    ]


def _list_reasons(counts: Counter[tuple[str, str]], since: datetime) -> list[DeliveryLine]:
    """Why calls and texts failed, the most frequent reason first."""
    by_reason: Counter[str] = Counter()
    for (state, reason), count in counts.items():
        if state in FAILED:
            by_reason[reason] += count
    return [
        DeliveryLine(reason, sentence_for(reason), count, _address(since, reason=reason, states=FAILED))
        for reason, count in by_reason.most_common()
    ]


def _list_refused() -> list[tuple[Promise, int]]:
    with suppress(RedisError, OSError):
        counts = read_refusals()
        return [(words, counts[why]) for why, words in REFUSED.items() if counts.get(why)]
    return []


def _address(since: datetime, *, states: Iterable[str] = (), **equal: str) -> str:
    """The admin's list of the calls that a line counts."""
    wanted = {f"{field}__exact": value for field, value in equal.items()}
    wanted |= {"state__in": ",".join(states)} if states else {}
    wanted |= {"submitting_at__gte": since.isoformat()}
    return f"{reverse('admin:reminders_callrecord_changelist')}?{urlencode(wanted)}"


def _find_oldest_due() -> datetime | None:
    due: datetime | None = FollowUp.objects.filter(UNRESOLVED).aggregate(due=Min("due_at"))["due"]
    return due
