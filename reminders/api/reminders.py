"""Reminders: list and read. What becomes of one is decided by the same function for all doors."""

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
from reminders.models import Reminder
from reminders.rules.reasons import sentence_of_end
from reminders.rules.states import ReminderState
from reminders.wording.scripts import channel_of


class ReminderFields(serializers.Serializer[Reminder]):
    """One step for one revision of one appointment. Times are by the clock of the appointment's location."""

    id = serializers.IntegerField()
    appointment = serializers.IntegerField(source="appointment_id")
    revision = serializers.IntegerField(help_text="The appointment's when this was planned.")
    campaign = serializers.IntegerField(source="step.campaign_id")
    step = serializers.IntegerField(source="step_id")
    channel = serializers.SerializerMethodField()
    state = serializers.ChoiceField(ReminderState.choices)
    reason = serializers.CharField(help_text="A code; why it is in its state.")
    reason_text = serializers.SerializerMethodField()
    due_at = serializers.SerializerMethodField()
    not_after = serializers.SerializerMethodField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(serializers.ChoiceField(Channel.choices))
    def get_channel(self, reminder: Reminder) -> str:
        return channel_of(reminder)

    def get_reason_text(self, reminder: Reminder) -> str:
        return sentence_of_end(reminder.reason, by_text=channel_of(reminder) == Channel.SMS)

    @extend_schema_field(MomentField)
    def get_due_at(self, reminder: Reminder) -> str:
        return show_moment(reminder.due_at, reminder.appointment.location)

    @extend_schema_field(MomentField)
    def get_not_after(self, reminder: Reminder) -> str:
        return show_moment(reminder.not_after, reminder.appointment.location)


class ReminderPage(serializers.Serializer[Any]):
    """A part of the list."""

    results = ReminderFields(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="null: there are no more.")


class ReminderParameters(PageParameters):
    """Filters of the list."""

    updated_since = MomentField(required=False)
    due_from = MomentField(required=False)
    due_before = MomentField(required=False)
    appointment = WholeParameter(required=False)
    contact = WholeParameter(required=False)
    location = WholeParameter(required=False)
    campaign = WholeParameter(required=False)
    state = serializers.ChoiceField(ReminderState.choices, required=False)


FILTERS = {
    "updated_since": "updated_at__gte",
    "due_from": "due_at__gte",
    "due_before": "due_at__lt",
    "appointment": "appointment",
    "contact": "appointment__contact",
    "location": "appointment__location",
    "campaign": "step__campaign",
    "state": "state",
}


class Reminders(ApiView):
    """All reminders."""

    scopes = {"GET": ApiScope.READ_REMINDERS}
    takes_parameters = True

    @extend_schema(operation_id="listReminders", parameters=[ReminderParameters], responses=ReminderPage)
    def get(self, request: Request) -> Response:
        """List reminders, in the order in which they were planned; with updated_since, changed; with state,
        due_from or due_before, in the order in which they are due.
        """
        wanted = read_parameters(request, ReminderParameters)
        order = choose_order(wanted, held="state", moment="due_at")
        filters = {
            FILTERS[name]: value for name, value in wanted.items() if name in FILTERS and name != order.held
        }
        rows = shown_reminders().filter(**filters)
        return list_page(
            rows,
            ReminderFields,
            cursor=wanted.get("cursor", ""),
            limit=wanted["limit"],
            order=order,
        )


class OneReminder(ApiView):
    """A reminder."""

    scopes = {"GET": ApiScope.READ_REMINDERS}

    @extend_schema(operation_id="readReminder", parameters=[IF_NONE_MATCH], responses=ReminderFields)
    def get(self, request: Request, pk: int) -> Response:
        """Read a reminder."""
        return answer_row(request, ReminderFields(find_row(shown_reminders(), pk=pk)).data)


def shown_reminders() -> "QuerySet[Reminder]":
    """With all that ReminderFields shows."""
    return Reminder.objects.select_related("step", "appointment__location", "appointment__contact")
