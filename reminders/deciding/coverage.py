"""Which appointments a campaign is for: one rule, in Python for one appointment and in SQL for many.

A test holds the two equal over every combination of filters.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import F, Q, QuerySet

from contacts.models import Appointment
from reminders.models import Campaign, Step


class CampaignFilters(NamedTuple):
    """Whom a campaign is for, as values: ids of locations and providers, and kinds; an empty one: all."""

    locations: frozenset[int] = frozenset()
    providers: frozenset[int] = frozenset()
    kinds: frozenset[str] = frozenset()


def read_filters(campaign: Campaign) -> CampaignFilters:
    """The campaign's filters as they are saved; no query where they are prefetched."""
    return CampaignFilters(
        frozenset(location.pk for location in campaign.locations.all()),
        frozenset(provider.pk for provider in campaign.providers.all()),
        frozenset(campaign.kinds),
    )


def covers(campaign: Campaign, appointment: Appointment) -> bool:
    """Whether the campaign is for this appointment; find_covered() is the same rule for many."""
    locations = {location.pk for location in campaign.locations.all()}
    providers = {provider.pk for provider in campaign.providers.all()}
    return (
        (not locations or appointment.location_id in locations)
        and (not providers or appointment.provider_id in providers)
        and (not campaign.kinds or appointment.kind in campaign.kinds)
    )


def find_covered(step: Step, appointments: "QuerySet[Appointment]") -> "QuerySet[Appointment]":
    """Those of `appointments` that the step's campaign is for. An empty filter covers all."""
    return appointments.filter(build_coverage(read_filters(step.campaign)))


def build_coverage(filters: CampaignFilters) -> Q:
    """The same rule as a condition on appointments, for filters that need not be saved."""
    condition = Q()
    if filters.locations:
        condition &= Q(location__in=sorted(filters.locations))
    if filters.providers:
        condition &= Q(provider__in=sorted(filters.providers))
    if filters.kinds:
        condition &= Q(kind__in=sorted(filters.kinds))
    return condition


def read_unplanned_campaigns() -> list[Campaign]:
    """Active campaigns that were activated or edited since planning went through them: few or none."""
    unplanned = Campaign.objects.filter(state=Campaign.State.ACTIVE, planned_edition__lt=F("edition"))
    return list(unplanned.prefetch_related("locations", "providers"))


def is_being_planned(appointment: Appointment, unplanned: Collection[Campaign], now: datetime) -> bool:
    """Whether planning has not seen it yet, or not for one of the `unplanned` campaigns (product rule 61)."""
    if appointment.status != Appointment.Status.BOOKED or appointment.starts_at <= now:
        return False
    is_seen = appointment.planned_revision >= appointment.revision
    return not is_seen or any(covers(campaign, appointment) for campaign in unplanned)
