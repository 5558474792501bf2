"""The events that Robotalker would post about Sarah's call, and posting them to the webhook endpoint."""

import json
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from tests.people import SARAH
from webhooks.applying import apply_stored

CALL_ID = "cal_9x7k2m4p"


def make_event(event: str = "call.completed", **fields: Any) -> dict[str, Any]:
    """The body of an event of the call."""
    return {"event": event, "call_id": CALL_ID, "to": SARAH, "timestamp": "2026-01-01T10:30:45Z", **fields}


ANSWERED = make_event(status="answered", duration_seconds=28, dtmf_response="1", amd_result="human")


def post_for_response(url: str, payload: object, content_type: str = "application/json") -> Any:
    """POST it to the webhook endpoint, bytes as they are, anything else as JSON; the response."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Client().generic("POST", urlsplit(url).path, data, content_type=content_type)


def post(url: str, payload: object, content_type: str = "application/json") -> int:
    """The same; the response's status. Then what is stored is applied, as a worker does."""
    status = int(post_for_response(url, payload, content_type).status_code)
    apply_stored()
    return status


def report_text(url: str, event: str = "sms.received", **fields: Any) -> None:
    """Post an event of a text message to or from Sarah, which must be accepted."""
    assert post(url, {"event": event, "to": SARAH, **fields}) == 200
