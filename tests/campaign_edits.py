"""Editing a campaign as its pages do: a draft, the difference that is shown, and saving what was shown."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User

from reminders.campaigns.differences import CampaignDiff, diff_edit
from reminders.campaigns.drafts import CampaignDraft, read_draft
from reminders.campaigns.edits import save_shown_edit
from reminders.models import Campaign, Step


def save_as_shown(draft: CampaignDraft, by: User) -> CampaignDiff:
    """Look at what the draft changes, and save it."""
    return save_shown_edit(draft, shown=diff_edit(draft).token, by=by)


def edit_campaign(campaign: Campaign, by: User, *, name: str = "", **filters: Any) -> CampaignDiff:
    """Change its name, and the filters that are named: ids of locations and providers, kinds, and so on."""
    draft = read_draft(campaign.pk)
    values: dict[str, Any] = {
        one: value if isinstance(value, str) else frozenset(value) for one, value in filters.items()
    }
    draft = draft.with_filters(draft.filters._replace(**values))
    return save_as_shown(replace(draft, name=name or draft.name), by)


def edit_step(step: Step, by: User, **values: Any) -> CampaignDiff:
    """Change these fields of a step."""
    draft = read_draft(step.campaign_id)
    edited = [_change(one, values) if one.pk == step.pk else one for one in draft.steps]
    return save_as_shown(draft.with_steps(edited), by)


def add_steps(campaign: Campaign, by: User, steps: Sequence[Step]) -> CampaignDiff:
    """Add steps, unsaved, behind those that there are."""
    draft = read_draft(campaign.pk)
    return save_as_shown(draft.with_steps([*draft.steps, *steps]), by)


def _change(step: Step, values: dict[str, Any]) -> Step:
    changed = copy(step)
    for name, value in values.items():
        setattr(changed, name, value)
    return changed
