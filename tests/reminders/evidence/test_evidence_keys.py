"""Where the key that signs evidence comes from, and which keys verify it."""

import json
import logging
from base64 import b64encode, urlsafe_b64encode
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from config.checks import check_settings, warn_of_no_evidence_key
from reminders.evidence.keys import (
    NoEvidenceKey,
    decode_key,
    list_public_keys,
    make_private_key,
    read_signing_key,
)
from reminders.evidence.signatures import find_public_half, name_public_key, sign_evidence

OLD, NEW = bytes(range(32)), bytes(range(200, 232))


def write(key: bytes) -> str:
    return b64encode(key).decode()


def run(*arguments: str | Path, **options: Any) -> str:
    output = StringIO()
    call_command(*map(str, arguments), stdout=output, **options)
    return output.getvalue()


@pytest.fixture
def production(settings: Settings) -> Settings:
    settings.DEBUG = False
    settings.EVIDENCE_KEY, settings.EVIDENCE_OLD_KEYS = "", []
    return settings


def test_a_laptop_makes_one_key_and_keeps_it_to_itself(settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG, settings.EVIDENCE_KEY_FILE = True, tmp_path / "var" / "evidence.key"
    first = read_signing_key()
    assert read_signing_key() == first
    assert [each.name for each in settings.EVIDENCE_KEY_FILE.parent.iterdir()] == ["evidence.key"]
    assert settings.EVIDENCE_KEY_FILE.stat().st_mode & 0o777 == 0o600


def test_production_without_a_key_says_what_to_set(production: Settings) -> None:
    with pytest.raises(NoEvidenceKey, match=r"EVIDENCE_KEY is not set.*evidence_keys --new"):
        read_signing_key()
    assert list_public_keys() == []
    assert [one.id for one in warn_of_no_evidence_key(None)] == ["callboard.W001"]
    with pytest.raises(CommandError, match="EVIDENCE_KEY is not set"):
        run("evidence_keys")


def test_production_starts_with_a_key_and_without_one(production: Settings) -> None:
    for key in ("", write(NEW)):
        production.EVIDENCE_KEY = key
        assert "callboard.E019" not in [one.id for one in check_settings(None)]
    assert warn_of_no_evidence_key(None) == []


UNUSABLE = ["x", "not base64 at all", write(NEW[:31]), write(NEW + b"x"), "é" * 44, write(NEW)[:-1] + "\x00"]


@pytest.mark.parametrize("key", UNUSABLE)
def test_a_key_that_can_not_be_read_is_named_at_start_and_never_shown(production: Settings, key: str) -> None:
    for name in ("EVIDENCE_KEY", "EVIDENCE_OLD_KEYS"):
        production.EVIDENCE_KEY, production.EVIDENCE_OLD_KEYS = "", []
        setattr(production, name, key if name == "EVIDENCE_KEY" else [key])
        [error] = [one for one in check_settings(None) if one.id == "callboard.E019"]
        assert name in error.msg
        assert key == "x" or key not in f"{error.msg} {error.hint}"


def test_a_new_key_can_be_used_and_is_another_each_time() -> None:
    made = {run("evidence_keys", "--new").strip() for _ in range(3)}
    assert len(made) == 3
    assert {len(decode_key(one)) for one in made} == {32}
    assert decode_key(urlsafe_b64encode(bytes([251] * 32)).decode()) == bytes([251] * 32)
    assert decode_key(f" {make_private_key()}\n")


def test_the_public_halves_are_published_without_a_login(production: Settings) -> None:
    production.EVIDENCE_KEY, production.EVIDENCE_OLD_KEYS = write(NEW), [write(find_public_half(OLD))]
    production.SECURE_SSL_REDIRECT = False
    answer = Client().get("/evidence/keys/")
    keys = answer.json()["keys"]
    assert [(one["key_id"], one["signs"]) for one in keys] == [
        (name_public_key(find_public_half(NEW)), True),
        (name_public_key(find_public_half(OLD)), False),
    ]
    assert keys[0]["public_key"] == write(find_public_half(NEW))
    assert write(NEW) not in answer.content.decode()
    printed = run("evidence_keys")
    for one in keys:
        assert f"{one['key_id']}  {one['public_key']}" in printed
    assert write(NEW) not in printed


def test_keys_that_can_not_be_read_are_logged_and_not_published(
    production: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    production.EVIDENCE_KEY = "x"
    with caplog.at_level(logging.ERROR):
        assert Client().get("/evidence/keys/").status_code == 503
    assert "EVIDENCE_KEY has no usable key" in caplog.text


# --- manage.py verify_evidence -------------------------------------------------------------------


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """A file signed with the key OLD."""
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(sign_evidence({"words": {"text": "Hello"}, "events": [1]}, OLD), indent=2))
    return path


def test_the_command_verifies_with_the_installations_own_keys_and_earlier_ones(
    production: Settings, signed: Path
) -> None:
    production.EVIDENCE_KEY = write(OLD)
    assert "Valid" in run("verify_evidence", signed)
    production.EVIDENCE_KEY = write(NEW)
    with pytest.raises(CommandError, match=r"Not valid\.\nIt was signed with key .* not among the keys"):
        run("verify_evidence", signed)
    production.EVIDENCE_OLD_KEYS = [write(find_public_half(OLD))]
    assert name_public_key(find_public_half(OLD)) in run("verify_evidence", signed)


def test_the_command_verifies_with_a_key_that_is_given(production: Settings, signed: Path) -> None:
    given = write(find_public_half(OLD))
    assert "Valid" in run("verify_evidence", signed, "--public-key", given)
    with pytest.raises(CommandError, match="not among the keys"):
        run("verify_evidence", signed, "--public-key", write(find_public_half(NEW)))
    with pytest.raises(CommandError, match="A key can't be read"):
        run("verify_evidence", signed, "--public-key", "x")


def test_the_command_names_what_was_changed(production: Settings, signed: Path) -> None:
    production.EVIDENCE_KEY = write(OLD)
    document = json.loads(signed.read_text())
    document["evidence"]["words"]["text"] = "Goodbye"
    document["evidence"]["\x1b[2J"] = {"a": 1}
    signed.write_text(json.dumps(document))
    with pytest.raises(CommandError) as caught:
        run("verify_evidence", signed)
    assert "Changed: words.text" in str(caught.value)
    assert "Added: \\x1b[2J.a" in str(caught.value)


ODD_FILES = [b"", b"\x00", b"{}", b"[1.5]", b'{"evidence": {}}', b"\xff" * 10]


@pytest.mark.parametrize("content", ODD_FILES)
def test_the_command_refuses_what_is_no_evidence(production: Settings, signed: Path, content: bytes) -> None:
    production.EVIDENCE_KEY = write(OLD)
    signed.write_bytes(content)
    with pytest.raises(CommandError, match="Not valid: it is not a file of evidence"):
        run("verify_evidence", signed)
    with pytest.raises(CommandError, match="The file can't be read"):
        run("verify_evidence", signed.parent / "missing.json")
    with pytest.raises(CommandError, match="The file can't be read"):
        run("verify_evidence", signed.parent)
