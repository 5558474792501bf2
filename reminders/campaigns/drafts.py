"""A campaign as values: as it is saved, or as an edit that isn't saved yet would make it."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from django.db.models import Max, prefetch_related_objects

from reminders.deciding.coverage import CampaignFilters, read_filters
from reminders.deciding.situations import PracticeConfig
from reminders.models import Campaign, CampaignVersion, Script, Step
from reminders.planning.editing import means_others, read_step_time
from reminders.planning.owed_reminders import StepTiming, read_step_timing
from reminders.rules.reaching_back import MeantSince

SCRIPTS = ("script", "text_script", "fallback_script")
# What of a step is not an edit: whose it is, and what Callboard notes by itself.
NOT_EDITED = frozenset({"id", "campaign", "since", "removed_at"})


@dataclass(frozen=True)
class CampaignDraft:
    """A campaign as an edit would leave it. Nothing of it needs to be saved but the campaign itself.

    `steps` in their order, without those that were removed. A step that is edited has its key and the new
    values; a new one has no key; a saved step that is not among them is removed. `last_version`: the number
    of the last version in its history, 0 if that hasn't begun.
    """

    campaign: Campaign
    name: str
    filters: CampaignFilters
    steps: tuple[Step, ...]
    last_version: int = 0

    def with_steps(self, steps: Sequence[Step]) -> "CampaignDraft":
        """The same with these steps, which may be unsaved."""
        return replace(self, steps=tuple(steps))

    def with_filters(self, filters: CampaignFilters) -> "CampaignDraft":
        """The same for the people of these filters."""
        return replace(self, filters=filters)


@dataclass(frozen=True)
class PlannedStep:
    """A step with since when it means somebody. `key`: its primary key, or a negative number if it is new."""

    key: int
    step: Step
    timing: StepTiming | None


@dataclass(frozen=True)
class CampaignPlan:
    """Whom a campaign means by which steps, before or after an edit; `filters` as in coverage.py."""

    filters: CampaignFilters
    steps: dict[int, PlannedStep]


def read_draft(campaign_id: int) -> CampaignDraft:
    """The campaign as it is saved, with all that a preview needs. Raises Campaign.DoesNotExist."""
    campaigns = Campaign.objects.prefetch_related("locations", "providers")
    campaign = campaigns.annotate(last_version=Max("versions__number")).get(pk=campaign_id)
    steps = list(campaign.steps.in_use().select_related(*SCRIPTS).order_by("position", "pk"))
    for step in steps:
        step.campaign = campaign
    return CampaignDraft(
        campaign, campaign.name, read_filters(campaign), tuple(steps), campaign.last_version or 0
    )


def take_draft(campaign_id: int, config: PracticeConfig) -> CampaignDraft:
    """The same to be shown, without a query if it has steps; raises Campaign.DoesNotExist.

    `config`: from read_shared_settings(), so as it is now; nothing of it may be changed, and the number of
    the last version is not told.
    """
    own = [one for one in config.steps.values() if one.campaign_id == campaign_id and one.removed_at is None]
    if not own:
        return read_draft(campaign_id)
    steps = tuple(copy(step) for step in sorted(own, key=attrgetter("position", "pk")))
    campaign = copy(steps[0].campaign)
    for step in steps:
        step.campaign = campaign
    return CampaignDraft(campaign, campaign.name, read_filters(campaign), steps)


def read_last_version(campaign_id: int) -> int:
    """The number of the last version in the campaign's history, 0 if that hasn't begun."""
    versions = CampaignVersion.objects.filter(campaign=campaign_id)
    return versions.aggregate(last=Max("number"))["last"] or 0


def plan_as_saved(saved: CampaignDraft, now: datetime) -> CampaignPlan:
    """The campaign as it stands; one that was never activated as if it were activated `now`."""
    activated_at = saved.campaign.activated_at or now
    since = saved.campaign.filters_since
    return CampaignPlan(
        saved.filters,
        {
            step.pk: PlannedStep(step.pk, step, _read_timing(step, activated_at, since))
            for step in saved.steps
        },
    )


def plan_as_edited(saved: CampaignDraft, draft: CampaignDraft, now: datetime) -> CampaignPlan:
    """The campaign as `draft` makes it if it is saved `now`: what has changed means people from then on.

    The same as planning/editing.py notes when it is saved.
    """
    activated_at = saved.campaign.activated_at or now
    filters_since = saved.campaign.filters_since if draft.filters == saved.filters else now
    times = {step.pk: read_step_time(step) for step in saved.steps}
    steps = {}
    for place, step in enumerate(draft.steps, start=1):
        key = step.pk or -place
        step.campaign = saved.campaign
        is_as_before = step.pk in times and not means_others(times[step.pk], read_step_time(step))
        timing = _read_timing(step, activated_at, filters_since, since=None if is_as_before else now)
        steps[key] = PlannedStep(key, step, timing)
    return CampaignPlan(draft.filters, steps)


def is_like(one: Step, other: Step) -> bool:
    """Whether the two say the same, whatever their places in the campaign."""
    names = [field.attname for field in Step._meta.concrete_fields if field.name not in NOT_EDITED]
    return all(getattr(one, name) == getattr(other, name) for name in names if name != "position")


def list_scripts(steps: Sequence[Step]) -> list[Script]:
    """The scripts of these steps; more than one object of a script that several send."""
    return [script for step in steps for name in SCRIPTS if (script := getattr(step, name))]


def load_texts(steps: Sequence[Step]) -> None:
    """Load the scripts of these steps with their texts, few queries for all."""
    if scripts := list_scripts(steps):
        prefetch_related_objects(scripts, "texts")


def _read_timing(
    step: Step, activated_at: datetime, filters_since: datetime | None, *, since: datetime | None = None
) -> StepTiming | None:
    timing = read_step_timing(step)
    if timing is None:
        return None
    return timing._replace(since=MeantSince(activated_at, since or step.since, filters_since))
