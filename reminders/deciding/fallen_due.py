"""What fell due while sending, or a campaign, was paused: sent after the pause, or not (product rule 29).

A reminder fell due in a pause if a moment at which it could have gone out lies in the pause: from its due
time on, or after a failed try from the time of the next, and within calling hours. So one that was due before
the pause and only waited for the calling hours, its turn at the desk or another call counts if they came in
the pause; one that still waits for them, or that the cap of its number holds, does not, since the pause isn't
why it waits. Nor does one that wouldn't be sent after the pause: confirmed by now, opted out, or held for
another reason.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet

from reminders.deciding.number_caps import read_use
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.situations import (
    NO_LIMITS,
    PracticeConfig,
    ReminderFacts,
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


class FallenDue(NamedTuple):
    """Reminders that fell due in a pause: those still in time, by id, and how many are too late by now."""

    in_time: list[int]
    too_late: int

    @property
    def total(self) -> int:
        return len(self.in_time) + self.too_late


def find_fallen_due(
    reminders: "QuerySet[Reminder]",
    paused_at: datetime,
    now: datetime,
    *,
    of_paused_campaign: bool = False,
    of_paused_location: bool = False,
    or_before: bool = False,
    config: PracticeConfig | None = None,
) -> FallenDue:
    """Those of `reminders` that fell due from `paused_at` to `now` (aware UTC).

    They are judged as after the pause: of all sending, or as well of their campaign (`of_paused_campaign`) or
    their location (`of_paused_location`).
    `or_before`: those that fell due before and wait still, too. `config`: where it was read already.
    """
    pending = reminders.filter(Q(due_at__lte=now) | Q(ordered_by__isnull=False), state__in=REMINDER_PENDING)
    missed = reminders.filter(
        state=ReminderState.MISSED, reason=Reason.TOO_LATE, not_after__gt=paused_at, not_after__lte=now
    )
    in_time, too_late = [], missed.count()
    for facts in _read_facts(pending, now, config or read_shared_settings().config):
        situation = facts.situation._replace(sending_paused=False)
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
            in_time.append(facts.reminder.pk)
    return FallenDue(in_time, too_late)


def find_due_in_paused_campaign(
    campaign: Campaign, now: datetime, config: PracticeConfig | None = None
) -> FallenDue:
    """What fell due since this campaign was paused, as far as it is planned; nothing if it isn't paused.

    `config`: where it was read already.
    """
    begun = campaign.paused_at or campaign.activated_at
    if campaign.state != Campaign.State.PAUSED or begun is None:
        return FallenDue([], 0)
    reminders = Reminder.objects.filter(step__campaign=campaign)
    return find_fallen_due(reminders, begun, now, of_paused_campaign=True, config=config)


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


def _read_facts(
    pending: "QuerySet[Reminder]", now: datetime, config: PracticeConfig
) -> Iterator[ReminderFacts]:
    """The facts of each, with what the cap of its number forbids now."""
    practice, last, are_more = config.copy_rows(), 0, True
    in_order = with_people(pending).order_by("pk")
    while are_more and (chunk := list(in_order.filter(pk__gt=last)[:CHUNK])):
        last, are_more = chunk[-1].pk, len(chunk) == CHUNK
        all_facts = read_facts_together(chunk, practice, sending_paused=False)
        uses = read_use({facts.number.pk for facts in all_facts if facts.number}, now)
        for facts in all_facts:
            use = uses[facts.number.pk] if facts.number else None
            limits = use.limits_by_cap(facts.reminder, now) if use else NO_LIMITS
            yield replace(facts, situation=apply_limits(facts.situation, limits))
