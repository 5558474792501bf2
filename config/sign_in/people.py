"""One's own login; for admins: who can log in, links for new passwords, and what happened at the login."""

from allauth.mfa.base.views import index
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from config.sign_in.passwords import make_password_link
from config.sign_in.permissions import with_permissions
from config.sign_in.record import record_sign_in
from config.sign_in.second_factor import remove_factors
from contacts.admin.history import read_practice_zone
from contacts.audit.sign_ins import SignInKind, list_sign_ins
from contacts.post_addresses import posted_from
from contacts.roles import may_manage

PERMISSION = "auth.change_user"
SHOWN = 500  # people


@require_safe
def show_own_login(request: HttpRequest) -> HttpResponse:
    """The page "Your login": password, app, passkeys, recovery codes."""
    with timezone.override(read_practice_zone()):
        page: HttpResponse = index(request).render()
    return page


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def show_people(request: HttpRequest) -> HttpResponse:
    """The page "People who log in"."""
    people = list(list_logins()[:SHOWN])
    me = _find_self(request)
    context = {
        "people": people,
        "helped": {person.pk for person in people if _may_help(me, person)},
        "happened": list_sign_ins(),
    }
    with timezone.override(read_practice_zone()):
        return render(request, "registration/people.html", context)


@permission_required(PERMISSION, raise_exception=True)
@posted_from("sign_ins")
def hand_out_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Show, once, a link by which this person sets a new password."""
    user = _find_login(request, pk)
    record_sign_in(SignInKind.LINK_MADE, request, user=_find_self(request), about=user)
    return render(
        request, "registration/handed_out_link.html", {"who": user, "link": make_password_link(user)}
    )


@permission_required(PERMISSION, raise_exception=True)
@require_POST
def remove_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """For whoever has lost app, passkeys and recovery codes. Who needs a second factor sets it up anew."""
    user = _find_login(request, pk)
    for kind in remove_factors(user, in_session=request.session.session_key):
        record_sign_in(kind, request, user=_find_self(request), about=user)
    messages.success(
        request,
        gettext("%(name)s now logs in by the password alone, and can set up an app or a passkey again.")
        % {"name": user.username},
    )
    return redirect("sign_ins")


def list_logins() -> QuerySet[User]:
    """Everybody, with `has_app` and `has_passkey`: what they need besides the password, or in its place.

    And with `held`: what they may do.
    """
    theirs = Authenticator.objects.filter(user_id=OuterRef("pk"))
    people = (
        with_permissions(User.objects.all())
        .annotate(
            has_app=Exists(theirs.filter(type=Authenticator.Type.TOTP)),
            has_passkey=Exists(theirs.filter(type=Authenticator.Type.WEBAUTHN)),
        )
        .prefetch_related("groups")
    )
    return people.order_by("-is_active", "username")


def _may_help(me: User, person: User) -> bool:
    """Whether `me` is offered the two deeds for a `person` of list_logins()."""
    is_below = set(person.held) <= me.get_all_permissions()  # type: ignore[attr-defined]
    return person.pk != me.pk and (me.is_superuser or (is_below and not person.is_superuser))


def _find_login(request: HttpRequest, pk: int) -> User:
    """Raises Http404, and PermissionDenied for oneself and for somebody who may do more.

    Whoever has the link, and no second factor in the way, is that person. And one's own password and factor
    change only after the password, which whoever sits down at an open desk doesn't know.
    """
    user, me = get_object_or_404(User, pk=pk, is_active=True), _find_self(request)
    if user.pk == me.pk or not may_manage(me, user):
        raise PermissionDenied
    return user


def _find_self(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - for types: the permission was asked for
    return request.user
