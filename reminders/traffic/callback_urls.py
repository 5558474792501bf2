"""The addresses Robotalker calls back on: one per try and purpose, signed.

The guide has no webhook signature, and a lost answer loses the call's id; the address we chose is the
only thing that surely comes back. A token is

    <id of the key>.<subject>.<its public id>.<purpose>.<name of the database>:<issued>:<MAC>

so it names a call (`c`) or a batch (`b`), and what the address is for: `status`, or `key-1` and the like, so
that a status address can't confirm. The MAC is HMAC-SHA-256 in full, by Django's TimestampSigner; every key
of WEBHOOK_KEYS verifies, the first one signs. It is good for WEBHOOK_TOKEN_DAYS.

One address belongs to no call: the account's, to be entered in Robotalker's dashboard, for opt-outs only.
It doesn't expire, since nobody would notice.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, Signer, TimestampSigner, b62_decode
from django.urls import reverse

from reminders.models import CallBatch, CallRecord
from reminders.rules.keys import ANOTHER_TIME, CONFIRM
from reminders.traffic.restore_guard import read_database_name

CALL, BATCH, ACCOUNT = "c", "b", "a"
STATUS = "status"
OPTOUTS = "optouts"
KEY = "key-"
KEYS_ASKED = (CONFIRM, ANOTHER_TIME)  # to opt out is Robotalker's own action, without an address
SALT = "callboard.callbacks"


class BadToken(ValueError):
    """The token isn't one of ours."""


class ExpiredToken(BadToken):
    """It is one of ours, but too old."""


@dataclass(frozen=True)
class Callback:
    """What a good token says: whose address it is, what for, and which database issued it."""

    subject: str  # CALL, BATCH or ACCOUNT
    public_id: str
    purpose: str  # STATUS, OPTOUTS or "key-1"
    identity: str = ""
    issued_at: int = field(default=0, compare=False)  # seconds since 1970; 0 where a token has no date


ACCOUNT_CALLBACK = Callback(ACCOUNT, "account", OPTOUTS)


def status_url(subject: CallRecord | CallBatch) -> str:
    """Where the events of a call or a batch go."""
    return _url_of(subject, STATUS)


def key_urls(subject: CallRecord | CallBatch) -> dict[str, str]:
    """Where each key that means something goes, by key."""
    return {key: _url_of(subject, f"{KEY}{key}") for key in KEYS_ASKED}


def account_url() -> str:
    """Where opt-outs go that belong to no call. The same address as long as the first key is the same."""
    key = settings.WEBHOOK_KEYS[0]
    value = f"{name_key(key)}.{ACCOUNT}.{ACCOUNT_CALLBACK.public_id}.{OPTOUTS}"
    return _build_url(_account_signer(key).sign(value))


def key_of(purpose: str) -> str:
    """The key that an address for this purpose stands for, or ""."""
    return purpose.removeprefix(KEY) if purpose.startswith(KEY) else ""


def read_token(token: str) -> Callback:
    """What the token says. Raises BadToken when it isn't ours (compared in constant time), or too old."""
    name, _, rest = token.partition(".")
    key = next((key for key in settings.WEBHOOK_KEYS if name_key(key) == name), None)
    if key is None:
        raise BadToken("signed by no key of ours")
    try:
        if rest.startswith(f"{ACCOUNT}."):
            _account_signer(key).unsign(token)
            return ACCOUNT_CALLBACK
        value = _signer(key).unsign(token, max_age=timedelta(days=settings.WEBHOOK_TOKEN_DAYS))
        _, subject, public_id, purpose, identity = value.split(".")
    except SignatureExpired as error:
        raise ExpiredToken("one of ours, but too old") from error
    except (BadSignature, ValueError) as error:
        raise BadToken("not one of ours") from error
    return Callback(subject, public_id, purpose, identity, b62_decode(rest.split(":")[1]))


@cache
def name_key(key: str) -> str:
    """A short public name of a key: says which one signed, and nothing of the key itself."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def _url_of(subject: CallRecord | CallBatch, purpose: str) -> str:
    key = settings.WEBHOOK_KEYS[0]
    kind = BATCH if isinstance(subject, CallBatch) else CALL
    value = ".".join([name_key(key), kind, subject.public_id, purpose, read_database_name()])
    return _build_url(_signer(key).sign(value))


def _build_url(token: str) -> str:
    return f"{settings.PUBLIC_BASE_URL}{reverse('robotalker_hook', args=[token])}"


def _signer(key: str) -> TimestampSigner:
    return TimestampSigner(key=key, fallback_keys=[], salt=SALT)


def _account_signer(key: str) -> Signer:
    return Signer(key=key, fallback_keys=[], salt=f"{SALT}.account")
