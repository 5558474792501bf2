"""People: finding them, their page, and what staff change there."""

from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.middleware import HtmxDetails

from contacts import optouts
from contacts.forms.contacts import ContactForm, OptInForm, OptOutForm
from contacts.models import Appointment, ConsentEntry, Contact, PhoneNumber
from contacts.people import mark_numbers_usable
from contacts.queries import find_contacts, read_next_appointments, read_person

PER_PAGE = 100


class HtmxRequest(HttpRequest):
    """A request that has been through django-htmx's middleware."""

    htmx: HtmxDetails


@dataclass(frozen=True)
class ContactLine:
    """One row of the list."""

    contact: Contact
    next_appointment: Appointment | None


@require_GET
def list_contacts(request: HtmxRequest) -> HttpResponse:
    """People by name, or those that `q` finds; only the results where htmx asks for them."""
    text = request.GET.get("q", "").strip()
    page = Paginator(find_contacts(text), PER_PAGE).get_page(request.GET.get("page"))
    # Going back in the browser asks for the whole page again, though htmx does the asking.
    only_results = request.htmx and not request.htmx.history_restore_request
    template = "contacts/list/results.html" if only_results else "contacts/list.html"
    context = {"page": page, "lines": _add_next_appointments(page), "q": text}
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _add_next_appointments(page: Page[Contact]) -> list[ContactLine]:
    upcoming = read_next_appointments([contact.pk for contact in page], timezone.now())
    return [ContactLine(contact, upcoming.get(contact.pk)) for contact in page]


@require_GET
def show_contact(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        person = read_person(pk, timezone.now())
    except Contact.DoesNotExist:
        raise Http404 from None
    return render(request, "contacts/detail.html", {"person": person, "contact": person.contact})


@require_http_methods(["GET", "POST"])
def add_contact(request: HttpRequest) -> HttpResponse:
    return _save_contact(request, Contact(), "contacts/add.html")


@require_http_methods(["GET", "POST"])
def edit_contact(request: HttpRequest, pk: int) -> HttpResponse:
    contact = get_object_or_404(Contact.objects.select_related("phone", "other_phone"), pk=pk)
    return _save_contact(request, contact, "contacts/edit.html")


def _save_contact(request: HttpRequest, contact: Contact, template: str) -> HttpResponse:
    form = ContactForm(request.POST or None, instance=contact)
    if request.method == "POST" and form.is_valid():
        revised = form.save_person(by=_staff(request))
        messages.success(request, _describe_saving(form.instance, revised))
        return redirect("contact", pk=form.instance.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, template, {"form": form, "contact": contact}, status=status)


def _describe_saving(contact: Contact, revised: list[int]) -> str:
    saved = _("%(name)s is saved.") % {"name": contact.full_name}
    if not revised:
        return saved
    count = len(revised)
    return (
        saved
        + " "
        + ngettext(
            "%(count)d appointment ahead is reminded on the new number.",
            "%(count)d appointments ahead are reminded on the new number.",
            count,
        )
        % {"count": count}
    )


@require_http_methods(["GET", "POST"])
def record_optout(request: HttpRequest, pk: int) -> HttpResponse:
    """Opt one of the person's numbers out; `number` says which, the main one if it doesn't."""
    contact, number = _find_number(request, pk)
    form = OptOutForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _show_consent_form(request, "contacts/optout.html", contact, number, form)
    news = optouts.record_optout(
        number.pk,
        scope=form.cleaned_data["scope"],
        source=ConsentEntry.Source.STAFF,
        at=timezone.now(),
        evidence=form.evidence,
        by=_staff(request),
    )
    done = _("The opt-out is recorded. It holds from this moment, for everybody who shares the number.")
    messages.success(request, done if news else _("The number had already opted out of that."))
    return redirect("contact", pk=pk)


@require_http_methods(["GET", "POST"])
def record_optin(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift the opt-out of one of the person's numbers, with the reason."""
    contact, number = _find_number(request, pk)
    form = OptInForm(request.POST or None, number=number)
    if request.method != "POST" or not form.is_valid():
        return _show_consent_form(request, "contacts/optin.html", contact, number, form)
    news = optouts.record_optin(
        number.pk,
        scope=form.cleaned_data["scope"],
        evidence=form.cleaned_data["reason"],
        by=_staff(request),
        at=timezone.now(),
    )
    messages.success(
        request, _("The opt-in is recorded.") if news else _("The number was not opted out of that.")
    )
    return redirect("contact", pk=pk)


@require_POST
def mark_usable(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody has checked the number: it can be called again."""
    _contact, number = _find_number(request, pk)
    mark_numbers_usable([number.pk])
    messages.success(request, _("The number can be used again."))
    return redirect("contact", pk=pk)


def _find_number(request: HttpRequest, contact_id: int) -> tuple[Contact, PhoneNumber]:
    """The person and the one of their numbers that the request names. Raises Http404 for anybody else's."""
    contact = get_object_or_404(Contact.objects.select_related("phone", "other_phone"), pk=contact_id)
    numbers = {str(number.pk): number for number in (contact.phone, contact.other_phone) if number}
    asked = request.POST.get("number") or request.GET.get("number") or next(iter(numbers), "")
    if asked not in numbers:
        raise Http404
    return contact, numbers[asked]


def _show_consent_form(
    request: HttpRequest, template: str, contact: Contact, number: PhoneNumber, form: OptOutForm | OptInForm
) -> HttpResponse:
    context = {"form": form, "contact": contact, "number": number}
    return render(request, template, context, status=422 if form.is_bound else 200)


def _staff(request: HttpRequest) -> User:
    """Who is signed in; LoginRequiredMiddleware lets nobody else come this far."""
    return cast(User, request.user)
