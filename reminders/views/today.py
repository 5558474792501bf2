"""The day's appointments: the page, and at the same address what has changed on it since."""

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from contacts.audit.trail import note_shown
from contacts.models import Location, Provider
from contacts.number_looks import show_in_full
from reminders.deciding.shared_settings import read_shared_settings
from reminders.forms.day_filters import DayFilters
from reminders.pages.day import DayList, arrange_day
from reminders.pages.day_changes import LONGEST, find_changes, read_seen, write_seen
from reminders.pages.day_printing import read_printed_day
from reminders.pages.day_reading import today_at
from reminders.pages.day_snapshots import DaySnapshot, read_snapshot
from reminders.pages.frame import read_frame
from reminders.pages.unconfirmed import read_unconfirmed
from reminders.views.requests import signed_in, wants_fragment


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_today(request: HttpRequest) -> HttpResponse:
    """Today, or `?day=`. htmx gets only what has changed since the page's X-Day-Seen, or 204 for nothing."""
    chosen, now, practice = read_filters(request), timezone.now(), read_shared_settings()
    wanted = [each for each in practice.config.locations.values() if chosen["location"] in (None, each)]
    seen = read_seen(request.headers.get("X-Day-Seen", "")) if wants_fragment(request) else None
    is_poll = seen is not None and request.headers.get("HX-Trigger") == "day-live"
    newer_than = seen.at if seen and is_poll else None
    snapshot = read_snapshot(wanted, chosen["day"], now, newer_than=newer_than, practice=practice)
    day_list = _arrange(snapshot, wanted, chosen)
    context = {
        "list": day_list,
        "show_place": len(wanted) > 1 and len(day_list.groups) == 1,
        **describe_filters(request, chosen),
    }
    if seen is None:
        context["providers"] = practice.config.providers.values()
        answer = _show_all(request, context, snapshot, wanted)
    else:
        changes = find_changes(day_list, seen, snapshot.at, snapshot.digests)
        if changes.is_empty and not get_messages(request):
            return HttpResponse(status=204)
        answer = render(request, "reminders/today/changes.html", context | {"changes": changes})
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _arrange(snapshot: DaySnapshot, wanted: list[Location], chosen: dict[str, Any]) -> DayList:
    provider: Provider | None = chosen["provider"]
    return arrange_day(
        snapshot.rows,
        wanted,
        chosen["day"],
        snapshot.moment,
        provider_id=provider.pk if provider else None,
        state=chosen["state"],
    )


def _show_all(
    request: HttpRequest, context: dict[str, Any], snapshot: DaySnapshot, wanted: list[Location]
) -> HttpResponse:
    day_list: DayList = context["list"]
    moment = snapshot.moment
    shown = day_list.day or (today_at(wanted[0], moment) if wanted else moment.date())
    seen = write_seen(day_list, snapshot.at, snapshot.digests)
    context |= {
        "seen": seen if len(seen) < LONGEST else "",
        "shown": shown,
        "day_before": shown - timedelta(days=1),
        "day_after": shown + timedelta(days=1),
        "is_tomorrow": bool(wanted) and shown == today_at(wanted[0], moment) + timedelta(days=1),
        "is_new": not wanted,
    }
    if not wants_fragment(request):
        return render(request, "reminders/today.html", context)
    answer = render(request, "reminders/today/fragment.html", context)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#day", "morph:outerHTML"
    return answer


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def print_day(request: HttpRequest) -> HttpResponse:
    """The day's list to print, with the filters of Today; numbers in full for those who may dial."""
    chosen, now, practice = read_filters(request), timezone.now(), read_shared_settings()
    wanted = [each for each in practice.config.locations.values() if chosen["location"] in (None, each)]
    provider: Provider | None = chosen["provider"]
    lines = read_printed_day(
        wanted,
        chosen["day"],
        now,
        provider_id=provider.pk if provider else None,
        state=chosen["state"],
        practice=practice,
    )
    in_full = show_in_full([line.phone for line in lines], signed_in(request))
    shown = chosen["day"] or (today_at(wanted[0], now) if wanted else now.date())
    context = {"lines": lines, "in_full": in_full, "shown": shown, "chosen": chosen, "made_at": now}
    context["location"] = wanted[0] if wanted else None
    return render(request, "reminders/today/print.html", context)


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_unconfirmed(request: HttpRequest) -> HttpResponse:
    """Who comes next and hasn't answered, and nothing more goes out to them. htmx gets only how many."""
    now, practice = timezone.now(), read_shared_settings()
    locations = list(practice.config.locations.values())
    if wants_fragment(request):
        unconfirmed = read_unconfirmed(locations, now, practice)
        return render(request, "reminders/today/unconfirmed_card.html", {"unconfirmed": unconfirmed})
    frame = read_frame(locations)
    unconfirmed = read_unconfirmed(locations, now, practice, frame.switch)
    note_shown()
    in_full = show_in_full([line.phone for line in unconfirmed.lines], signed_in(request))
    context = {"unconfirmed": unconfirmed, "in_full": in_full, "frame": frame}
    return render(request, "reminders/today/unconfirmed.html", context)


def read_filters(request: HttpRequest, given: QueryDict | None = None) -> dict[str, Any]:
    """The filters of the query string, or of those `given`; an invalid one is ignored."""
    filters = DayFilters(request.GET if given is None else given)
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
