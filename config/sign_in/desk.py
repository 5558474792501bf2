"""A shared desk: it locks when nobody is there, and the next person takes it over by a password.

A session is locked when nothing was pressed or typed for IDLE_MINUTES, and ends SESSION_HOURS after the
login, whatever happens. What a page asks for by itself (the live list of Today) counts for nothing. While a
session is locked the server answers no page; static/desk.js puts the lock in place of the page.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_POST

from config.sign_in.kept_forms import KEPT, pack_form, read_kept_form
from config.sign_in.login import SignInForm, check_password_again, continue_login
from config.sign_in.record import record_sign_in
from config.sign_in.second_factor import PASSWORD_AT
from config.sign_in.sessions import LOCKED
from contacts.audit.sign_ins import SignInKind

ACTIVE_AT = "active_at"  # in the session: when somebody last did something, in seconds since 1970
NOTED_EVERY = 30  # seconds: so seldom the session is written only because somebody is there
OF_THE_LOCK = {"locked", "lock_desk", "desk_state"}
OPEN_WHILE_LOCKED = OF_THE_LOCK | {"logout"}
ASKED_BY_ITSELF = {"worklist_changes"}  # by POST, every few seconds (static/worklist.js)
DESK_DAYS = 30  # for so long a browser remembers who has logged in there
DESK_PEOPLE = 8


class SharedDesk:
    """Middleware: refuses what comes from a locked session, and remembers who works at this desk."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.get_response(request)
        if request.session.modified and isinstance(request.user, User):
            remember_person(request, answer, request.user.pk)
        return answer

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, named: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        name = (match.url_name if match else "") or ""
        is_open = not getattr(view, "login_required", True) and name not in OF_THE_LOCK
        if is_open or not isinstance(request.user, User):
            return None
        if not is_locked(request):
            note_presence(request, name)
            return None
        return None if name in OPEN_WHILE_LOCKED else _refuse(request, request.user)


class LoginFirst(LoginRequiredMiddleware):
    """Django's middleware; a form that arrives without a session is kept for whoever filled it in."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        people = read_people(request)
        kept = pack_form(request, people[0]) if people else ""
        if not kept:
            return super().handle_no_permission(request, view_func)
        context = {"form": SignInForm(request), "kept": kept, "next": reverse("today")}
        return render(request, "registration/login.html", context, status=403)


def is_locked(request: HttpRequest) -> bool:
    """Whether only the password opens this session again; it is locked now if nobody has been there."""
    lock_if_idle(request)
    return bool(request.session.get(LOCKED))


def lock_if_idle(request: HttpRequest) -> None:
    """Lock this session if nobody has been there for IDLE_MINUTES.

    Where the clock was set back, that somebody was there lies ahead: then the time is counted from now on,
    else an empty desk would stay open until the clock has come there again.
    """
    if _count_idle_seconds(request) < -NOTED_EVERY:  # not the clock of another web process
        request.session[ACTIVE_AT] = int(time.time())
    is_idle = _count_idle_seconds(request) > settings.IDLE_MINUTES * 60
    if settings.IDLE_MINUTES and is_idle and not request.session.get(LOCKED):
        lock_session(request)


def note_presence(request: HttpRequest, page: str) -> None:
    """Note in this session, which isn't locked, that somebody is there, if a person did this."""
    session, now = request.session, int(time.time())
    if not settings.IDLE_MINUTES:
        return
    if ACTIVE_AT not in session:  # a session of before this was counted
        session[ACTIVE_AT] = now
        session.set_expiry(timezone.now() + timedelta(hours=settings.SESSION_HOURS))
    elif _count_idle_seconds(request) >= NOTED_EVERY and is_by_hand(request, page):
        session[ACTIVE_AT] = now


def _count_idle_seconds(request: HttpRequest) -> int:
    """How long ago somebody last did something; 0 where that was not counted."""
    now = int(time.time())
    return now - int(request.session.get(ACTIVE_AT, now))


def is_by_hand(request: HttpRequest, page: str) -> bool:
    """Whether a person did this. What a page asks for by itself never counts, nor whether it is locked."""
    if page == "desk_state":
        return request.method == "POST"  # static/desk.js, after a key or a click
    if request.method == "POST":
        return page not in ASKED_BY_ITSELF
    return not is_asked_by_script(request)


def is_asked_by_script(request: HttpRequest) -> bool:
    """Whether a script asks, and not a person who opens a page.

    Some browsers don't say how they ask, and none does over http, but each asks for a page as text/html.
    """
    headers = request.headers
    accepts_pages = "text/html" in headers.get("Accept", "text/html")
    return (
        "HX-Request" in headers
        or headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
        or not accepts_pages
    )


def lock_session(request: HttpRequest) -> None:
    """From now on only the password opens it again."""
    request.session[LOCKED] = True


def start_session(request: HttpRequest) -> None:
    """After a login: when the session ends, and that somebody is there."""
    request.session.set_expiry(timezone.now() + timedelta(hours=settings.SESSION_HOURS))
    request.session[PASSWORD_AT] = time.time()
    request.session[ACTIVE_AT] = int(time.time())
    _open(request)


def _open(request: HttpRequest) -> None:
    request.session.was_opened = True  # type: ignore[attr-defined]
    request.session.pop(LOCKED, None)


def _refuse(request: HttpRequest, user: User) -> HttpResponseBase:
    """To the page of the lock. A form goes with it; a part of a page gets 401, and desk.js does the rest."""
    if kept := pack_form(request, user.pk):
        return _render_lock(request, user, status=403, kept=kept)
    if is_asked_by_script(request):
        return HttpResponse(status=401)
    if request.method not in ("GET", "HEAD"):
        return _render_lock(request, user, status=403)
    return redirect(f"{reverse('locked')}?{urlencode({'next': request.get_full_path()})}")


@require_POST
def lock_desk(request: HttpRequest) -> HttpResponseBase:
    """Somebody leaves the desk, or hands it over."""
    lock_session(request)
    return redirect(f"{reverse('locked')}?{urlencode({'next': _find_way_back(request)})}")


@login_not_required
def desk_state(request: HttpRequest) -> HttpResponseBase:
    """How many seconds are left before the desk locks; 0 when it is locked or nobody is logged in."""
    if not isinstance(request.user, User) or request.session.get(LOCKED):
        return JsonResponse({"left": 0})
    left = settings.IDLE_MINUTES * 60 - _count_idle_seconds(request)
    return JsonResponse({"left": max(left, 0) if settings.IDLE_MINUTES else NOTED_EVERY})


@login_not_required
def show_lock(request: HttpRequest) -> HttpResponseBase:
    """The lock: who, and the password. The same person goes on; another one gets a new session."""
    user = request.user
    if not isinstance(user, User):
        return redirect(f"{reverse('login')}?{urlencode({'next': _find_way_back(request)})}")
    if not request.session.get(LOCKED):
        return HttpResponseRedirect(_find_way_back(request))
    if request.method != "POST":
        return _render_lock(request, user)
    chosen = next((one for one in list_people(request, user) if str(one.pk) == request.POST.get("who")), user)
    try:
        check_password_again(request, chosen, request.POST.get("password", ""))
    except ValidationError as error:
        return _render_lock(request, user, status=403, error=error.messages[0], chosen=chosen)
    return _unlock(request, user) if chosen == user else _hand_over(request, chosen)


def _unlock(request: HttpRequest, user: User) -> HttpResponseBase:
    request.session.cycle_key()
    _open(request)
    request.session[ACTIVE_AT] = int(time.time())
    request.session[PASSWORD_AT] = time.time()
    record_sign_in(SignInKind.UNLOCKED, request, user=user)
    sealed = request.POST.get(KEPT, "")
    if sealed and read_kept_form(sealed, user.pk):
        request.session[KEPT] = sealed
        return redirect("kept_form")
    return HttpResponseRedirect(_find_way_back(request))


def _hand_over(request: HttpRequest, chosen: User) -> HttpResponseBase:
    """Nothing of the one person's session is left for the other, not even a message."""
    list(messages.get_messages(request))
    logout(request)
    return continue_login(request, chosen, then=reverse("today"))


def _render_lock(request: HttpRequest, user: User, *, status: int = 200, **shown: Any) -> HttpResponse:
    context = {
        "people": list_people(request, user),
        "chosen": user,
        "kept": request.POST.get(KEPT, ""),
        "next": _find_way_back(request),
        **shown,
    }
    return render(request, "registration/locked.html", context, status=status)


def _find_way_back(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    is_page = wanted.startswith("/") and not wanted.startswith(reverse("locked"))
    return wanted if is_ours and is_page else reverse("today")


def tell_idle_seconds(request: HttpRequest) -> dict[str, int]:
    """A context processor: after how many seconds static/desk.js asks whether the desk has locked."""
    return {"idle_seconds": settings.IDLE_MINUTES * 60}


# --- who works at this desk: a signed cookie of user ids --------------------------------------------


def list_people(request: HttpRequest, user: User) -> list[User]:
    """Whoever is logged in, and who else has logged in in this browser in the last days."""
    ids = [user.pk, *(one for one in read_people(request) if one != user.pk)][:DESK_PEOPLE]
    found = User.objects.in_bulk(ids)
    return [found[one] for one in ids if one in found and (found[one].is_active or one == user.pk)]


def read_people(request: HttpRequest) -> list[int]:
    """The ids of those who have logged in in this browser, the last one first."""
    try:
        signed = request.COOKIES.get(settings.DESK_COOKIE_NAME, "")
        text = _make_signer().unsign(signed, max_age=DESK_DAYS * 86400)
        return [int(one) for one in text.split(".")][:DESK_PEOPLE]
    except (BadSignature, ValueError):
        return []


def remember_person(request: HttpRequest, answer: HttpResponseBase, person: int) -> None:
    """This person has logged in in this browser, last of all."""
    known = read_people(request)
    people = [person, *(one for one in known if one != person)][:DESK_PEOPLE]
    if known == people:
        return
    answer.set_cookie(
        settings.DESK_COOKIE_NAME,
        _make_signer().sign(".".join(map(str, people))),
        max_age=DESK_DAYS * 86400,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _make_signer() -> TimestampSigner:
    return TimestampSigner(salt="callboard.desk")
