"""The pages of a provider who is away: choosing what happens with the visits, what was done, undoing it."""

import re
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts.parameters import read_row_id
from reminders.desk.absence_previews import (
    AbsenceLine,
    AbsencePlan,
    ShownPart,
    choose_visits,
    count_still_booked,
    describe_changed_visits,
    preview_absence,
)
from reminders.desk.absences import do_absence, plan_absence, undo_absence
from reminders.desk.booking_questions import BookingQuestion
from reminders.forms.absences import AbsenceForm
from reminders.models import Absence, AbsenceVisit
from reminders.models.calls import make_public_id
from reminders.pages.absences import (
    list_recent,
    name_main_button,
    read_absence,
    say_what_was_done,
)
from reminders.pages.frame import read_frame
from reminders.views.requests import answer_unchanged, make_etag, signed_in, wants_fragment

MAY_CHANGE = "contacts.change_appointment"
MAY_TEXT = "reminders.add_stafftext"
HIGHEST_REVISION = 2**31 - 1  # what its column holds
FORM_FIELDS = ("provider", "day", "location", "deed", "to_provider", "to_day")


@permission_required(MAY_CHANGE, raise_exception=True)
@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest) -> HttpResponse:
    """What would happen with each visit is shown first; `save` does it with those that are ticked."""
    user = signed_in(request)
    may_text = user.has_perm(MAY_TEXT)
    initial = {name: request.GET[name] for name in FORM_FIELDS if request.GET.get(name)}
    form = AbsenceForm(request.POST if request.method == "POST" else None, initial=initial, may_text=may_text)
    frame = read_frame(form.locations)
    lines: list[AbsenceLine] | None = None
    skip, shown = read_row_id(request.POST.get("skip", "")) or 0, ShownPart()
    if form.is_bound and form.is_valid():
        wanted = form.make_plan()
        if "save" in request.POST and _read_chosen(request.POST):
            return _save(request, wanted)
        now = timezone.now()
        shown = choose_visits(wanted, skip, now)
        visits = preview_absence(wanted, now, skip=shown.skip)
        lines = describe_changed_visits(visits, wanted, user, now, frame.switch)
        lines = _keep_ticks(lines, request.POST)
    context: dict[str, Any] = {
        "form": form,
        "frame": frame,
        "lines": lines,
        "is_chosen": not form.is_bound and {"provider", "day"} <= initial.keys(),  # from a provider's list
        "part": shown,
        "is_shown": lines is not None,
        "nothing_chosen": "save" in request.POST and lines,
        "public_id": _read_public_id(request.POST),
        "recent": list_recent(),
    }
    if lines:
        context["save_words"] = name_main_button(
            form.cleaned_data["deed"], sum(one.is_chosen for one in lines)
        )
    if wants_fragment(request):
        return render(request, "reminders/absence/plan.html", context)
    return render(request, "reminders/absence_plan.html", context, status=422 if form.errors else 200)


@permission_required(MAY_CHANGE, raise_exception=True)
@require_GET
@never_cache
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """What was done with each visit, and how its patient is told. htmx gets the list alone, or 304."""
    about = ("provider", "to_provider", "location", "by", "undone_by")
    absence = get_object_or_404(Absence.objects.select_related(*about), pk=pk)
    now = timezone.now()
    shown = read_absence(absence, now, count_still_booked(absence, now))
    etag = make_etag(request, shown)
    if unchanged := answer_unchanged(request, etag):
        return unchanged
    template = "reminders/absence/outcome.html" if wants_fragment(request) else "reminders/absence.html"
    return render(request, template, {"shown": shown, "absence": absence, "etag": etag})


@permission_required(MAY_CHANGE, raise_exception=True)
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the visits back that nobody has changed since."""
    absence = get_object_or_404(Absence, pk=pk)
    put_back, left = undo_absence(absence, by=signed_in(request))
    said = ngettext("%(count)d visit is as it was.", "%(count)d visits are as they were.", put_back)
    messages.success(request, said % {"count": put_back})
    if left:
        more = ngettext(
            "%(count)d visit could not be put back.", "%(count)d visits could not be put back.", left
        )
        messages.warning(request, more % {"count": left})
    return redirect("absence", pk)


def _save(request: HttpRequest, wanted: AbsencePlan) -> HttpResponse:
    chosen = _read_chosen(request.POST)
    absence = plan_absence(
        wanted,
        chosen,
        revisions={pk: _read_revision(request.POST, pk) for pk in chosen},
        public_id=_read_public_id(request.POST),
        by=signed_in(request),
    )
    do_absence(absence)
    visits = AbsenceVisit.objects.filter(absence=absence)
    done = visits.filter(state=AbsenceVisit.State.DONE).count()
    left = visits.filter(state=AbsenceVisit.State.REFUSED).count() + len(chosen) - visits.count()
    if done:
        messages.success(request, say_what_was_done(absence, done, left))
    else:
        messages.error(request, _("No visit was changed; the reasons stand below."))
    return redirect("absence", absence.pk)


def _read_chosen(posted: QueryDict) -> dict[int, list[str]]:
    """By the id of each visit that was ticked, the questions that were shown beside it (codes)."""
    ids = [pk for text in posted.getlist("visit") if (pk := read_row_id(text)) is not None]
    known = set(BookingQuestion.values)
    return {pk: [code for code in posted.get(f"asked-{pk}", "").split(",") if code in known] for pk in ids}


def _read_revision(posted: QueryDict, pk: int) -> int:
    return min(read_row_id(posted.get(f"revision-{pk}", "")) or 0, HIGHEST_REVISION)


def _read_public_id(posted: QueryDict) -> str:
    given = posted.get("public_id", "")
    return given if re.fullmatch(r"[A-Za-z0-9_-]{8,24}", given) else make_public_id()


def _keep_ticks(lines: list[AbsenceLine], posted: QueryDict) -> list[AbsenceLine]:
    """Ticked as somebody left them, unless something else is asked about the visit than when they did."""
    ticked = set(posted.getlist("visit"))
    return [
        replace(line, is_chosen=str(line.pk) in ticked)
        if posted.get(f"asked-{line.pk}") == line.asked
        else line
        for line in lines
    ]
