"""The worklist: follow-ups for staff, oldest due first."""

from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from contacts.parameters import read_row_ids
from reminders.desk import worklist
from reminders.desk.orders import OrderRefused
from reminders.models import FollowUp
from reminders.pages.worklist import read_worklist
from reminders.pages.worklist_words import describe_entry

OVERTAKEN_SAID = gettext_lazy(
    "Robotalker has reported the result of this call in the meantime. "
    "No new call was ordered, and it is off the list."
)


@permission_required("reminders.view_followup", raise_exception=True)
@require_GET
def show_worklist(request: HttpRequest) -> HttpResponse:
    """All follow-ups that are not resolved, or those of one `kind`."""
    kind = request.GET.get("kind", "")
    found = read_worklist(kind)
    now = timezone.now()
    entries = [describe_entry(follow_ups, now) for follow_ups in found.entries]
    context = {"worklist": found, "entries": entries, "kind": kind, "now": now}
    return render(request, "reminders/worklist.html", context)


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def take_follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    staff = cast(User, request.user)
    return _settle(request, pk, lambda: worklist.take_follow_up(pk, by=staff), _("Assigned to you."))


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def resolve_follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark the entry as done, with a note of what was done; only what was `seen` on the page, if it says."""
    staff = cast(User, request.user)
    seen = read_row_ids(request.POST.get("seen", ""))
    note = request.POST.get("note", "").replace("\x00", "").strip()
    return _settle(
        request,
        pk,
        lambda: worklist.resolve_follow_up(pk, by=staff, note=note, seen=seen),
        _("Marked as done."),
    )


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def settle_follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide about a call that may or may not have been made: `call_again` is "yes" or "no"."""
    staff = cast(User, request.user)
    again = request.POST.get("call_again") == "yes"
    done = _("A new call has been ordered.") if again else _("Marked as done, without another call.")
    return _settle(
        request, pk, lambda: worklist.resolve_unknown_outcome(pk, by=staff, call_again=again), done
    )


def _settle(request: HttpRequest, pk: int, action: Callable[[], FollowUp], done: str) -> HttpResponse:
    """Run the action and show `done`, or why it was refused; then back to the list with its filter."""
    get_object_or_404(FollowUp.objects.only("pk"), pk=pk)
    try:
        follow_up = action()
    except (worklist.AlreadyResolved, OrderRefused) as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, OVERTAKEN_SAID if follow_up.resolution == FollowUp.Resolution.OVERTAKEN else done
        )
    kind = request.POST.get("kind", "")
    return redirect(reverse("worklist") + (f"?{urlencode({'kind': kind})}" if kind else ""))
