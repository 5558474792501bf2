"""What Django and django-allauth tell about signing in. Only such receivers hear all of it."""

from typing import Any

from allauth.mfa import signals as factors
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from config.sign_in.desk import start_session
from config.sign_in.record import record_sign_in
from config.sign_in.second_factor import FACTORS
from config.sign_in.sessions import end_sessions
from contacts.audit.sign_ins import SignInKind

ADDED = {
    Authenticator.Type.TOTP: SignInKind.FACTOR_ADDED,
    Authenticator.Type.WEBAUTHN: SignInKind.PASSKEY_ADDED,
}
# The app's code needs no entry beside that of the login.
USED = {
    Authenticator.Type.RECOVERY_CODES: SignInKind.CODE_USED,
    Authenticator.Type.WEBAUTHN: SignInKind.PASSKEY_USED,
}


def hear_of_logins() -> None:
    """Called once, when the project's app is ready."""
    user_logged_in.connect(_after_login)
    user_logged_out.connect(_after_logout)
    factors.authenticator_added.connect(_after_added)
    factors.authenticator_removed.connect(_after_removed)
    factors.authenticator_reset.connect(_after_reset)
    factors.authenticator_used.connect(_after_used)


def _after_login(request: HttpRequest, user: User, **_: Any) -> None:
    start_session(request)
    record_sign_in(SignInKind.SIGNED_IN, request, user=user)


def _after_logout(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        record_sign_in(SignInKind.SIGNED_OUT, request, user=user)


def _after_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if kind := ADDED.get(authenticator.type):
        end_sessions(user, besides=request.session.session_key)
        record_sign_in(kind, request, user=user)


def _after_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if kind := FACTORS.get(authenticator.type):
        end_sessions(user, besides=request.session.session_key)
        record_sign_in(kind, request, user=user)


def _after_reset(request: HttpRequest, user: User, **_: Any) -> None:
    record_sign_in(SignInKind.CODES_MADE, request, user=user)


def _after_used(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if kind := USED.get(authenticator.type):
        record_sign_in(kind, request, user=user)
