"""Changing one's password, and setting a new one by a link that works once.

The link comes by e-mail where an e-mail server is set (EMAIL_URL). Else an administrator makes one on the
page "People who log in", and hands it over. Neither says whether a name exists.
"""

import logging
from typing import Any

from celery import current_app
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse, reverse_lazy
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext, gettext_lazy
from kombu.exceptions import OperationalError

from config.sign_in.login import check_password_again
from config.sign_in.record import record_sign_in
from config.sign_in_limits import (
    LINKS_OF_A_NAME,
    LINKS_OF_AN_ADDRESS,
    find_client_address,
    note_success,
    take_once,
)
from contacts.audit.sign_ins import SignInKind

log = logging.getLogger(__name__)

LINK_TASK = "config.tasks.send_password_link"
ORDER_EXPIRES = 1800  # seconds: later nobody waits for the e-mail any more


class OwnPasswordForm(PasswordChangeForm):
    """Django's form; the old password may be tried as often as on the page to log in."""

    request: HttpRequest

    def clean_old_password(self) -> str:
        password = str(self.cleaned_data["old_password"])
        assert isinstance(self.user, User)  # noqa: S101 - for types
        check_password_again(self.request, self.user, password)
        return password


class ChangePassword(PasswordChangeView):
    """For everybody who is logged in. All other sessions of this person end."""

    form_class = OwnPasswordForm
    template_name = "registration/change_password.html"
    success_url = reverse_lazy("mfa_index")

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        record_sign_in(SignInKind.PASSWORD_CHANGED, self.request, user=form.user)
        messages.success(self.request, gettext("Your password was changed. You were logged out elsewhere."))
        return answer


class ForgottenForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Username or e-mail address"), max_length=254)


@login_not_required
def forgotten_password(request: HttpRequest) -> HttpResponseBase:
    """The page "forgotten password". Its answer is the same whether the name exists or not, and as quick."""
    if not settings.EMAIL_IS_SET:
        return render(request, "registration/forgotten_password.html", {})
    form = ForgottenForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "registration/forgotten_password.html", {"form": form})
    name = form.cleaned_data["name"].strip()
    if take_once(LINKS_OF_AN_ADDRESS, find_client_address(request)) and take_once(LINKS_OF_A_NAME, name):
        _order_link(request, name)
    return render(request, "registration/forgotten_password.html", {"is_sent": True})


def _order_link(request: HttpRequest, name: str) -> None:
    """A worker sends it, so that the answer takes as long for a name that doesn't exist."""
    found = User.objects.filter(is_active=True).exclude(email="")
    user = found.filter(username=name).first() or found.filter(email__iexact=name).first()
    if user:
        record_sign_in(SignInKind.LINK_SENT, request, about=user)
    try:
        current_app.send_task(
            LINK_TASK,
            args=[user.pk if user else 0],
            expires=ORDER_EXPIRES,
            retry=False,
        )
    except OperationalError as error:
        log.warning("a link for a new password could not be ordered: %s", type(error).__name__)


def mail_password_link(user_id: int) -> None:
    """Send the link to the address of this user; nothing for an id that doesn't exist."""
    user = User.objects.filter(pk=user_id, is_active=True).exclude(email="").first()
    if user is None:
        return
    context = {
        "user": user,
        "link": make_password_link(user),
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
    }
    text = render_to_string("registration/password_link.txt", context)
    send_mail(gettext("A new password for Callboard"), text, None, [user.email])


def make_password_link(user: User) -> str:
    """A link by which this person sets a new password: valid for PASSWORD_LINK_HOURS, and once.

    It ends, too, when the person logs in or gets another password before.
    """
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    path = reverse("new_password", kwargs={"uidb64": uid, "token": token})
    return f"{settings.PUBLIC_BASE_URL}{path}"


class NewPassword(PasswordResetConfirmView):
    """Where the link leads. The token is taken out of the address at once. The second factor stays."""

    template_name = "registration/new_password.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        note_success(form.user.get_username(), find_client_address(self.request))
        record_sign_in(SignInKind.PASSWORD_SET, self.request, user=form.user)
        messages.success(self.request, gettext("Your new password is set. Log in with it."))
        return answer
