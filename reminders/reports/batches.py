"""A campaign's calls by outcome: our own count beside Robotalker's, and what differs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from reminders.models import CallBatch, CallRecord
from reminders.results.outcomes import read_status_word
from reminders.robotalker.vocabulary import fold_words
from reminders.rules.states import CALL_OPEN, CallState

NOT_ENDED = ""  # the outcome of calls that have none yet
# Words for the status of a call that has not ended. The guide has only "queued".
WORDS_FOR_NOT_ENDED = frozenset({"queued", "ringing", "in progress", "calling", "pending", "scheduled"})
# Words for all calls of the campaign together, which are no outcome beside the others.
WORDS_FOR_ALL = frozenset(
    {"total", "all", "calls", "contacts", "recipients", "total calls", "total contacts"}
)


@dataclass(frozen=True)
class ComparedCount:
    """How many calls have an outcome. `theirs` is None while Robotalker has reported no counts.

    `outcome` is a CallState, NOT_ENDED, or Robotalker's own word if we don't know it.
    """

    outcome: str
    ours: int
    theirs: int | None

    @property
    def difference(self) -> int:
        """How many more Robotalker counts than we do; negative for fewer."""
        return 0 if self.theirs is None else self.theirs - self.ours


def compare_counts(batches: Iterable[CallBatch]) -> dict[int, list[ComparedCount]]:
    """By batch, the counts of each outcome that either side has. One query, however many batches."""
    found = {batch.pk: batch for batch in batches}
    ours: dict[int, Counter[str]] = {pk: Counter() for pk in found}
    calls = CallRecord.objects.filter(batch__in=list(found)).order_by()
    for batch_id, state, count in calls.values_list("batch", "state").annotate(count=Count("pk")):
        ours[batch_id][NOT_ENDED if state in CALL_OPEN else state] += count
    return {pk: _compare(ours[pk], _read_theirs(batch)) for pk, batch in found.items()}


def _read_theirs(batch: CallBatch) -> Counter[str] | None:
    """Robotalker's counts by our outcomes; None when it has reported none."""
    if not batch.reported_counts:
        return None
    theirs: Counter[str] = Counter()
    for word, count in batch.reported_counts.items():
        folded = fold_words(word)
        if folded in WORDS_FOR_ALL:
            continue
        ended = read_status_word(word)
        theirs[ended or (NOT_ENDED if folded in WORDS_FOR_NOT_ENDED else word)] += count
    return theirs


def _compare(ours: Counter[str], theirs: Counter[str] | None) -> list[ComparedCount]:
    known = [
        outcome for outcome in (NOT_ENDED, *CallState.values) if outcome in ours or outcome in (theirs or ())
    ]
    other = sorted(set(theirs or ()) - set(known))
    return [
        ComparedCount(outcome, ours[outcome], None if theirs is None else theirs[outcome])
        for outcome in [*known, *other]
    ]
