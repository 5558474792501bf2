"""The addresses Robotalker calls back on: one per try and purpose, signed.

The guide has no webhook signature, and a lost answer loses the call's id; the address we chose is the
only thing that surely comes back. A token names a try (`c`) or a batch (`b`) by its public id, and what
the address is for: `status`, or `key-1` and the like, so that a status address can't confirm. The MAC is
HMAC-SHA-256 by Django's Signer; every key of WEBHOOK_KEYS verifies, the first one signs.
"""

from dataclasses import dataclass

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from reminders.models import CallBatch, CallRecord

STATUS = "status"
KEY = "key-"
KEYS_ASKED = ("1", "2")  # 9 is Robotalker's own "optout" action


class BadToken(ValueError):
    """The token isn't one of ours."""


@dataclass(frozen=True)
class Callback:
    """What a good token says: whose address it is and what for."""

    subject: str  # "c" for a call, "b" for a batch
    public_id: str
    purpose: str  # STATUS or "key-1"


def status_url(subject: CallRecord | CallBatch) -> str:
    """Where the events of a call or a batch go."""
    return _url(subject, STATUS)


def key_urls(subject: CallRecord | CallBatch) -> dict[str, str]:
    """Where each key that means something goes, by key."""
    return {key: _url(subject, f"{KEY}{key}") for key in KEYS_ASKED}


def key_of(purpose: str) -> str:
    """The key that an address for this purpose stands for, or ""."""
    return purpose.removeprefix(KEY) if purpose.startswith(KEY) else ""


def read_token(token: str) -> Callback:
    """What the token says. Raises BadToken, in constant time, when it isn't ours."""
    try:
        subject, public_id, purpose = _signer().unsign(token).split(".")
    except (BadSignature, ValueError) as error:
        raise BadToken("not one of ours") from error
    return Callback(subject, public_id, purpose)


def _url(subject: CallRecord | CallBatch, purpose: str) -> str:
    kind = "b" if isinstance(subject, CallBatch) else "c"
    token = _signer().sign(f"{kind}.{subject.public_id}.{purpose}")
    return f"{settings.PUBLIC_BASE_URL}{reverse('robotalker_hook', args=[token])}"


def _signer() -> Signer:
    first, *others = settings.WEBHOOK_KEYS
    return Signer(key=first, fallback_keys=others, salt="callboard.callbacks")
