"""Correcting the time zone of a location: the form, what it would change, and doing it."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from contacts.models import Location
from reminders.desk.zone_corrections import ZoneNotCorrected, correct_zone, preview_zone
from reminders.forms.zone_correction import ZoneCorrectionForm
from reminders.views.requests import signed_in


@permission_required("contacts.change_location", raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def edit_zone(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks for the zone and, with `?time_zone=`, shows what it would change; POST corrects it."""
    location = get_object_or_404(Location.objects.prefetch_related("closed_days"), pk=pk)
    old = location.time_zone
    form = ZoneCorrectionForm(location, request.POST if request.method == "POST" else (request.GET or None))
    if request.method == "POST" and form.is_valid():
        return _save_zone(request, pk, form)
    context = {"form": form, "location": location, "old": old, "preview": None}
    if form.is_bound and form.is_valid():
        context["preview"] = preview_zone(location, form.cleaned_data["time_zone"])
    return render(request, "reminders/zone.html", context, status=422 if form.errors else 200)


def _save_zone(request: HttpRequest, pk: int, form: ZoneCorrectionForm) -> HttpResponse:
    zone, seen = form.cleaned_data["time_zone"], form.cleaned_data["seen"]
    try:
        visits = correct_zone(pk, zone, seen=seen, by=signed_in(request))
    except ZoneNotCorrected as refusal:
        messages.error(request, str(refusal))
    else:
        words = ngettext(
            "The time zone is now %(zone)s. %(count)d upcoming visit keeps its date and time.",
            "The time zone is now %(zone)s. %(count)d upcoming visits keep their dates and times.",
            visits,
        )
        messages.success(request, words % {"zone": zone, "count": visits})
    return redirect("correct_zone", pk)
