"""Reports of errors to Sentry, if SENTRY_DSN is set: what failed and where in the code, never for whom.

An event is built anew from a closed list of fields. Left out are the messages of errors (the database's hold
whole rows), values of variables, requests with their addresses and bodies, users, and what happened before.
"""

import time
from typing import Any, cast

import sentry_sdk
from sentry_sdk.types import Event, Hint

from config.logs import Repetition, find_outage, request_id
from contacts.redaction import redact

KEPT = ("event_id", "timestamp", "platform", "level", "logger", "transaction", "release", "environment")
KEPT_OF_FRAME = ("filename", "function", "module", "lineno", "in_app")


def start_error_reports(dsn: str) -> None:
    """Send what fails from now on; nothing without a DSN."""
    if not dsn:
        return
    from sentry_sdk.integrations.django import DjangoIntegration

    sentry_sdk.init(
        dsn=dsn,
        integrations=[DjangoIntegration(transaction_style="function_name")],
        before_send=keep_what_is_ours,
        before_breadcrumb=lambda crumb, hint: None,
        max_breadcrumbs=0,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        auto_session_tracking=False,
        server_name="callboard",
    )


_outages: dict[str, Repetition] = {}


def keep_what_is_ours(event: Event, hint: Hint) -> Event | None:
    """The event with nothing in it but what stands in our code; None for the next of an outage's minute."""
    record = hint.get("log_record")
    outage = find_outage(record) if record else ""
    if outage and not _outages.setdefault(outage, Repetition()).may_write(time.monotonic(), 1):
        return None
    given = cast(dict[str, Any], event)
    kept: dict[str, Any] = {name: given[name] for name in KEPT if name in given}
    kept["tags"] = {"request_id": request_id.get()} if request_id.get() else {}
    if "logentry" in given:
        template = given["logentry"].get("message", "") if given["logentry"].get("params") else ""
        kept["logentry"] = {"message": redact(template)}
    kept["exception"] = {"values": [_keep_of_error(one) for one in _list_errors(given)]}
    return cast(Event, kept)


def _list_errors(event: dict[str, Any]) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = (event.get("exception") or {}).get("values") or []
    return values


def _keep_of_error(error: dict[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames") or []
    return {
        "type": error.get("type"),
        "module": error.get("module"),
        "stacktrace": {"frames": [{name: frame.get(name) for name in KEPT_OF_FRAME} for frame in frames]},
    }
