"""In which language a person reads: what they chose, else what their browser asks for.

Before signing in, the choice is kept in a cookie of this browser, and Django's LocaleMiddleware reads it, or
the Accept-Language header. Whoever is signed in has their own choice, kept in a row of StaffLanguage. It is
copied into the session at each sign-in, so that no page needs a query for it. Several people may work at one
browser, so the cookie doesn't count once they have chosen.

Only what is read on pages is translated. Programs are answered in English, and what is stored is a code, or
English: workers and webhooks run in settings.LANGUAGE_CODE.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.signals import user_logged_in
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from contacts.models import StaffLanguage

IN_SESSION = "language"
API = "/api/v1"


def speak_chosen_language(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware after Django's LocaleMiddleware: the choice of who is signed in; English for the API."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API):
            _speak(request, settings.LANGUAGE_CODE)
        elif chosen := read_offered_language(request.session.get(IN_SESSION)):
            _speak(request, chosen)
        return get_response(request)

    return respond


def read_offered_language(value: object) -> str:
    """The code of a language that pages are written in; "" for anything else."""
    return next((code for code, _name in settings.LANGUAGES if code == value), "")


def recall_language(request: HttpRequest, user: AbstractBaseUser, **_about: Any) -> None:
    """When somebody signs in, however they do: copy what they once chose into the new session."""
    kept = StaffLanguage.objects.filter(user_id=user.pk).values_list("language", flat=True).first()
    request.session.pop(IN_SESSION, None)
    if chosen := read_offered_language(kept):
        request.session[IN_SESSION] = chosen
        _speak(request, chosen)


def connect() -> None:
    """Called once, when the project starts."""
    user_logged_in.connect(recall_language, dispatch_uid="recall_language")


@login_not_required
@require_POST
def keep_language(request: HttpRequest) -> HttpResponse:
    """Keep the language that was pressed, for the person or else for this browser, and go back."""
    language = read_offered_language(request.POST.get("language"))
    if not language:
        return HttpResponseBadRequest()
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = reverse(settings.LOGIN_REDIRECT_URL)
    answer = HttpResponseRedirect(back)
    if isinstance(request.user, User):
        StaffLanguage.objects.update_or_create(user=request.user, defaults={"language": language})
        request.session[IN_SESSION] = language
    else:
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )
    return answer


def _speak(request: HttpRequest, language: str) -> None:
    translation.activate(language)
    request.LANGUAGE_CODE = language
