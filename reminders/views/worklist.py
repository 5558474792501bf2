"""The worklist: who has to be called, oldest due first; what has changed since; one entry in full."""

from collections.abc import Iterable

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from contacts.number_looks import show_in_full
from reminders.desk.worklist import read_colleagues
from reminders.models import FollowUp
from reminders.pages.worklist import read_entry_of
from reminders.pages.worklist_closed import find_undoable, read_closed
from reminders.pages.worklist_page import read_changes, read_worklist
from reminders.pages.worklist_words import WorklistEntry, describe_entry
from reminders.rules.snoozing import SnoozeChoice
from reminders.views.requests import signed_in, wants_fragment

MOST_KNOWN = 1000  # entries that a page can say it has


@permission_required("reminders.view_followup", raise_exception=True)
@require_GET
@never_cache
def show_worklist(request: HttpRequest) -> HttpResponse:
    """The entries of one view (`show`), all or those with a follow-up of one `kind`.

    `did`: the act that this person has just done, offered to be undone.
    """
    view, kind = request.GET.get("show", ""), request.GET.get("kind", "")
    page = read_worklist(view, kind, signed_in(request), timezone.now())
    undoable = find_undoable(request.GET.get("did", ""), signed_in(request))
    context = {"page": page, "view": page.view, "kind": page.kind, "undoable": undoable}
    context |= {"in_full": show_numbers(request, page.entries)}
    return render(request, "reminders/worklist.html", context)


@permission_required("reminders.view_followup", raise_exception=True)
@require_POST
def show_worklist_changes(request: HttpRequest) -> HttpResponse:
    """What has changed since the page was read, 204 if nothing has.

    `version`: of the page; `have`: its entries, each as its key, a dot and its version.
    """
    have = dict(one.split(".", 1) for one in request.POST.get("have", "").split()[:MOST_KNOWN] if "." in one)
    changes = read_changes(
        request.POST.get("show", ""),
        request.POST.get("kind", ""),
        signed_in(request),
        timezone.now(),
        version=request.POST.get("version", ""),
        have=have,
    )
    if changes is None:
        return HttpResponse(status=204)
    page = changes.page
    context = {"changes": changes, "page": page, "view": page.view, "kind": page.kind}
    context |= {"in_full": show_numbers(request, changes.changed)}
    return render(request, "reminders/worklist/changes.html", context)


@permission_required("reminders.view_followup", raise_exception=True)
@require_GET
@never_cache
def show_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry, with its history and what is done with it more rarely: a page, and a part for htmx."""
    follow_up = get_object_or_404(FollowUp.objects.select_related("contact"), pk=pk)
    found = read_entry_of(follow_up) or read_entry_of(follow_up, [pk])
    entry = describe_entry(found, timezone.now())
    context = {
        "entry": entry,
        "is_open": any(one.state != FollowUp.State.RESOLVED for one in found),
        "colleagues": read_colleagues(),
        "choices": SnoozeChoice,
        "view": request.GET.get("show", ""),
        "kind": request.GET.get("kind", ""),
        "in_full": show_numbers(request, [entry]),
    }
    is_part = wants_fragment(request)
    template = "reminders/worklist/more.html" if is_part else "reminders/worklist_entry.html"
    return render(request, template, context)


@permission_required("reminders.view_followup", raise_exception=True)
@require_GET
@never_cache
def show_closed(request: HttpRequest) -> HttpResponse:
    """What people have closed within a day, each with a way back."""
    context = {"closed": read_closed(timezone.now())}
    return render(request, "reminders/worklist_closed.html", context)


def show_numbers(request: HttpRequest, entries: Iterable[WorklistEntry]) -> bool:
    """Whether the reader sees the numbers of these entries in full; if so, that they saw them is recorded."""
    return show_in_full([entry.number for entry in entries], signed_in(request))
