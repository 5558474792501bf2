"""Booking an appointment, moving it, cancelling it and booking it again."""

from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from contacts.appointments import AppointmentClosed, is_same_time
from contacts.contact_search import find_contacts
from contacts.database.clock import read_database_clock
from contacts.models import Appointment, Contact, Location
from contacts.parameters import read_row_id
from contacts.templatetags.display import day_and_clock
from reminders.desk.booking_questions import BookingQuestionsOpen, find_booking_questions
from reminders.desk.bookings import (
    PlannedMove,
    ask_about_move,
    book_and_plan,
    cancel_and_withdraw,
    move_and_replan,
    preview_booking,
    preview_move,
    reinstate_and_plan,
)
from reminders.forms.booking import BookForm, MoveForm
from reminders.models import Reminder
from reminders.rules.states import REMINDER_PENDING
from reminders.views.requests import go_back, signed_in, wants_fragment

SLOT = ("location", "provider", "starts_at", "ends_at")
BOOKED = ("contact", *SLOT, "kind")
KEPT = ("location", "provider", "day", "at", "minutes")  # of a form that is left to add a contact
OFFERED = 8  # contacts shown at once; with more matches the search should be narrowed


@permission_required("contacts.add_appointment", raise_exception=True)
@require_http_methods(["GET", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """A new appointment. `?contact=`, `?location=`, `?day=` and others fill in the form.

    htmx posts it to see what would go out and what is asked, without booking.
    """
    form = (
        BookForm(request.POST) if request.method == "POST" else BookForm(initial=_read_start_of_form(request))
    )
    is_good = request.method == "POST" and form.is_valid()
    if wants_fragment(request):
        shown = _describe_booking(form.cleaned_data) if is_good else {}
        return render(request, "reminders/book/preview.html", {"form": form, **shown})
    context = {"form": form, "chosen": _find_chosen(form)}
    if is_good:
        booking = {name: form.cleaned_data[name] for name in BOOKED}
        about = name_slot(form.cleaned_data["contact"].pk, form.cleaned_data)
        try:
            booked = book_and_plan(**booking, by=signed_in(request), confirmed=read_confirmed(request, about))
        except BookingQuestionsOpen:
            context |= _describe_booking(form.cleaned_data)
        else:
            when = day_and_clock(booked.local_start)
            messages.success(request, _("Booked for %(when)s.") % {"when": when})
            return redirect("appointment", booked.pk)
    return render(request, "reminders/book.html", context, status=422 if form.is_bound else 200)


@permission_required("contacts.view_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def offer_contacts(request: HttpRequest) -> HttpResponse:
    """The contacts that match `q`, to choose one while booking; by POST, so that no address has a name.

    Without htmx it is the whole page to book.
    """
    offered = _offer(request.POST.get("q", ""))
    kept = {name: request.POST[name] for name in KEPT if request.POST.get(name)}
    offered["add_query"] = urlencode({"then": "book", **kept})
    if wants_fragment(request):
        return render(request, "reminders/book/offered.html", offered)
    form = BookForm(initial=_read_start_of_form(request) | kept)
    return render(request, "reminders/book.html", {"form": form, "chosen": None, **offered})


@permission_required("contacts.change_appointment", raise_exception=True)
@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Change time or location. The effect on reminders and what is asked are shown first; `save` saves it."""
    appointment = get_object_or_404(_with_people(), pk=pk)
    data = request.POST if request.method == "POST" else (request.GET or None)
    form = MoveForm(appointment, data)
    is_good = form.is_bound and form.is_valid()
    is_open = False
    if is_good and request.method == "POST" and "save" in request.POST:
        try:
            return _save_move(request, appointment, form.cleaned_data)
        except BookingQuestionsOpen:
            is_open = True
    context = {"form": form, "appointment": appointment, "preview": None}
    if is_good:
        context |= describe_move(appointment, form.cleaned_data)
    if wants_fragment(request):
        return render(request, "reminders/move/preview.html", context)
    return render(request, "reminders/move.html", context, status=422 if form.errors or is_open else 200)


@permission_required("contacts.change_appointment", raise_exception=True)
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks, naming the reminders that would be withdrawn; POST cancels."""
    appointment = get_object_or_404(_with_people(), pk=pk)
    if request.method == "GET":
        pending = Reminder.objects.filter(appointment=appointment, state__in=REMINDER_PENDING)
        context = {"appointment": appointment, "pending": pending.select_related("step")}
        return render(request, "reminders/cancel.html", context)
    try:
        cancel_and_withdraw(pk, by=signed_in(request))
    except AppointmentClosed as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Cancelled. No more reminders are sent for it."))
    return redirect("appointment", pk)


@permission_required("contacts.change_appointment", raise_exception=True)
@require_POST
def reinstate(request: HttpRequest, pk: int) -> HttpResponse:
    """Book a cancelled appointment again."""
    appointment = get_object_or_404(Appointment, pk=pk)
    reinstate_and_plan(appointment.pk, by=signed_in(request))
    messages.success(request, _("Booked again. Its reminders are planned."))
    return go_back(request, reverse("appointment", args=[pk]))


def describe_move(appointment: Appointment, found: dict[str, Any]) -> dict[str, Any]:
    """The move's effect on each reminder, what is asked before, and the label of the main button."""
    moves = preview_move(appointment, found["starts_at"], found["location"])
    questions = ask_about_move(appointment, **{name: found[name] for name in SLOT})
    return {
        "preview": [move for move in moves if move.old_due_at or move.new_due_at or move.reason],
        "new_location": found["location"],
        "new_start": found["starts_at"],
        "questions": questions,
        "about": name_slot(appointment.pk, found),
        "save_words": _("Move all the same") if questions else name_save_button(appointment, moves, found),
    }


def name_save_button(appointment: Appointment, moves: list[PlannedMove], found: dict[str, Any]) -> str:
    """The label of the main button, such as "Move and re-plan 2 reminders"."""
    if is_same_time(appointment, found["starts_at"], found["location"]):
        return _("Save without moving")
    changed = sum(move.changes for move in moves)
    if not changed:
        return _("Move")
    words = ngettext("Move and re-plan %(count)d reminder", "Move and re-plan %(count)d reminders", changed)
    return words % {"count": changed}


def _with_people() -> "QuerySet[Appointment]":
    return Appointment.objects.select_related("contact__phone", "location", "provider")


def name_slot(whose: int, found: dict[str, Any]) -> str:
    """A digest of time, location and provider, and of whose visit it is (an id): what questions are about."""
    provider = found["provider"] and found["provider"].pk
    slot = (whose, found["location"].pk, provider, found["starts_at"], found["ends_at"])
    return sha256(repr(slot).encode()).hexdigest()[:16]


def read_confirmed(request: HttpRequest, about: str) -> list[str]:
    """The questions that were confirmed (codes); none if they were asked about another slot."""
    return request.POST.getlist("confirm") if request.POST.get("about") == about else []


def _describe_booking(found: dict[str, Any]) -> dict[str, Any]:
    """What booking it would send, what is asked before, and the label of the main button."""
    booking = {name: found[name] for name in BOOKED}
    planned = preview_booking(**booking)
    questions = find_booking_questions(
        contact_id=found["contact"].pk,
        **{name: found[name] for name in SLOT},
        now=read_database_clock(),
    )
    return {
        "preview": [each for each in planned if each.new_due_at or each.reason],
        "new_location": found["location"],
        "new_start": found["starts_at"],
        "questions": questions,
        "about": name_slot(found["contact"].pk, found),
        "save_words": _("Book all the same") if questions else _("Book and plan reminders"),
    }


def _save_move(request: HttpRequest, appointment: Appointment, found: dict[str, Any]) -> HttpResponse:
    """Raises BookingQuestionsOpen."""
    try:
        moved = move_and_replan(
            appointment.pk,
            **{name: found[name] for name in SLOT},
            by=signed_in(request),
            confirmed=read_confirmed(request, name_slot(appointment.pk, found)),
        )
    except AppointmentClosed as refusal:
        messages.error(request, str(refusal))
    else:
        when = day_and_clock(moved.local_start)
        messages.success(request, _("The appointment is now on %(when)s.") % {"when": when})
    return redirect("appointment", appointment.pk)


def _read_start_of_form(request: HttpRequest) -> dict[str, Any]:
    """The form's initial values from the query string. If there is only one location, it is chosen."""
    chosen = {name: request.GET[name] for name in ("contact", *KEPT) if request.GET.get(name)}
    locations = list(Location.objects.all()[:2])
    return ({"location": locations[0].pk} if len(locations) == 1 else {}) | chosen


def _find_chosen(form: BookForm) -> Contact | None:
    pk = read_row_id(form["contact"].value())
    people = Contact.objects.filter(erased_at=None).select_related("phone")
    return people.filter(pk=pk).first() if pk else None


def _offer(text: str) -> dict[str, Any]:
    wanted = text.strip()
    found = list(find_contacts(wanted)[: OFFERED + 1]) if wanted else []
    return {"q": wanted, "offered": found[:OFFERED], "are_more": len(found) > OFFERED}
