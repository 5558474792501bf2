"""The total deadline, and requests that were never sent, against servers that break the connection."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reminders.robotalker import errors
from reminders.robotalker.errors import Meaning, RobotalkerError
from reminders.robotalker.payloads import CallPayload
from tests.reminders.robotalker.conftest import OpenClient
from tests.reminders.robotalker.failing import ACCEPTED, DEADLINE, HEAD, fail_to_call, for_ever
from tests.reminders.robotalker.raw_server import (
    Play,
    RawServer,
    drip,
    reset,
    send,
    send_and_close,
    stay_silent,
)

CERTIFICATE = Path(__file__).parent / "tls" / "localhost.pem"  # for tests only; not trusted by default

# --- the deadline, against a server that sends a byte now and then ---


def header_lines() -> Iterator[bytes]:
    for index in range(90):
        yield from (bytes([char]) for char in f"X-{index}: a\r\n".encode())


DRIPS = {
    "status line": drip(b"HTTP/1.1 201 ", for_ever(b"x")),
    "headers": drip(HEAD, header_lines),
    "interim responses": drip(b"", for_ever(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "body with a length": drip(HEAD + b"Content-Length: 500\r\n\r\n", for_ever(b" ")),
    "body without a length": drip(HEAD + b'\r\n{"call_id": "cal_1"}', for_ever(b" ")),
    "chunked body": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", for_ever(b"1\r\nx\r\n")),
    "chunk size": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", for_ever(b"0")),
}


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("what", DRIPS)
def test_the_deadline_ends_a_slow_response(
    what: str, encrypted: bool, open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    tls = make_server_tls() if encrypted else None
    with (
        RawServer(DRIPS[what], tls=tls) as server,
        open_client(server.url, total_deadline=DEADLINE) as client,
    ):
        client._session.verify = str(CERTIFICATE)
        began = time.monotonic()
        with pytest.raises(errors.DeadlinePassed):
            client.create_call(sarahs_call)
        assert time.monotonic() - began < DEADLINE + 3
    assert len(server.requests) == 1


def test_a_call_after_a_passed_deadline_succeeds(open_client: OpenClient, sarahs_call: CallPayload) -> None:
    plays = [DRIPS["headers"], send(ACCEPTED), stay_silent, send(ACCEPTED)]
    with RawServer(plays) as server, open_client(server.url, total_deadline=DEADLINE) as client:
        for _ in range(2):
            with pytest.raises(errors.DeadlinePassed):
                client.create_call(sarahs_call)
            assert client.create_call(sarahs_call).call_id == "cal_9x7k2m4p"
    assert len(server.requests) == 4


# --- never sent ---


def test_a_refused_connection_means_not_sent(open_client: OpenClient, sarahs_call: CallPayload) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, so that the port stays ours, but not listening
        error = fail_to_call(open_client, sarahs_call, f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert (type(error), error.meaning) == (errors.ConnectionRefused, Meaning.NOT_SENT)


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example"])
def test_an_invalid_host_name_means_not_sent(
    host: str, open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    error = fail_to_call(open_client, sarahs_call, f"http://{host}")
    assert isinstance(error, errors.NeverLeft)
    assert error.meaning == Meaning.NOT_SENT


def test_an_unknown_host_name_means_not_sent(open_client: OpenClient, sarahs_call: CallPayload) -> None:
    host = f"{'x' * 60}." * 5 + "example"  # too long for DNS, so that no name server is queried
    error = fail_to_call(open_client, sarahs_call, f"http://{host}")
    assert (type(error), error.meaning) == (errors.NameNotFound, Meaning.NOT_SENT)


def test_a_connect_timeout_means_not_sent(open_client: OpenClient, sarahs_call: CallPayload) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:  # fills the listener's backlog
            client.setblocking(False)
            client.connect_ex(address)
        error = fail_to_call(open_client, sarahs_call, f"http://127.0.0.1:{address[1]}", connect_timeout=0.3)
        for client in waiting:
            client.close()
    assert (type(error), error.meaning) == (errors.ConnectTimedOut, Meaning.NOT_SENT)


def test_an_untrusted_certificate_means_not_sent(open_client: OpenClient, sarahs_call: CallPayload) -> None:
    with RawServer(send(ACCEPTED), tls=make_server_tls()) as server:
        error = fail_to_call(open_client, sarahs_call, server.url)
    assert (type(error), error.meaning, server.requests) == (errors.TlsFailed, Meaning.NOT_SENT, [])


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (send_and_close(b"HTTP/1.1 400 Bad Request\r\n\r\n"), errors.TlsFailed),
        (send_and_close(b""), errors.NeverLeft),
        (reset, errors.NeverLeft),
        (stay_silent, errors.ConnectTimedOut),
        (drip(b"\x16\x03\x03\x40\x00", for_ever(b"\x00")), errors.ConnectTimedOut),
    ],
    ids=["no TLS", "closed", "reset", "silent", "slow"],
)
def test_a_failed_handshake_means_not_sent(
    play: Play, kind: type[RobotalkerError], open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    with RawServer(play, breaks_handshake=True) as server:
        url = server.url.replace("http:", "https:")
        began = time.monotonic()
        error = fail_to_call(open_client, sarahs_call, url, total_deadline=DEADLINE)
        assert time.monotonic() - began < DEADLINE + 3
    assert isinstance(error, kind)
    assert (error.meaning, server.requests) == (Meaning.NOT_SENT, [])


def test_calls_succeed_over_tls_with_a_trusted_certificate(
    open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    with RawServer(send(ACCEPTED), tls=make_server_tls()) as server, open_client(server.url) as client:
        client._session.verify = str(CERTIFICATE)
        assert client.create_call(sarahs_call).call_id == "cal_9x7k2m4p"
        assert client.create_call(sarahs_call).call_id == "cal_9x7k2m4p"
    assert (server.connections, len(server.requests)) == (1, 2)


def make_server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
