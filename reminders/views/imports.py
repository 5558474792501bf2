"""An import's pages, where they matter to reminders: its preview, undoing it, and what goes out today
because of it.
"""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from contacts.imports.visits_ahead import PlannedAnew
from contacts.kept_words import group_kept
from contacts.models import ImportBatch
from contacts.undoing import UndoRefused
from contacts.views.imports import preview_import
from reminders.desk.import_undo import preview_undo, undo_import
from reminders.pages.import_calls import count_calls_today, foresee_calls_today
from reminders.pages.undo_preview import group_undone
from reminders.views.requests import signed_in

LINES_SHOWN = 100  # of each group


@permission_required("contacts.add_importbatch", raise_exception=True)
@require_http_methods(["GET", "POST"])
def preview_with_calls(request: HttpRequest, pk: int) -> HttpResponse:
    """What importing a file would change, and what would go out today because of it."""
    return preview_import(request, pk, describe_outgoing=_describe_calls)


def _describe_calls(planned: PlannedAnew) -> str:
    context = {"today": foresee_calls_today(planned)}
    return render_to_string("reminders/import_calls_words.html", context)


@permission_required("contacts.delete_importbatch", raise_exception=True)
@require_http_methods(["GET", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """What undoing an import takes back and what stays, and doing it."""
    batch = get_object_or_404(ImportBatch.objects.select_related("by", "undone_by"), pk=pk)
    refusal = ""
    if request.method == "POST":
        try:
            undo_import(pk, token=request.POST.get("token", ""), by=signed_in(request))
        except UndoRefused as error:
            refusal = str(error)
        else:
            messages.success(request, _("The import is undone."))
            return redirect("import_batch", pk=pk)
        batch.refresh_from_db()
    context = {"batch": batch, "refusal": refusal}
    try:
        plan = preview_undo(batch)
    except UndoRefused as error:
        context["refusal"] = refusal or str(error)
    else:
        context |= {
            "plan": plan,
            "undone": group_undone(plan, LINES_SHOWN),
            "kept": group_kept(plan.kept, LINES_SHOWN),
        }
    return render(request, "reminders/import_undo.html", context, status=422 if refusal else 200)


@permission_required("contacts.view_importbatch", raise_exception=True)
@require_GET
def show_calls_today(request: HttpRequest, pk: int) -> HttpResponse:
    """What goes out today because of an import: a part of its report's page."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    context = {"batch": batch, "today": count_calls_today(batch)}
    return render(request, "reminders/import_calls.html", context)
