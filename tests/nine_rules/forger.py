"""What somebody may send who has seen an address of ours: forged, oversized, malformed, of another number.

All of it says that somebody answers, or wants no more calls, so that it would do harm if it counted; and it
holds people's data, so that it would be seen if it were written down.
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


class Lie(NamedTuple):
    """A request to the door, and the status it must be answered with."""

    path: str
    body: bytes
    status: int


def tell_lies(call: CallRecord) -> list[Lie]:
    """Every lie about this call; always as many, and in the same order."""
    good = urlsplit(status_url(call)).path
    yes, no = _say(call, dtmf_response="1"), _say(call, dtmf_response="9")
    forged = [Lie(path, body, 404) for path in _forge(call) for body in (yes, no)]
    oversized = [Lie(good, body[:-1] + b" " * MAX_EVENT_BYTES + b"}", 413) for body in (yes, no)]
    malformed = [Lie(good, body, 200) for body in (*_spoil(yes), _say(call, to=FOREIGN, dtmf_response="9"))]
    return [*forged, *oversized, *malformed]


def _say(call: CallRecord, **fields: Any) -> bytes:
    body = {"event": "call.completed", "status": "answered", "to": call.number.e164, "message": call.text}
    return json.dumps(body | fields).encode()


def _forge(call: CallRecord) -> Iterator[str]:
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


def _spoil(yes: bytes) -> Iterator[bytes]:
    yield yes[:-3]
    yield yes * 2
    yield b"[" + yes + b"]"
    yield yes.replace(b'"1"', b"NaN")
    yield yes.replace(b'"answered"', b'"\x00"')
    yield yes.replace(b'"answered"', b'"\xff"')
    yield yes.replace(b'"answered"', b'{"a":' * 500 + b"1" + b"}" * 500)
    yield yes[:-1] + b', "event": "call.completed"}'
