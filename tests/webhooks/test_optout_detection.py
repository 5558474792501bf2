"""An opt-out is found in a request whether or not its address accepts the form of the body."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.robotalker.events import EventKind, UnreadableEvent
from tests.webhooks.test_key_addresses import make_multipart
from webhooks.address_checks import is_optout, read_event

KEYS = ["1", "9", "19", "timeout"]
FIELDS = {
    "event": st.sampled_from([*EventKind, "call.teleported"]),
    "digit": st.sampled_from(KEYS),
    "dtmf_response": st.sampled_from(KEYS),
    "text": st.sampled_from(["STOP", "Thank you"]),
}
PURPOSES = ["status", "key-1", "optouts"]
CONTENT_TYPES = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data", ""]


def write_json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def write_form(**fields: Any) -> bytes:
    return urlencode(fields).encode()


def write_bare_value(**fields: Any) -> bytes:
    return str(next(iter(fields.values()), "")).encode()


@settings(deadline=None)  # a busy machine must not fail the test
@given(
    fields=st.fixed_dictionaries({}, optional=FIELDS),
    write=st.sampled_from([write_json, write_form, make_multipart, write_bare_value]),
    purpose=st.sampled_from(PURPOSES),
    content_type=st.sampled_from(CONTENT_TYPES),
)
def test_the_parsed_event_says_the_same_about_an_opt_out_as_the_body(
    fields: dict[str, Any], write: Any, purpose: str, content_type: str
) -> None:
    body = write(**fields)
    with suppress(UnreadableEvent):
        assert is_optout(body, read_event(purpose, body, content_type)) == is_optout(body)
