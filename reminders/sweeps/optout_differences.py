"""Where our opt-outs and Robotalker's own list of contacts differ."""

from collections.abc import Collection
from datetime import UTC, datetime

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce

from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from reminders.models import ListedNumber

Scope = ConsentEntry.Scope


EVIDENCE = "on Robotalker's list of contacts"


NEVER = datetime(1970, 1, 1, tzinfo=UTC)


FLAGS = {Channel.VOICE: "calls_opted_out", Channel.SMS: "texts_opted_out"}


SCOPES = {Channel.VOICE: Scope.VOICE, Channel.SMS: Scope.SMS}


def _fresh_opt_ins() -> "QuerySet[ConsentEntry]":
    """Opt-ins that Robotalker wasn't told of; an opt-out of its own stands there whatever our row says."""
    entries = ConsentEntry.objects.alias(told_at=Coalesce("number__listed__told_at", Value(NEVER)))
    return entries.filter(what=ConsentEntry.What.OPT_IN, at__gt=F("told_at")).order_by()


def _read_opted_in(number_ids: Collection[int]) -> dict[int, set[Channel]]:
    """By number, the channels that were opted in again and Robotalker wasn't told of."""
    found: dict[int, set[Channel]] = {pk: set() for pk in number_ids}
    for number_id, scope in _fresh_opt_ins().filter(number__in=number_ids).values_list("number_id", "scope"):
        found[number_id] |= {channel for channel, its in SCOPES.items() if scope in (its, Scope.ALL)}
    return found


def _find_owed(
    number: PhoneNumber, listed: ListedNumber | None, opted_in: Collection[Channel]
) -> dict[Channel, bool]:
    """What Robotalker is still to be told of a number: opted out or not, by channel."""
    owed = {}
    for channel, flag in FLAGS.items():
        ours = number.opted_out_at(channel) is not None
        told = listed is not None and bool(getattr(listed, flag))
        if ours != told or (not ours and channel in opted_in):
            owed[channel] = ours
    return owed
