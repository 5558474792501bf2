"""Logging in, for all pages and for the admin: one page, which holds back whoever guesses passwords."""

import math
from typing import Any

from allauth.account.utils import perform_login
from django.contrib import admin
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from config.sign_in.kept_forms import KEPT, keep_for_later
from config.sign_in.record import record_sign_in
from config.sign_in_limits import (
    begin_try,
    find_client_address,
    is_lock_told,
    note_failure,
    note_success,
)
from contacts.audit.sign_ins import SignInKind


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
            if not is_lock_told(name, address):
                record_sign_in(SignInKind.LOCKED, self.request, name=name)
            raise ValidationError(describe_wait(self.locked_for), code="locked")
        try:
            cleaned = super().clean()
        except ValidationError:
            note_failure(name, address)
            record_sign_in(SignInKind.WRONG_PASSWORD, self.request, name=name)
            raise
        note_success(name, address)
        return cleaned

    def describe_lock(self) -> str:
        return describe_wait(self.locked_for)


def describe_wait(seconds: float) -> str:
    """The sentence for whoever has tried too many passwords."""
    minutes = math.ceil(seconds / 60)
    return ngettext(
        "Too many wrong passwords. Try again in %(count)d minute.",
        "Too many wrong passwords. Try again in %(count)d minutes.",
        minutes,
    ) % {"count": minutes}


class SignIn(LoginView):
    """The page to log in. Whoever has to wait gets 429, with Retry-After in seconds.

    After the password django-allauth asks for the second factor, if the person has one.
    """

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)  # noqa: S101 - for types
        return continue_login(self.request, user, then=self.get_success_url())

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        if isinstance(form, SignInForm) and form.locked_for:
            answer.status_code = 429
            answer.headers["Retry-After"] = str(math.ceil(form.locked_for))
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"kept": self.request.POST.get(KEPT, "")}


def continue_login(request: HttpRequest, user: User, *, then: str) -> HttpResponse:
    """Go on after the right password: to the second factor, or to `then`. A kept form comes first."""
    if keep_for_later(request, user, request.POST.get(KEPT, "")):
        then = reverse("kept_form")
    answer: HttpResponse = perform_login(request, user, redirect_url=then)
    return answer


@login_not_required
def lead_to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """The admin's own address for logging in: it leads to the page above.

    Raises PermissionDenied for somebody who is logged in and may not enter the admin.
    """
    if request.user.is_authenticated and not admin.site.has_permission(request):
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


def check_password_again(request: HttpRequest, user: User, password: str) -> None:
    """Raises ValidationError, with the sentence to show, unless this is the user's password.

    Within the same limits as signing in, so that nobody can try passwords at somebody's open desk either.
    """
    name, address = user.get_username(), find_client_address(request)
    if seconds := begin_try(name, address):
        if not is_lock_told(name, address):
            record_sign_in(SignInKind.LOCKED, request, name=name)
        raise ValidationError(describe_wait(seconds), code="locked")
    if authenticate(request, username=name, password=password) != user:
        note_failure(name, address)
        record_sign_in(SignInKind.WRONG_PASSWORD, request, name=name)
        raise ValidationError(gettext("This isn't your password. Check capital letters, and try again."))
    note_success(name, address)
