"""Looking again: what a decision depends on has changed, and what waits may go earlier (product rule 30).

A reminder that waits has a `next_look_at`, by what was known at its last look. Here decide() is asked again,
as pages ask it, and a reminder that would go before its next look is due for one at once. One that would only
be skipped or missed keeps its next look: a mistake that is put right before that has ended nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from contacts.database.clock import read_database_clock
from contacts.models import Location
from reminders.deciding.explanations import foresee_call
from reminders.deciding.number_caps import NumberUse, read_use
from reminders.deciding.situations import (
    PracticeConfig,
    read_facts_together,
    read_practice_config,
    with_people,
)
from reminders.lifecycle.reminders import WAITING, recheck_now
from reminders.models import Reminder, SendingSwitch
from reminders.rules.reasons import Reason

CHUNK = 1_000  # reminders read at once
SOON = timedelta(seconds=5)  # a look that comes so soon anyway needs no other
MINUTE = timedelta(minutes=1)


def look_again(reminders: "QuerySet[Reminder]") -> int:
    """Make those of these that wait, and may go earlier now, due for a look at once; how many.

    None while all sending is paused. Decisions are made without locks: they only choose what a dispatch looks
    at, and its look decides.
    """
    if SendingSwitch.objects.filter(paused_at__isnull=False).exists():
        return 0
    practice, now = read_practice_config(), read_database_clock()
    return sum(
        recheck_now(Reminder.objects.filter(pk__in=early))
        for early in _find_early(reminders.filter(WAITING, next_look_at__gt=now + SOON), practice, now)
        if early
    )


def look_again_at_turns(locations: Collection[int] | None = None) -> int:
    """Give those that wait for their turn at a desk a new one, where the pace allows it earlier; how many.

    `locations`: their ids, None for all.
    """
    waiting = Reminder.objects.filter(WAITING, reason=Reason.DESK_PACE).order_by("next_look_at", "pk")
    if locations is not None:
        waiting = waiting.filter(appointment__location__in=locations)
    turns: dict[int, list[datetime]] = defaultdict(list)
    for location, turn in waiting.values_list("appointment__location", "next_look_at"):
        turns[location].append(turn)
    if not turns:
        return 0
    now = read_database_clock()
    rates = dict(Location.objects.filter(pk__in=turns).values_list("pk", "calls_per_minute"))
    late = [pk for pk, moments in turns.items() if are_turns_late(moments, rates.get(pk), now)]
    return recheck_now(waiting.filter(appointment__location__in=late)) if late else 0


def are_turns_late(turns: Collection[datetime], rate: int | None, now: datetime) -> bool:
    """Whether any of these sorted turns is later than `rate` calls a minute need; None: no pace is set.

    With a minute to spare, since calls of the last minute have taken their places too.
    """
    if not rate:
        return True
    return any(turn > now + (place // rate + 2) * MINUTE for place, turn in enumerate(turns))


def _find_early(
    waiting: "QuerySet[Reminder]", practice: PracticeConfig, now: datetime
) -> Iterator[list[int]]:
    """The primary keys of those that would go before their next look, in chunks."""
    last = 0
    while chunk := list(with_people(waiting.filter(pk__gt=last)).order_by("pk")[:CHUNK]):
        last = chunk[-1].pk
        all_facts = read_facts_together(chunk, practice, sending_paused=False)
        use = read_use({facts.number.pk for facts in all_facts if facts.number}, now)
        early = []
        for facts in all_facts:
            used = use[facts.number.pk] if facts.number else None
            if facts.reminder.reason == Reason.LINE_BUSY and not is_line_busy(used, now):
                facts.reminder.reason = ""  # the other call has ended, whenever the next look is
            moment = foresee_call(facts.reminder, facts.situation, now, used).moment
            if moment is not None and moment + SOON < facts.reminder.next_look_at:
                early.append(facts.reminder.pk)
        yield early


def is_line_busy(use: NumberUse | None, now: datetime) -> bool:
    """Whether a call to the number is in progress; `use`: the calls to it (number_caps.py)."""
    return use is not None and use.line_busy_until is not None and use.line_busy_until > now
