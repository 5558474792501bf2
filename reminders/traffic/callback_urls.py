"""The signed addresses that Robotalker posts events to: one for each try and purpose.

Robotalker's guide has no webhook signature, and when an answer is lost we don't know the call's id. Only the
address that we chose is sure to come back. A token is

    <id of the key>.<subject>.<its public id>.<purpose>.<name of the database>:<issued>:<MAC>

so it names a call (`c`), a batch (`b`) or a test call (`t`), and what the address is for: `status`, or
`key-1` and the like, so that a status address can't confirm. The MAC is a full HMAC-SHA-256, by Django's
TimestampSigner. The first key of WEBHOOK_KEYS signs, and every one of them verifies. A token is valid for
WEBHOOK_TOKEN_DAYS.

One address belongs to no call: the account's, for opt-outs only, which is entered in Robotalker's dashboard.
It doesn't expire, since nobody would notice that it had.
"""

import hashlib
import time
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, Signer, TimestampSigner, b62_decode
from django.urls import reverse

from reminders.models import CallBatch, CallRecord, DatabaseIdentity, TestCall
from reminders.rules.keys import ANOTHER_TIME, CONFIRM

CALL, BATCH, TEST, ACCOUNT = "c", "b", "t", "a"
STATUS = "status"
OPTOUTS = "optouts"
KEY = "key-"
KEYS_ASKED = (CONFIRM, ANOTHER_TIME)  # Robotalker itself does the opt-out key, so it needs no address
SALT = "callboard.callbacks"
Subject = CallRecord | CallBatch | TestCall
NAME_KEPT = 5.0  # seconds in a process; only a demo that is set up anew gets a new name
KINDS: dict[type[Subject], str] = {CallRecord: CALL, CallBatch: BATCH, TestCall: TEST}


@dataclass
class _Kept:
    name: str = ""
    until: float = 0.0


_kept = _Kept()


class BadToken(ValueError):
    """The token was not signed by us."""


class ExpiredToken(BadToken):
    """The token was signed by us, but is too old."""


@dataclass(frozen=True)
class Callback:
    """What a valid token says: whose address it is, what it is for, and which database issued it."""

    subject: str  # CALL, BATCH, TEST or ACCOUNT
    public_id: str
    purpose: str  # STATUS, OPTOUTS or "key-1"
    identity: str = ""
    issued_at: int = field(default=0, compare=False)  # seconds since 1970; 0 where a token has no date


ACCOUNT_CALLBACK = Callback(ACCOUNT, "account", OPTOUTS)


def status_url(subject: Subject) -> str:
    """The address for the events of a call, a batch or a test call."""
    return _url_of(subject, STATUS)


def key_urls(subject: Subject) -> dict[str, str]:
    """The addresses for the keys that a patient may press, by key."""
    return {key: _url_of(subject, f"{KEY}{key}") for key in KEYS_ASKED}


def account_url() -> str:
    """The address for opt-outs that belong to no call. It stays the same while the first key does."""
    key = settings.WEBHOOK_KEYS[0]
    value = f"{name_key(key)}.{ACCOUNT}.{ACCOUNT_CALLBACK.public_id}.{OPTOUTS}"
    return _build_url(_account_signer(key).sign(value))


def key_of(purpose: str) -> str:
    """The key that an address for this purpose stands for, or ""."""
    return purpose.removeprefix(KEY) if purpose.startswith(KEY) else ""


def read_token(token: str) -> Callback:
    """What the token says. Raises BadToken when it is not ours (compared in constant time), or too old."""
    name, _, rest = token.partition(".")
    key = next((key for key in settings.WEBHOOK_KEYS if name_key(key) == name), None)
    if key is None:
        raise BadToken("signed by none of our keys")
    try:
        if rest.startswith(f"{ACCOUNT}."):
            _account_signer(key).unsign(token)
            return ACCOUNT_CALLBACK
        value = _signer(key).unsign(token, max_age=timedelta(days=settings.WEBHOOK_TOKEN_DAYS))
        _, subject, public_id, purpose, identity = value.split(".")
    except SignatureExpired as error:
        raise ExpiredToken("signed by us, but too old") from error
    except (BadSignature, ValueError) as error:
        raise BadToken("not signed by us") from error
    return Callback(subject, public_id, purpose, identity, b62_decode(rest.split(":")[1]))


@cache
def name_key(key: str) -> str:
    """A short public name of a key: it says which key signed, and reveals nothing of the key itself."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def read_database_name() -> str:
    """The name of this DatabaseIdentity: up to 12 characters, safe in an address; created on first use."""
    if time.monotonic() >= _kept.until:
        identity, _ = DatabaseIdentity.objects.get_or_create(pk=1)
        _kept.name, _kept.until = identity.name, time.monotonic() + NAME_KEPT
    return _kept.name


def forget_database_name() -> None:
    """Make the next read_database_name() read the row again."""
    _kept.until = 0.0


def _url_of(subject: Subject, purpose: str) -> str:
    key = settings.WEBHOOK_KEYS[0]
    value = ".".join([name_key(key), KINDS[type(subject)], subject.public_id, purpose, read_database_name()])
    return _build_url(_signer(key).sign(value))


def _build_url(token: str) -> str:
    return f"{settings.PUBLIC_BASE_URL}{_path_to_tokens()}{token}"


@cache
def _path_to_tokens() -> str:
    """What an address has before its token; no token has a character that would be quoted."""
    return reverse("robotalker_hook", args=["-"]).removesuffix("-")


@cache
def _signer(key: str) -> TimestampSigner:
    return TimestampSigner(key=key, fallback_keys=[], salt=SALT)


def _account_signer(key: str) -> Signer:
    return Signer(key=key, fallback_keys=[], salt=f"{SALT}.account")
