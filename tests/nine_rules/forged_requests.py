"""Webhook requests that an attacker could send: forged, oversized, malformed, or about another number.

Each says that the patient answered or opted out, so that accepting it would change data, and each contains
personal data, so that logging it would be noticed.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.core.signing import TimestampSigner

from reminders.models import CallRecord
from reminders.robotalker.events import MAX_EVENT_BYTES
from reminders.traffic.callback_urls import SALT, key_urls, status_url

OTHER_KEY = "somebody-elses-" + "z" * 50
FOREIGN = "+12125550177"


class ForgedRequest(NamedTuple):
    """A request to the webhook endpoint, and the HTTP status it must get."""

    path: str
    body: bytes
    status: int


def build_forged_requests(call: CallRecord) -> list[ForgedRequest]:
    """Build all forged requests about this call, always the same number in the same order."""
    good = urlsplit(status_url(call)).path
    answer, optout = _write_event(call, dtmf_response="1"), _write_event(call, dtmf_response="9")
    forged = [ForgedRequest(path, body, 404) for path in _forge_paths(call) for body in (answer, optout)]
    oversized = [
        ForgedRequest(good, body[:-1] + b" " * MAX_EVENT_BYTES + b"}", 413) for body in (answer, optout)
    ]
    other_number = _write_event(call, to=FOREIGN, dtmf_response="9")
    malformed = [ForgedRequest(good, body, 200) for body in (*_malform(answer), other_number)]
    return [*forged, *oversized, *malformed]


def _write_event(call: CallRecord, **fields: Any) -> bytes:
    body = {"event": "call.completed", "status": "answered", "to": call.number.e164, "message": call.text}
    return json.dumps(body | fields).encode()


def _forge_paths(call: CallRecord) -> Iterator[str]:
    good, key_1 = urlsplit(status_url(call)).path, urlsplit(key_urls(call)["1"]).path
    value, stamp, mac = good.split(":")
    hook, _, token = value.rpartition("/")
    yield good.replace(".status.", ".key-1.")
    yield key_1.replace(".key-1.", ".key-2.")
    yield good.replace(call.public_id, call.public_id[::-1] + "x")
    yield good.replace(".c.", ".b.")
    yield good.replace(".c.", ".a.")
    yield f"{value}x:{stamp}:{mac}"
    yield f"{value}:{stamp}:{mac[:-1]}"
    yield f"{value}:{stamp}:"
    yield f"{hook}/{TimestampSigner(key=OTHER_KEY, fallback_keys=[], salt=SALT).sign(token)}"


def _malform(body: bytes) -> Iterator[bytes]:
    yield body[:-3]
    yield body * 2
    yield body.replace(b'"1"', b"NaN")
    yield body.replace(b'"answered"', b'"\x00"')
    yield body.replace(b'"answered"', b'{"a":' * 500 + b"1" + b"}" * 500)
    yield body[:-1] + b', "event": "call.failed"}'
