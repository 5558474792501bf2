"""What the admin doesn't show: authenticator apps are removed on the page "People who log in"."""

from typing import NoReturn

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.http import Http404, HttpRequest

admin.site.unregister([Authenticator, EmailAddress])


def refuse_autocomplete(request: HttpRequest) -> NoReturn:
    """In place of Django's list to choose a row from: no page here uses it, and it names patients."""
    raise Http404
