"""Each row of the table "What a response means" in docs/robotalker.md, against a real server."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from reminders.robotalker import errors
from reminders.robotalker.errors import Meaning, RobotalkerError
from reminders.robotalker.payloads import CallPayload
from reminders.rules.backoff import RETRY_AFTER_CAP, cap_retry_after
from tests.reminders.robotalker.conftest import API_KEY, SARAH, OpenClient
from tests.reminders.robotalker.failing import ACCEPTED, DEADLINE, HEAD, fail_against, for_ever
from tests.reminders.robotalker.guide import CALL_ANSWER
from tests.reminders.robotalker.raw_server import (
    Play,
    RawServer,
    answer,
    drip,
    reset,
    send,
    send_and_close,
    stay_silent,
)

# --- the status ---


@pytest.mark.parametrize(
    ("status", "kind", "meaning"),
    [
        (400, errors.Rejected, Meaning.REJECTED),
        (401, errors.Unauthorized, Meaning.UNAUTHORIZED),
        (429, errors.RateLimited, Meaning.RATE_LIMITED),
        (500, errors.ServerError, Meaning.SERVER_ERROR),
        (503, errors.ServerError, Meaning.SERVER_ERROR),
        (502, errors.StatusUnclear, Meaning.UNKNOWN),
        (504, errors.StatusUnclear, Meaning.UNKNOWN),
        (402, errors.Refused, Meaning.REJECTED),
        (403, errors.Refused, Meaning.REJECTED),
        (404, errors.Refused, Meaning.REJECTED),
        (405, errors.Refused, Meaning.REJECTED),
        (409, errors.StatusUnclear, Meaning.UNKNOWN),
        (413, errors.Refused, Meaning.REJECTED),
        (415, errors.Refused, Meaning.REJECTED),
        (422, errors.Refused, Meaning.REJECTED),
        (408, errors.StatusUnclear, Meaning.UNKNOWN),
        (501, errors.StatusUnclear, Meaning.UNKNOWN),
        (520, errors.StatusUnclear, Meaning.UNKNOWN),
        (300, errors.StatusUnclear, Meaning.UNKNOWN),
        (304, errors.StatusUnclear, Meaning.UNKNOWN),
        (600, errors.StatusUnclear, Meaning.UNKNOWN),
        (999, errors.StatusUnclear, Meaning.UNKNOWN),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<h1>Sorry</h1>", b'{"call_id": "cal_1"}'])
def test_each_status_raises_the_error_of_the_table(
    status: int,
    kind: type[RobotalkerError],
    meaning: Meaning,
    body: bytes,
    open_client: OpenClient,
    sarahs_call: CallPayload,
) -> None:
    content = b"" if status == 304 else body
    error = fail_against(answer(status, content), open_client, sarahs_call)
    assert (type(error), error.meaning, error.status) == (kind, meaning, status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, open_client: OpenClient, sarahs_call: CallPayload) -> None:
    with RawServer(answer(201, json.loads(CALL_ANSWER))) as elsewhere:
        play = answer(status, Location=f"{elsewhere.url}/api/v1/calls")
        error = fail_against(play, open_client, sarahs_call)
    assert (error.meaning, elsewhere.connections) == (Meaning.UNKNOWN, 0)


def test_the_body_of_a_redirect_is_not_read_past_the_size_limit(
    open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\n\r\n"
    error = fail_against(
        drip(head, for_ever(b"x" * 4096)), open_client, sarahs_call, max_answer_bytes=10_000, total_deadline=3
    )
    assert isinstance(error, errors.StatusUnclear)


@pytest.mark.parametrize("status", [401, 429, 500, 400])
def test_an_error_status_counts_even_if_the_body_never_ends(
    status: int, open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    head = f"HTTP/1.1 {status} No\r\nContent-Length: 1000\r\n\r\n".encode()
    error = fail_against(drip(head, for_ever(b" ")), open_client, sarahs_call, total_deadline=DEADLINE)
    assert error.status == status
    assert error.meaning != Meaning.UNKNOWN


# --- the reason of a rejection ---


@pytest.mark.parametrize(
    ("body", "reason", "field", "about_number"),
    [
        (
            {"error": {"code": "invalid_number", "message": "not E.164", "field": "to"}},
            "not E.164",
            "to",
            True,
        ),
        (
            {"error": {"message": "bad", "field": "recipients[3].to"}},
            "bad",
            "recipients[3].to",
            True,
        ),
        ({"error": {"code": "missing_field", "field": "from"}}, "missing_field", "from", False),
        ({"error": "to is required", "field": "to"}, "to is required", "to", True),
        ({"message": "bad voice"}, "bad voice", "", False),
        ({"error": f"{SARAH} is no mobile"}, "•••• 00 is no mobile", "", False),
        ({"error": "+1 (212) 555-0100 is bad"}, "•••• 00 is bad", "", False),
        ({"error": "Sarah, at 3:15 PM?"}, "…, at …?", "", False),
        ({"error": f"key {API_KEY} may not"}, "key … may not", "", False),
        ({"error": "two\nlines\u202e"}, "two lines", "", False),
        ({"error": "x" * 500}, "x" * 200, "", False),
        ({"error": ["a", "b"]}, "", "", False),
        ({"error": None}, "", "", False),
        ({}, "", "", False),
    ],
)
def test_a_rejection_has_robotalkers_reason_without_our_own_data(
    body: dict[str, Any],
    reason: str,
    field: str,
    about_number: bool,
    open_client: OpenClient,
    sarahs_call: CallPayload,
) -> None:
    error = fail_against(answer(400, body), open_client, sarahs_call)
    assert isinstance(error, errors.Rejected)
    assert (error.detail, error.field, error.is_about_the_number) == (reason, field, about_number)


def test_a_4xx_other_than_400_never_blames_the_number(
    open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    error = fail_against(answer(403, {"error": {"message": "no", "field": "to"}}), open_client, sarahs_call)
    assert isinstance(error, errors.Refused)
    assert not error.is_about_the_number


# --- how long to wait ---

NOON = datetime(2025, 4, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": " 0 "}, 0.0),
        ({"Retry_After": "1.5"}, 1.5),
        ({"Retry_After": "86400"}, 86400.0),
        ({"Retry_After": "-5"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "nan"}, None),
        ({"Retry_After": "1e9"}, None),
        ({"Retry_After": "9" * 400}, None),
        ({"Retry_After": format_datetime(NOON + timedelta(seconds=30)), "Date": format_datetime(NOON)}, 30.0),
        ({"Retry_After": format_datetime(NOON - timedelta(days=1)), "Date": format_datetime(NOON)}, 0.0),
        ({"Retry_After": format_datetime(NOON), "Date": "noon"}, 0.0),
        (
            {"Retry_After": "Wed, 31 Dec 9999 23:59:59 GMT", "Date": "Wed, 31 Dec 9998 23:59:59 GMT"},
            365 * 86400.0,
        ),
        ({"Retry_After": "Wed, 99 Dec 2025 23:59:59 GMT"}, None),
    ],
)
def test_retry_after_is_read(
    headers: dict[str, str],
    seconds: float | None,
    status: int,
    open_client: OpenClient,
    sarahs_call: CallPayload,
) -> None:
    error = fail_against(answer(status, b"", **headers), open_client, sarahs_call)
    assert isinstance(error, errors.RateLimited | errors.ServerError)
    assert error.retry_after == seconds


@pytest.mark.parametrize("header", ["999999999", "Wed, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_retry_after_is_cut_to_the_cap(
    header: str, open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    error = fail_against(answer(429, b"", Retry_After=header), open_client, sarahs_call)
    assert isinstance(error, errors.RateLimited)
    assert cap_retry_after(error.retry_after) == RETRY_AFTER_CAP


# --- possibly accepted ---


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (answer(201, {}), errors.AnswerUnusable),
        (answer(201, {"status": "queued", "id": "cal_1"}), errors.AnswerUnusable),
        (answer(201, {"call_id": ""}), errors.AnswerUnusable),
        (answer(201, {"call_id": None}), errors.AnswerUnusable),
        (answer(201, {"call_id": {"id": "cal_1"}}), errors.AnswerUnusable),
        (answer(201, {"call_id": "a b"}), errors.AnswerUnusable),
        (answer(201, {"call_id": "cal_1\x00"}), errors.AnswerUnusable),
        (answer(201, {"call_id": "x" * 101}), errors.AnswerUnusable),
        (answer(201, b'["cal_1"]'), errors.AnswerUnusable),
        (answer(201, b"<html>Welcome</html>"), errors.AnswerUnusable),
        (answer(201, b'{"call_id": "cal_'), errors.AnswerUnusable),
        (answer(201, b"[" * 60_000), errors.AnswerUnusable),
        (answer(201, ACCEPTED, Content_Encoding="gzip"), errors.AnswerUnusable),
        (answer(200), errors.AnswerUnusable),
        (answer(204), errors.AnswerUnusable),
        (answer(201, {"call_id": "cal_1", "padding": "x" * 70_000}), errors.AnswerTooLarge),
        (send_and_close(ACCEPTED[:-20]), errors.ConnectionLost),
        (send_and_close(HEAD), errors.AnswerUnusable),
        (send_and_close(b"HTTP/1.1 20"), errors.ConnectionLost),
        (send_and_close(b""), errors.ConnectionLost),
        (send_and_close(HEAD + b"Transfer-Encoding: chunked\r\n\r\n20\r\nabc"), errors.ConnectionLost),
        (send_and_close(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"), errors.ConnectionLost),
        (send_and_close(b"SSH-2.0-OpenSSH\r\n\r\n"), errors.ConnectionLost),
        (send_and_close(HEAD + b"X: " + b"x" * 100_000), errors.ConnectionLost),
        (reset, errors.ConnectionLost),
        (stay_silent, errors.ReadTimedOut),
        (drip(HEAD, list), errors.ReadTimedOut),
        (send(HEAD + b"Content-Length: 100\r\n\r\n{"), errors.ReadTimedOut),
    ],
)
def test_a_request_that_may_have_arrived_is_unknown(
    play: Play, kind: type[RobotalkerError], open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    """(product rule 15)"""
    error = fail_against(play, open_client, sarahs_call)
    assert (type(error), error.meaning) == (kind, Meaning.UNKNOWN)


def test_an_endless_response_is_cut_off_at_the_size_limit(
    open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    flood = drip(HEAD + b"\r\n", for_ever(b"x" * 20_000))
    error = fail_against(flood, open_client, sarahs_call, max_answer_bytes=50_000)
    assert isinstance(error, errors.AnswerTooLarge)


# --- the tree ---


def list_errors(kind: type[RobotalkerError] = RobotalkerError) -> list[type[RobotalkerError]]:
    """The classes of errors.py; other modules may add subclasses."""
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [kind, *(below for child in children for below in list_errors(child))]


def test_the_docstring_lists_the_same_errors_as_the_code() -> None:
    drawn = re.findall(r"(\w+)", " ".join(re.findall(r"^[ │├└─]+(\w+)", errors.__doc__ or "", re.MULTILINE)))
    public = [kind.__name__ for kind in list_errors() if not kind.__name__.startswith("_")]
    assert sorted(drawn) == sorted(public)


@pytest.mark.parametrize("kind", [k for k in list_errors() if issubclass(k, errors.NeverLeft)])
def test_every_never_left_error_means_not_sent(kind: type[RobotalkerError]) -> None:
    assert kind.meaning == Meaning.NOT_SENT


def test_the_base_error_means_unknown() -> None:
    assert RobotalkerError.meaning == Meaning.UNKNOWN
