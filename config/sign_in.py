"""Logging in, for all pages and for the admin: one page, which holds back whoever guesses passwords."""

import math
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import ngettext

from config.sign_in_limits import begin_try, find_client_address, note_failure, note_success


class SignInForm(AuthenticationForm):
    """Django's form, within the limits of config/sign_in_limits.py. `locked_for`: seconds still to wait."""

    locked_for = 0.0

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not (name and password and self.request):
            return super().clean()
        address = find_client_address(self.request)
        self.locked_for = begin_try(name, address)
        if self.locked_for:
            raise ValidationError(self.describe_lock(), code="locked")
        try:
            cleaned = super().clean()
        except ValidationError:
            note_failure(name, address)
            raise
        note_success(name, address)
        return cleaned

    def describe_lock(self) -> str:
        minutes = math.ceil(self.locked_for / 60)
        return ngettext(
            "Too many wrong passwords. Try again in %(count)d minute.",
            "Too many wrong passwords. Try again in %(count)d minutes.",
            minutes,
        ) % {"count": minutes}


class SignIn(LoginView):
    """The page to log in. Whoever has to wait gets 429, with Retry-After in seconds."""

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        if isinstance(form, SignInForm) and form.locked_for:
            answer.status_code = 429
            answer.headers["Retry-After"] = str(math.ceil(form.locked_for))
        return answer


@login_not_required
def lead_to_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's own address for logging in: it leads to the page above.

    Raises PermissionDenied for somebody who is logged in and may not enter the admin.
    """
    if request.user.is_authenticated and not admin.site.has_permission(request):
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
