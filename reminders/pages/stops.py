"""The page for pausing and resuming: all sending, each location, each campaign, and the state of each."""

from dataclasses import dataclass

from contacts.models import Location
from reminders.models import Campaign
from reminders.pages.pause_banner import PartPause, describe_part_pause


@dataclass(frozen=True)
class Part:
    """A location or a campaign that can be paused by itself; `pause` while it is."""

    pk: int
    name: str
    pause: PartPause | None


@dataclass(frozen=True)
class Stops:
    """What can be paused besides all sending. Campaigns that are drafts send nothing, so they aren't here."""

    locations: tuple[Part, ...]
    campaigns: tuple[Part, ...]


def read_stops() -> Stops:
    """Two queries."""
    locations = list(Location.objects.select_related("paused_by"))
    zone = locations[0].zone if locations else None
    running = Campaign.objects.exclude(state=Campaign.State.DRAFT).select_related("paused_by")
    return Stops(
        tuple(Part(one.pk, one.name, describe_part_pause(one, zone, one.paused_by)) for one in locations),
        tuple(
            Part(one.pk, one.name, describe_part_pause(one, zone, one.paused_by) or _describe_old_pause(one))
            for one in running
        ),
    )


def _describe_old_pause(campaign: Campaign) -> PartPause | None:
    """A pause from before the moment of it was recorded."""
    return PartPause(campaign.name, "") if campaign.state == Campaign.State.PAUSED else None
