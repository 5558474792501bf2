"""Watched calendar addresses: add, edit, remove, fetch one now. The list is on the imports page."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from contacts.forms.watching import CalendarForm
from contacts.models import ImportBatch, WatchedCalendar, WatchedFolder
from contacts.watching.arrivals import decline_arrival, dismiss_failed
from contacts.watching.calendars import fetch_soon, save_calendar
from contacts.watching.gone_folders import forget_folder


@sensitive_post_parameters("address")
@never_cache
@permission_required("contacts.add_watchedcalendar", raise_exception=True)
@require_http_methods(["GET", "POST"])
def add_calendar(request: HttpRequest) -> HttpResponse:
    """Watch another calendar address."""
    return _edit(request, CalendarForm(request.POST or None), calendar=None)


@sensitive_post_parameters("address")
@never_cache
@permission_required("contacts.change_watchedcalendar", raise_exception=True)
@require_http_methods(["GET", "POST"])
def edit_calendar(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a watched address; the only page that shows it in full."""
    calendar = get_object_or_404(WatchedCalendar, pk=pk)
    return _edit(request, CalendarForm(request.POST or None, instance=calendar), calendar=calendar)


def _edit(request: HttpRequest, form: CalendarForm, *, calendar: WatchedCalendar | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            save_calendar(form.save(commit=False))
        except WatchedCalendar.DoesNotExist:  # somebody removed it meanwhile
            raise Http404 from None
        messages.success(request, _("Saved. The calendar is fetched within a minute."))
        return redirect("imports")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "calendar": calendar}
    return render(request, "contacts/imports/calendar.html", context, status=status)


@permission_required("contacts.add_importbatch", raise_exception=True)
@require_POST
def decline_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Don't import a list that came by itself and waits for answers."""
    if decline_arrival(get_object_or_404(ImportBatch, pk=pk)):
        messages.success(request, _("This list won't be imported."))
        return redirect("imports")
    messages.error(request, _("This list no longer waits for answers."))
    return redirect("import_batch", pk=pk)


@permission_required("contacts.add_importbatch", raise_exception=True)
@require_POST
def dismiss_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody needs to look any more at a list that came by itself and failed."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    if dismiss_failed(batch, by=cast(User, request.user)):
        messages.success(request, _("Dismissed. The list stays below, and can still be tried again."))
    else:
        messages.info(request, _("This list was dismissed before, or it hasn't failed."))
    return redirect("imports")


@permission_required("contacts.delete_watchedcalendar", raise_exception=True)
@require_POST
def remove_calendar(request: HttpRequest, pk: int) -> HttpResponse:
    """Watch a calendar no more. What was imported from it stays."""
    get_object_or_404(WatchedCalendar, pk=pk).delete()
    messages.success(request, _("Removed. What was imported from it stays."))
    return redirect("imports")


@permission_required("contacts.change_watchedcalendar", raise_exception=True)
@require_POST
def fetch_calendar_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Fetch a calendar at once, and import it whether it has changed or not."""
    fetch_soon(get_object_or_404(WatchedCalendar, pk=pk))
    messages.success(request, _("The calendar is being fetched. What comes is in the list below."))
    return redirect("imports")


@permission_required("contacts.delete_importbatch", raise_exception=True)
@require_POST
def forget_gone_folder(request: HttpRequest, pk: int) -> HttpResponse:
    """Watch for a subfolder no more that is gone for good. What was imported from it stays."""
    if forget_folder(get_object_or_404(WatchedFolder, pk=pk)):
        messages.success(request, _("Forgotten. What was imported from this folder stays."))
    else:
        messages.error(request, _("This folder isn't gone, so it is still watched."))
    return redirect("imports")
