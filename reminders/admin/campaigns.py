"""Campaigns, their steps and their history, to look at: they are made and edited at the front desk."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.admin.history import HistoryAdmin, HistoryInline
from contacts.templatetags.display import day_and_clock
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.history import HistoryEntry, read_history
from reminders.campaigns.overviews import describe_people
from reminders.campaigns.step_words import describe_details, describe_step
from reminders.models import Campaign, CampaignVersion, Step

MOST_VERSIONS = 500


class StepColumns:
    """How a step is shown, also one that was taken out."""

    @admin.display(description=_("place"))
    def place(self, step: Step) -> str:
        """Its place among the steps; one that was taken out has none."""
        return "-" if step.removed_at else str(step.position)

    @admin.display(description=_("what it does"))
    def words(self, step: Step) -> SafeString:
        return format_html("{}<br>{}", describe_step(step), " ".join(describe_details(step)))


class StepInline(StepColumns, HistoryInline):
    model = Step
    fields = readonly_fields = ("place", "words", "since", "removed_at")
    verbose_name_plural = _("steps, also those that were taken out")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("script", "text_script", "fallback_script")


@admin.register(Campaign)
class CampaignAdmin(HistoryAdmin[Campaign]):
    list_display = ("name", "state", "activated_at", "step_count", "created_by")
    list_filter = ("state", "locations", "providers", "patients", "consent")
    list_select_related = ("created_by",)
    search_fields = ("name",)
    fields = readonly_fields = (
        "name",
        "page",
        "state",
        "activated_at",
        "paused_at",
        "paused_by",
        "pause_reason",
        "for_whom",
        "filters_since",
        "created_by",
        "created_at",
        "versions",
    )
    inlines = (StepInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        in_use = Count("steps", filter=Q(steps__removed_at=None))
        return super().get_queryset(request).annotate(step_count=in_use)

    @admin.display(description=_("steps"), ordering="step_count")
    def step_count(self, campaign: Campaign) -> int:
        return cast(int, campaign.step_count)  # type: ignore[attr-defined] # annotated above

    @admin.display(description=_("edit, activate, pause"))
    def page(self, campaign: Campaign) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("campaign", args=[campaign.pk]), _("Open its page"))

    @admin.display(description=_("for whom"))
    def for_whom(self, campaign: Campaign) -> str:
        return describe_people(read_draft(campaign.pk))

    @admin.display(description=_("history"))
    def versions(self, campaign: Campaign) -> SafeString | str:
        """Each version with who, when and what it changed, the newest first."""
        entries = read_history(campaign.pk, timezone.get_current_timezone(), most=MOST_VERSIONS)
        rows = ((_describe_version(entry), _describe_changes(entry)) for entry in entries)
        return format_html_join("", "<div><strong>{}</strong>{}</div>", rows) or "-"


@admin.register(Step)
class StepAdmin(StepColumns, HistoryAdmin[Step]):
    """For searching only; a step is part of its campaign's page."""

    list_display = ("campaign", "place", "words", "since", "removed_at")
    list_filter = ("campaign", "channel", "audience")
    list_select_related = ("campaign", "script", "text_script", "fallback_script")
    search_fields = ("campaign__name", "script__name")


@admin.register(CampaignVersion)
class CampaignVersionAdmin(HistoryAdmin[CampaignVersion]):
    """Who changed which campaign, and when; what a change changed is on the campaign's page."""

    list_display = ("campaign", "number", "what", "by", "at")
    list_filter = ("what", "campaign")
    list_select_related = ("campaign", "by")
    search_fields = ("campaign__name", "by__username")
    readonly_fields = ("campaign", "number", "what", "restores", "by", "at", "snapshot")


def _describe_version(entry: HistoryEntry) -> str:
    version = entry.version
    what = capfirst(str(version.get_what_display()))
    if version.restores:
        what = gettext("%(what)s to version %(number)d") % {"what": what, "number": version.restores.number}
    parts = [gettext("version %d") % version.number, day_and_clock(entry.at), str(version.by or "")]
    return " · ".join([what, *filter(None, parts)])


def _describe_changes(entry: HistoryEntry) -> SafeString:
    lines = format_html_join("", "<li>{}: {} → {}</li>", entry.changes)
    if entry.note:
        lines = format_html("<li>{}</li>", entry.note)
    return format_html("<ul>{}</ul>", lines) if lines else lines
