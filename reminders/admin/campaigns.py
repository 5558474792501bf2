"""Campaigns with their steps. Activating, pausing and copying are actions, not fields."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.admin.history import ClinicAdmin
from contacts.languages import list_languages
from reminders.admin.replanned import describe_in_time, describe_replanned
from reminders.admin.text_lengths import list_refusals, warn_of_long_texts
from reminders.campaigns.edits import copy_by_person, pause_by_person
from reminders.campaigns.history import begin_history, record_version
from reminders.deciding.fallen_due import FallenDue
from reminders.desk.resuming import find_due_in_campaign_pause, skip_and_activate_campaign
from reminders.models import Campaign, CampaignVersion, Script, Step
from reminders.models.campaigns import StepChannel
from reminders.planning.activation import activate_campaign
from reminders.planning.editing import StateBefore, announce_edit, finish_edit, prepare_edit
from reminders.planning.language_gaps import find_language_gaps
from reminders.planning.owed_reminders import count_never_in_time
from reminders.wording.script_verdicts import list_campaign_refusals
from reminders.wording.sms_length import text_scripts_of


class StepForm(forms.ModelForm[Step]):
    """A step, validated before the database's constraints would reject it."""

    class Meta:
        model = Step
        fields = "__all__"  # noqa: DJ007 - for staff; every field of a step is theirs to set
        labels = {
            "retry_wait": gettext_lazy("Wait before the next try"),
            "retry_voicemail": gettext_lazy("Try again after a voicemail"),
            "retry_at_another_time": gettext_lazy("Try again at another time of day"),
            "script": gettext_lazy("What is said"),
            "text_script": gettext_lazy("What is written"),
            "fallback_script": gettext_lazy("Then by text message"),
            "timing_kind": gettext_lazy("When"),
            "if_late": gettext_lazy("If booked too late for it"),
            "if_never_in_time": gettext_lazy("If it can never be in time"),
        }

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        self.fields["if_never_in_time"].required = False  # a form from before there was this choice

    def clean_if_never_in_time(self) -> str:
        return self.cleaned_data["if_never_in_time"] or self.instance.if_never_in_time

    def clean(self) -> dict[str, object]:
        """Only the scripts are judged here; what else must hold is Step.clean()."""
        cleaned = super().clean() or {}
        is_text = cleaned.get("channel") == StepChannel.SMS
        for name in ("script",) if is_text else ("fallback_script", "text_script"):
            script = cleaned.get(name)
            if isinstance(script, Script) and name not in self.errors:
                self._check_text(name, script)
        return cleaned

    def _check_text(self, name: str, script: Script) -> None:
        """Refuse a script that is too long for a text message, or has no text (product rule 40)."""
        for refusal in list_refusals(script):
            self.add_error(name, refusal)


class StepInline(admin.StackedInline[Step, Campaign]):
    model = Step
    form = StepForm
    extra = 0
    fields = (
        "position",
        ("timing_kind", "days", "at", "elapsed"),
        ("channel", "audience"),
        ("script", "text_script"),
        ("if_late", "if_never_in_time", "stop_before"),
        ("max_tries", "retry_wait"),
        "retry_voicemail",
        "retry_at_another_time",
        "fallback_script",
    )


class CampaignForm(forms.ModelForm[Campaign]):
    """A campaign, with its state before the edit once it is being saved."""

    before: StateBefore | None = None
    languages = forms.MultipleChoiceField(
        required=False,
        label=gettext_lazy("Languages"),
        help_text=gettext_lazy("The patient's language. None selected: every language."),
    )

    class Meta:
        model = Campaign
        fields = ("name", "locations", "providers", "kinds", "patients", "languages")

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        offered = dict(list_languages("en"))
        offered |= {code: code for code in self.instance.languages if code not in offered}
        cast(forms.MultipleChoiceField, self.fields["languages"]).choices = list(offered.items())


@admin.register(Campaign)
class CampaignAdmin(ClinicAdmin[Campaign]):
    form = CampaignForm
    list_display = ("name", "state", "activated_at", "step_count", "created_by")
    list_filter = ("state", "locations", "providers", "patients")
    list_select_related = ("created_by",)
    search_fields = ("name",)
    fields = (
        ("name", "state"),
        ("activated_at", "paused_at", "filters_since"),
        "locations",
        "providers",
        "kinds",
        "patients",
        "languages",
        "in_time",
        ("created_by", "created_at"),
    )
    readonly_fields = (
        "state",
        "activated_at",
        "paused_at",
        "filters_since",
        "in_time",
        "created_by",
        "created_at",
    )
    filter_horizontal = ("locations", "providers")
    inlines = (StepInline,)
    actions = ("activate", "pause", "copy")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        return super().get_queryset(request).annotate(step_count=Count("steps"))

    @admin.display(description=gettext_lazy("steps"), ordering="step_count")
    def step_count(self, campaign: Campaign) -> int:
        return cast(int, campaign.step_count)  # type: ignore[attr-defined] # annotated above

    @admin.display(description=gettext_lazy("in time for"))
    def in_time(self, campaign: Campaign) -> str:
        """For each step, how many of the appointments ahead it can never be in time for."""
        steps = Step.objects.in_use().filter(campaign=campaign.pk).select_related("campaign")
        lines = ((step, describe_in_time(step)) for step in steps)  # none if it is new
        return format_html_join("", "<p>{}: {}</p>", lines) or "-"

    def save_model(
        self, request: HttpRequest, obj: Campaign, form: ModelForm[Campaign], change: bool
    ) -> None:
        if change:
            cast(CampaignForm, form).before = prepare_edit(obj.pk)
            begin_history(obj.pk)
            # its state may have changed since the page was shown
            obj.save(update_fields=["name", "kinds", "patients", "languages"])
        else:
            obj.created_by = cast(User, request.user)
            super().save_model(request, obj, form, change)

    def save_related(
        self, request: HttpRequest, form: ModelForm[Campaign], formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        _finish_edit(self, request, form.instance, cast(CampaignForm, form).before)

    @admin.action(
        description=gettext_lazy("Activate (for reminders due from now on)"), permissions=["change"]
    )
    def activate(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse | None:
        """Activate at once; or, if reminders fell due in a pause and are still in time, ask about them first.

        `deed` is the answer: "send" or "skip".
        """
        inactive = list(queryset.exclude(state=Campaign.State.ACTIVE))
        inactive = [campaign for campaign in inactive if not _refuse_its_texts(self, request, campaign)]
        deed = request.POST.get("deed", "")
        if deed not in ("send", "skip"):
            fallen_due = [(campaign, find_due_in_campaign_pause(campaign)) for campaign in inactive]
            if any(due.in_time for _campaign, due in fallen_due):
                return self._ask(request, fallen_due)
        for campaign in inactive:
            note = "activated"
            begin_history(campaign.pk)
            if deed == "skip":
                skipped = skip_and_activate_campaign(campaign, by=cast(User, request.user))
                note = f"activated, {skipped} skipped"
            else:
                activate_campaign(campaign)
            record_version(campaign.pk, CampaignVersion.What.ACTIVATED, by=cast(User, request.user))
            self.log_change(request, campaign, note)
            for gap in find_language_gaps(campaign):
                self.message_user(request, f"{campaign}: {gap.sentence}", messages.WARNING)
            _warn_never_in_time(self, request, campaign)
            warn_of_long_texts(self, request, text_scripts_of(_read_steps(campaign)))
        self.message_user(request, _("%(count)d activated.") % {"count": len(inactive)}, messages.SUCCESS)
        return None

    def _ask(self, request: HttpRequest, fallen_due: list[tuple[Campaign, FallenDue]]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Activate again?"),
            "opts": self.opts,
            "fallen_due": fallen_due,
            "in_time": sum(len(due.in_time) for _campaign, due in fallen_due),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/reminders/campaign/activate.html", context)

    @admin.action(description=gettext_lazy("Pause (nothing is sent for it)"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        active = list(queryset.filter(state=Campaign.State.ACTIVE))
        for campaign in active:
            pause_by_person(campaign, by=cast(User, request.user))
            self.log_change(request, campaign, "paused")
        self.message_user(request, _("%(count)d paused.") % {"count": len(active)}, messages.SUCCESS)

    @admin.action(description=gettext_lazy("Copy as a draft"), permissions=["add"])
    def copy(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        by = cast(User, request.user)
        names = ", ".join(f"“{copy_by_person(campaign, by=by)}”" for campaign in queryset)
        self.message_user(request, _("Created %(names)s. A draft calls nobody.") % {"names": names})


@admin.register(Step)
class StepAdmin(ClinicAdmin[Step]):
    form = StepForm
    list_display = (
        "campaign",
        "position",
        "__str__",
        "audience",
        "if_late",
        "max_tries",
        "script",
        "text_script",
        "fallback_script",
    )
    list_filter = ("campaign", "channel", "audience")
    list_select_related = ("campaign", "script", "text_script", "fallback_script")
    search_fields = ("campaign__name", "script__name")

    readonly_fields = ("since",)

    def save_model(self, request: HttpRequest, obj: Step, form: ModelForm[Step], change: bool) -> None:
        before = None
        if change:
            before = prepare_edit(Step.objects.values_list("campaign", flat=True).get(pk=obj.pk))
            begin_history(before.campaign_id)
        super().save_model(request, obj, form, change)
        _finish_edit(self, request, obj.campaign, before)


def _finish_edit(
    page: admin.ModelAdmin[Any], request: HttpRequest, campaign: Campaign, before: StateBefore | None
) -> None:
    if before:
        report = finish_edit(before)
        describe_replanned(page, request, report.moved, report.skipped)
    else:
        announce_edit(campaign)
    what = CampaignVersion.What.EDITED if before else CampaignVersion.What.CREATED
    for campaign_id in {campaign.pk, before.campaign_id if before else campaign.pk}:
        record_version(campaign_id, what, by=cast(User, request.user))
    _warn_never_in_time(page, request, campaign)
    warn_of_long_texts(page, request, text_scripts_of(_read_steps(campaign)))


def _refuse_its_texts(page: admin.ModelAdmin[Any], request: HttpRequest, campaign: Campaign) -> bool:
    """Whether its scripts keep it from being activated (product rule 62); says which and why."""
    refusals = list_campaign_refusals(campaign)
    for refusal in refusals:
        page.message_user(request, _("Not activated. %(why)s") % {"why": refusal}, messages.ERROR)
    return bool(refusals)


def _read_steps(campaign: Campaign) -> QuerySet[Step]:
    return campaign.steps.in_use().select_related("script", "text_script", "fallback_script")


def _warn_never_in_time(page: admin.ModelAdmin[Any], request: HttpRequest, campaign: Campaign) -> None:
    """Warn about each step that can never be in time for some of the booked appointments."""
    for step in campaign.steps.in_use().select_related("campaign"):
        counts = count_never_in_time(step)
        if count := counts.too_late:
            words = ngettext(
                "“%(step)s” comes too late for %(count)d upcoming appointment, which gets no reminder.",
                "“%(step)s” comes too late for %(count)d upcoming appointments, which get no reminder.",
                count,
            )
            page.message_user(request, words % {"step": step, "count": count}, messages.WARNING)
        if count := counts.no_hours:
            words = ngettext(
                "“%(step)s” has no calling hours left for %(count)d upcoming appointment, "
                "which gets no reminder.",
                "“%(step)s” has no calling hours left for %(count)d upcoming appointments, "
                "which get no reminder.",
                count,
            )
            page.message_user(request, words % {"step": step, "count": count}, messages.WARNING)
