"""Encrypts what must not be read in the database or in a page: by keys made from SECRET_KEY."""

import base64

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def make_cipher(purpose: str) -> MultiFernet:
    """Encrypts by SECRET_KEY; reads what earlier keys (SECRET_KEY_FALLBACKS) have encrypted, too."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derive(str(key), purpose)) for key in keys])


def _derive(key: str, purpose: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"callboard {purpose}".encode())
    return base64.urlsafe_b64encode(derived.derive(key.encode()))
