"""The second factor: an authenticator app or a passkey, and recovery codes for the day when both are lost.

django-allauth does it. Here is who needs one, how its secrets are stored, and how often a code may be tried.
"""

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext, gettext_lazy

from config.sign_in.encryption import make_cipher
from config.sign_in.login import check_password_again, describe_wait
from config.sign_in.record import record_sign_in
from config.sign_in.sessions import end_sessions
from config.sign_in_limits import (
    CODE_USED,
    begin_try,
    find_client_address,
    name_for_codes,
    note_failure,
    note_success,
    take_once,
)
from contacts.audit.sign_ins import SignInKind
from contacts.roles import list_managing

# In the session: when this person last logged in or entered the password, in seconds since 1970.
PASSWORD_AT = "password_at"  # noqa: S105
PASSWORD_IS_FRESH = 300  # seconds; later it is asked again before who gets in, or how, changes
# Pages of somebody who has still to set it up.
OPEN_WITHOUT = {
    "logout",
    "locked",
    "lock_desk",
    "desk_state",
    "change_password",
    "account_reauthenticate",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_view_recovery_codes",
}


# What is a second factor, and what is recorded when it goes. Recovery codes go with the last of them.
FACTORS = {
    Authenticator.Type.TOTP: SignInKind.FACTOR_REMOVED,
    Authenticator.Type.WEBAUTHN: SignInKind.PASSKEY_REMOVED,
}


class SignInAdapter(DefaultAccountAdapter):  # type: ignore[misc] # django-allauth has no types
    """How django-allauth asks for a password again, and that it shows no messages of its own."""

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        age = time.time() - float(self.request.session.get(PASSWORD_AT, 0))
        return abs(age) > PASSWORD_IS_FRESH  # ahead: the clock was set back, and it isn't known when it was

    def reauthenticate(self, user: User, password: str) -> bool:
        check_password_again(self.request, user, password)
        self.request.session[PASSWORD_AT] = time.time()
        return True

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """None: the pages say what they have done."""


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets are encrypted in the database: who reads a backup can't make codes."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("This code isn't right, or was used before. Wait for the next one."),
    }

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Callboard"}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {**super().get_public_key_credential_user_entity(user), "name": user.get_username()}

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002
        known = Authenticator.objects.filter(user=user, type=type).count()
        return gettext("Passkey %(number)d") % {"number": known + 1}

    def encrypt(self, text: str) -> str:
        return make_cipher("second factor").encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return make_cipher("second factor").decrypt(encrypted_text).decode()


class CodeForm(AuthenticateForm):  # type: ignore[misc]
    """The code after the password; tried no more often than a password, and each code once."""

    def clean_code(self) -> str:
        request = find_request()
        name, address = name_for_codes(self.user.pk), find_client_address(request)
        if seconds := begin_try(name, address):
            raise ValidationError(describe_wait(seconds), code="locked")
        try:
            code = self._check(self.cleaned_data["code"])
        except ValidationError:
            note_failure(name, address)
            record_sign_in(SignInKind.WRONG_CODE, request, about=self.user)
            raise
        note_success(name, address)
        return code

    def _check(self, typed: str) -> str:
        try:
            code: str = super().clean_code()
        except InvalidToken:
            raise ValidationError(
                gettext("The stored secret of your app can't be read. Ask an administrator to remove it.")
            ) from None
        if not take_once(CODE_USED, str(self.user.pk), "".join(filter(str.isalnum, typed))):
            raise FactorAdapter().validation_error("incorrect_code")
        return code


def find_request() -> HttpRequest:
    """The request that django-allauth is answering."""
    request: HttpRequest = context.request
    return request


def has_factor(user: User | AnonymousUser) -> bool:
    """Whether this person's password alone opens nothing."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


def remove_factors(user: User, *, in_session: str | None = None) -> list[SignInKind]:
    """Take away this person's app, passkeys and recovery codes, and end their logins, but for the session of
    whoever does it; return what happened, to be recorded.
    """
    all_of_them = Authenticator.objects.filter(user=user)
    types = set(all_of_them.values_list("type", flat=True))
    all_of_them.delete()
    end_sessions(user, besides=in_session)
    return [kind for factor, kind in FACTORS.items() if factor in types]


def lacks_factor(user: User) -> bool:
    """Whether this person may do nothing before a second factor is set up (SECOND_FACTOR_FOR).

    Asked each time, of the user as the request has read them: somebody may become a manager, or lose the
    second factor, between two requests. Whatever their groups are called, a manager's right counts.
    """
    if settings.SECOND_FACTOR_FOR == "managers":
        manages = not list_managing().isdisjoint(user.get_all_permissions())
        if not (user.is_staff or manages):
            return False
    return not Authenticator.objects.filter(user=user, type__in=FACTORS).exists()


class SecondFactorFirst(MiddlewareMixin):
    """Middleware: who needs a second factor and has none comes to the page to set it up, and no further."""

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, named: Any
    ) -> HttpResponseBase | None:
        if settings.SECOND_FACTOR_FOR == "nobody" or not getattr(view, "login_required", True):
            return None
        user = request.user
        match = request.resolver_match
        if not isinstance(user, User) or (match and match.url_name in OPEN_WITHOUT):
            return None
        if not lacks_factor(user):
            return None
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        if "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": reverse("mfa_activate_totp")})
        return redirect("mfa_activate_totp")
