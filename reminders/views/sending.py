"""The status in every page's frame, and pausing and resuming all sending."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reminders.desk.resuming import find_due_in_pause, skip_and_resume_sending
from reminders.models import SendingSwitch
from reminders.traffic.switch import pause_sending, read_switch, resume_sending
from reminders.views.requests import go_back, read_words, signed_in


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_pulse(request: HttpRequest) -> HttpResponse:
    """The mode, when calls were last checked, the worklist's length and the pause. Every page polls it."""
    return render(request, "partials/pulse_update.html")


@permission_required("reminders.change_sendingswitch", raise_exception=True)
@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """`reason`: why, asked for by the page; an automatic pause is kept without one."""
    pause_sending(by=signed_in(request), reason=read_words(request, "reason"))
    return go_back(request, "today")


@permission_required("reminders.change_sendingswitch", raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def resume(request: HttpRequest) -> HttpResponse:
    """Resume at once if nothing fell due in the pause that is still in time; else ask what becomes of it.

    `deed` is the answer, "send" or "skip", for the pause that began at `paused_at`.
    """
    switch = read_switch()
    if switch.paused_at is None:
        messages.info(request, _("Sending is on already."))
        return go_back(request, "today")
    deed = request.POST.get("deed", "")
    is_answer = deed in ("send", "skip") and request.POST.get("paused_at") == switch.paused_at.isoformat()
    if not is_answer:
        return _ask_or_resume(request, switch)
    if deed == "skip":
        skipped = skip_and_resume_sending(switch, by=signed_in(request))
        words = ngettext(
            "Sending has resumed. %(count)d reminder was skipped.",
            "Sending has resumed. %(count)d reminders were skipped.",
            skipped,
        )
        messages.success(request, words % {"count": skipped})
    else:
        resume_sending(by=signed_in(request))
        messages.success(request, _("Sending has resumed. What is still in time goes out now."))
    return go_back(request, "today")


def _ask_or_resume(request: HttpRequest, switch: SendingSwitch) -> HttpResponse:
    due = find_due_in_pause(switch)
    if request.method == "POST" and not due.in_time:
        resume_sending(by=signed_in(request))
        messages.success(request, _("Sending has resumed."))
        return go_back(request, "today")
    return render(request, "reminders/resume.html", {"due": due, "paused_at": switch.paused_at})
