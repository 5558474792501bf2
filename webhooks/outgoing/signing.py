"""Signing outgoing webhooks as the Standard Webhooks specification says, by its own library.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import secrets
from datetime import datetime

from standardwebhooks.webhooks import Webhook

PREFIX = "whsec_"
BYTES = range(24, 65)  # what the specification allows
NEW_BYTES = 32


class BadSecret(ValueError):
    """Not a secret of the form that the specification describes."""


def make_secret() -> str:
    """A new random secret, such as whsec_MfKQ9r8G…"""
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW_BYTES)).decode()


def check_secret(secret: str) -> None:
    """Raises BadSecret unless it is `whsec_` and 24 to 64 bytes in base64."""
    try:
        size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadSecret from error
    if not secret.startswith(PREFIX) or size not in BYTES:
        raise BadSecret


def sign_request(secrets_in_use: list[str], event_id: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers of a request: `at` (aware UTC) is its own time, not that of the event.

    With two secrets, while they are rotated, there are two signatures, of which a receiver needs one.
    """
    signatures = [Webhook(secret).sign(event_id, at, body) for secret in secrets_in_use]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
