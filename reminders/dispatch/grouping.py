"""Grouping: which claimed reminders can go out together, as one campaign or as one batch of texts."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from django.conf import settings

from contacts.database.arrays import is_any
from contacts.models.people import Channel
from reminders.deciding.households import find_household_reminders
from reminders.deciding.situations import PracticeConfig
from reminders.models import CallRecord, Reminder
from reminders.robotalker.payloads import MAX_RECIPIENTS
from reminders.rules.reasons import CallReason
from reminders.rules.states import CallState
from reminders.wording.scripts import caller_id, choose_channel, find_text


class Sortable(NamedTuple):
    """What decides with which others a reminder can go out, by primary keys."""

    step: int
    channel: str
    ordered_by: int | None
    location: int
    language: str
    preference: str


class Message(NamedTuple):
    """What all of a group have in common: the channel, the ScriptText's id and the caller id."""

    channel: Channel
    script_text: int
    caller_id: str


def sort_for_submission(
    reminder_ids: Sequence[int], practice: PracticeConfig
) -> tuple[list[list[int]], list[int]]:
    """Groups that can be one POST (one channel, script and caller id, at most 100), and single reminders.

    Read without locks, so only a guess: the last look decides.
    """
    if not (settings.ROBOTALKER_CAMPAIGNS or settings.ROBOTALKER_SMS_BATCHES):
        return [], list(reminder_ids)
    refused_in_a_batch = CallRecord.objects.filter(
        is_any("reminder", reminder_ids), state=CallState.NOT_SENT, reason=CallReason.GROUP_REFUSED
    )
    alone = set(refused_in_a_batch.values_list("reminder_id", flat=True))
    alone |= find_household_reminders(reminder_ids)
    reminders = Reminder.objects.filter(is_any("pk", reminder_ids)).order_by("due_at", "id")
    rows = reminders.values_list(
        *("pk", "step", "channel", "ordered_by", "appointment__location"),
        *("appointment__contact__language", "appointment__contact__preferred_channel"),
    )
    by_message: dict[Message, list[int]] = defaultdict(list)
    groups: list[list[int]] = []
    singles: list[int] = []
    find_message = lru_cache(partial(_find_message, practice=practice))
    for pk, *row in rows:
        message = None if pk in alone else find_message(Sortable(*row))
        (by_message[message] if message else singles).append(pk)
    for ids in by_message.values():
        for start in range(0, len(ids), MAX_RECIPIENTS):
            group = ids[start : start + MAX_RECIPIENTS]
            if len(group) >= settings.CAMPAIGN_MINIMUM:
                groups.append(group)
            else:
                singles += group
    return groups, singles


def _find_message(sortable: Sortable, practice: PracticeConfig) -> Message | None:
    """What a try says that can go out with others, or None. A text that a person ordered goes out alone."""
    step, location = practice.steps.get(sortable.step), practice.locations.get(sortable.location)
    if sortable.ordered_by or not step or not location:
        return None
    channel = Channel(sortable.channel or choose_channel(step.channel, sortable.preference))
    by_text = channel == Channel.SMS
    if not (settings.ROBOTALKER_SMS_BATCHES if by_text else settings.ROBOTALKER_CAMPAIGNS):
        return None
    text = find_text(step, channel, sortable.language, follows_calls=bool(sortable.channel))
    return Message(channel, text.pk, caller_id(location)) if text else None
