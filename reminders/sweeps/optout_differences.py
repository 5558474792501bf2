"""How Robotalker's list of contacts differs from our opt-outs.

What we last sent to that list, or read from it, is kept in ListedNumber. An opt-out always wins, whichever
side it was made on, with one exception: an opt-in by staff that Robotalker has not been sent yet.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce

from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.optouts import SCOPE_BY_CHANNEL
from reminders.models import ListedNumber

EVIDENCE = "on Robotalker's list of contacts"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# The flag of ListedNumber for each channel.
FLAGS = {Channel.VOICE: "calls_opted_out", Channel.SMS: "texts_opted_out"}


def select_unsent_opt_ins() -> "QuerySet[ConsentEntry]":
    """Opt-ins made since their number was last sent to Robotalker.

    They are sent even where our row says that Robotalker has no opt-out: it may have one of its own.
    """
    entries = ConsentEntry.objects.alias(told_at=Coalesce("number__listed__told_at", Value(NEVER)))
    return entries.filter(what=ConsentEntry.What.OPT_IN, at__gt=F("told_at")).order_by()


def read_unsent_opt_ins(number_ids: Collection[int]) -> dict[int, set[Channel]]:
    """The channels that were opted in since Robotalker was last sent each number, by number id."""
    found: dict[int, set[Channel]] = {pk: set() for pk in number_ids}
    entries = select_unsent_opt_ins().filter(number__in=number_ids)
    for number_id, scope in entries.values_list("number_id", "scope"):
        found[number_id] |= {
            channel for channel in Channel if scope in (SCOPE_BY_CHANNEL[channel], ConsentEntry.Scope.ALL)
        }
    return found


def find_unsent_changes(
    number: PhoneNumber, listed: ListedNumber | None, opted_in: Collection[Channel]
) -> dict[Channel, bool]:
    """What must change on Robotalker's list for this number, by channel: True is opted out.

    `listed` is what Robotalker has, as far as we know. `opted_in` are the channels of unsent opt-ins.
    """
    differences = {}
    for channel, flag in FLAGS.items():
        ours = number.opted_out_at(channel) is not None
        theirs = listed is not None and bool(getattr(listed, flag))
        if ours != theirs or (not ours and channel in opted_in):
            differences[channel] = ours
    return differences
