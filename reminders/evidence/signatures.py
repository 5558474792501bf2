"""Signing a piece of evidence with Ed25519, and finding what was changed in it since. Pure.

The file is {"evidence": …, "signed": …, "signature": base64}. What is signed are the bytes of "signed" in
canonical JSON: it has the SHA-256 of the whole evidence, and of each of its parts, so that a change can be
named.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from reminders.evidence.canonical import NotADocument, make_plain, read_strict, write_canonical

FORMAT = "callboard-evidence-1"
ALGORITHM = "Ed25519"
KEY_BYTES = 32
KEY_ID_LENGTH = 16  # hex digits of the SHA-256 of the public key


@dataclass(frozen=True)
class Verification:
    """What checking a file found: valid only if every field says so.

    `key_id`: of the key that it says it was signed with; `is_key_known`: we have its public half. `changed`,
    `added` and `missing`: parts of the evidence, such as "words.text" or "events[2]".
    """

    key_id: str
    is_key_known: bool
    is_signature_right: bool
    is_whole: bool
    changed: tuple[str, ...]
    added: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        is_unchanged = not (self.changed or self.added or self.missing)
        return self.is_key_known and self.is_signature_right and self.is_whole and is_unchanged


def name_public_key(public_key: bytes) -> str:
    """The id of a public key (32 bytes)."""
    return sha256(public_key).hexdigest()[:KEY_ID_LENGTH]


def find_public_half(private_key: bytes) -> bytes:
    """The public key (32 bytes) of a private one (32 bytes)."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def sign_evidence(evidence: Mapping[str, Any], private_key: bytes) -> dict[str, Any]:
    """The file's content: the evidence in plain values, what is signed of it, and the signature."""
    plain = make_plain(evidence)
    signed = {
        "format": FORMAT,
        "algorithm": ALGORITHM,
        "key_id": name_public_key(find_public_half(private_key)),
        "evidence": _digest(plain),
        "parts": {name: _digest(part) for name, part in _list_parts(plain)},
    }
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(write_canonical(signed))
    return {"evidence": plain, "signed": signed, "signature": b64encode(signature).decode()}


def verify_evidence(data: bytes, public_keys: Mapping[str, bytes]) -> Verification:
    """Check a file, however its JSON is indented. `public_keys`: by id.

    Raises NotADocument if it isn't a file of ours at all.
    """
    document = read_strict(data)
    if not isinstance(document, dict) or set(document) != {"evidence", "signed", "signature"}:
        raise NotADocument("it has not the three parts of a file of evidence")
    evidence, signed = document["evidence"], document["signed"]
    if not isinstance(signed, dict) or not isinstance(signed.get("parts"), dict):
        raise NotADocument("its list of digests is missing")
    if (signed.get("format"), signed.get("algorithm")) != (FORMAT, ALGORITHM):
        raise NotADocument("it is of a form that this release doesn't know")
    key_id, then = str(signed.get("key_id")), signed["parts"]
    public_key = public_keys.get(key_id)
    now = {name: _digest(part) for name, part in _list_parts(evidence)}
    return Verification(
        key_id=key_id,
        is_key_known=public_key is not None,
        is_signature_right=_is_signed(signed, document["signature"], public_key),
        is_whole=signed.get("evidence") == _digest(evidence),
        changed=tuple(name for name in now if name in then and now[name] != then[name]),
        added=tuple(name for name in now if name not in then),
        missing=tuple(name for name in then if name not in now),
    )


def _is_signed(signed: Any, signature: Any, public_key: bytes | None) -> bool:
    if public_key is None or not isinstance(signature, str):
        return False
    try:
        raw = b64decode(signature, validate=True)
        if b64encode(raw).decode() != signature:  # the last letter has bits that say nothing
            return False
        Ed25519PublicKey.from_public_bytes(public_key).verify(raw, write_canonical(signed))
    except (InvalidSignature, ValueError):
        return False
    return True


def _list_parts(evidence: Any) -> Iterator[tuple[str, Any]]:
    """Each part with its name: a field of a section, or an entry of a list."""
    sections = evidence.items() if isinstance(evidence, dict) else [("", evidence)]
    for section, content in sections:
        if isinstance(content, dict) and content:
            yield from ((f"{section}.{name}", part) for name, part in content.items())
        elif isinstance(content, list) and content:
            yield from ((f"{section}[{index}]", part) for index, part in enumerate(content))
        else:
            yield section, content


def _digest(value: Any) -> str:
    return sha256(write_canonical(value)).hexdigest()
