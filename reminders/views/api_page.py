"""The page to try the API. It acts by a token that is entered there, never by the login."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET


@permission_required("contacts.view_apitoken", raise_exception=True)
@require_GET
def show_api_page(request: HttpRequest) -> HttpResponse:
    return render(request, "reminders/api.html")
