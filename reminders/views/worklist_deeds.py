"""The buttons of the worklist: take, hand on, snooze, a note, an ending, undo.

Without JavaScript each leads back to the list with its view; with it (static/worklist.js) the answer is the
entry as it is now, and what is said about the deed.
"""

from collections.abc import Callable
from datetime import UTC
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from contacts.parameters import read_row_id, read_row_ids
from reminders.desk import worklist, worklist_endings
from reminders.desk.orders import OrderRefused
from reminders.desk.worklist import WorklistRefused, read_colleagues
from reminders.desk.worklist_undoing import undo_deed
from reminders.forms.snoozing import SnoozeForm
from reminders.models import FollowUp
from reminders.pages.worklist_closed import read_act
from reminders.pages.worklist_page import read_shown_entry
from reminders.pages.worklist_words import location_of
from reminders.rules.snoozing import SnoozeChoice, find_snooze_end
from reminders.views.requests import read_words, signed_in, wants_fragment
from reminders.views.worklist import show_numbers

Resolution = FollowUp.Resolution
DONE_WORDS = {
    Resolution.LEFT_MESSAGE: gettext_lazy("Closed: a message was left."),
    Resolution.CONFIRMED_BY_PHONE: gettext_lazy("Confirmed by phone."),
    Resolution.WRONG_NUMBER: gettext_lazy("The number is marked as wrong. Find the right one."),
    Resolution.NO_LONGER_NEEDED: gettext_lazy("Closed: no longer needed."),
    Resolution.DONE: gettext_lazy("Marked as done."),
}
# What an ending changes besides the list.
NEEDS = {
    Resolution.CONFIRMED_BY_PHONE: "contacts.change_appointment",
    Resolution.WRONG_NUMBER: "contacts.change_contact",
}
OVERTAKEN_SAID = gettext_lazy(
    "Robotalker has reported the result of this call in the meantime. "
    "No new call was ordered, and it is off the list."
)


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def take_follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    by = signed_in(request)
    return _do(request, pk, lambda: worklist.take_follow_up(pk, by=by), _("You have it now."))


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def hand_on(request: HttpRequest, pk: int) -> HttpResponse:
    """To the colleague `to`, an id, or to anybody."""
    to, by = read_row_id(request.POST.get("to", "")), signed_in(request)
    colleague = next((user for user in read_colleagues() if user.pk == to), None)
    if colleague is None:
        return _do(request, pk, lambda: worklist.hand_on(pk, to=None, by=by), _("Put back for anybody."))
    said = _("Handed on to %(who)s.") % {"who": worklist.name_colleague(colleague)}
    return _do(request, pk, lambda: worklist.hand_on(pk, to=colleague, by=by), said)


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Until one of SnoozeChoice (`until`), or the day and time of the form, by the clock of the location."""
    follow_up = get_object_or_404(FollowUp.objects.select_related("appointment__location"), pk=pk)
    location = location_of(follow_up)
    zone = location.zone if location else UTC
    until = request.POST.get("until", "")
    if until in SnoozeChoice.values:
        moment = find_snooze_end(SnoozeChoice(until), timezone.now(), zone)
        refusal = _("The afternoon has begun. Choose another time.")
    else:
        form = SnoozeForm(request.POST)
        moment = form.find_moment(zone)
        refusal = form.first_error
    by = signed_in(request)
    if moment is None:
        return _answer(request, pk, refusal=str(refusal))
    return _do(request, pk, lambda: worklist.snooze_entry(pk, until=moment, by=by), _("Snoozed."))


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def wake(request: HttpRequest, pk: int) -> HttpResponse:
    by = signed_in(request)
    return _do(request, pk, lambda: worklist.wake_entry(pk, by=by), _("Back on the list."))


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """A `note` into its history; it stays open."""
    written, by = read_words(request, "note"), signed_in(request)
    return _do(request, pk, lambda: worklist.note_on_entry(pk, note=written, by=by), _("Noted."))


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def resolve_follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    """End it in one way (`how`), with a `note`; only what was `seen` on the page, if it says."""
    how = request.POST.get("how", "")
    if how not in worklist_endings.ENDINGS:
        return HttpResponseBadRequest(_("There is no such way to end it."))
    ending = Resolution(how)
    if ending in NEEDS and not request.user.has_perm(NEEDS[ending]):
        raise PermissionDenied
    seen, by = read_row_ids(request.POST.get("seen", "")), signed_in(request)
    written = read_words(request, "note")
    return _do(
        request,
        pk,
        lambda: worklist_endings.end_follow_ups(pk, ending, by=by, note=written, seen=seen),
        str(DONE_WORDS[ending]),
        about=seen,
    )


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def settle_follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide about a call that may or may not have been made: `call_again` is "yes" or "no"."""
    decided = request.POST.get("call_again")
    if decided not in ("yes", "no"):
        return HttpResponseBadRequest(_("Say whether to call again."))
    by, again = signed_in(request), decided == "yes"
    get_object_or_404(FollowUp.objects.only("pk"), pk=pk)
    try:
        follow_up = worklist_endings.resolve_unknown_outcome(pk, by=by, call_again=again)
    except (WorklistRefused, OrderRefused) as error:
        return _answer(request, pk, refusal=str(error))
    done = _("A new call has been ordered.") if again else _("Marked as done, without another call.")
    is_overtaken = follow_up.resolution == Resolution.OVERTAKEN
    return _answer(request, pk, said=str(OVERTAKEN_SAID) if is_overtaken else done)


@permission_required("reminders.change_followup", raise_exception=True)
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Undo a deed (`act`), if it is the last about its entry."""
    try:
        follow_ups = undo_deed(read_act(request.POST.get("act", "")), by=signed_in(request))
    except WorklistRefused as error:
        return _answer(request, None, refusal=str(error))
    pk = follow_ups[0].pk if follow_ups else None
    return _answer(request, pk, said=_("Undone."))


def _do(
    request: HttpRequest, pk: int, deed: Callable[[], UUID], done: str, *, about: list[int] | None = None
) -> HttpResponse:
    """Do it, and say so, or why it was refused."""
    get_object_or_404(FollowUp.objects.only("pk"), pk=pk)
    try:
        act = deed()
    except WorklistRefused as error:
        return _answer(request, pk, refusal=str(error))
    return _answer(request, pk, said=done, act=act, about=about)


def _answer(
    request: HttpRequest,
    pk: int | None,
    *,
    said: str = "",
    refusal: str = "",
    act: UUID | None = None,
    about: list[int] | None = None,
) -> HttpResponse:
    """The entry as it is now, for the script; else back to the list, with its view."""
    view, kind = request.POST.get("show", ""), request.POST.get("kind", "")
    if wants_fragment(request):
        follow_up = FollowUp.objects.select_related("contact").filter(pk=pk).first() if pk else None
        user, now = signed_in(request), timezone.now()
        shown = read_shown_entry(follow_up, about or [], view, user, now) if follow_up else None
        context = {"shown": shown, "said": refusal or said, "is_refused": bool(refusal), "act": act}
        context |= {"view": view, "kind": kind}
        context |= {"in_full": show_numbers(request, [shown.entry] if shown else [])}
        return render(request, "reminders/worklist/done.html", context)
    if refusal:
        messages.error(request, refusal)
    elif act is None:
        messages.success(request, said)
    kept = {name: value for name, value in (("show", view), ("kind", kind), ("did", str(act or ""))) if value}
    return HttpResponseRedirect(reverse("worklist") + (f"?{urlencode(kept)}" if kept else ""))
