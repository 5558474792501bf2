"""The audit trail, for auditors: who did what and who looked at whom, and the same as a file."""

from datetime import UTC

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from contacts.admin.history import read_practice_zone
from contacts.audit.reading import read_audit_page, write_audit_file
from contacts.models import Contact
from contacts.parameters import read_row_id
from reminders.forms.audit import AuditFilters
from reminders.pages.frame import read_frame


@permission_required("contacts.view_auditentry", raise_exception=True)
@require_GET
@never_cache
def show_audit_trail(request: HttpRequest) -> HttpResponse:
    """GET ?person=3&kind=look&since=2026-11-01&until=2026-11-30&contact=5&before=8000; each is optional."""
    frame, form = read_frame(), AuditFilters(request.GET)
    scope = form.read_scope(frame.locations[0].zone if frame.locations else UTC)
    lines, more = read_audit_page(scope, read_row_id(request.GET.get("before", "")))
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "frame": frame,
        "form": form,
        "lines": lines,
        "more": more,
        "query": query.urlencode(),
        "contact": Contact.objects.filter(pk=scope.contact).first() if scope.contact else None,
        "scope": scope,
    }
    return render(request, "reminders/audit.html", context)


@permission_required("contacts.view_auditentry", raise_exception=True)
@require_GET
@never_cache
def download_audit_trail(request: HttpRequest) -> StreamingHttpResponse:
    """The same, as CSV, with all its pages."""
    scope = AuditFilters(request.GET).read_scope(read_practice_zone())
    answer = StreamingHttpResponse(write_audit_file(scope), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="audit-trail.csv"'
    return answer
