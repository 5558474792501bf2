"""The calendar: the page, and what its script draws."""

from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from contacts.clock_habits import write_clock, write_day
from contacts.models import Location, Provider
from contacts.templatetags.chips import VISIT_LOOKS
from reminders.forms.calendar_filters import CalendarFilters, find_location, find_provider, list_days
from reminders.pages.calendar import CalendarView, read_calendar
from reminders.pages.calendar_crowds import MOST_BESIDE
from reminders.pages.calendar_events import NO_PROVIDER, count_beside_in_columns, list_events
from reminders.pages.day_reading import today_at


class Shown(NamedTuple):
    """What the address asks for, and all the providers and locations there are."""

    view: str
    calendar: CalendarView
    provider: Provider | None
    providers: list[Provider]
    locations: list[Location]


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_calendar(request: HttpRequest) -> HttpResponse:
    """Today at the first location, or `?day=`, `?view=week`, `?location=`, `?provider=`."""
    shown = _read(request)
    if shown is None:
        return render(request, "reminders/calendar.html", {"is_new": True})
    return render(request, "reminders/calendar.html", _describe(request, shown))


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def send_events(request: HttpRequest) -> HttpResponse:
    """The same days as JSON."""
    shown = _read(request)
    if shown is None:
        return JsonResponse({"events": []})
    return JsonResponse({"events": _list_for(request, shown)})


def _read(request: HttpRequest) -> Shown | None:
    """Five queries: locations, providers, closed days, opening hours, visits. None without a location."""
    asked = CalendarFilters(request.GET).read()
    locations, providers = list(Location.objects.all()), list(Provider.objects.all())
    location = find_location(locations, asked["location"])
    if location is None:
        return None
    now, provider = timezone.now(), find_provider(providers, asked["provider"])
    days = list_days(asked["day"] or today_at(location, now), asked["view"])
    calendar = read_calendar(location, providers, days, now, provider=provider)
    return Shown(asked["view"], calendar, provider, providers, locations)


def _list_for(request: HttpRequest, shown: Shown) -> list[dict[str, Any]]:
    chosen = _describe_choice(shown) | {"view": "day"}
    return list_events(
        shown.calendar,
        lambda day: _write_address(chosen | {"day": day.isoformat()}),
        shows_names=request.user.has_perm("contacts.view_contact"),
        may_move=request.user.has_perm("contacts.change_appointment"),
    )


def _describe_choice(shown: Shown) -> dict[str, Any]:
    provider = {"provider": shown.provider.pk} if shown.provider else {}
    return {"location": shown.calendar.location.pk, "view": shown.view, **provider}


def _write_address(choice: dict[str, Any]) -> str:
    return f"{reverse('calendar')}?{urlencode(choice)}"


def _describe(request: HttpRequest, shown: Shown) -> dict[str, Any]:
    calendar = shown.calendar
    first = calendar.days[0].day
    step = timedelta(days=7 if shown.view == "week" else 1)
    last, today = calendar.days[-1].day, calendar.local_now.date()
    nearest = today if first <= today <= last else first
    chosen = _describe_choice(shown) | {"day": first.isoformat()}

    def lead_to(**changes: Any) -> str:
        return _write_address(chosen | changes)

    return {
        "calendar": calendar,
        "view": shown.view,
        "provider": shown.provider,
        "providers": shown.providers,
        "locations": shown.locations,
        "first": first,
        "last": last,
        "is_today": any(one.day == today for one in calendar.days),
        "before": lead_to(day=(first - step).isoformat()),
        "after": lead_to(day=(first + step).isoformat()),
        "to_today": lead_to(day=today.isoformat()),
        "here": lead_to(),
        "as_day": lead_to(view="day", day=nearest.isoformat()),
        "as_week": lead_to(view="week"),
        "has_several_clocks": len({one.time_zone for one in shown.locations}) > 1,
        "states": VISIT_LOOKS,
        "setup": _describe_for_script(request, shown, lead_to()),
    }


def _describe_for_script(request: HttpRequest, shown: Shown, here: str) -> dict[str, Any]:
    calendar = shown.calendar
    columns = [{"id": str(one.pk), "title": one.name} for one in calendar.columns]
    if calendar.has_visits_of_nobody:
        columns.append({"id": NO_PROVIDER, "title": ""})
    hours, minutes = divmod(int(calendar.closes.total_seconds()) // 60, 60)
    offset = f"{calendar.local_now:%z}"
    return {
        "view": shown.view,
        "date": calendar.days[0].day.isoformat(),
        "columns": columns,
        "beside": MOST_BESIDE if shown.view == "week" else count_beside_in_columns(calendar),
        "opens": f"{calendar.opens.hour:02}:00",
        "closes": f"{hours:02}:{minutes:02}",
        "offset": f"{offset[:3]}:{offset[3:5]}",
        "clocks": {str(hour): write_clock(calendar.opens.replace(hour=hour, minute=0)) for hour in range(24)},
        "dayNames": {one.day.isoformat(): write_day(one.day, with_year=False) for one in calendar.days},
        "location": calendar.location.pk,
        "provider": shown.provider.pk if shown.provider else None,
        "events": _list_for(request, shown),
        "address": here.replace(reverse("calendar"), reverse("calendar_events"), 1),
        "here": here,
        "book": reverse("book_appointment") if request.user.has_perm("contacts.add_appointment") else "",
    }
