"""The entries of the trail about logging in: what happened, and the last of them for admins."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import models
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from contacts.models import AuditEntry

SHOWN = 100


class SignInKind(models.TextChoices):
    """What happened: `what` of an entry whose kind is SIGN_IN."""

    SIGNED_IN = "signed_in", _("logged in")
    SIGNED_OUT = "signed_out", _("logged out")
    WRONG_PASSWORD = "wrong_password", _("wrong password")
    WRONG_CODE = "wrong_code", _("wrong code of the authenticator app")
    LOCKED = "has_to_wait", _("too many wrong passwords: has to wait")
    UNLOCKED = "unlocked_desk", _("came back to a locked desk")
    PASSWORD_CHANGED = "password_changed", _("changed the password")
    PASSWORD_SET = "password_set_by_link", _("set a new password by a link")
    LINK_SENT = "password_link_sent", _("was sent a link for a new password")
    LINK_MADE = "password_link_made", _("made a link for a new password")
    FACTOR_ADDED = "factor_added", _("set up an authenticator app")
    FACTOR_REMOVED = "factor_removed", _("removed the authenticator app")
    PASSKEY_ADDED = "passkey_added", _("added a passkey")
    PASSKEY_REMOVED = "passkey_removed", _("removed a passkey")
    PASSKEY_USED = "passkey_used", _("used a passkey")
    WRONG_PASSKEY = "wrong_passkey", _("wrong passkey")
    CODES_MADE = "recovery_codes_made", _("made new recovery codes")
    CODE_USED = "recovery_code_used", _("used a recovery code")


@dataclass(frozen=True)
class SignInLine:
    """An entry as the page shows it. `who`: the name at that time; `about`: the user it was done to."""

    at: datetime
    who: str
    sentence: str
    about: str
    address: str


def list_sign_ins() -> list[SignInLine]:
    """The last SHOWN entries, newest first."""
    whom = User.objects.filter(pk=OuterRef("about_id")).values("username")
    entries = AuditEntry.objects.filter(kind=AuditEntry.Kind.SIGN_IN).annotate(whom=Subquery(whom))
    words = dict(SignInKind.choices)
    return [
        SignInLine(
            at=entry.at,
            who=entry.by_name,
            sentence=str(words.get(entry.what, entry.what)),
            about=entry.whom or "",
            address=entry.address,
        )
        for entry in entries.order_by("-id")[:SHOWN]
    ]
