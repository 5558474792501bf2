"""Grouping: which claimed reminders can go out as one campaign."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings

from contacts.models.people import Channel
from reminders.deciding.households import find_household_reminders
from reminders.deciding.situations import PracticeConfig
from reminders.models import CallRecord, Reminder
from reminders.robotalker.payloads import MAX_RECIPIENTS
from reminders.rules.reasons import CallReason
from reminders.rules.states import CallState
from reminders.wording.scripts import caller_id, choose_text


def sort_for_submission(
    reminder_ids: Sequence[int], practice: PracticeConfig
) -> tuple[list[list[int]], list[int]]:
    """Groups that can be one campaign (one script, one caller id, at most 100), and single reminders.

    Read without locks: only a guess at who goes with whom. The last look decides.
    """
    if not settings.ROBOTALKER_CAMPAIGNS:
        return [], list(reminder_ids)
    by_message: dict[tuple[int, str], list[int]] = defaultdict(list)
    singles = []
    single = _find_refused_in_a_batch(reminder_ids) | find_household_reminders(reminder_ids)
    for sortable in _read_for_sorting(reminder_ids):
        message = None if sortable.pk in single else _find_message(sortable, practice)
        if message is None:
            singles.append(sortable.pk)
        else:
            by_message[message].append(sortable.pk)
    groups = [group for ids in by_message.values() for group in _cut(ids, MAX_RECIPIENTS)]
    singles += [pk for group in groups if len(group) < settings.CAMPAIGN_MINIMUM for pk in group]
    return [group for group in groups if len(group) >= settings.CAMPAIGN_MINIMUM], singles


class Sortable(NamedTuple):
    """What says with whom a reminder can go, by primary keys."""

    pk: int
    step: int
    channel: str
    ordered_by: int | None
    location: int
    language: str


def _read_for_sorting(reminder_ids: Sequence[int]) -> list[Sortable]:
    reminders = Reminder.objects.filter(pk__in=reminder_ids).order_by("due_at", "id")
    rows = reminders.values_list(
        "pk", "step", "channel", "ordered_by", "appointment__location", "appointment__contact__language"
    )
    return [Sortable(*row) for row in rows]


def _find_message(sortable: Sortable, practice: PracticeConfig) -> tuple[int, str] | None:
    """The words (ScriptText's id) and caller id of a call that could be one of a campaign's, or None."""
    step, location = practice.steps.get(sortable.step), practice.locations.get(sortable.location)
    if sortable.channel != Channel.VOICE or sortable.ordered_by or not step or not location:
        return None
    text = choose_text(step.script, sortable.language)
    return (text.pk, caller_id(location)) if text else None


def _find_refused_in_a_batch(reminder_ids: Sequence[int]) -> set[int]:
    refused = CallRecord.objects.filter(
        reminder__in=reminder_ids, state=CallState.NOT_SENT, reason=CallReason.GROUP_REFUSED
    )
    return set(refused.values_list("reminder_id", flat=True))


def _cut(ids: Sequence[int], size: int) -> list[list[int]]:
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]
