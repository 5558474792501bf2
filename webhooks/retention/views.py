"""The page that says how long data is kept, and what was deleted."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from webhooks.retention.overview import read_retention


@permission_required("webhooks.view_retentionrun", raise_exception=True)
@require_GET
def show_retention(request: HttpRequest) -> HttpResponse:
    """Each kind of data, and the last nights."""
    return render(request, "webhooks/retention.html", {"retention": read_retention()})
