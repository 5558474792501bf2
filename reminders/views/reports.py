"""Reports: the pages, and the same figures as a file."""

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.views.decorators.http import require_GET

from contacts.csv_cells import write_lines
from contacts.parameters import read_row_id
from reminders.forms.report_filters import ReportDays
from reminders.pages.frame import Frame, read_frame
from reminders.reports.report_list import REPORTS, ReportKind
from reminders.reports.scope import Scope
from reminders.rules.modes import SendingMode

FIRST_SHOWN = timedelta(days=29)  # thirty days with the present one
LONGEST = timedelta(days=365)
FIRST_REPORT = "days"


@permission_required("reminders.view_reports", raise_exception=True)
@require_GET
def show_report(request: HttpRequest, kind: str = FIRST_REPORT) -> HttpResponse:
    """GET ?since=2026-11-01&until=2026-11-30&location=1&campaign=2; each may be left out."""
    frame, shown = read_frame(), _find_kind(kind)
    scope = _read_scope(request, frame)
    context: dict[str, Any] = {
        "frame": frame,
        "kinds": REPORTS.values(),
        "kind": shown,
        "report": shown.read(scope),
        "scope": scope,
        "weekdays": list(zip(WEEKDAYS_ABBR.values(), WEEKDAYS.values(), strict=True)),
        "query": request.GET.urlencode(),
        "counted_today": frame.counted_at is not None and frame.counted_at.date() == frame.today,
        "is_practice": frame.mode == SendingMode.SANDBOX,
        "is_filtered": scope.location or scope.campaign,
    }
    return render(request, "reminders/report.html", context)


@permission_required("reminders.view_reports", raise_exception=True)
@require_GET
def download_report(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """The same, as CSV."""
    shown = _find_kind(kind)
    scope = _read_scope(request, read_frame())
    lines = write_lines(shown.read(scope).list_lines())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"{kind}-{scope.since}-{scope.until}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _find_kind(kind: str) -> ReportKind:
    if kind not in REPORTS:
        raise Http404
    return REPORTS[kind]


def _read_scope(request: HttpRequest, frame: Frame) -> Scope:
    """What was asked for; a year at most, and the last thirty days unless a day is given."""
    form = ReportDays(request.GET)
    form.is_valid()
    until: date = form.cleaned_data.get("until") or frame.today
    since: date = form.cleaned_data.get("since") or until - FIRST_SHOWN
    if since > until:
        since, until = until, since
    location, campaign = (read_row_id(request.GET.get(name, "")) for name in ("location", "campaign"))
    return Scope(
        since=max(since, until - LONGEST),
        until=until,
        location=location if location in {one.pk for one in frame.locations} else None,
        campaign=campaign if campaign in {one.pk for one in frame.campaigns} else None,
        with_pretend=frame.mode == SendingMode.SANDBOX,
    )
