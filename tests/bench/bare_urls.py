"""Views that the webhook endpoint is compared with: one does nothing, the other inserts the same row.

Their paths start like the endpoint's, so that the middleware treats the requests in the same way.
"""

from uuid import uuid4

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

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


urlpatterns = [
    path("hooks/bare", do_nothing),
    path("hooks/insert/<int:call_id>", insert_row),
    path("hooks/<path:token>", do_nothing, name="robotalker_hook"),
]
