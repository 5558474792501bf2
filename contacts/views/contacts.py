"""Contacts: the searchable list, a contact's page, and the changes made there."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.paginator import Page
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.middleware import HtmxDetails

from contacts import optouts
from contacts.audit.trail import record_numbers_seen
from contacts.consent import record_consent_basis
from contacts.contact_search import MOST_FOUND, find_contacts
from contacts.deep_pages import DeepPaginator
from contacts.duplicates import MOST_ASKED_ABOUT
from contacts.exporting import begin_export
from contacts.forms.contacts import (
    ASKED_ABOUT,
    ConsentForm,
    ContactForm,
    OptInForm,
    OptOutForm,
    take_over_changes,
)
from contacts.merging import find_survivor
from contacts.models import Contact, PhoneNumber
from contacts.number_looks import show_in_full
from contacts.own_numbers import is_own_number
from contacts.people import lock_people, mark_numbers_usable
from contacts.queries import read_next_appointments, read_person
from contacts.searches import is_search_key, recall_search, remember_search
from contacts.templatetags.contact_rows import ContactLine

PER_PAGE = 100


class HtmxRequest(HttpRequest):
    """A request with the attributes of django-htmx's middleware."""

    htmx: HtmxDetails


@permission_required("contacts.view_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def list_contacts(request: HtmxRequest) -> HttpResponse:
    """Contacts by name, or those that match `q`. htmx gets only the results.

    The text comes by POST and stays in the session; the address has its key (contacts/searches.py).
    """
    key = request.GET.get("q", "")
    if request.method == "POST" or (key and not is_search_key(key)):
        key = remember_search(request.session, request.POST.get("q", key))
        if not request.htmx:
            return redirect(_list_address(key))
    text = recall_search(request.session, key)
    page = DeepPaginator(find_contacts(text), PER_PAGE).get_page(request.GET.get("page"))
    # On "back" htmx asks too, but needs the whole page.
    only_results = request.htmx and not request.htmx.history_restore_request
    template = "contacts/list/results.html" if only_results else "contacts/list.html"
    context = {
        "page": page,
        "lines": _add_next_appointments(page),
        "q": text,
        "search_key": key,
        "are_more": text and page.paginator.count >= MOST_FOUND,
    }
    response = render(request, template, context)
    if request.method == "POST":
        response.headers["HX-Replace-Url"] = _list_address(key)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _list_address(search_key: str) -> str:
    return reverse("contacts") + (f"?{urlencode({'q': search_key})}" if search_key else "")


def _add_next_appointments(page: Page[Contact]) -> list[ContactLine]:
    upcoming = read_next_appointments([contact.pk for contact in page], timezone.now())
    return [ContactLine(contact, upcoming.get(contact.pk)) for contact in page]


@permission_required("contacts.view_contact", raise_exception=True)
@require_GET
def show_contact(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        person = read_person(pk, timezone.now())
    except Contact.DoesNotExist:
        if survivor := find_survivor(pk):
            return redirect("contact", pk=survivor)
        raise Http404 from None
    in_full = show_in_full((held.number for held in person.numbers), request.user)
    context = {"person": person, "contact": person.contact, "in_full": in_full}
    return render(request, "contacts/detail.html", context)


@permission_required("contacts.export_contact", raise_exception=True)
@require_GET
@never_cache
def download_data(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Everything that is known of the person, as a file of JSON. It is recorded who took it."""
    try:
        pieces = begin_export(pk, by=_staff(request))
    except Contact.DoesNotExist:
        raise Http404 from None
    answer = StreamingHttpResponse(pieces, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="contact-{pk}.json"'
    return answer


@permission_required("contacts.add_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def add_contact(request: HttpRequest) -> HttpResponse:
    """A new contact. `?then=book` goes on to book, with what else the address says of the visit."""
    return _save_contact(request, Contact(), "contacts/add.html")


@permission_required("contacts.change_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def edit_contact(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method == "POST":
        with transaction.atomic():  # read it locked: an import, a merge or an erasure may be at work on it
            locked = lock_people([pk]).get(pk)
            if locked is None or locked.erased_at:
                raise Http404
            return _save_contact(request, locked, "contacts/edit.html")
    people = Contact.objects.filter(erased_at=None).select_related("phone", "other_phone")
    return _save_contact(request, get_object_or_404(people, pk=pk), "contacts/edit.html")


def _save_contact(request: HttpRequest, contact: Contact, template: str) -> HttpResponse:
    present = ContactForm(instance=contact)
    posted, both = take_over_changes(request.POST, present)
    form = ContactForm(posted or None, instance=contact)
    for name in both:
        words = _("Somebody has changed this meanwhile to “%(now)s”. Save again to put yours in its place.")
        form.add_error(name, words % {"now": present.name_value(name)})
    is_valid = request.method == "POST" and form.is_valid()
    alike = form.find_lookalikes() if is_valid else []
    if is_valid and not alike:
        revised = form.save_person(by=_staff(request))
        messages.success(request, _describe_saving(form.instance, revised))
        if request.GET.get("then") == "book":
            kept = {**request.GET.dict(), "contact": str(form.instance.pk)}
            return redirect(f"{reverse('book_appointment')}?{urlencode(kept)}")
        return redirect("contact", pk=form.instance.pk)
    if contact.pk:  # the form has its numbers in full, for whoever may change them
        held = (contact.phone_id, contact.other_phone_id)
        record_numbers_seen([pk for pk in held if pk], by=_staff(request))
    status = 422 if request.method == "POST" else 200
    shown = alike[:MOST_ASKED_ABOUT]
    context = {
        "form": form,
        "contact": contact,
        "shown_values": present.write_shown(),
        "alike": shown,
        "has_more": len(alike) > len(shown),
        "asked_about": [*request.POST.getlist(ASKED_ABOUT), *(str(one.contact.pk) for one in alike)],
    }
    return render(request, template, context, status=status)


def _describe_saving(contact: Contact, revised: list[int]) -> str:
    saved = _("%(name)s has been saved.") % {"name": contact.full_name}
    if not revised:
        return saved
    count = len(revised)
    return (
        saved
        + " "
        + ngettext(
            "Reminders of %(count)d upcoming appointment now go to the new number.",
            "Reminders of %(count)d upcoming appointments now go to the new number.",
            count,
        )
        % {"count": count}
    )


@permission_required("contacts.change_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def record_optout(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an opt-out for one of the contact's numbers: `number`, or the main one. Not for one of ours."""
    contact, number = _find_number(request, pk)
    form = OptOutForm(request.POST or None)
    is_own = is_own_number(number.e164)
    if is_own or request.method != "POST" or not form.is_valid():
        return _show_consent_form(request, "contacts/optout.html", contact, number, form, is_own=is_own)
    is_new = optouts.record_optout(
        number.pk,
        scope=form.cleaned_data["scope"],
        source=form.cleaned_data["way"],
        at=timezone.now(),
        evidence=form.cleaned_data["note"],
        by=_staff(request),
    )
    done = _("The opt-out is recorded. It applies from now on to everybody who shares the number.")
    messages.success(request, done if is_new else _("The number had already opted out of that."))
    return redirect("contact", pk=pk)


@permission_required("contacts.change_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def record_optin(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an opt-in for one of the contact's numbers, with the reason."""
    contact, number = _find_number(request, pk)
    form = OptInForm(request.POST or None, number=number)
    if request.method != "POST" or not form.is_valid():
        return _show_consent_form(request, "contacts/optin.html", contact, number, form)
    is_new = optouts.record_optin(
        number.pk,
        scope=form.cleaned_data["scope"],
        evidence=form.cleaned_data["reason"],
        by=_staff(request),
        at=timezone.now(),
    )
    messages.success(
        request, _("The opt-in is recorded.") if is_new else _("The number was not opted out of that.")
    )
    return redirect("contact", pk=pk)


@permission_required("contacts.change_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def record_consent(request: HttpRequest, pk: int) -> HttpResponse:
    """Record on which consent one of the contact's numbers may be called, with the evidence."""
    contact, number = _find_number(request, pk)
    form = ConsentForm(request.POST or None, initial={"basis": number.consent_basis})
    if request.method != "POST" or not form.is_valid():
        return _show_consent_form(request, "contacts/consent.html", contact, number, form)
    is_new = record_consent_basis(
        number.pk,
        form.cleaned_data["basis"],
        evidence=form.cleaned_data["evidence"],
        by=_staff(request),
        at=timezone.now(),
    )
    messages.success(
        request, _("The consent is recorded.") if is_new else _("This was on record for the number already.")
    )
    return redirect("contact", pk=pk)


@permission_required("contacts.change_contact", raise_exception=True)
@require_POST
def mark_usable(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a number that somebody has checked as usable again."""
    _contact, number = _find_number(request, pk)
    mark_numbers_usable([number.pk], by=_staff(request))
    messages.success(request, _("The number can be used again."))
    return redirect("contact", pk=pk)


def _find_number(request: HttpRequest, contact_id: int) -> tuple[Contact, PhoneNumber]:
    """The contact and the number that the request names. Raises Http404 if it isn't the contact's."""
    contact = get_object_or_404(Contact.objects.select_related("phone", "other_phone"), pk=contact_id)
    numbers = {str(number.pk): number for number in (contact.phone, contact.other_phone) if number}
    asked = request.POST.get("number") or request.GET.get("number") or next(iter(numbers), "")
    if asked not in numbers:
        raise Http404
    return contact, numbers[asked]


def _show_consent_form(
    request: HttpRequest,
    template: str,
    contact: Contact,
    number: PhoneNumber,
    form: OptOutForm | OptInForm | ConsentForm,
    *,
    is_own: bool = False,
) -> HttpResponse:
    context = {"form": form, "contact": contact, "number": number, "is_own": is_own}
    return render(request, template, context, status=422 if form.is_bound else 200)


def _staff(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware lets nobody else through."""
    return cast(User, request.user)
