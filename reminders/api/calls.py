"""Calls and texts: list and read each try, with its exact words and what came of it."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.models import ApiScope
from contacts.models.people import Channel
from reminders.api.bodies import read_parameters
from reminders.api.fields import MomentField, WholeParameter, show_moment
from reminders.api.views import (
    IF_NONE_MATCH,
    ApiView,
    PageParameters,
    answer_row,
    choose_order,
    find_row,
    list_page,
)
from reminders.models import CallRecord
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import phrase_for
from reminders.rules.states import CallState

MOMENT_OR_NULL = {"type": ["string", "null"], "format": "date-time"}


class CallFields(serializers.Serializer[CallRecord]):
    """One try to reach a number. Times are by the clock of the appointment's location."""

    id = serializers.CharField(source="public_id")
    appointment = serializers.IntegerField(source="reminder.appointment_id")
    reminder = serializers.IntegerField(source="reminder_id")
    other_reminders = serializers.SerializerMethodField()
    channel = serializers.ChoiceField(Channel.choices)
    number = serializers.CharField(source="number.e164", help_text="E.164.")
    from_number = serializers.CharField()
    try_number = serializers.IntegerField()
    state = serializers.ChoiceField(CallState.choices)
    reason = serializers.CharField(help_text="A code; why it is in its state.")
    reason_text = serializers.SerializerMethodField()
    text = serializers.CharField(help_text="Exactly what is said.")
    mode = serializers.ChoiceField(SendingMode.choices, allow_blank=True)
    submitting_at = serializers.SerializerMethodField()
    submitted_at = serializers.SerializerMethodField()
    ended_at = serializers.SerializerMethodField()
    duration_seconds = serializers.IntegerField(allow_null=True)
    amd_result = serializers.CharField(help_text="Who answered, as Robotalker says.")
    key_pressed = serializers.CharField()
    robotalker_id = serializers.CharField()

    @extend_schema_field({"type": "array", "items": {"type": "integer"}})
    def get_other_reminders(self, call: CallRecord) -> list[int]:
        """Those of the same number and day for which it speaks as well."""
        return sorted(companion.reminder_id for companion in call.companions.all())

    def get_reason_text(self, call: CallRecord) -> str:
        return phrase_for(call.reason, call.detail)

    @extend_schema_field(MomentField)
    def get_submitting_at(self, call: CallRecord) -> str | None:
        return show_moment(call.submitting_at, call.reminder.appointment.location)

    @extend_schema_field(MOMENT_OR_NULL)
    def get_submitted_at(self, call: CallRecord) -> str | None:
        return (
            show_moment(call.submitted_at, call.reminder.appointment.location) if call.submitted_at else None
        )

    @extend_schema_field(MOMENT_OR_NULL)
    def get_ended_at(self, call: CallRecord) -> str | None:
        return show_moment(call.ended_at, call.reminder.appointment.location) if call.ended_at else None


class CallPage(serializers.Serializer[Any]):
    """A part of the list."""

    results = CallFields(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="null: there are no more.")


class CallParameters(PageParameters):
    """Filters of the list. For the calls to a number search its contact, and filter by that."""

    submitted_from = MomentField(required=False)
    submitted_before = MomentField(required=False)
    appointment = WholeParameter(required=False)
    contact = WholeParameter(required=False)
    location = WholeParameter(required=False)
    campaign = WholeParameter(required=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    state = serializers.ChoiceField(CallState.choices, required=False)


FILTERS = {
    "submitted_from": "submitting_at__gte",
    "submitted_before": "submitting_at__lt",
    "appointment": "reminder__appointment",
    "contact": "reminder__appointment__contact",
    "location": "reminder__appointment__location",
    "campaign": "reminder__step__campaign",
    "channel": "channel",
    "state": "state",
}


class Calls(ApiView):
    """All tries."""

    scopes = {"GET": ApiScope.READ_REMINDERS}
    takes_parameters = True

    @extend_schema(operation_id="listCalls", parameters=[CallParameters], responses=CallPage)
    def get(self, request: Request) -> Response:
        """List calls and texts, in the order in which they went out."""
        wanted = read_parameters(request, CallParameters)
        order = choose_order(wanted, held="state" if "state" in wanted else "channel")
        filters = {
            FILTERS[name]: value for name, value in wanted.items() if name in FILTERS and name != order.held
        }
        rows = shown_calls().filter(**filters)
        return list_page(
            rows, CallFields, cursor=wanted.get("cursor", ""), limit=wanted["limit"], order=order
        )


class OneCall(ApiView):
    """A try."""

    scopes = {"GET": ApiScope.READ_REMINDERS}

    @extend_schema(operation_id="readCall", parameters=[IF_NONE_MATCH], responses=CallFields)
    def get(self, request: Request, public_id: str) -> Response:
        """Read a call or a text."""
        return answer_row(request, CallFields(find_row(shown_calls(), public_id=public_id)).data)


def shown_calls() -> "QuerySet[CallRecord]":
    """With all that CallFields shows."""
    related = ("number", "reminder__appointment__location")
    return CallRecord.objects.select_related(*related).prefetch_related("companions")
