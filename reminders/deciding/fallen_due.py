"""What fell due while sending, or a campaign, was paused: sent after the pause, or not (product rule 29).

A reminder fell due in a pause if a moment at which it could have gone out lies in the pause: from its due
time on, or after a failed try from the time of the next, and within calling hours. So one that was due before
the pause and only waited for the calling hours, its turn at the desk or another call counts if they came in
the pause; one that still waits for them, or that the cap of its number holds, does not, since the pause isn't
why it waits. Nor does one that wouldn't be sent after the pause: confirmed by now, opted out, or held for
another reason.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from django.db.models import Q, QuerySet

from reminders.deciding.number_caps import NumberUse, read_use
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.situations import (
    NO_LIMITS,
    PracticeConfig,
    apply_limits,
    read_facts_together,
    with_people,
)
from reminders.models import Campaign, Reminder
from reminders.rules.calling_hours import next_allowed
from reminders.rules.decide import Situation, Verdict, decide
from reminders.rules.reasons import Reason
from reminders.rules.states import REMINDER_PENDING, ReminderState

CHUNK = 2_000  # reminders read at once


class DueReminder(NamedTuple):
    """A reminder by its id, None if it isn't planned yet; its step and its appointment (ids)."""

    pk: int | None
    step: int
    appointment: int


class FallenDue(NamedTuple):
    """Reminders that fell due in a pause: those still in time, and how many are too late by now."""

    in_time: list[DueReminder]
    too_late: int

    @property
    def total(self) -> int:
        return len(self.in_time) + self.too_late

    @property
    def ids(self) -> list[int]:
        """Those still in time that are planned, by id."""
        return [one.pk for one in self.in_time if one.pk is not None]


class Foreseen(NamedTuple):
    """What a forecast of the same reminders has read, so that it isn't read again.

    `uses`: the calls of the last week, by number (ids), of all upcoming visits that are covered.
    `unplanned`: what is owed and due, and is not planned yet, within the caps of its numbers.
    """

    config: PracticeConfig
    uses: Mapping[int, NumberUse]
    unplanned: Iterable[tuple[DueReminder, Situation]]


def find_fallen_due(
    reminders: "QuerySet[Reminder]",
    paused_at: datetime,
    now: datetime,
    *,
    of_paused_campaign: bool = False,
    of_paused_location: bool = False,
    or_before: bool = False,
    foreseen: Foreseen | None = None,
) -> FallenDue:
    """Those of `reminders` that fell due from `paused_at` to `now` (aware UTC).

    They are judged as after the pause: of all sending, or as well of their campaign (`of_paused_campaign`) or
    their location (`of_paused_location`).
    `or_before`: those that fell due before and wait still, too. `foreseen`: where that was read already.
    """
    pending = reminders.filter(Q(due_at__lte=now) | Q(ordered_by__isnull=False), state__in=REMINDER_PENDING)
    missed = reminders.filter(
        state=ReminderState.MISSED, reason=Reason.TOO_LATE, not_after__gt=paused_at, not_after__lte=now
    )
    in_time, too_late = [], missed.count()
    unplanned = foreseen.unplanned if foreseen else ()
    for reminder, found in chain(_read_situations(pending, now, foreseen), unplanned):
        situation = found._replace(sending_paused=False)
        if of_paused_campaign:
            situation = situation._replace(campaign_active=True)
        if of_paused_location:
            situation = situation._replace(location_paused=False)
        since = min(situation.not_before, paused_at) if or_before else paused_at
        if not may_have_gone(situation, since, now):
            continue
        decision = decide(situation, now)
        too_late += decision.reason == Reason.TOO_LATE
        if decision.verdict in (Verdict.CALL, Verdict.WAIT) and not is_capped(situation, now):
            in_time.append(reminder)
    return FallenDue(in_time, too_late)


def find_due_in_paused_campaign(
    campaign: Campaign, now: datetime, foreseen: Foreseen | None = None
) -> FallenDue:
    """What fell due since this campaign was paused; nothing if it isn't paused.

    Without what is `foreseen`, as far as it is planned.
    """
    begun = campaign.paused_at or campaign.activated_at
    if campaign.state != Campaign.State.PAUSED or begun is None:
        return FallenDue([], 0)
    reminders = Reminder.objects.filter(step__campaign=campaign)
    return find_fallen_due(reminders, begun, now, of_paused_campaign=True, foreseen=foreseen)


def may_have_gone(situation: Situation, since: datetime, now: datetime) -> bool:
    """Whether it was due, within calling hours, at some moment from `since` to `now`."""
    due_from = since if situation.ordered else max(situation.not_before, since)
    if due_from > now or not situation.zones:
        return False
    allowed = next_allowed(due_from, situation.hours, situation.zones)
    return allowed is not None and allowed <= now


def is_capped(situation: Situation, now: datetime) -> bool:
    """Whether the cap of its number holds it now, and does not let it go by a person's order."""
    return not situation.ordered and situation.capped_until is not None and situation.capped_until > now


def _read_situations(
    pending: "QuerySet[Reminder]", now: datetime, foreseen: Foreseen | None
) -> Iterator[tuple[DueReminder, Situation]]:
    """The situation of each, with what the cap of its number forbids now.

    A cap matters only to upcoming visits that are covered, so the uses that are foreseen are enough.
    """
    config = foreseen.config if foreseen else read_shared_settings().config
    practice, last, are_more = config.copy_rows(), 0, True
    in_order = with_people(pending).order_by("pk")
    while are_more and (chunk := list(in_order.filter(pk__gt=last)[:CHUNK])):
        last, are_more = chunk[-1].pk, len(chunk) == CHUNK
        all_facts = read_facts_together(chunk, practice, sending_paused=False)
        numbers = {facts.number.pk for facts in all_facts if facts.number}
        uses = foreseen.uses if foreseen else read_use(numbers, now)
        for facts in all_facts:
            reminder, use = facts.reminder, uses.get(facts.number.pk) if facts.number else None
            limits = use.limits_by_cap(reminder, now) if use else NO_LIMITS
            due = DueReminder(reminder.pk, reminder.step_id, reminder.appointment_id)
            yield due, apply_limits(facts.situation, limits)
