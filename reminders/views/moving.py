"""Moving an appointment, cancelling it and booking it again."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from contacts.appointments import AppointmentClosed, is_same_time
from contacts.models import Appointment
from contacts.templatetags.display import day_and_clock
from reminders.deciding.present import Present, read_present
from reminders.deciding.shared_settings import read_shared_settings
from reminders.desk.booking_questions import BookingQuestionsOpen
from reminders.desk.bookings import (
    ChangedMeanwhile,
    PlannedMove,
    ask_about_move,
    ask_about_reinstating,
    cancel_and_withdraw,
    move_and_replan,
    name_version,
    preview_move,
    reinstate_and_plan,
)
from reminders.desk.going_out import say_what_goes_out
from reminders.forms.booking import MoveForm
from reminders.models import Reminder
from reminders.pages.frame import read_frame
from reminders.rules.states import REMINDER_PENDING
from reminders.views.requests import go_back, signed_in, wants_fragment
from reminders.views.slots import SLOT, name_slot, read_confirmed, show_provider_day, take_slot


@permission_required("contacts.change_appointment", raise_exception=True)
@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Change time or location. The effect on reminders and what is asked are shown first; `save` saves it."""
    appointment = get_object_or_404(_with_people(), pk=pk)
    config = read_shared_settings().config
    data: QueryDict | None = take_slot(request.POST) if request.method == "POST" else (request.GET or None)
    form = MoveForm(appointment, data, config=config)
    is_good = form.is_bound and form.is_valid()
    is_open = is_changed = False
    if is_good and request.method == "POST" and "save" in request.POST and "slot" not in request.POST:
        try:
            return _save_move(request, appointment, form.cleaned_data)
        except BookingQuestionsOpen:
            is_open = True
        except ChangedMeanwhile:
            is_open = is_changed = True
    context = {"form": form, "appointment": appointment, "preview": None}
    context |= {"seen": name_version(appointment), "is_changed": is_changed}
    if is_good:
        context |= describe_move(appointment, form.cleaned_data, read_present(config=config))
    context["provider_day"] = show_provider_day(form, besides=appointment.pk)
    if wants_fragment(request) and "dialog" in request.GET:
        return render(request, "reminders/move/dialog.html", context | _describe_dialog(request, form))
    if wants_fragment(request):
        return render(request, "reminders/move/preview.html", context)
    context["frame"] = read_frame(form.locations)
    return render(request, "reminders/move.html", context, status=422 if form.errors or is_open else 200)


@permission_required("contacts.change_appointment", raise_exception=True)
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks, naming the reminders that would be withdrawn, or says that it can't be; POST cancels."""
    appointment = get_object_or_404(_with_people(), pk=pk)
    if request.method == "GET":
        pending = Reminder.objects.filter(appointment=appointment, state__in=REMINDER_PENDING)
        context = {
            "appointment": appointment,
            "pending": pending.select_related("step"),
            "seen": name_version(appointment),
        }
        return render(request, "reminders/cancel.html", context)
    try:
        cancel_and_withdraw(pk, by=signed_in(request), seen=request.POST.get("seen", ""))
    except AppointmentClosed as refusal:
        messages.error(request, str(refusal))
    except ChangedMeanwhile:
        words = _("Somebody has changed this appointment meanwhile, so it was not cancelled. It is as below.")
        messages.error(request, words)
        return redirect("cancel_appointment", pk)
    else:
        messages.success(request, _("Cancelled. No more reminders are sent for it."))
    return redirect("appointment", pk)


@permission_required("contacts.change_appointment", raise_exception=True)
@require_http_methods(["GET", "POST"])
def reinstate(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks, with what stands against it; POST books a cancelled appointment again, or asks first."""
    appointment = get_object_or_404(_with_people(), pk=pk)
    about = name_slot(pk, {name: getattr(appointment, name) for name in SLOT})
    context = {"appointment": appointment, "about": about, "next": request.POST.get("next", "")}
    if request.method == "GET" and appointment.status != Appointment.Status.CANCELLED:
        return redirect("appointment", pk)
    if request.method == "GET":
        context["questions"] = ask_about_reinstating(appointment)
        return render(request, "reminders/reinstate.html", context)
    try:
        reinstate_and_plan(pk, by=signed_in(request), confirmed=read_confirmed(request, about))
    except BookingQuestionsOpen as open_ones:
        if wants_fragment(request):
            return HttpResponseClientRedirect(reverse("reinstate_appointment", args=[pk]))
        return render(
            request, "reminders/reinstate.html", context | {"questions": open_ones.questions}, status=422
        )
    if appointment.status == Appointment.Status.CANCELLED:
        messages.success(request, _("Booked again. Its reminders are planned."))
    else:
        messages.info(request, _("It isn't cancelled, so nothing was changed."))
    return go_back(request, reverse("appointment", args=[pk]))


def describe_move(appointment: Appointment, found: dict[str, Any], present: Present) -> dict[str, Any]:
    """The move's effect on each reminder, what is asked before, and the label of the main button."""
    moves = preview_move(appointment, found["starts_at"], found["location"], present=present)
    questions = ask_about_move(appointment, **{name: found[name] for name in SLOT}, now=present.now)
    return {
        "preview": [move for move in moves if move.old_due_at or move.new_due_at or move.reason],
        "said": say_what_goes_out(moves, found["location"], timezone.now()),
        "new_location": found["location"],
        "new_start": found["starts_at"],
        "questions": questions,
        "about": name_slot(appointment.pk, found),
        "save_words": name_save_button(appointment, moves, found, is_asked=bool(questions)),
    }


def name_save_button(
    appointment: Appointment, moves: list[PlannedMove], found: dict[str, Any], *, is_asked: bool
) -> str:
    """The label of the main button, such as "Move and re-plan 2 reminders". `is_asked`: with a question."""
    if is_same_time(appointment, found["starts_at"], found["location"]):
        return _("Save all the same") if is_asked else _("Save without moving")
    if is_asked:
        return _("Move all the same")
    changed = sum(move.changes for move in moves)
    if not changed:
        return _("Move")
    words = ngettext("Move and re-plan %(count)d reminder", "Move and re-plan %(count)d reminders", changed)
    return words % {"count": changed}


def _describe_dialog(request: HttpRequest, form: MoveForm) -> dict[str, Any]:
    """For the calendar's question: where to go back to, and the provider if it is another one."""
    wanted = form.cleaned_data.get("provider")
    is_other = wanted is not None and wanted != form.appointment.provider
    return {"next": request.GET.get("next", ""), "new_provider": wanted if is_other else None}


def _with_people() -> "QuerySet[Appointment]":
    return Appointment.objects.select_related("contact__phone", "location", "provider")


def _save_move(request: HttpRequest, appointment: Appointment, found: dict[str, Any]) -> HttpResponse:
    """Raises BookingQuestionsOpen and ChangedMeanwhile."""
    try:
        moved = move_and_replan(
            appointment.pk,
            **{name: found[name] for name in SLOT},
            by=signed_in(request),
            confirmed=read_confirmed(request, name_slot(appointment.pk, found)),
            seen=request.POST.get("seen", ""),
        )
    except AppointmentClosed as refusal:
        messages.error(request, str(refusal))
    else:
        when = day_and_clock(moved.local_start)
        messages.success(request, _("The appointment is now on %(when)s.") % {"when": when})
    if request.POST.get("next"):  # the calendar
        return go_back(request, reverse("appointment", args=[appointment.pk]))
    return redirect("appointment", appointment.pk)
