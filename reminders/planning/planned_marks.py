"""Marking what planning has seen: until then an appointment is "being planned" (product rule 61).

What was there before a round began is read first, and only that is marked at its end: what was moved,
imported or edited meanwhile waits for the next round.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import F, QuerySet

from contacts.models import Appointment
from reminders.models import Campaign

MARKED_AT_ONCE = 1_000  # rows are locked only that long, so that no page waits for a large import

_MARK = """
    UPDATE contacts_appointment AS appointment SET planned_revision = seen.revision
    FROM (
        SELECT found.id, seen.revision
        FROM unnest(%s::bigint[], %s::int[]) AS seen (id, revision)
        JOIN contacts_appointment AS found ON found.id = seen.id AND found.revision = seen.revision
        ORDER BY found.id FOR NO KEY UPDATE OF found SKIP LOCKED
    ) AS seen
    WHERE appointment.id = seen.id
"""


def read_unplanned(appointments: "QuerySet[Appointment]", now: datetime) -> list[tuple[int, int]]:
    """The booked ones ahead with a revision that planning has not seen: ids with that revision."""
    unseen = appointments.filter(
        status=Appointment.Status.BOOKED, starts_at__gt=now, planned_revision__lt=F("revision")
    )
    return list(unseen.order_by("pk").values_list("pk", "revision"))


def mark_planned(seen: Sequence[tuple[int, int]]) -> None:
    """Record that planning has seen these, of read_unplanned(); a locked one waits for a later round."""
    for start in range(0, len(seen), MARKED_AT_ONCE):
        ids, revisions = zip(*seen[start : start + MARKED_AT_ONCE], strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [list(ids), list(revisions)])


def read_editions() -> dict[int, int]:
    """The present edition of each active campaign that planning has not gone through, by its id."""
    unplanned = Campaign.objects.filter(state=Campaign.State.ACTIVE, planned_edition__lt=F("edition"))
    return dict(unplanned.values_list("pk", "edition"))


def mark_editions_planned(editions: Mapping[int, int]) -> None:
    """Record that planning has gone through every appointment for these editions, of read_editions()."""
    for campaign_id, edition in editions.items():
        Campaign.objects.filter(pk=campaign_id).update(planned_edition=edition)


def begin_edition(campaign: Campaign) -> None:
    """A campaign was activated or edited: what it covers is being planned until planning has seen that."""
    Campaign.objects.filter(pk=campaign.pk).update(edition=F("edition") + 1)
