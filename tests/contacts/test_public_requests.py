"""Addresses that somebody typed in never lead to this machine or into a private network."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contacts import public_requests
from contacts.public_requests import (
    AddressRefused,
    AnswerMissing,
    NotReached,
    PublicRequestError,
    RequestFault,
    ask_public_server,
    check_public_url,
    is_public_address,
    resolve_public,
    split_public_url,
)

PRIVATE = [
    "0.0.0.0",  # noqa: S104
    "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "", "localhost", "1.2.3", "0x7f.1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_this_machine_or_a_private_network_is_not_public(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public_address(address)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://example.org/", RequestFault.NOT_HTTPS),
        ("ftp://example.org/", RequestFault.NOT_HTTPS),
        ("file:///etc/passwd", RequestFault.NOT_A_URL),
        ("gopher://127.0.0.1:6379/_FLUSHALL", RequestFault.NOT_HTTPS),
        ("https://", RequestFault.NOT_A_URL),
        ("https:///path", RequestFault.NOT_A_URL),
        ("example.org", RequestFault.NOT_A_URL),
        ("", RequestFault.NOT_A_URL),
        ("https://user:secret@example.org/", RequestFault.WITH_LOGIN),
        ("https://example.org@127.0.0.1/", RequestFault.WITH_LOGIN),
        ("https://@127.0.0.1/", RequestFault.WITH_LOGIN),
        ("https://example.org:99999/", RequestFault.NOT_A_URL),
        ("https://example.org:0/", RequestFault.NOT_A_URL),
        ("https://[::1/", RequestFault.NOT_A_URL),
        ("https://exämple.org/", RequestFault.NOT_A_URL),
        ("https://example.org/a b", RequestFault.NOT_A_URL),
        ("https://example.org/\r\nX-Injected: 1", RequestFault.NOT_A_URL),
        ("https://example.org/\x00", RequestFault.NOT_A_URL),
        ("https://example.org/" + "a" * 2000, RequestFault.NOT_A_URL),
    ],
)
def test_what_is_no_plain_https_address_is_refused(url: str, fault: str, settings: Any) -> None:
    settings.LOOPBACK_MAY_BE_ASKED = False
    with pytest.raises(AddressRefused) as refused:
        split_public_url(url)
    assert refused.value.fault == fault


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost", "localhost.",
        "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "169.254.169.254", "10.0.0.1",
        "[fd00:ec2::254]", "[fe80::1]", "224.0.0.1",
    ],
)  # fmt: skip
def test_no_way_to_write_a_private_address_is_let_through(host: str, settings: Any) -> None:
    settings.LOOPBACK_MAY_BE_ASKED = False
    with pytest.raises(PublicRequestError) as refused:
        ask_public_server("GET", f"https://{host}/")
    assert refused.value.fault in (RequestFault.PRIVATE, RequestFault.NO_SUCH_NAME)
    with pytest.raises(PublicRequestError):
        check_public_url(f"https://{host}/")


def answer_with(*addresses: str) -> Callable[..., list[Any]]:
    """A stand-in for getaddrinfo() that knows one name; addresses are left to the real one."""
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
        if host == "hooks.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]
        return real(host, port, *rest, **options)

    return look_up


@pytest.mark.parametrize("addresses", [("10.0.0.1",), ("1.1.1.1", "127.0.0.1"), ("::1", "1.1.1.1"), ()])
def test_a_name_with_one_private_address_is_refused_as_a_whole(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LOOPBACK_MAY_BE_ASKED = False
    monkeypatch.setattr(socket, "getaddrinfo", answer_with(*addresses))
    with pytest.raises(AddressRefused):
        resolve_public("hooks.example", 443)


def test_only_this_machine_is_let_through_for_tests_and_no_private_network(settings: Any) -> None:
    settings.LOOPBACK_MAY_BE_ASKED = True
    assert resolve_public("127.0.0.1", 80) == ["127.0.0.1"]
    with pytest.raises(AddressRefused):
        resolve_public("10.0.0.1", 80)


Serve = Callable[[socket.socket], None]


@contextmanager
def run_server(serve: Serve) -> Iterator[int]:
    """A server that lets `serve` talk to each connection; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    clients: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                client.settimeout(10)
                clients.append(client)
                with client, suppress(OSError):
                    serve(client)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        for client in clients:  # one that nobody has closed yet: the error of a test still holds it
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def say(*pieces: bytes) -> Serve:
    """Read a request, say these pieces, close."""

    def serve(client: socket.socket) -> None:
        client.recv(65536)
        for piece in pieces:
            client.sendall(piece)

    return serve


def test_a_request_arrives_with_its_headers_and_the_answer_comes_back() -> None:
    heard: list[bytes] = []

    def serve(client: socket.socket) -> None:
        heard.append(client.recv(65536))
        client.sendall(b"HTTP/1.1 201 Created\r\nX-Say: Hello\r\nContent-Length: 2\r\n\r\nhi")

    with run_server(serve) as port:
        answer = ask_public_server(
            "GET", f"http://127.0.0.1:{port}/list.ics?a=1", headers={"If-None-Match": '"x"'}
        )
    assert (answer.status, answer.headers["x-say"], answer.body, answer.is_cut) == (
        201,
        "Hello",
        b"hi",
        False,
    )
    lines = heard[0].split(b"\r\n")
    assert lines[0] == b"GET /list.ics?a=1 HTTP/1.1"
    assert {f"Host: 127.0.0.1:{port}".encode(), b'If-None-Match: "x"', b"Accept-Encoding: identity"} < set(
        lines
    )


def test_the_connection_goes_to_the_address_that_was_checked_and_the_name_is_looked_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that means another address a moment later leads nowhere else."""
    looked_up: list[str] = []
    look_up = answer_with("127.0.0.1")

    def count(host: str, *rest: Any, **options: Any) -> list[Any]:
        looked_up.append(host)
        return look_up(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", count)
    with run_server(say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as port:
        assert ask_public_server("POST", f"http://hooks.example:{port}/", body=b"{}").status == 200
    assert looked_up.count("hooks.example") == 1


def test_a_redirect_is_an_answer_like_any_other() -> None:
    with run_server(say(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n")) as port:
        answer = ask_public_server("GET", f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.headers["location"]) == (302, "http://10.0.0.1/")


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with run_server(say(b"HTTP/1.1 204 No Content\r\n\r\n")) as port:
        assert ask_public_server("GET", f"http://127.0.0.1:{port}/").status == 204


def test_of_a_long_answer_only_so_much_is_read() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 200_000
    with run_server(say(endless)) as port:
        answer = ask_public_server("GET", f"http://127.0.0.1:{port}/", most_bytes=1000)
    assert (len(answer.body), answer.is_cut) == (1000, True)


def drip(before: bytes, piece: bytes) -> Serve:
    """Say `before`, and then one piece after the other, so that no single read takes long."""

    def serve(client: socket.socket) -> None:
        client.sendall(before)
        client.settimeout(0.02)
        for _ in range(500):
            client.sendall(piece)
            with suppress(TimeoutError):
                if not client.recv(65536):
                    return  # the other side has closed it

    return serve


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        (b"", b""),  # nothing at all
        (b"", b"H"),  # a status line without an end
        (b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n"),  # headers
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),  # a body that ends with the connection
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_an_answer_that_drips_is_ended_by_one_deadline(before: bytes, piece: bytes) -> None:
    with run_server(drip(before, piece)) as port, pytest.raises(AnswerMissing) as late:
        ask_public_server("GET", f"http://127.0.0.1:{port}/", deadline=0.3)
    assert late.value.fault in (RequestFault.TOO_SLOW, RequestFault.BROKEN_OFF)


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"]
)
def test_an_answer_that_is_no_http_or_ends_too_soon_is_a_fault(answer: bytes) -> None:
    with run_server(say(answer)) as port, pytest.raises(AnswerMissing) as broken:
        ask_public_server("GET", f"http://127.0.0.1:{port}/")
    assert broken.value.fault == RequestFault.BROKEN_OFF


def make_certificate(folder: Path, name: str) -> Path:
    """A certificate for a name that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    named: x509.GeneralName = x509.DNSName(name)
    with suppress(ValueError):
        named = x509.IPAddress(ipaddress.ip_address(name))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([named]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(certificate.public_bytes(pem) + private)
    return file


@pytest.mark.parametrize(
    ("certified", "is_trusted", "is_good"),
    [("hooks.example", True, True), ("hooks.example", False, False), ("other.example", True, False)],
)
def test_the_certificate_must_be_trusted_and_for_the_name_not_for_the_address(
    certified: str, is_trusted: bool, is_good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make_certificate(tmp_path, certified)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(file)

    def serve(client: socket.socket) -> None:
        with server_side.wrap_socket(client, server_side=True) as encrypted:
            say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")(encrypted)

    if is_trusted:
        trusting = ssl.create_default_context(cafile=str(file))
        monkeypatch.setattr(public_requests, "_tls", lambda: trusting)
    monkeypatch.setattr(socket, "getaddrinfo", answer_with("127.0.0.1"))
    with run_server(serve) as port:
        url = f"https://hooks.example:{port}/"
        if is_good:
            assert ask_public_server("GET", url).body == b"hi"
        else:
            with pytest.raises(NotReached) as refused:
                ask_public_server("GET", url)
            assert refused.value.fault == RequestFault.NO_TLS


def test_a_handshake_that_hangs_is_ended_by_the_deadline() -> None:
    with run_server(drip(b"", b"")) as port, pytest.raises(NotReached) as late:
        ask_public_server("GET", f"https://127.0.0.1:{port}/", deadline=0.3)
    assert late.value.fault == RequestFault.TOO_SLOW


def test_no_error_names_the_address() -> None:
    for url in ("https://secret-token@x/", "https://no-such-name.invalid/secret-token"):
        with pytest.raises(PublicRequestError) as error:
            ask_public_server("GET", url)
        assert "secret-token" not in str(error.value)
