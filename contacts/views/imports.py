"""Importing a list: upload, preview, apply; and the reports of what was imported."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts.forms.imports import (
    ColumnForm,
    NewLocationsForm,
    UploadForm,
    describe_source,
    read_answers,
    read_columns,
)
from contacts.forms.reading import choose_valid, describe_reading, list_posted, read_reading
from contacts.forms.shown_answers import is_as_shown, sign_shown
from contacts.imports.change_words import changes_as_csv, group_changes
from contacts.imports.errors import ImportRefused, MissingColumns
from contacts.imports.importing import preview_stored
from contacts.imports.list_order import has_newer, say_overtaken
from contacts.imports.list_reading import show_refused_file
from contacts.imports.mending import AS_SAID, SOURCE_OF_PART_KEY, read_rows_to_mend, write_rows_to_mend
from contacts.imports.practice import ImportOptions
from contacts.imports.problems import NOTE, REJECTED
from contacts.imports.progress import describe_progress
from contacts.imports.reading_options import choose_reading
from contacts.imports.report import (
    ImportReport,
    group_problems,
    list_counts,
    list_questions,
    problems_as_csv,
)
from contacts.imports.stored_files import (
    FileGone,
    StoredFile,
    change_options,
    discard_file,
    queue_import,
    read_stored_file,
    retry_import,
    store_file,
)
from contacts.imports.visits_ahead import PlannedAnew
from contacts.kept_words import group_kept
from contacts.models import ImportBatch, Location
from contacts.views.contacts import HtmxRequest
from contacts.watching.arrivals import find_failed
from contacts.watching.standing import read_watched

PER_PAGE = 50
STOP_POLLING = 286  # a status that htmx knows
LINES_SHOWN = 100  # for each kind of problem; the download has all of them
CHANGES = (
    "added", "moved", "cancelled", "booked_again", "updated", "contacts_added", "contacts_updated",
)  # fmt: skip


@permission_required("contacts.view_importbatch", raise_exception=True)
@require_GET
def list_imports(request: HttpRequest) -> HttpResponse:
    """Past imports, newest first."""
    batches = ImportBatch.objects.select_related("by", "dismissed_by")
    page = Paginator(batches, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "clock_of": _first_location(),
        "watched": read_watched(),
        "to_look_at": set(find_failed().values_list("pk", flat=True)),
    }
    return render(request, "contacts/imports/list.html", context)


@permission_required("contacts.add_importbatch", raise_exception=True)
@require_http_methods(["GET", "POST"])
def upload_import(request: HttpRequest) -> HttpResponse:
    """Take a file and keep it; its preview is the next page."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return _show_upload(request, form, status=422 if request.method == "POST" else 200)
    file = form.cleaned_data["file"]
    # where no source was chosen, the one that rows to mend name counts
    answers = {} if form.has_chosen_source else {SOURCE_OF_PART_KEY: AS_SAID}
    options = ImportOptions(source=form.cleaned_data["source"], answers=answers)
    batch = store_file(file.read(), file.name, options, how=ImportBatch.How.PAGE, by=_staff(request))
    return redirect("preview_import", pk=batch.pk)


def preview_import(
    request: HttpRequest, pk: int, *, describe_outgoing: Callable[[PlannedAnew], str]
) -> HttpResponse:
    """What importing a file would change, and its questions; posted: answers, or that it be imported.

    Whoever may import may answer, whoever brought the file. `describe_outgoing`: says what goes out today
    because of it (reminders/views/imports.py, which is the page's address).
    """
    batch = get_object_or_404(ImportBatch, pk=pk)
    if batch.state != ImportBatch.State.ASKING:
        return _tell_confirmed(request, batch)
    try:
        return _preview_or_apply(request, batch, describe_outgoing)
    except FileGone as gone:
        messages.error(request, str(gone))
        return redirect("upload_import")
    except ImportRefused as refused:
        return _ask_for_another(request, batch, refused)


def _tell_confirmed(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    """Show the batch of a file that somebody has confirmed before."""
    if request.method == "POST":
        messages.info(request, _("This file was confirmed before. It is imported once."))
    return redirect("import_batch", pk=batch.pk)


def _show_upload(request: HttpRequest, form: UploadForm, status: int) -> HttpResponse:
    return render(request, "contacts/imports/upload.html", {"form": form}, status=status)


def _ask_for_another(request: HttpRequest, batch: ImportBatch, refused: ImportRefused) -> HttpResponse:
    """Say why the file can't be read, with how it was read, if that can be corrected, and the upload form.

    If it can't, an upload is discarded; a file that came another way stays for whoever looks after that way.
    """
    stored = read_stored_file(batch)
    options = choose_valid(stored.options, read_reading(request.POST))
    if shown := show_refused_file(stored.content, stored.file_name, options):
        context = {"batch": batch, "form": UploadForm(initial=describe_source(batch.source))}
        context |= describe_reading(*shown, refused) | {"posted": list_posted(request.POST)}
        return render(request, "contacts/imports/refused.html", context, status=422)
    form = UploadForm(describe_source(batch.source))
    form.full_clean()
    form.errors["file"] = form.error_class([f"{batch.file_name}: {refused}"])
    if batch.how == ImportBatch.How.PAGE:
        discard_file(batch)
    return _show_upload(request, form, status=422)


def _preview_or_apply(
    request: HttpRequest, batch: ImportBatch, describe_outgoing: Callable[[PlannedAnew], str]
) -> HttpResponse:
    stored = read_stored_file(batch)
    named = request.POST.getlist("location")
    asked = NewLocationsForm(named, request.POST if request.method == "POST" else None)
    add_posted = partial(_add_posted, request, asked, stored.options)
    options = add_posted(stored.options)
    is_confirmed = "apply" in request.POST and (not named or asked.is_valid())
    if is_confirmed and (applied := _apply(request, batch, asked, add_posted)):
        return applied
    try:
        report = preview_stored(replace(stored, options=options))
    except MissingColumns as missing:
        refused = _keep_posted(request, batch, add_posted)
        return refused or _ask_for_columns(request, stored, batch, missing, options)
    if refused := _keep_posted(request, batch, add_posted):
        return refused
    if "download_changes" in request.POST:
        return _download(changes_as_csv(report.changes), _("import-changes.csv"))
    if "download_rejected" in request.POST and report.to_mend:
        return _download(write_rows_to_mend(report.to_mend), _("rows-to-mend.csv"))
    is_ready = report.took_something and not report.open_questions
    besides = {
        "is_made_anew": is_confirmed,
        "what_goes_out": describe_outgoing(report.planned_anew) if is_ready else "",
    }
    return _show_preview(request, report, asked, batch, options, besides)


class AnswersChanged(Exception):
    """A list was confirmed with other answers than those that its preview was made with."""


def _apply(
    request: HttpRequest,
    batch: ImportBatch,
    asked: NewLocationsForm,
    add_posted: Callable[[ImportOptions], ImportOptions],
) -> HttpResponse | None:
    """Let the file be imported; None if the preview must be shown with the answers first."""

    def change(kept: ImportOptions) -> ImportOptions:
        changed = add_posted(kept)
        if not is_as_shown(request.POST, asked, kept, changed):
            raise AnswersChanged
        return changed

    try:
        with transaction.atomic():
            refused = _keep_posted(request, batch, change)
            if refused is None and not queue_import(batch, by=_staff(request)):
                refused = _tell_confirmed(request, batch)
    except AnswersChanged:
        return None
    return refused or redirect("import_batch", pk=batch.pk)


def _keep_posted(
    request: HttpRequest, batch: ImportBatch, add_posted: Callable[[ImportOptions], ImportOptions]
) -> HttpResponse | None:
    """Keep what was answered; or return what to show instead, if it was about another content.

    Newer content may have taken its place since its preview was shown, and somebody may have confirmed it.
    """
    seen = request.POST.get("content", batch.sha256)
    if request.method != "POST" or change_options(batch, add_posted, sha256=seen):
        return None
    now = ImportBatch.objects.filter(pk=batch.pk).first()
    if now is None:
        raise FileGone(_("This file was already imported or is no longer kept. Upload it again."))
    if now.state != ImportBatch.State.ASKING:
        return _tell_confirmed(request, now)
    messages.warning(
        request, _("A newer list has taken the place of the one that you saw. Please look at it anew.")
    )
    return redirect("preview_import", pk=batch.pk)


def _add_posted(
    request: HttpRequest, asked: NewLocationsForm, shown: ImportOptions, kept: ImportOptions
) -> ImportOptions:
    """The options kept with the file, with what was posted now.

    `shown`: as they were when the request came; what was posted as it was then is no change, so that answers
    which somebody else gave meanwhile stay.
    """

    def join(before: Mapping[str, str], now: Mapping[str, str], was: Mapping[str, str]) -> dict[str, str]:
        changed = {name: value for name, value in now.items() if value != was.get(name, "")}
        return {**now, **before, **changed}

    def join_known(
        before: Mapping[str, str], now: Mapping[str, str], was: Mapping[str, str]
    ) -> dict[str, str]:
        locations = asked.locations if asked.is_valid() else []
        joined = join(before, {name: now.get(name, "") for name in locations}, was)
        return {name: value for name, value in joined.items() if value}

    options = replace(
        kept,
        zones=join_known(kept.zones, asked.zones, shown.zones),
        spoken_names=join_known(kept.spoken_names, asked.spoken_names, shown.spoken_names),
        callback_numbers=join_known(kept.callback_numbers, asked.callback_numbers, shown.callback_numbers),
        columns=join(kept.columns, read_columns(request.POST), shown.columns),
        answers=join(kept.answers, read_answers(request.POST), shown.answers),
    )
    return choose_reading(options, read_reading(request.POST))


def _ask_for_columns(
    request: HttpRequest,
    stored: StoredFile,
    batch: ImportBatch,
    missing: MissingColumns,
    options: ImportOptions,
) -> HttpResponse:
    """Show the columns of the file, of which some must be chosen by hand."""
    shown = show_refused_file(stored.content, stored.file_name, options)
    samples = shown[1].samples if shown else {}
    form = ColumnForm(missing.labels, read_columns(request.POST), samples=samples)
    context = {"column_form": form, "missing": missing, "batch": batch}
    context |= {"posted": list_posted(request.POST, "column")} | (describe_reading(*shown) if shown else {})
    return render(request, "contacts/imports/columns.html", context, status=422)


def _show_preview(
    request: HttpRequest,
    report: ImportReport,
    asked: NewLocationsForm,
    batch: ImportBatch,
    options: ImportOptions,
    besides: Mapping[str, object],
) -> HttpResponse:
    """`options`: what it was made with; `besides`: what else the template is given."""
    new = [name for name in report.unknown_locations if name not in asked.locations]
    if new or not asked.locations:
        asked = NewLocationsForm([*asked.locations, *new], kept=options)
    questions = list_questions(report)
    columns = ColumnForm(
        [column.label for column in report.columns],
        report.chosen_columns,
        samples=report.first_rows.samples,
    )
    reading = describe_reading(report.understood, report.first_rows) if report.understood else {}
    context = {
        "report": report,
        "counts": list_counts(report.counts),
        "rejected": group_problems(report.problems, REJECTED, LINES_SHOWN),
        "notes": group_problems(report.problems, NOTE, LINES_SHOWN),
        "changes": group_changes(report.changes, LINES_SHOWN),
        "location_form": asked,
        "questions": questions,
        "column_form": columns,
        "shown": sign_shown(options, questions, asked.locations, columns, reading.get("reading_form")),
        "overtaken": say_overtaken() if has_newer(batch) else "",
        "changes_nothing": not any(report.counts.get(key) for key in CHANGES),
        "batch": batch,
        **reading,
        **besides,
    }
    return render(request, "contacts/imports/preview.html", context)


@permission_required("contacts.view_importbatch", raise_exception=True)
@require_GET
def show_import(request: HtmxRequest, pk: int) -> HttpResponse:
    """The report of one import; as long as it isn't imported, how far it is, which htmx asks for again."""
    batches = ImportBatch.objects.select_related("by", "dismissed_by", "undone_by").annotate(
        to_mend=Count("rejected_rows", filter=Q(rejected_rows__line__gt=0, rejected_rows__cells__len__gt=0))
    )
    batch = get_object_or_404(batches, pk=pk)
    if batch.applied_at is None:
        return _show_progress(request, batch)
    if request.htmx:
        return HttpResponse(headers={"HX-Refresh": "true"})  # the report has its own heading and buttons
    rejected, notes = (batch.problems.filter(weight=weight) for weight in (REJECTED, NOTE))
    context = {
        "batch": batch,
        "counts": list_counts(batch.counts),
        "rejected": group_problems(rejected.iterator(), REJECTED, LINES_SHOWN),
        "notes": group_problems(notes.iterator(), NOTE, LINES_SHOWN),
        "changes": group_changes(batch.changes.iterator(), LINES_SHOWN),
        "kept": group_kept(batch.kept.all(), LINES_SHOWN) if batch.undone_at else [],
        "clock_of": _first_location(),
    }
    return render(request, "contacts/imports/report.html", context)


def _show_progress(request: HtmxRequest, batch: ImportBatch) -> HttpResponse:
    progress = describe_progress(batch)
    context = {
        "batch": batch,
        "progress": progress,
        "clock_of": _first_location(),
        "can_dismiss": find_failed().filter(pk=batch.pk).exists(),
    }
    if not request.htmx:
        return render(request, "contacts/imports/progress.html", context)
    status = 200 if progress.goes_on else STOP_POLLING
    return render(request, "contacts/imports/_progress.html", context, status=status)


@permission_required("contacts.add_importbatch", raise_exception=True)
@require_POST
def retry_failed(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a worker try a failed import again."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    if not retry_import(batch, by=_staff(request)):
        messages.info(request, _("This list waits already, or its file is no longer kept."))
    return redirect("import_batch", pk=pk)


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
