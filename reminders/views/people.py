"""A contact's pages, where they matter to reminders: what waits is looked at again at once after an edit.

The pages that are edited are those of contacts/views, which don't know about reminders.
"""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from contacts.audit.trail import note_shown
from contacts.database.clock import read_database_clock
from contacts.erasing import ErasureRefused, plan_erasure
from contacts.merging import MergeRefused, plan_merge
from contacts.models import Contact
from contacts.number_looks import show_in_full
from contacts.parameters import read_row_id
from contacts.searches import forget_all_searches
from contacts.views import contacts
from reminders.desk.erasing import erase_person, find_call_refusal
from reminders.desk.merging import count_reach, merge_and_plan
from reminders.desk.rechecks import recheck_contact
from reminders.pages.merge_preview import describe_merge
from reminders.views.requests import signed_in


def edit_contact(request: HttpRequest, pk: int) -> HttpResponse:
    return _look_again_after(request, pk, contacts.edit_contact(request, pk))


def record_optin(request: HttpRequest, pk: int) -> HttpResponse:
    return _look_again_after(request, pk, contacts.record_optin(request, pk))


def record_consent(request: HttpRequest, pk: int) -> HttpResponse:
    return _look_again_after(request, pk, contacts.record_consent(request, pk))


def mark_usable(request: HttpRequest, pk: int) -> HttpResponse:
    return _look_again_after(request, pk, contacts.mark_usable(request, pk))


def _look_again_after(request: HttpRequest, contact_id: int, response: HttpResponse) -> HttpResponse:
    if request.method == "POST" and response.status_code == 302:  # it was saved
        recheck_contact(contact_id)
    return response


@permission_required("contacts.change_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def merge(request: HttpRequest, pk: int, other: int) -> HttpResponse:
    """What merging `other` into contact `pk` does, and doing it."""
    people = Contact.objects.select_related("phone", "other_phone").in_bulk([pk, other])
    if len(people) < 2:
        raise Http404
    refusal = ""
    if request.method == "POST":
        try:
            _merge_as_shown(request, pk, other)
        except MergeRefused as error:
            refusal = str(error)
        else:
            messages.success(request, _("The two contacts are one now."))
            return redirect("contact", pk=pk)
    note_shown(people[pk], people[other])
    numbers = [number for one in people.values() for number in (one.phone, one.other_phone)]
    in_full = show_in_full(numbers, request.user)
    plan = plan_merge(people[pk], people[other], read_database_clock())
    context = {
        "plan": plan,
        "lines": describe_merge(plan, in_full=in_full),
        "reach": count_reach(plan),
        "refusal": refusal or plan.refusal,
    }
    return render(request, "contacts/merge.html", context, status=422 if refusal else 200)


def _merge_as_shown(request: HttpRequest, pk: int, other: int) -> None:
    ticked = map(read_row_id, request.POST.getlist("cancel"))
    chosen = [pk for pk in ticked if pk is not None]
    token = request.POST.get("token", "")
    merge_and_plan(pk, other, token=token, cancelled=chosen, by=signed_in(request))


@permission_required("contacts.erase_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """What erasing the person takes and what it leaves, and doing it."""
    contact = get_object_or_404(Contact.objects.select_related("phone", "other_phone"), pk=pk)
    refusal = ""
    if request.method == "POST":
        try:
            erase_person(pk, by=signed_in(request))
        except ErasureRefused as error:
            refusal = str(error)
        else:
            forget_all_searches(request.session)  # which this request would write again as it read them
            messages.success(request, _("The person is erased."))
            return redirect("contact", pk=pk)
    plan = plan_erasure(contact)
    context = {
        "plan": plan,
        "contact": contact,
        "refusal": refusal or plan.refusal or find_call_refusal(plan),
    }
    return render(request, "contacts/erase.html", context, status=422 if refusal else 200)
