"""Importing a list: upload, preview, apply; and the reports of what was imported."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from contacts.forms.imports import (
    ColumnForm,
    NewLocationsForm,
    UploadForm,
    describe_source,
    read_answers,
    read_columns,
)
from contacts.imports.change_words import changes_as_csv, group_changes
from contacts.imports.errors import ImportRefused, MissingColumns, QuestionsOpen
from contacts.imports.importing import import_file, preview_file
from contacts.imports.mending import read_rows_to_mend, write_rows_to_mend
from contacts.imports.practice import ImportOptions
from contacts.imports.problems import NOTE, REJECTED
from contacts.imports.report import (
    ImportReport,
    group_problems,
    list_counts,
    list_questions,
    problems_as_csv,
)
from contacts.imports.uploads import Upload, UploadExpired, open_upload, store_upload
from contacts.kept_words import group_kept
from contacts.models import ImportBatch, Location

PER_PAGE = 50
LINES_SHOWN = 100  # for each kind of problem; the download has all of them
CHANGES = (
    "added", "moved", "cancelled", "booked_again", "updated", "contacts_added", "contacts_updated",
)  # fmt: skip


@permission_required("contacts.view_importbatch", raise_exception=True)
@require_GET
def list_imports(request: HttpRequest) -> HttpResponse:
    """Past imports, newest first."""
    batches = ImportBatch.objects.select_related("by")
    page = Paginator(batches, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "contacts/imports/list.html", {"page": page, "clock_of": _first_location()})


@permission_required("contacts.add_importbatch", raise_exception=True)
@require_http_methods(["GET", "POST"])
def upload_import(request: HttpRequest) -> HttpResponse:
    """One address for three steps: upload the file, preview it (`upload` is its token), import it."""
    token = request.POST.get("upload") or request.GET.get("upload")
    if not token:
        return _take_file(request)
    try:
        upload = open_upload(token, user_id=_staff(request).pk)
        return _preview_or_apply(request, upload, token)
    except UploadExpired as error:
        messages.error(request, str(error))
        return redirect("upload_import")
    except ImportRefused as refused:
        return _ask_for_another(request, upload, refused)


def _take_file(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return _show_upload(request, form, status=422 if request.method == "POST" else 200)
    file = form.cleaned_data["file"]
    token = store_upload(
        file.chunks(), file_name=file.name, source=form.cleaned_data["source"], user_id=_staff(request).pk
    )
    return redirect(f"{reverse('upload_import')}?upload={token}")


def _show_upload(request: HttpRequest, form: UploadForm, status: int) -> HttpResponse:
    return render(request, "contacts/imports/upload.html", {"form": form}, status=status)


def _ask_for_another(request: HttpRequest, upload: Upload, refused: ImportRefused) -> HttpResponse:
    """Show the upload form again, with the reason why the file can't be read."""
    form = UploadForm(describe_source(upload.source))
    form.full_clean()
    form.errors["file"] = form.error_class([f"{upload.file_name}: {refused}"])
    upload.drop()
    return _show_upload(request, form, status=422)


def _preview_or_apply(request: HttpRequest, upload: Upload, token: str) -> HttpResponse:
    named = request.POST.getlist("location")
    asked = NewLocationsForm(named, request.POST if request.method == "POST" else None)
    options = ImportOptions(
        source=upload.source,
        zones=asked.zones,
        spoken_names=asked.spoken_names,
        callback_numbers=asked.callback_numbers,
        columns=read_columns(request.POST),
        answers=read_answers(request.POST),
    )
    try:
        if "apply" in request.POST and (not named or asked.is_valid()):
            report = import_file(upload.read(), upload.file_name, options, by=_staff(request))
            upload.drop()
            return redirect("import_batch", pk=report.batch_id)
    except QuestionsOpen as still_open:
        messages.error(request, str(still_open))
    try:
        report = preview_file(upload.read(), upload.file_name, options)
    except MissingColumns as missing:
        return _ask_for_columns(request, upload, token, missing)
    if "download_changes" in request.POST:
        return _download(changes_as_csv(report.changes), _("import-changes.csv"))
    if "download_rejected" in request.POST and report.to_mend:
        return _download(write_rows_to_mend(report.to_mend), _("rows-to-mend.csv"))
    return _show_preview(request, report, asked, token)


def _ask_for_columns(
    request: HttpRequest, upload: Upload, token: str, missing: MissingColumns
) -> HttpResponse:
    """Show the columns of the file, of which some must be chosen by hand."""
    form = ColumnForm(missing.labels, read_columns(request.POST))
    context = {"column_form": form, "missing": missing, "upload": upload, "token": token}
    return render(request, "contacts/imports/columns.html", context, status=422)


def _show_preview(
    request: HttpRequest, report: ImportReport, asked: NewLocationsForm, token: str
) -> HttpResponse:
    new = [name for name in report.unknown_locations if name not in asked.locations]
    context = {
        "report": report,
        "counts": list_counts(report.counts),
        "rejected": group_problems(report.problems, REJECTED, LINES_SHOWN),
        "notes": group_problems(report.problems, NOTE, LINES_SHOWN),
        "changes": group_changes(report.changes, LINES_SHOWN),
        "location_form": asked if asked.locations and not new else NewLocationsForm([*asked.locations, *new]),
        "questions": list_questions(report),
        "column_form": ColumnForm([column.label for column in report.columns], report.chosen_columns),
        "changes_nothing": not any(report.counts.get(key) for key in CHANGES),
        "token": token,
    }
    return render(request, "contacts/imports/preview.html", context)


@permission_required("contacts.view_importbatch", raise_exception=True)
@require_GET
def show_import(request: HttpRequest, pk: int) -> HttpResponse:
    """The report of one import."""
    batches = ImportBatch.objects.select_related("by", "undone_by").annotate(
        to_mend=Count("rejected_rows", filter=Q(rejected_rows__line__gt=0, rejected_rows__cells__len__gt=0))
    )
    batch = get_object_or_404(batches, pk=pk)
    problems = list(batch.problems.all())
    context = {
        "batch": batch,
        "counts": list_counts(batch.counts),
        "rejected": group_problems(problems, REJECTED, LINES_SHOWN),
        "notes": group_problems(problems, NOTE, LINES_SHOWN),
        "changes": group_changes(batch.changes.all(), LINES_SHOWN),
        "kept": group_kept(batch.kept.all(), LINES_SHOWN) if batch.undone_at else [],
        "clock_of": _first_location(),
    }
    return render(request, "contacts/imports/report.html", context)


@permission_required("contacts.view_importbatch", raise_exception=True)
@require_GET
def download_problems(request: HttpRequest, pk: int) -> HttpResponse:
    """All problems of one import as CSV."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    return _download(
        problems_as_csv(batch.problems.all()), _("import-%(number)d-problems.csv") % {"number": pk}
    )


@permission_required("contacts.view_importbatch", raise_exception=True)
@require_GET
def download_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """All changes of one import as CSV, a line for each field."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    return _download(changes_as_csv(batch.changes.all()), _("import-%(number)d-changes.csv") % {"number": pk})


@permission_required("contacts.view_importbatch", raise_exception=True)
@require_GET
def download_rejected(request: HttpRequest, pk: int) -> HttpResponse:
    """The rows that weren't imported, as a file to be mended and uploaded again."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    to_mend = read_rows_to_mend(batch)
    if to_mend is None:
        raise Http404
    return _download(write_rows_to_mend(to_mend), _("import-%(number)d-rows-to-mend.csv") % {"number": pk})


def _download(text: str, name: str) -> HttpResponse:
    """A CSV file; its byte order mark tells Excel that it is UTF-8."""
    return HttpResponse(
        f"\ufeff{text}",
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _first_location() -> Location | None:
    """The location by whose clock times without a location are shown."""
    return Location.objects.order_by("pk").first()


def _staff(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware lets nobody else through."""
    return cast(User, request.user)
