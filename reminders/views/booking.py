"""Booking an appointment, or several at once."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from contacts.audit.trail import note_shown
from contacts.contact_search import find_contacts
from contacts.database.clock import read_database_clock
from contacts.forms.times import TimeOfDay
from contacts.models import Appointment, Contact
from contacts.parameters import read_row_id
from contacts.templatetags.display import day_and_clock
from reminders.deciding.present import Present, read_present
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.situations import PracticeConfig
from reminders.desk.booking_questions import BookingQuestionsOpen, find_booking_questions
from reminders.desk.bookings import book_and_plan, preview_booking
from reminders.desk.going_out import say_what_goes_out
from reminders.desk.visits_together import WantedVisit, ask_about_visits, book_visits, find_just_booked
from reminders.forms.booking import BookForm
from reminders.pages.frame import read_frame
from reminders.views.requests import signed_in, wants_fragment
from reminders.views.slots import SLOT, name_slot, read_confirmed, show_provider_day, take_slot

SHARED_BY_VISITS = ("location", "provider", "kind")
BOOKED = ("contact", *SLOT, "kind")
KEPT = ("location", "provider", "day", "at", "minutes")  # of a form that is left to add a contact
KIND = "booking_kind"  # kept in the session, since no address says what a visit is about
OFFERED = 8  # contacts shown at once; with more matches the search should be narrowed


@permission_required("contacts.add_appointment", raise_exception=True)
@require_http_methods(["GET", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """A new appointment. `?contact=`, `?location=`, `?day=` and others fill in the form.

    htmx posts it to see what would go out and what is asked, without booking.
    """
    is_sent, config = request.method == "POST", read_shared_settings().config
    data, initial = (take_slot(request.POST), None) if is_sent else (None, _read_start_of_form(request))
    form = BookForm(data, initial=initial, config=config)
    chosen = _find_chosen(form)
    form.offer_household(chosen)
    if chosen:
        note_shown(chosen)
    context: dict[str, Any] = {"form": form, "chosen": chosen}
    if is_sent and not wants_fragment(request) and "slot" not in request.POST:
        with suppress(BookingQuestionsOpen):  # they are asked below
            if form.is_valid():
                return _say_booked(request, _save_booking(request, form))
        if booked := _find_booked_before(request, form):
            return _say_booked(request, booked)
    if is_sent and form.is_valid():
        context |= _describe_booking(request, form, config)
    elif is_sent:
        context |= _describe_slot(form, read_database_clock())
    context["provider_day"] = show_provider_day(form)
    if wants_fragment(request):
        return render(request, "reminders/book/preview.html", context)
    context["frame"] = read_frame(form.locations)
    is_refused = is_sent and "slot" not in request.POST
    return render(request, "reminders/book.html", context, status=422 if is_refused else 200)


@permission_required("contacts.view_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def offer_contacts(request: HttpRequest) -> HttpResponse:
    """The contacts that match `q`, to choose one while booking; by POST, so that no address has a name.

    Without htmx it is the whole page to book. With `chosen`, an id, it offers that contact: a form that was
    left half filled in is filled in again.
    """
    chosen = read_row_id(request.POST.get("chosen", ""))
    offered = _offer(request.POST.get("q", ""), chosen)
    if chosen:
        note_shown(*offered["offered"])
    kept = {name: request.POST[name] for name in KEPT if request.POST.get(name)}
    offered["add_query"] = urlencode({"then": "book", **kept})
    kind = request.POST.get("kind", "").replace("\x00", "")[:80]
    if request.session.get(KIND, "") != kind:
        request.session[KIND] = kind
    if wants_fragment(request):
        return render(request, "reminders/book/offered.html", offered)
    config = read_shared_settings().config
    form = BookForm(initial=_read_start_of_form(request) | kept | {"kind": kind}, config=config)
    context = {"form": form, "chosen": None, "provider_day": show_provider_day(form), **offered}
    context["frame"] = read_frame(form.locations)
    return render(request, "reminders/book.html", context)


def _save_booking(request: HttpRequest, form: BookForm) -> list[Appointment]:
    """Book one visit, or those that were chosen of several. Raises BookingQuestionsOpen."""
    visits = form.list_visits()
    if len(visits) > 1:
        return _save_visits(request, form, visits)
    booking = {name: form.cleaned_data[name] for name in BOOKED}
    about = name_slot(form.cleaned_data["contact"].pk, form.cleaned_data)
    return [book_and_plan(**booking, by=signed_in(request), confirmed=read_confirmed(request, about))]


def _save_visits(request: HttpRequest, form: BookForm, visits: list[WantedVisit]) -> list[Appointment]:
    """Raises BookingQuestionsOpen, also where the list of them wasn't shown yet, or none was chosen."""
    confirmed = _read_confirmed_visits(request, name_visits(form, visits))
    chosen = _choose_visits(request, form, visits)
    if not chosen:
        raise BookingQuestionsOpen([])
    places = {name: form.cleaned_data[name] for name in SHARED_BY_VISITS}
    return book_visits(chosen, **places, by=signed_in(request), confirmed=confirmed)


def _choose_visits(request: HttpRequest, form: BookForm, visits: list[WantedVisit]) -> list[WantedVisit]:
    """Those that are ticked; none if another list of them was shown."""
    is_same = request.POST.get("about") == name_visits(form, visits)
    keys = request.POST.getlist("visit") if is_same else []
    return [visit for visit in visits if visit.key in keys and visit.starts_at]


def _find_booked_before(request: HttpRequest, form: BookForm) -> list[Appointment]:
    """What a form that is refused booked a moment ago, when it came for the first time."""
    if form.errors.keys() - {NON_FIELD_ERRORS}:
        return []
    visits = form.list_visits()
    wanted = _choose_visits(request, form, visits) if len(visits) > 1 else visits
    places = {name: form.cleaned_data[name] for name in SHARED_BY_VISITS}
    return find_just_booked(wanted, **places, by=signed_in(request))


def _say_booked(request: HttpRequest, booked: Sequence[Appointment]) -> HttpResponse:
    """Lead to the first of them."""
    words = _("Booked for %(when)s.")
    if len(booked) > 1:
        words = ngettext(
            "Booked %(count)d appointment: %(when)s.", "Booked %(count)d appointments: %(when)s.", len(booked)
        )
    when = "; ".join(day_and_clock(one.local_start) for one in booked)
    messages.success(request, words % {"count": len(booked), "when": when})
    return redirect("appointment", booked[0].pk)


def name_visits(form: BookForm, visits: list[WantedVisit]) -> str:
    """A digest of all of them and where they are: what the shown list of them was about."""
    found = form.cleaned_data
    places = (found["location"].pk, found["provider"] and found["provider"].pk)
    times = [(visit.key, visit.starts_at, visit.ends_at) for visit in visits]
    return sha256(repr((places, times)).encode()).hexdigest()[:16]


def _read_confirmed_visits(request: HttpRequest, about: str) -> dict[str, list[str]]:
    """By each visit's key, the questions that were shown beside it (codes)."""
    confirmed: dict[str, list[str]] = {}
    for shown in read_confirmed(request, about):
        key, _space, code = shown.partition(" ")
        confirmed.setdefault(key, []).append(code)
    return confirmed


def _describe_booking(request: HttpRequest, form: BookForm, config: PracticeConfig) -> dict[str, Any]:
    """What booking it would send, what is asked before, and the label of the main button.

    Of several visits, what the first one that is ticked would send; nothing if none is.
    """
    found, present, visits = form.cleaned_data, read_present(config=config), form.list_visits()
    wanted = {name: found[name] for name in BOOKED}
    if len(visits) == 1:
        return _describe_slot(form, present.now) | _describe_outlook(wanted, present)
    shown = _describe_visits(request, form, visits, present.now)
    chosen = (line["visit"] for line in shown["lines"] if line["is_chosen"] and line["visit"].starts_at)
    if (first := next(chosen, None)) is None:
        return shown | {"preview": [], "new_location": found["location"], "new_start": found["starts_at"]}
    wanted |= {"contact": first.contact, "starts_at": first.starts_at, "ends_at": first.ends_at}
    return shown | _describe_outlook(wanted, present)


def _describe_outlook(wanted: dict[str, Any], present: Present) -> dict[str, Any]:
    """What goes out for one visit. `wanted`: a value for each of BOOKED."""
    planned = preview_booking(**wanted, present=present)
    return {
        "preview": [each for each in planned if each.new_due_at or each.reason],
        "said": say_what_goes_out(planned, wanted["location"], timezone.now()),
        "new_location": wanted["location"],
        "new_start": wanted["starts_at"],
    }


def _describe_slot(form: BookForm, now: datetime) -> dict[str, Any]:
    """What is asked about the time alone, while the patient isn't chosen yet, too."""
    found = form.cleaned_data
    contact: Contact | None = found.get("contact")
    if not found.get("starts_at") or not found.get("ends_at"):
        return {}
    slot = {name: found[name] for name in SLOT}
    contact_id = contact.pk if contact else 0
    questions = find_booking_questions(contact_id=contact_id, **slot, now=now)
    return {
        "questions": questions,
        "about": name_slot(contact_id, found),
        "save_words": _("Book all the same") if questions else _("Book and plan reminders"),
    }


def _describe_visits(
    request: HttpRequest, form: BookForm, visits: list[WantedVisit], now: datetime
) -> dict[str, Any]:
    found, about = form.cleaned_data, name_visits(form, visits)
    asked = ask_about_visits(visits, found["location"], found["provider"], now)
    was_shown = request.POST.get("about") == about
    keys = request.POST.getlist("visit") if was_shown else []
    lines = [
        {
            "visit": visit,
            "questions": asked.get(visit.key, []),
            "is_chosen": visit.key in keys if was_shown else asked.get(visit.key) == [],
        }
        for visit in visits
    ]
    count = sum(bool(line["is_chosen"]) for line in lines)
    words = ngettext("Book %(count)d appointment", "Book %(count)d appointments", count) % {"count": count}
    return {"lines": lines, "about": about, "nothing_chosen": not count, "save_words": words}


def _read_start_of_form(request: HttpRequest) -> dict[str, Any]:
    """The form's initial values from the query string."""
    chosen: dict[str, Any] = {name: request.GET[name] for name in ("contact", *KEPT) if request.GET.get(name)}
    with suppress(ValidationError):
        chosen["at"] = TimeOfDay().clean(chosen.get("at"))  # shown as the country writes it
    kind = request.session.pop(KIND, "") if request.GET.get("then") == "book" else ""
    return {"kind": kind} | chosen


def _find_chosen(form: BookForm) -> Contact | None:
    pk = read_row_id(form["contact"].value())
    people = Contact.objects.filter(erased_at=None).select_related("phone")
    return people.filter(pk=pk).first() if pk else None


def _offer(text: str, chosen: int | None = None) -> dict[str, Any]:
    wanted = text.strip()
    if chosen:
        found = list(Contact.objects.filter(pk=chosen, erased_at=None).select_related("phone"))
    else:
        found = list(find_contacts(wanted)[: OFFERED + 1]) if wanted else []
    return {"q": wanted, "offered": found[:OFFERED], "are_more": len(found) > OFFERED}
