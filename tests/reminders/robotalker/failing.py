"""Places calls that fail, and checks that the error reveals no personal data."""

import json
from collections.abc import Callable, Iterable
from itertools import repeat

import pytest

from reminders.robotalker.errors import RobotalkerError
from reminders.robotalker.payloads import CallPayload
from tests.reminders.robotalker.conftest import API_KEY, SARAH, OpenClient
from tests.reminders.robotalker.guide import CALL_ANSWER
from tests.reminders.robotalker.raw_server import Play, RawServer, write_answer

ACCEPTED = write_answer(201, json.loads(CALL_ANSWER))
HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
DEADLINE = 0.5  # seconds


def for_ever(piece: bytes) -> Callable[[], Iterable[bytes]]:
    return lambda: repeat(piece)


def fail_to_call(open_client: OpenClient, call: CallPayload, url: str, **settings: float) -> RobotalkerError:
    """The error this call raises. Checks that it contains no personal data and has no cause or context."""
    with open_client(url, **settings) as client, pytest.raises(RobotalkerError) as caught:
        client.create_call(call)
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    for secret in (API_KEY, SARAH, "2125550100", "Sarah", "Hello", "yourapp"):
        assert secret not in f"{error} {error!r} {vars(error)}"
    return error


def fail_against(
    play: Play, open_client: OpenClient, call: CallPayload, **settings: float
) -> RobotalkerError:
    """The same against a server that responds with `play`. Checks that it got the request exactly once."""
    with RawServer(play) as server:
        error = fail_to_call(open_client, call, server.url, **settings)
    assert len(server.requests) == 1
    return error
