"""Reads and validates request bodies as in the guide.

Every reader raises ``RequestRefused``, which becomes a 400 with a code, a message and the invalid field.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # Robotalker's, not ours: nothing of ours is imported here
WEB_ADDRESS = re.compile(r"https?://[!-.0-~][!-~]*")
VARIABLE = re.compile(r"\{([A-Za-z0-9_]+)\}")
KEYS = frozenset("0123456789*#")
MOST_RECIPIENTS = 10_000


class RequestRefused(Exception):
    """The request is invalid: 400 with this code, message and field."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.body: Json = {"error": {"code": code, "message": message, "field": field}}


@dataclass(frozen=True, slots=True)
class RequestRecipient:
    to: str
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call, or a campaign if there are several recipients."""

    recipients: list[RequestRecipient]
    sender: str
    message: str
    voice: str
    dtmf: dict[str, Json]
    webhook_url: str | None


@dataclass(frozen=True, slots=True)
class SmsRequest:
    """One text message, or a batch if ``bulk``."""

    recipients: list[RequestRecipient]
    sender: str
    message: str
    webhook_url: str | None
    bulk: bool


@dataclass(frozen=True, slots=True)
class ContactRequest:
    """A contact to create or change; None leaves a field unchanged."""

    to: str
    first_name: str | None
    last_name: str | None
    opted_out: dict[str, bool]


def read_json(raw: bytes) -> Json:
    """The body as an object."""
    try:
        body = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RequestRefused("malformed_json", "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise RequestRefused("malformed_json", "The body must be a JSON object.")
    return body


def read_call_request(body: Json) -> CallRequest:
    """The body of ``POST /api/v1/calls``."""
    return _read_voice(body, [RequestRecipient(read_number(body, "to"), _read_variables(body, "variables"))])


def read_campaign_request(body: Json) -> CallRequest:
    """The body of ``POST /api/v1/campaigns``: a call's, with ``recipients`` instead of ``to``."""
    return _read_voice(body, _read_recipients(body))


def read_sms_request(body: Json) -> SmsRequest:
    """The body of ``POST /api/v1/sms``; a batch if it has ``recipients``."""
    bulk = "recipients" in body
    recipients = (
        _read_recipients(body)
        if bulk
        else [RequestRecipient(read_number(body, "to"), _read_variables(body, "variables"))]
    )
    return SmsRequest(
        recipients=recipients,
        sender=read_number(body, "from"),
        message=_read_text(body, "message"),
        webhook_url=_read_address(body, "webhook_url"),
        bulk=bulk,
    )


def read_contact_request(body: Json) -> ContactRequest:
    """The body of ``POST /api/v1/contacts``; ``opted_out`` is one boolean, or one per channel."""
    return ContactRequest(
        to=read_number(body, "to"),
        first_name=_read_optional_text(body, "first_name"),
        last_name=_read_optional_text(body, "last_name"),
        opted_out=_read_opted_out(body.get("opted_out", {})),
    )


def read_number(body: Json, field: str, *, label: str = "") -> str:
    """A required E.164 number."""
    label = label or field
    value = _require(body, field, label)
    if not isinstance(value, str) or not E164.fullmatch(value):
        raise RequestRefused(
            "invalid_number", f"{label} must be a phone number in E.164, like +12125550100.", label
        )
    return value


def fill_in(text: str, variables: dict[str, str]) -> str:
    """The text with each ``{VARIABLE}`` that has a value filled in; others stay as they are."""
    return VARIABLE.sub(lambda found: variables.get(found[1], found[0]), text)


def _read_voice(body: Json, recipients: list[RequestRecipient]) -> CallRequest:
    return CallRequest(
        recipients=recipients,
        sender=read_number(body, "from"),
        message=_read_text(body, "message"),
        voice=_read_optional_text(body, "voice") or "en-US",
        dtmf=_read_dtmf(body.get("dtmf", {})),
        webhook_url=_read_address(body, "webhook_url"),
    )


def _read_recipients(body: Json) -> list[RequestRecipient]:
    items = _require(body, "recipients", "recipients")
    if not isinstance(items, list) or not 0 < len(items) <= MOST_RECIPIENTS:
        raise RequestRefused(
            "invalid_field", f"recipients must be a list of 1 to {MOST_RECIPIENTS}.", "recipients"
        )
    return [_read_recipient(item, f"recipients[{index}]") for index, item in enumerate(items)]


def _read_recipient(item: Any, label: str) -> RequestRecipient:
    if not isinstance(item, dict):
        raise RequestRefused("invalid_field", f"{label} must be an object.", label)
    return RequestRecipient(
        read_number(item, "to", label=f"{label}.to"), _read_variables(item, f"{label}.variables")
    )


def _read_variables(body: Json, label: str) -> dict[str, str]:
    value = body.get("variables", {})
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise RequestRefused("invalid_field", f"{label} must be an object with strings as values.", label)
    return value


def _read_dtmf(value: Any) -> dict[str, Json]:
    if not isinstance(value, dict) or not value.keys() <= KEYS:
        raise RequestRefused("invalid_field", "dtmf must be an object with the keys 0 to 9, * and #.", "dtmf")
    return {key: _read_key_action(action, f"dtmf.{key}") for key, action in value.items()}


def _read_key_action(value: Any, label: str) -> Json:
    if not isinstance(value, dict) or value.get("action") not in ("webhook", "optout"):
        raise RequestRefused("invalid_field", f"{label}.action must be webhook or optout.", f"{label}.action")
    url = _read_address(value, "url", f"{label}.url")
    if value["action"] == "webhook" and url is None:
        raise RequestRefused("missing_field", f"{label}.url is required for a webhook.", f"{label}.url")
    return value


def _read_opted_out(value: Any) -> dict[str, bool]:
    if isinstance(value, bool):
        return {"voice": value, "sms": value}
    if (
        isinstance(value, dict)
        and value.keys() <= {"voice", "sms"}
        and all(isinstance(flag, bool) for flag in value.values())
    ):
        return value
    raise RequestRefused(
        "invalid_field",
        "opted_out must be true, false, or an object with true or false for voice and sms.",
        "opted_out",
    )


def _read_text(body: Json, field: str) -> str:
    value = _require(body, field, field)
    if not isinstance(value, str) or not any(letter > " " for letter in value):
        raise RequestRefused("invalid_field", f"{field} must be a string that isn't empty.", field)
    return value


def _read_optional_text(body: Json, field: str) -> str | None:
    value = body.get(field)
    if field in body and not isinstance(value, str):
        raise RequestRefused("invalid_field", f"{field} must be a string.", field)
    return value


def _read_address(body: Json, field: str, label: str = "") -> str | None:
    value = body.get(field)
    if field in body and (not isinstance(value, str) or not WEB_ADDRESS.fullmatch(value)):
        raise RequestRefused(
            "invalid_field", f"{label or field} must be an http or https URL.", label or field
        )
    return value


def _require(body: Json, field: str, label: str) -> Any:
    if body.get(field) is None:
        raise RequestRefused("missing_field", f"{label} is required.", label)
    return body[field]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
