"""The key that signs evidence, and the public keys that verify it.

EVIDENCE_KEY is the private key: 32 bytes in base64. Without it, a laptop (DEBUG) makes one of its own and
keeps it in EVIDENCE_KEY_FILE; production signs nothing. EVIDENCE_OLD_KEYS are the public halves of earlier
keys.
"""

import os
import secrets
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from reminders.evidence.signatures import KEY_BYTES, find_public_half, name_public_key

HOW_TO_MAKE_ONE = "Make one with: manage.py evidence_keys --new"


class NoEvidenceKey(Exception):
    """There is no key to sign with, or it can't be read; the message says what to set."""


class PublicKey(NamedTuple):
    """A public key, with its id; `signs`: it belongs to the key that signs now."""

    key_id: str
    key: bytes
    signs: bool

    @property
    def written(self) -> str:
        """The key in base64."""
        return b64encode(self.key).decode()


def make_private_key() -> str:
    """A new private key in base64, for EVIDENCE_KEY."""
    return b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def decode_key(written: str) -> bytes:
    """The bytes of a key in base64. Raises ValueError unless there are 32."""
    try:
        key = b64decode(written.strip(), altchars=b"-_" if set(written) & set("-_") else None, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key is {KEY_BYTES} bytes in base64")
    return key


def read_signing_key() -> bytes:
    """The private key. Raises NoEvidenceKey if none is set in production, or it can't be read."""
    if settings.EVIDENCE_KEY:
        written, place = settings.EVIDENCE_KEY, "EVIDENCE_KEY"
    elif settings.DEBUG:
        path = Path(settings.EVIDENCE_KEY_FILE)
        written, place = _read_or_make(path), str(path)
    else:
        raise NoEvidenceKey(f"EVIDENCE_KEY is not set, so evidence can't be signed. {HOW_TO_MAKE_ONE}")
    try:
        return decode_key(written)
    except ValueError as error:
        raise NoEvidenceKey(f"{place} has no usable key: {error}. {HOW_TO_MAKE_ONE}") from None


def list_public_keys() -> list[PublicKey]:
    """Every public key that verifies evidence of this practice, the one that signs now first.

    Raises NoEvidenceKey if a key can't be read; without a key that signs, only the earlier ones.
    """
    keys = []
    if settings.EVIDENCE_KEY or settings.DEBUG:
        public_key = find_public_half(read_signing_key())
        keys.append(PublicKey(name_public_key(public_key), public_key, signs=True))
    try:
        old_keys = [decode_key(written) for written in settings.EVIDENCE_OLD_KEYS]
    except ValueError as error:
        raise NoEvidenceKey(f"EVIDENCE_OLD_KEYS can't be read: {error}.") from None
    known = {one.key for one in keys}
    keys += [PublicKey(name_public_key(key), key, signs=False) for key in old_keys if key not in known]
    return keys


def _read_or_make(path: Path) -> str:
    """The key of a laptop. Written whole under another name first, as two processes may make it at once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make_private_key())
        with suppress(FileExistsError):  # another process was first
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text()
