"""Make, find and revoke the tokens of the API. The secret is known only when it is made.

An own table, since the packages for this (django-rest-knox, djangorestframework-api-key) have neither scopes
nor the time of the last use, and bring what isn't needed: logins, or keys that no history can name.
"""

import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.models import User
from django.db import transaction

from contacts.database.clock import read_database_clock
from contacts.models import ApiToken
from contacts.redaction import API_TOKEN_PREFIX

SECRET_BYTES = 32
HINT_LENGTH = 4
LONGEST_LIFE = timedelta(days=2 * 366)
USE_NOTED_EVERY = timedelta(minutes=1)  # so that a busy token doesn't write with each request
_SECRET = re.compile(re.escape(API_TOKEN_PREFIX) + r"[\w-]{43}", re.ASCII)


@transaction.atomic
def make_api_token(
    name: str, *, scopes: Collection[str], expires_at: datetime, by: User | None
) -> tuple[ApiToken, str]:
    """Make a token, and the user that histories name for it; return it with its secret.

    `scopes`: values of ApiScope. The secret can't be found out again. Raises IntegrityError for a known name.
    """
    secret = API_TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    user = User(username=f"api: {name}", first_name=name, last_name="(API)", is_active=False)
    user.set_unusable_password()
    user.save(force_insert=True)
    token = ApiToken.objects.create(
        name=name,
        digest=_hash(secret),
        hint=secret[-HINT_LENGTH:],
        scopes=sorted(set(scopes)),
        user=user,
        made_by=by,
        made_at=read_database_clock(),
        expires_at=expires_at,
    )
    return token, secret


def find_api_token(secret: str, now: datetime) -> ApiToken | None:
    """The token with this secret that is neither expired nor revoked at `now` (aware), with its user.

    Notes that it is used.
    """
    if not _SECRET.fullmatch(secret):
        return None
    usable = ApiToken.objects.filter(revoked_at=None, expires_at__gt=now)
    token = usable.select_related("user").filter(digest=_hash(secret)).first()
    if token and (token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY):
        token.last_used_at = now
        token.save(update_fields=["last_used_at"])
    return token


def count_tokens_made_by(user: User) -> int:
    """How many tokens that this person made, and whose secrets they saw, still work."""
    now = read_database_clock()
    return ApiToken.objects.filter(made_by=user, revoked_at=None, expires_at__gt=now).count()


def revoke_api_token(token_id: int, *, by: User) -> bool:
    """Refuse it from now on, for ever; return whether it wasn't revoked before."""
    usable = ApiToken.objects.filter(pk=token_id, revoked_at=None)
    return bool(usable.update(revoked_at=read_database_clock(), revoked_by=by))


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
