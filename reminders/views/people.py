"""A contact's page, where its edits matter to reminders: what waits for them is looked at again at once.

The pages are those of contacts/views, which don't know about reminders.
"""

from django.http import HttpRequest, HttpResponse

from contacts.views import contacts
from reminders.desk.rechecks import recheck_contact


def edit_contact(request: HttpRequest, pk: int) -> HttpResponse:
    return _look_again_after(request, pk, contacts.edit_contact(request, pk))


def record_optin(request: HttpRequest, pk: int) -> HttpResponse:
    return _look_again_after(request, pk, contacts.record_optin(request, pk))


def mark_usable(request: HttpRequest, pk: int) -> HttpResponse:
    return _look_again_after(request, pk, contacts.mark_usable(request, pk))


def _look_again_after(request: HttpRequest, contact_id: int, response: HttpResponse) -> HttpResponse:
    if request.method == "POST" and response.status_code == 302:  # it was saved
        recheck_contact(contact_id)
    return response
