"""Canonical JSON: the same values are the same bytes; bytes that could be read in two ways are refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.evidence.canonical import (
    LARGEST_WHOLE,
    NotADocument,
    make_plain,
    read_strict,
    write_canonical,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)

PLAIN = [
    (1.5, "1.5"),
    (float("nan"), "nan"),
    (True, True),
    (10**30, str(10**30)),
    (-LARGEST_WHOLE, -LARGEST_WHOLE),
    ("a\x00b", "a\x00b"),
    ("half \ud83d", "half \\ud83d"),
    (datetime(2026, 12, 1, 9, 30, tzinfo=UTC), "2026-12-01T09:30:00+00:00"),
    ((1, "zwei"), [1, "zwei"]),
    ({"b": 1, "a": 2.0, 3: None}, {"3": None, "a": "2.0", "b": 1}),
]

REFUSED = [
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b"\xff\xfe{}", "not UTF-8"),
    (b'{"a": 1, "a": 2}', "twice"),
    (b'{"a": {"b": 1, "b": 1}}', "twice"),
    (b'{"a": 1.0}', "not a whole one"),
    (b'{"a": 1e3}', "not a whole one"),
    (b'{"a": NaN}', "not a whole one"),
    (b'{"a": -Infinity}', "not a whole one"),
    (b'{"a": 9007199254740993}', "too large"),
    (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
    (rb'{"a": "\ud800"}', "half of a letter"),
    (rb'{"\udc00": 1}', "half of a letter"),
    (b"[" * 5000 + b"]" * 5000, "nested too deeply"),
    (b"[" * 100 + b"]" * 100, "nested too deeply"),
]


@pytest.mark.parametrize(("value", "plain"), PLAIN)
def test_what_json_can_not_hold_becomes_a_string_that_shows_it(value: Any, plain: Any) -> None:
    assert make_plain(value) == plain
    assert type(make_plain(value)) is type(plain)


@given(ANYTHING)
def test_any_value_is_written_and_read_back_the_same_and_is_signed_as_the_same_bytes(value: Any) -> None:
    plain = make_plain(value)
    written = write_canonical(plain)
    assert read_strict(written) == plain
    indented = json.dumps(plain, indent=3, ensure_ascii=True).encode()
    assert write_canonical(read_strict(indented)) == written


def test_the_bytes_have_sorted_names_letters_as_they_are_and_no_blanks() -> None:
    assert write_canonical({"b": [1, None], "a": "ñ <b>"}) == '{"a":"ñ <b>","b":[1,null]}'.encode()


@pytest.mark.parametrize(("data", "why"), REFUSED)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(NotADocument, match=why):
        read_strict(data)


def test_a_float_is_never_written() -> None:
    with pytest.raises(NotADocument):
        write_canonical({"a": 1.0})
