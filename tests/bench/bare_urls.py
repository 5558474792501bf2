"""Views that the webhook endpoint is compared with: one does nothing, one inserts the same row, and one is
what a Django programmer would write first: it validates, stores and applies in one transaction by the ORM.

Their paths start like the endpoint's, so that the middleware treats the requests in the same way.
"""

from uuid import uuid4

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.models import Appointment
from reminders.models import CallRecord, Reminder
from webhooks.models import WebhookEvent


@csrf_exempt
@login_not_required
def do_nothing(request: HttpRequest) -> HttpResponse:
    """Read the body and respond."""
    return HttpResponse(str(len(request.body)))


@csrf_exempt
@login_not_required
def insert_row(request: HttpRequest, call_id: int) -> HttpResponse:
    """Insert one event for this call, without looking the call up, and respond."""
    WebhookEvent.objects.create(
        call_id=call_id,
        purpose="status",
        content_type=request.content_type or "",
        body=request.body,
        digest=uuid4().hex,
        received_at=timezone.now(),
    )
    return HttpResponse()


class EventFields(serializers.Serializer[object]):
    """What an event of a call must have."""

    event = serializers.ChoiceField(["call.completed", "call.voicemail", "call.no_answer"])
    status = serializers.ChoiceField(["answered", "voicemail", "no_answer"])
    call_id = serializers.CharField(max_length=100)
    to = serializers.RegexField(r"^\+[0-9]{8,15}$")
    duration_seconds = serializers.IntegerField(min_value=0)
    timestamp = serializers.DateTimeField()
    dtmf_response = serializers.RegexField("^[0-9]$", required=False)
    amd_result = serializers.CharField(max_length=20, required=False)


class EventView(APIView):
    """Validate, store and apply. Order, repetition, opt-outs, households and next tries are left out."""

    @transaction.atomic
    def post(self, request: Request, call_id: int) -> Response:
        body = request.body  # before it is parsed
        fields = EventFields(data=request.data)
        fields.is_valid(raise_exception=True)
        event = fields.validated_data
        calls = CallRecord.objects.select_related("reminder__appointment").select_for_update()
        call = calls.get(pk=call_id)
        WebhookEvent.objects.create(
            call=call,
            purpose="status",
            content_type=request.content_type or "",
            body=body,
            digest=uuid4().hex,
            received_at=timezone.now(),
            state=WebhookEvent.State.APPLIED,
        )
        call.state, call.ended_at = event["status"], event["timestamp"]
        call.duration_seconds, call.amd_result = event["duration_seconds"], event.get("amd_result", "")
        call.save()
        call.reminder.state = "done"
        call.reminder.save()
        if event.get("dtmf_response") == "1":
            visit = call.reminder.appointment
            visit.answer, visit.answer_revision = Appointment.Answer.CONFIRMED, visit.revision
            visit.answered_at = event["timestamp"]
            visit.save()
            later = Reminder.objects.filter(appointment=visit, state="planned")
            later.update(state="skipped", reason="confirmed")
        return Response({"applied": True})


urlpatterns = [
    path("hooks/apply/<int:call_id>", login_not_required(EventView.as_view())),
    path("hooks/bare", do_nothing),
    path("hooks/insert/<int:call_id>", insert_row),
    path("hooks/<path:token>", do_nothing, name="robotalker_hook"),
]
