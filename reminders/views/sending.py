"""The status in every page's frame, and pausing and resuming all sending."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from reminders.traffic.switch import pause_sending, resume_sending
from reminders.views.requests import go_back, signed_in


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_pulse(request: HttpRequest) -> HttpResponse:
    """The mode, when calls were last checked, the worklist's length and the pause. Every page polls it."""
    return render(request, "partials/pulse_update.html")


@permission_required("reminders.change_sendingswitch", raise_exception=True)
@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    pause_sending(by=signed_in(request))
    return go_back(request, "today")


@permission_required("reminders.change_sendingswitch", raise_exception=True)
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    resume_sending(by=signed_in(request))
    messages.success(request, _("Sending has resumed."))
    return go_back(request, "today")
