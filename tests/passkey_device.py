"""A device that keeps a passkey, as a browser and a security key make it, for tests without a browser."""

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

ORIGIN = "http://localhost"
Flag = AuthenticatorData.FLAG


class PasskeyDevice:
    """Holds one key. `asks`: whether it asks for a finger or a PIN. `origin`: the page that uses it."""

    def __init__(self, name: str = "key", *, asks: bool = True, origin: str = ORIGIN) -> None:
        self.asks, self.origin = asks, origin
        self._id = hashlib.sha256(name.encode()).digest()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._person = ""

    def create(self, options: dict[str, Any], *, tells_key: bool = True) -> dict[str, Any]:
        """The answer to the options of the page that adds a passkey. `tells_key`: else without the key."""
        wanted = options["publicKey"]
        self._person = wanted["user"]["id"]
        public = ES256.from_cryptography_key(self._key.public_key())  # type: ignore[no-untyped-call]
        made = AttestedCredentialData.create(Aaguid.NONE, self._id, public)
        data = self._write_data(wanted["rp"]["id"], *((Flag.AT, made) if tells_key else ()))
        response = {
            "clientDataJSON": self._write_client_data("webauthn.create", wanted["challenge"]),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
            "transports": ["internal"],
        }
        return self._write(response) | {"clientExtensionResults": {"credProps": {"rk": True}, "more": "\0"}}

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to the options of a page that asks for a passkey."""
        wanted = options["publicKey"]
        data = self._write_data(wanted["rpId"])
        client = self._write_client_data("webauthn.get", wanted["challenge"])
        signed = bytes(data) + hashlib.sha256(_read(client)).digest()
        response = {
            "clientDataJSON": client,
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(self._key.sign(signed, ec.ECDSA(SHA256()))),
            "userHandle": self._person,
        }
        return self._write(response) | {"clientExtensionResults": {}}

    def _write(self, response: dict[str, Any]) -> dict[str, Any]:
        key = websafe_encode(self._id)
        return {"id": key, "rawId": key, "type": "public-key", "response": response}

    def _write_data(self, host: str, *more: Any) -> AuthenticatorData:
        flags = Flag.UP | (Flag.UV if self.asks else Flag(0)) | (more[0] if more else Flag(0))
        digest = hashlib.sha256(host.encode()).digest()
        data: AuthenticatorData = AuthenticatorData.create(digest, flags, 0, bytes(more[1]) if more else b"")
        return data

    def _write_client_data(self, kind: str, challenge: str) -> str:
        data = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return websafe_encode(json.dumps(data).encode())


def _read(text: str) -> bytes:
    return websafe_decode(text)
