"""Campaigns: list, read, preview in numbers, and why a step goes out for an appointment or doesn't."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.database.clock import read_database_clock
from contacts.models import ApiScope, Appointment
from reminders.api.bodies import StrictSerializer, read_parameters
from reminders.api.fields import MomentField
from reminders.api.views import IF_NONE_MATCH, ApiView, PageParameters, answer_row, find_row, list_page
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.previews import CampaignPreview, ReasonGroup, preview_campaign
from reminders.deciding.rule_words import CheckLine
from reminders.models import Campaign, Step
from reminders.models.campaigns import StepChannel
from reminders.pages.step_explanation import StepExplanation, explain_step
from reminders.rules.decide import Verdict
from reminders.rules.reasons import sentence_for
from reminders.rules.rule_results import RuleResult


class StepFields(serializers.Serializer[Step]):
    """One reminder of a campaign."""

    id = serializers.IntegerField()
    description = serializers.CharField(source="__str__", help_text="When and how it goes out.")
    channel = serializers.ChoiceField(StepChannel.choices)
    audience = serializers.ChoiceField(Step.Audience.choices)
    max_tries = serializers.IntegerField()


class CampaignFields(serializers.Serializer[Campaign]):
    """Who is reminded, by which steps. Empty lists: all."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.ChoiceField(Campaign.State.choices)
    activated_at = serializers.DateTimeField(allow_null=True)
    locations = serializers.SerializerMethodField()
    providers = serializers.SerializerMethodField()
    kinds = serializers.ListField(child=serializers.CharField())
    languages = serializers.ListField(child=serializers.CharField())
    patients = serializers.ChoiceField(Campaign.Patients.choices, allow_blank=True)
    consent = serializers.ChoiceField(
        Campaign.Consent.choices, allow_blank=True, help_text="Which consent the number must have."
    )
    steps = StepFields(many=True)

    @extend_schema_field({"type": "array", "items": {"type": "integer"}})
    def get_locations(self, campaign: Campaign) -> list[int]:
        return [location.pk for location in campaign.locations.all()]

    @extend_schema_field({"type": "array", "items": {"type": "integer"}})
    def get_providers(self, campaign: Campaign) -> list[int]:
        return [provider.pk for provider in campaign.providers.all()]


class CampaignPage(serializers.Serializer[Any]):
    """A part of the list."""

    results = CampaignFields(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="null: there are no more.")


class CampaignParameters(PageParameters):
    """Filters of the list."""

    state = serializers.ChoiceField(Campaign.State.choices, required=False)


class ReasonFields(serializers.Serializer[ReasonGroup]):
    """Visits of which no step reminds, and why."""

    reason = serializers.CharField(help_text="A code; empty: no step has a moment.")
    reason_text = serializers.SerializerMethodField()
    visits = serializers.IntegerField(source="count")

    def get_reason_text(self, group: ReasonGroup) -> str:
        return sentence_for(group.reason)


class PreviewHourFields(serializers.Serializer[Any]):
    """What is due in one hour, by the clock of the first location."""

    starts_at = MomentField()
    calls = serializers.IntegerField()
    texts = serializers.IntegerField()
    over_rate = serializers.BooleanField(help_text="More than may be sent in an hour, so that some go later.")
    over_plan = serializers.BooleanField()


class PreviewFields(serializers.Serializer[CampaignPreview]):
    """What a campaign will do, counted over all upcoming visits, as if it were active and sending were on."""

    now = serializers.DateTimeField()
    upcoming = serializers.IntegerField(help_text="All upcoming visits.")
    covered = serializers.IntegerField(help_text="Those that its filters mean; of these:")
    called = serializers.IntegerField(help_text="those that have a reminder ahead,")
    reminded = serializers.IntegerField(help_text="those that have had one and get no more,")
    not_called = serializers.IntegerField(help_text="and the rest, by reason in `reasons`.")
    people = serializers.IntegerField(help_text="Patients who are called or texted.")
    today = serializers.IntegerField(help_text="Those of them today.")
    calls = serializers.IntegerField(source="messages.calls")
    texts = serializers.IntegerField(source="messages.texts")
    reasons = ReasonFields(many=True)
    hours = PreviewHourFields(many=True, help_text="The next seven days.")
    is_trial = serializers.BooleanField(help_text="Callboard is on trial; this is what it would do if live.")


class CheckFields(serializers.Serializer[CheckLine]):
    """What one rule says."""

    code = serializers.CharField()
    title = serializers.CharField()
    result = serializers.ChoiceField([(result.value, result.value) for result in RuleResult])
    decision = serializers.CharField(help_text="Its reason in words; empty if it passes.")
    seen = serializers.ListField(child=serializers.CharField(), help_text="What it looked at.")


class ExplanationFields(serializers.Serializer[StepExplanation]):
    """What becomes of a step for an appointment: what the page says, and what the worker does.

    Times are by the clock of the location.
    """

    appointment = serializers.IntegerField(source="appointment.pk")
    step = serializers.IntegerField(source="step.pk")
    at = MomentField(source="moment", help_text="The moment that is asked about.")
    state = serializers.CharField()
    sentence = serializers.CharField(help_text="What becomes of it.")
    verdict = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    until = serializers.SerializerMethodField()
    due_at = MomentField(allow_null=True)
    last_moment = MomentField(allow_null=True, help_text="Later it is missed, and never sent.")
    note = serializers.CharField(help_text="How to read the rules, if they are only what would be.")
    planning = CheckFields(many=True, help_text="What planning looked at, if it planned nothing.")
    rules = CheckFields(many=True)

    @extend_schema_field(
        serializers.ChoiceField([(one.value, one.value) for one in Verdict], allow_null=True)
    )
    def get_verdict(self, explanation: StepExplanation) -> str | None:
        """null: planning has stopped it already."""
        return explanation.decision.verdict if explanation.decision else None

    def get_reason(self, explanation: StepExplanation) -> str:
        """A code."""
        return explanation.decision.reason if explanation.decision else ""

    @extend_schema_field({"type": ["string", "null"], "format": "date-time"})
    def get_until(self, explanation: StepExplanation) -> str | None:
        """When it is looked at again, if it waits."""
        until = explanation.decision.until if explanation.decision else None
        return until.astimezone(explanation.moment.tzinfo).isoformat() if until else None


class ExplanationParameters(StrictSerializer):
    """When to ask about."""

    at = MomentField(required=False, help_text="Now, if it is left out.")


class Campaigns(ApiView):
    """All campaigns."""

    scopes = {"GET": ApiScope.READ_REMINDERS}
    takes_parameters = True

    @extend_schema(operation_id="listCampaigns", parameters=[CampaignParameters], responses=CampaignPage)
    def get(self, request: Request) -> Response:
        """List campaigns."""
        wanted = read_parameters(request, CampaignParameters)
        filters = {"state": wanted["state"]} if "state" in wanted else {}
        rows = shown_campaigns().filter(**filters)
        return list_page(rows, CampaignFields, cursor=wanted.get("cursor", ""), limit=wanted["limit"])


class OneCampaign(ApiView):
    """A campaign."""

    scopes = {"GET": ApiScope.READ_REMINDERS}

    @extend_schema(operation_id="readCampaign", parameters=[IF_NONE_MATCH], responses=CampaignFields)
    def get(self, request: Request, pk: int) -> Response:
        """Read a campaign with its steps."""
        return answer_row(request, CampaignFields(find_row(shown_campaigns(), pk=pk)).data)


class PreviewedCampaign(ApiView):
    """The preview of a campaign."""

    scopes = {"GET": ApiScope.READ_REMINDERS}

    @extend_schema(operation_id="previewCampaign", responses=PreviewFields)
    def get(self, request: Request, pk: int) -> Response:
        """Read what a campaign will do, as its page shows it."""
        try:
            saved = read_draft(pk)
        except Campaign.DoesNotExist:
            raise NotFound(_("There is no such campaign.")) from None
        return Response(PreviewFields(preview_campaign(saved)).data)


class ExplainedStep(ApiView):
    """Why a step goes out for an appointment, or doesn't."""

    scopes = {"GET": ApiScope.READ_REMINDERS}
    takes_parameters = True

    @extend_schema(
        operation_id="explainStep", parameters=[ExplanationParameters], responses=ExplanationFields
    )
    def get(self, request: Request, pk: int, step: int) -> Response:
        """Explain what becomes of a step for an appointment, with what every rule says."""
        wanted = read_parameters(request, ExplanationParameters)
        moment = wanted.get("at") or read_database_clock()
        try:
            explanation = explain_step(pk, step, moment)
        except (Appointment.DoesNotExist, Step.DoesNotExist):
            raise NotFound(_("There is no such appointment, or no such step.")) from None
        return Response(ExplanationFields(explanation).data)


def shown_campaigns() -> "QuerySet[Campaign]":
    """With all that CampaignFields shows: the steps that are in use, in their order."""
    steps = Prefetch("steps", Step.objects.in_use().order_by("position", "pk"))
    return Campaign.objects.prefetch_related(steps, "locations", "providers")
