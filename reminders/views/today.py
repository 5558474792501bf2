"""The day's appointments: the page, and at the same address the fragment that refreshes itself."""

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from contacts.models import Location, Provider
from reminders.forms.day_filters import DayFilters
from reminders.pages.day import read_day, today_at
from reminders.views.requests import answer_unchanged, make_etag, wants_fragment


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_today(request: HttpRequest) -> HttpResponse:
    """Today, or `?day=`; htmx gets only the list, or 304 if nothing has changed."""
    chosen = read_filters(request)
    locations = list(Location.objects.all())
    wanted = [each for each in locations if chosen["location"] in (None, each)]
    now = timezone.now()
    provider: Provider | None = chosen["provider"]
    day_list = read_day(
        wanted, chosen["day"], now, provider_id=provider.pk if provider else None, state=chosen["state"]
    )
    etag = make_etag(request, day_list)
    if unchanged := answer_unchanged(request, etag):
        return unchanged
    shown = chosen["day"] or (today_at(wanted[0], now) if wanted else now.date())
    context = {
        "list": day_list,
        "etag": etag,
        "shown": shown,
        "day_before": shown - timedelta(days=1),
        "day_after": shown + timedelta(days=1),
        "several_locations": len(wanted) > 1,
        "providers": Provider.objects.all(),
        "is_new": not locations,
        **describe_filters(request, chosen),
    }
    template = "reminders/today/fragment.html" if wants_fragment(request) else "reminders/today.html"
    answer = render(request, template, context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def read_filters(request: HttpRequest) -> dict[str, Any]:
    """The filters of the query string; an invalid one is ignored."""
    filters = DayFilters(request.GET)
    filters.is_valid()
    found: dict[str, date | Location | Provider | str | None] = {
        name: filters.cleaned_data.get(name) for name in filters.fields
    }
    return found | {"state": found["state"] or ""}


def describe_filters(request: HttpRequest, chosen: dict[str, Any]) -> dict[str, Any]:
    """What the top bar and the list's filters need, so that each keeps the other's choice."""
    kept = [(name, value) for name, value in request.GET.items() if name in chosen and value]
    return {
        "chosen": chosen,
        "chosen_location": chosen["location"].pk if chosen["location"] else None,
        "kept_filters": [(name, value) for name, value in kept if name != "location"],
        "kept_by_list": [(name, value) for name, value in kept if name in ("location", "state")],
        "is_filtered": any(chosen[name] for name in ("location", "provider", "state")),
    }
