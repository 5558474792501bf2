"""What a response's HTTP status means: the table of docs/robotalker.md as one function."""

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
from reminders.robotalker.vocabulary import FailureReason, fold_reason

_MAX_REASON = 200
# A gateway may return 408 after forwarding the request, and a 409 may be a conflict with that same request.
_UNCLEAR_CLIENT_ERRORS = frozenset({408, 409})
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def error_for_status(
    status: int, headers: Mapping[str, str], body: bytes, *, private: Iterable[str] = ()
) -> RobotalkerError | None:
    """The error for a response's status; None for a 2xx. `private` texts are removed from the reason."""
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
    # A date is compared with the server's own Date header if there is one, in case our clock is wrong.
    now = _read_http_date(headers.get("Date", "")) or datetime.now(UTC)
    return max((until - now).total_seconds(), 0.0)


def _read_http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def read_reason(body: bytes, private: Iterable[str] = ()) -> tuple[str, str]:
    """(reason, field) of a rejection; each is "" if the body doesn't have it.

    Read from `{"error": {"code", "message", "field"}}`, from the same fields at the top level, or from an
    `error` that is a string. Without a field, words such as "invalid phone number" are about the recipient's.
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
    if not field and any(_is_bad_number(details.get(key)) for key in ("code", "message")):
        field = "to"  # our own number is checked before we send anything
    return _clean(reason, private), _clean(field, private)[:50] if isinstance(field, str) else ""


def _is_bad_number(words: object) -> bool:
    """Whether the words say that a number is invalid, with or without the number itself behind them."""
    if not isinstance(words, str):
        return False
    without_number = re.sub(r"[+\d].*", "", words)
    return FailureReason.INVALID_NUMBER in (fold_reason(words), fold_reason(without_number))


def _clean(text: str, private: Iterable[str]) -> str:
    """The text on one short line, without phone numbers and without anything from our request."""
    text = mask_numbers_in(text)
    for secret in sorted({item.strip() for item in private}, key=len, reverse=True):
        if len(secret) > 1:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "…", text)
    visible = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(visible.split())[:_MAX_REASON]
