"""What the managers' pages of campaigns show: the list, and one campaign."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from operator import attrgetter

from django.db.models import Count, Prefetch, Q
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.models import Appointment, Location
from reminders.campaigns.drafts import SCRIPTS, CampaignDraft, list_scripts, load_texts, take_draft
from reminders.campaigns.history import HistoryEntry, read_history
from reminders.campaigns.previews import (
    NO_MOMENT,
    CampaignPreview,
    HourPreview,
    ReasonGroup,
    StepPreview,
    foresee_saved,
    group_by_reason,
    preview_campaign,
)
from reminders.campaigns.step_words import describe_details, describe_step
from reminders.deciding.present import Present
from reminders.deciding.said_names import list_said_names
from reminders.deciding.situations import PracticeConfig
from reminders.models import Campaign, Reminder, Script, Step
from reminders.rules.reasons import sentence_for
from reminders.rules.states import REMINDER_PENDING
from reminders.rules.zones import zone_or_utc
from reminders.wording.campaign_sentences import write_campaign
from reminders.wording.script_verdicts import judge_steps, say_refusals

WEEK = timedelta(days=7)
NO_MOMENT_SAID = gettext_lazy("Its location is never open, so there is no time for a reminder.")


@dataclass(frozen=True)
class CampaignLine:
    """A campaign in the list: its steps in words, and its reminders that wait, for today and for a week."""

    campaign: Campaign
    steps: Sequence[str]
    today: int
    week: int


@dataclass(frozen=True)
class StepView:
    """A step in words, with what the preview says of it."""

    words: str
    details: Sequence[str]
    preview: StepPreview


@dataclass(frozen=True)
class ReasonView:
    """Why some are not called, in a sentence; `group` has them."""

    sentence: str
    group: ReasonGroup


@dataclass(frozen=True)
class HourView:
    """An hour with the length of its bar (0 to 100), and what it is too much for, in words."""

    hour: HourPreview
    percent: int
    warnings: Sequence[str]
    begins_day: bool


@dataclass(frozen=True)
class CampaignView:
    """One campaign's page. `obstacles`: why it can't be activated, in sentences.

    `scripts`: those that its steps send, by name; `steps_in_use`: of all campaigns.
    """

    campaign: Campaign
    scripts: Sequence[Script]
    steps_in_use: Sequence[Step]
    for_whom: str
    steps: Sequence[StepView]
    preview: CampaignPreview
    hours: Sequence[HourView]
    reasons: Sequence[ReasonView]
    history: Sequence[HistoryEntry]
    obstacles: Sequence[str]


def list_campaigns(now: datetime) -> list[CampaignLine]:
    """All campaigns, the active ones first; four queries, however many there are."""
    steps_in_use = Prefetch("steps", Step.objects.in_use().select_related(*SCRIPTS))
    campaigns = Campaign.objects.prefetch_related(steps_in_use).order_by("name")
    tomorrow = now.astimezone(_read_zone()).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        days=1
    )
    counts = _count_waiting(tomorrow, now + WEEK)
    rank = [Campaign.State.ACTIVE, Campaign.State.PAUSED, Campaign.State.DRAFT]
    lines = []
    for campaign in sorted(campaigns, key=lambda one: (rank.index(Campaign.State(one.state)), one.name)):
        steps = [describe_step(step) for step in campaign.steps.all()]
        today, week = counts.get(campaign.pk, (0, 0))
        lines.append(CampaignLine(campaign, steps, today, week))
    return lines


def view_campaign(campaign_id: int, present: Present) -> CampaignView:
    """One campaign with its preview and history. Raises Campaign.DoesNotExist."""
    config = present.config
    saved = take_draft(campaign_id, config)
    preview = preview_campaign(saved, present=present)
    location = next(iter(config.locations.values()), None)
    return CampaignView(
        saved.campaign,
        sorted({one.pk: one for one in list_scripts(saved.steps)}.values(), key=attrgetter("name")),
        [step for step in config.steps.values() if step.removed_at is None],
        describe_people(saved),
        [StepView(describe_step(one.step), describe_details(one.step), one) for one in preview.steps],
        preview,
        _view_hours(preview),
        [ReasonView(say_reason(group.reason), group) for group in preview.reasons],
        read_history(campaign_id, zone_or_utc(location.time_zone) if location else UTC),
        list_obstacles(saved, config),
    )


def describe_people(draft: CampaignDraft) -> str:
    """For whom it is, such as "Every cleaning at Downtown": what is for everybody is left out."""
    campaign = draft.campaign
    parts = {part.name: part.words for part in write_campaign(campaign)}
    asked = {name for name, wanted in draft.filters._asdict().items() if wanted}
    return capfirst(" ".join(words for name, words in parts.items() if name in asked | {"kinds"}))


def list_obstacles(draft: CampaignDraft, config: PracticeConfig) -> list[str]:
    """Why it can't be activated, in sentences; empty if it can."""
    if not draft.steps:
        return [_("It has no steps yet.")]
    load_texts(draft.steps)
    verdicts = judge_steps(draft.steps, list_said_names(config), config.pronunciations)
    return say_refusals(draft.campaign, verdicts)


def say_reason(reason: str) -> str:
    """The sentence of a reason that a preview groups by."""
    return str(NO_MOMENT_SAID) if reason == NO_MOMENT else sentence_for(reason)


def find_reason_visits(saved: CampaignDraft, reason: str, present: Present) -> list[int]:
    """The visits (ids) that no step reminds of for this reason, the next first."""
    forecast = foresee_saved(saved, present)
    groups = {group.reason: group.visits for group in group_by_reason(forecast)}
    times = forecast.facts.visits.times
    return sorted(groups.get(reason, ()), key=lambda visit: (times[visit].starts, visit))


def load_visits(visits: Collection[int]) -> list[Appointment]:
    """These visits (ids) in this order, with their contacts; without those that are gone."""
    rows = Appointment.objects.select_related("contact__phone", "location").in_bulk(list(visits))
    return [rows[visit] for visit in visits if visit in rows]


def _read_zone() -> tzinfo:
    """The clock of the first location by name; UTC where there is none."""
    location = Location.objects.first()
    return zone_or_utc(location.time_zone) if location else UTC


def _count_waiting(tomorrow: datetime, in_a_week: datetime) -> dict[int, tuple[int, int]]:
    waiting = Reminder.objects.filter(
        state__in=REMINDER_PENDING,
        step__campaign__state=Campaign.State.ACTIVE,
        step__removed_at__isnull=True,
        next_look_at__lt=in_a_week,
    ).order_by()
    rows = waiting.values_list("step__campaign").annotate(
        today=Count("pk", filter=Q(next_look_at__lt=tomorrow)), week=Count("pk")
    )
    return {campaign: (today, week) for campaign, today, week in rows}


def _view_hours(preview: CampaignPreview) -> list[HourView]:
    views, day = [], None
    for hour in preview.hours:
        percent = round(100 * hour.total / preview.busiest) if preview.busiest else 0
        begins_day = hour.starts_at.date() != day
        day = hour.starts_at.date()
        views.append(HourView(hour, max(percent, 1), _warn(hour, preview), begins_day))
    return views


def _warn(hour: HourPreview, preview: CampaignPreview) -> list[str]:
    found = []
    for one in hour.too_many_for:
        words = ngettext(
            "%(name)s takes %(count)d an hour; the others wait for their turn.",
            "%(name)s takes %(count)d an hour; the others wait for their turn.",
            one.desk_takes or 0,
        )
        found.append(words % {"name": one.name, "count": one.desk_takes})
    if hour.over_rate:
        found.append(_("The rate lets out %(count)d an hour.") % {"count": preview.limits.by_rate})
    if hour.over_plan:
        found.append(
            _("Robotalker's plan allows %(count)d calls an hour.") % {"count": preview.limits.by_plan}
        )
    return found
