"""A changed piece of evidence is found out, and what was changed is named."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reminders.evidence.canonical import NotADocument, write_canonical
from reminders.evidence.signatures import find_public_half, name_public_key, sign_evidence, verify_evidence

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
PUBLIC = find_public_half(KEY)
TRUSTED = {name_public_key(PUBLIC): PUBLIC}
EVIDENCE = {
    "words": {"text": "Hello Zoë, this is <Harbor>\x00", "version": 3},
    "events": [{"body": "a"}, {"body": "b"}],
    "answers": [],
    "call": {"seconds": None, "is_text": False},
}
Change = Callable[[dict[str, Any]], object]


def sign(evidence: Any = EVIDENCE, key: bytes = KEY) -> dict[str, Any]:
    return sign_evidence(evidence, key)


def check(document: Any, keys: dict[str, bytes] = TRUSTED) -> Any:
    return verify_evidence(json.dumps(document).encode(), keys)


def test_an_unchanged_file_is_valid_however_it_is_indented() -> None:
    document = sign()
    for indent in (None, 4):
        assert verify_evidence(json.dumps(document, indent=indent).encode(), TRUSTED).is_valid
    assert verify_evidence(json.dumps(document, ensure_ascii=False).encode(), TRUSTED).is_valid


def test_anybody_can_verify_it_with_the_public_key_alone() -> None:
    document = sign()
    key = Ed25519PublicKey.from_public_bytes(PUBLIC)
    key.verify(b64decode(document["signature"]), write_canonical(document["signed"]))  # else it raises


CHANGES: list[tuple[str, Change, set[str], set[str], set[str]]] = [
    ("a word", lambda one: one["words"].update(text="Hello"), {"words.text"}, set(), set()),
    ("a number to text", lambda one: one["words"].update(version="3"), {"words.version"}, set(), set()),
    ("nothing to false", lambda one: one["call"].update(seconds=False), {"call.seconds"}, set(), set()),
    ("an event taken out", lambda one: one["events"].pop(), set(), set(), {"events[1]"}),
    ("events swapped", lambda one: one["events"].reverse(), {"events[0]", "events[1]"}, set(), set()),
    ("an answer added", lambda one: one["answers"].append({}), set(), {"answers[0]"}, {"answers"}),
    ("a section added", lambda one: one.update(more={"a": 1}), set(), {"more.a"}, set()),
    ("a section taken out", lambda one: one.pop("call"), set(), set(), {"call.seconds", "call.is_text"}),
    ("an empty list to an empty dict", lambda one: one.update(answers={}), {"answers"}, set(), set()),
]


@pytest.mark.parametrize(("what", "change", "changed", "added", "missing"), CHANGES)
def test_what_was_changed_is_named(
    what: str, change: Change, changed: set[str], added: set[str], missing: set[str]
) -> None:
    document = sign()
    change(document["evidence"])
    found = check(document)
    assert not found.is_valid
    assert found.is_signature_right
    assert not found.is_whole
    assert (set(found.changed), set(found.added), set(found.missing)) == (changed, added, missing)


def sign_again_by_a_stranger(document: dict[str, Any]) -> None:
    document["evidence"]["words"]["text"] = "Hello"
    forged = sign(document["evidence"], OTHER_KEY)
    forged["signed"]["key_id"] = document["signed"]["key_id"]
    document.update(forged)


FORGERIES: list[Change] = [
    lambda one: one["signed"]["parts"].update({"words.text": "0" * 64}),
    lambda one: one["signed"].update(evidence="0" * 64),
    lambda one: one.update(signature=b64encode(bytes(64)).decode()),
    lambda one: one.update(signature=""),
    lambda one: one.update(signature=7),
    lambda one: one.update(signature="é"),
    lambda one: one["signed"].update(more=1),
    sign_again_by_a_stranger,
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_signature_or_list_is_found_out(forge: Change) -> None:
    document = sign()
    forge(document)
    found = check(document)
    assert not found.is_valid
    assert found.is_key_known
    assert not found.is_signature_right


def test_a_file_signed_by_another_key_is_not_believed() -> None:
    found = check(sign(key=OTHER_KEY))
    assert (found.is_valid, found.is_key_known) == (False, False)
    both = TRUSTED | {name_public_key(find_public_half(OTHER_KEY)): find_public_half(OTHER_KEY)}
    assert check(sign(key=OTHER_KEY), both).is_valid, "an earlier key keeps verifying"


BROKEN: list[Any] = [
    [],
    "evidence",
    {},
    {"evidence": {}, "signed": {}},
    {"evidence": {}, "signed": [], "signature": ""},
    {"evidence": {}, "signed": {"parts": []}, "signature": ""},
    {"evidence": {}, "signed": {"parts": {}}, "signature": ""},
    {"evidence": {}, "signed": {"parts": {}, "format": "callboard-evidence-2"}, "signature": ""},
    sign() | {"more": 1},
]


@pytest.mark.parametrize("document", BROKEN)
def test_what_is_no_file_of_ours_is_refused_in_words(document: Any) -> None:
    with pytest.raises(NotADocument):
        check(document)


def test_a_signature_is_written_in_one_way_only() -> None:
    """Of base64's last letter some bits say nothing: another letter would mean the same bytes."""
    document = sign()
    signature = document["signature"]
    assert signature.endswith("==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(signature[-3]) + 1]
    assert not check(document | {"signature": f"{signature[:-3]}{other}=="}).is_valid


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(position=st.integers(min_value=0), byte=st.integers(0, 255))
def test_no_changed_byte_leaves_a_file_valid_with_other_content(position: int, byte: int) -> None:
    written = bytearray(json.dumps(sign()).encode())
    written[position % len(written)] = byte
    try:
        found = verify_evidence(bytes(written), TRUSTED)
    except NotADocument:
        return
    assert not found.is_valid or json.loads(bytes(written)) == sign()
