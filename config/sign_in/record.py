"""Writes into the audit trail what happens around logging in."""

from contextlib import nullcontext

from django.contrib.auth.models import User
from django.http import HttpRequest

from config.sign_in_limits import UNKNOWN_NAMES_TOLD, find_client_address, take_once
from contacts.audit.sign_ins import SignInKind
from contacts.audit.trail import audited_request, has_address, record_deed
from contacts.models import AuditEntry


def record_sign_in(
    kind: SignInKind,
    request: HttpRequest,
    *,
    user: User | None = None,
    name: str = "",
    about: User | None = None,
) -> None:
    """Write one entry. `user`: who did it. `about`: to whom, where nobody or somebody else did it.

    `name` as typed, where nobody is known to have done it: it is kept only if a user is called so, because
    people type their password into the wrong field. Of what nobody is known to have done, to nobody, only so
    much is recorded: a stranger can try names without end.
    """
    if user is None and name:
        about = User.objects.filter(username=name.replace("\0", "")).first()
    if user is None and about is None and not take_once(UNKNOWN_NAMES_TOLD, "anybody"):
        return
    within = nullcontext() if has_address() else audited_request(find_client_address(request))
    with within:
        record_deed(kind.value, by=user, about=about, kind=AuditEntry.Kind.SIGN_IN)
