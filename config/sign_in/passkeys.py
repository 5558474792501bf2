"""Passkeys: a key in a phone, a computer or a security key takes the place of the password and the code.

django-allauth does it, by WebAuthn; static/passkeys.js asks the browser. Here is what we allow of it: only
keys that ask for a finger, a face or a PIN, so that a key is two factors, and only pages of exactly this
address. Of what a browser sends, only what is needed is stored.
"""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.models import Login
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import views
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
)
from allauth.mfa.webauthn.internal import auth, flows
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext

from config.sign_in.kept_forms import KEPT, keep_for_later
from config.sign_in.login import SignInForm, describe_wait
from config.sign_in.record import record_sign_in
from config.sign_in.second_factor import find_request
from config.sign_in_limits import (
    PASSKEYS_ASKED_FOR,
    begin_try,
    find_client_address,
    name_for_codes,
    note_failure,
    note_success,
    take_once,
)
from contacts.audit.sign_ins import SignInKind

MOST_PASSKEYS = 10  # of one person
LONGEST_NAME = 60  # characters
LONGEST_ANSWER = 16 * 1024  # characters of what a browser sends; usually about a thousand
CHALLENGE_FOR = 300  # seconds: so long a stranger's session lives, which holds what a passkey has to sign
# What the libraries raise for an answer that no browser would send.
UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    RecursionError,
    struct.error,
)


class AnswerField(forms.JSONField):
    """What the browser answers, in a hidden field."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        if len(str(value)) > LONGEST_ANSWER:
            raise _refuse()
        with _refuse_unreadable():
            answer = super().to_python(value)
        if answer is not None and not isinstance(answer, dict):
            raise _refuse()
        return answer


class NewPasskeyForm(AddWebAuthnForm):  # type: ignore[misc] # django-allauth has no types
    name = forms.CharField(required=False, max_length=LONGEST_NAME)
    credential = AnswerField()

    def clean(self) -> dict[str, Any]:
        kept = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.WEBAUTHN)
        if kept.count() >= MOST_PASSKEYS:
            raise ValidationError(gettext("You have ten passkeys. Remove one that you don't use any more."))
        self.cleaned_data["passwordless"] = True  # whatever the browser says
        with _refuse_unreadable():
            cleaned: dict[str, Any] = super().clean()
            if answer := cleaned.get("credential"):
                _check_origin(auth.parse_registration_response(answer).response.client_data.origin)
                cleaned["credential"] = _keep_needed(answer)
        return cleaned


class PasskeyNameForm(EditWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(max_length=LONGEST_NAME)


class PasskeyChecks(AuthenticateWebAuthnForm):  # type: ignore[misc]
    """After the password, in place of the code; tried as often as a code."""

    credential = AnswerField()

    def clean_credential(self) -> Authenticator:
        request = find_request()
        name = name_for_codes(self.user.pk if self.user else None)
        address = find_client_address(request)
        if seconds := begin_try(name, address):
            raise ValidationError(describe_wait(seconds), code="locked")
        try:
            passkey = self._check()
        except ValidationError:
            note_failure(name, address)
            record_sign_in(SignInKind.WRONG_PASSKEY, request, about=self.user)
            raise
        note_success(name, address)
        return passkey

    def _check(self) -> Authenticator:
        with _refuse_unreadable():
            answer = auth.parse_authentication_response(self.cleaned_data["credential"])
            _check_origin(answer.response.client_data.origin)
            passkey: Authenticator = super().clean_credential()
        if not passkey.user.is_active:
            raise _refuse()
        return passkey


class PasskeyAloneForm(PasskeyChecks, LoginWebAuthnForm):  # type: ignore[misc]
    """In place of name, password and code: the passkey itself says whose it is."""


class LogInByPasskey(views.LoginWebAuthnView):  # type: ignore[misc]
    """GET, by static/passkeys.js: what the passkey has to sign, as JSON. POST: the answer."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not take_once(PASSKEYS_ASKED_FOR, find_client_address(request)):
            return HttpResponse(status=429)
        request.session.set_expiry(CHALLENGE_FOR)
        answer: HttpResponse = super().get(request, *args, **kwargs)
        return answer

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        given = {name: self.request.POST.get(name, "") for name in (KEPT, "next")}
        context = {"form": SignInForm(self.request), "refused": form.errors.get("credential", []), **given}
        return render(self.request, "registration/login.html", context)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        passkey = form.cleaned_data["credential"]
        is_kept = keep_for_later(self.request, passkey.user, self.request.POST.get(KEPT, ""))
        login = Login(user=passkey.user, redirect_url=reverse("kept_form") if is_kept else None)
        answer: HttpResponse = flows.perform_passwordless_login(self.request, passkey, login)
        return answer

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: Any) -> None:
        """Nowhere: somebody who has begun by a password may go on by a passkey."""


class AddPasskey(views.AddWebAuthnView):  # type: ignore[misc]
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        options = auth.begin_registration(self.request.user, True)
        return {"form": self.get_form(), **kwargs, "options": json.dumps(options)}


class AskForSecondFactor(AuthenticateView):  # type: ignore[misc]
    """The page after the password: a code, or a passkey."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        options = context["js_data"]["request_options"]
        has_passkey = bool(options["publicKey"]["allowCredentials"])
        theirs = Authenticator.objects.filter(user=self.stage.login.user, type=Authenticator.Type.TOTP)
        return context | {"options": json.dumps(options) if has_passkey else "", "has_app": theirs.exists()}


class RenamePasskey(views.EditWebAuthnView):  # type: ignore[misc]
    success_url = reverse_lazy("mfa_index")


class RemovePasskey(views.RemoveWebAuthnView):  # type: ignore[misc]
    success_url = reverse_lazy("mfa_index")


def _keep_needed(answer: dict[str, Any]) -> dict[str, Any]:
    """Of what a browser sends for a new passkey, what django-allauth reads later."""
    response = answer["response"]
    return {
        **{name: answer[name] for name in ("id", "rawId", "type")},
        "response": {name: response[name] for name in ("clientDataJSON", "attestationObject")},
        "clientExtensionResults": {"credProps": {"rk": True}},  # as was asked for
    }


def _check_origin(origin: str) -> None:
    """Raises ValidationError for a page of another host or port, such as one of a subdomain."""
    request = find_request()
    if origin != f"{request.scheme}://{request.get_host()}":
        raise _refuse()


@contextmanager
def _refuse_unreadable() -> Iterator[None]:
    """Whatever the libraries have against an answer becomes one sentence for whoever is waiting."""
    try:
        yield
    except (*UNREADABLE, ValidationError) as error:
        raise _refuse() from error


def _refuse() -> ValidationError:
    return ValidationError(gettext("This passkey wasn't accepted. Try again, or log in by your password."))
