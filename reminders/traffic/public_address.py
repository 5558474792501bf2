"""Whether Robotalker can reach us: we ask our own public address for a signed answer, from the outside in."""

import secrets

import requests
from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.urls import reverse

SALT = "callboard.ping"
VALID_FOR = 60  # seconds
TIMEOUTS = (3.05, 5.0)  # seconds, to connect and for each byte
LONGEST = 1_024  # bytes of an answer that are read


def answer_ping(token: str) -> str | None:
    """What the ping address answers: the token's word, signed anew; None for a token that isn't ours.

    So whoever answers has our key: it is this installation, not a page of somebody's proxy.
    """
    try:
        word = _signer("question").unsign(token, max_age=VALID_FOR)
    except BadSignature:
        return None
    return _signer("answer").sign(word)


def check_public_address() -> str:
    """ "" if PUBLIC_BASE_URL leads here, else what went wrong, in a few words for whoever runs the server."""
    word = secrets.token_urlsafe(12)
    address = settings.PUBLIC_BASE_URL + reverse("ping", args=[_signer("question").sign(word)])
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.get(address, timeout=TIMEOUTS, allow_redirects=False, stream=True) as response:
                body = next(response.iter_content(LONGEST), b"").decode(errors="replace")
    except requests.RequestException as error:
        return type(error).__name__
    if response.status_code != requests.codes.ok:
        return f"HTTP {response.status_code}"
    try:
        is_ours = _signer("answer").unsign(body, max_age=VALID_FOR) == word
    except BadSignature:
        is_ours = False
    return "" if is_ours else "something else answered there"


def _signer(which: str) -> TimestampSigner:
    return TimestampSigner(key=settings.WEBHOOK_KEYS[0], fallback_keys=[], salt=f"{SALT}.{which}")
