"""The pages of the outgoing door: events as a file for managers, and the calendar feeds for programs."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.contrib.auth.decorators import login_not_required, permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_GET, require_safe

from config.sign_in_limits import find_client_address
from contacts.admin.history import read_practice_zone
from contacts.database.clock import read_database_clock
from webhooks.outgoing.csv_export import stream_csv
from webhooks.outgoing.feed_limits import count_read
from webhooks.outgoing.feeds import (
    digest_token,
    find_feed,
    make_feed_tag,
    read_entries,
    write_calendar,
)
from webhooks.outgoing.forms import EventRangeForm

FIRST_SHOWN = timedelta(days=30)


@permission_required("webhooks.view_outgoingevent", raise_exception=True)
@require_GET
def show_event_export(request: HttpRequest) -> HttpResponse:
    """A form for two dates, which leads to the file."""
    today = read_database_clock().astimezone(read_practice_zone()).date()
    form = EventRangeForm(initial={"since": today - FIRST_SHOWN, "until": today})
    return render(request, "webhooks/export.html", {"form": form})


@permission_required("webhooks.view_outgoingevent", raise_exception=True)
@require_GET
def download_events(request: HttpRequest) -> HttpResponseBase:
    """GET ?since=2026-11-01&until=2026-11-30: events of these days, by the practice's clock, as CSV."""
    form = EventRangeForm(request.GET)
    if not form.is_valid():
        return render(request, "webhooks/export.html", {"form": form}, status=422)
    zone, since, until = read_practice_zone(), form.cleaned_data["since"], form.cleaned_data["until"]
    lines = stream_csv(_begin(since, zone), _begin(until + timedelta(days=1), zone))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="events-{since}-{until}.csv"'
    return response


@login_not_required
@require_safe
def show_calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """GET /feeds/<token>.ics: the feed as text/calendar, or 304; 404 if there is none, or it was revoked."""
    if wait := count_read(digest_token(token), find_client_address(request)):
        return HttpResponse(status=429, headers={"Retry-After": str(wait)})
    feed = find_feed(token)
    if feed is None:
        return HttpResponse(status=404, headers={"X-Robots-Tag": "noindex"})
    entries = read_entries(feed, read_database_clock())
    etag = quote_etag(make_feed_tag(feed, entries))
    if unchanged := get_conditional_response(request, etag=etag):
        unchanged["ETag"] = etag
        return unchanged
    response = HttpResponse(write_calendar(feed, entries), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="appointments.ics"'
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["ETag"] = etag
    return response


def _begin(day: date, zone: tzinfo) -> datetime:
    """The moment at which a day begins by this clock."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
