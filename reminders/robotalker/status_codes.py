"""What an answer's status means: the table of docs/robotalker.md, as one function."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from reminders.robotalker.errors import (
    RateLimited,
    Refused,
    Rejected,
    RobotalkerError,
    ServerError,
    StatusUnclear,
    Unauthorized,
)
from reminders.robotalker.masking import mask_numbers_in
from reminders.robotalker.strict_json import UnreadableJson, read_object

_MAX_REASON = 200
# A gateway may say 408 after passing the request on, and what a 409 is at odds with may be that very request.
_UNCLEAR_CLIENT_ERRORS = frozenset({408, 409})
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def error_for_status(
    status: int, headers: Mapping[str, str], body: bytes, *, private: Iterable[str] = ()
) -> RobotalkerError | None:
    """The error an answer's status stands for; None for a 2xx. `private` texts are blotted out."""
    if 200 <= status < 300:
        return None
    if status == 401:
        return Unauthorized(status=status)
    if status == 429:
        return RateLimited(status=status, retry_after=read_retry_after(headers))
    if status in {500, 503}:
        return ServerError(status=status, retry_after=read_retry_after(headers))
    if 400 <= status < 500 and status not in _UNCLEAR_CLIENT_ERRORS:
        reason, field = read_reason(body, private)
        return (Rejected if status == 400 else Refused)(reason, status=status, field=field)
    return StatusUnclear(status=status)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Retry-After, in seconds or as a date, as seconds from now; None without.

    As long as they say: how much of it is heeded is for rules/backoff.py (cap_retry_after).
    """
    value = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until = _read_http_date(value)
    if until is None:
        return None
    # Their date is compared with their clock where they tell it, so that a wrong clock here does no harm.
    now = _read_http_date(headers.get("Date", "")) or datetime.now(UTC)
    return max((until - now).total_seconds(), 0.0)


def _read_http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def read_reason(body: bytes, private: Iterable[str] = ()) -> tuple[str, str]:
    """(reason, field) of a rejection, both "" where the body doesn't say.

    Read from `{"error": {"code", "message", "field"}}`, or the same fields flat, or an `error` that is a
    text.
    """
    try:
        source = read_object(body, max_bytes=len(body))
    except UnreadableJson:
        return "", ""
    error = source.get("error", source)
    details: dict[str, Any] = (
        error if isinstance(error, dict) else {"message": error, "field": source.get("field")}
    )
    reason = next((text for key in ("message", "code") if isinstance(text := details.get(key), str)), "")
    field = details.get("field")
    return _blot(reason, private), _blot(field, private)[:50] if isinstance(field, str) else ""


def _blot(text: str, private: Iterable[str]) -> str:
    """The text on one line, short, without numbers and without anything we sent."""
    text = mask_numbers_in(text)
    for secret in sorted({item.strip() for item in private}, key=len, reverse=True):
        if len(secret) > 1:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "…", text)
    visible = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(visible.split())[:_MAX_REASON]
