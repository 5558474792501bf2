"""One request to an address on the internet that somebody typed in, never into a private network.

Used for outgoing webhooks (webhooks/outgoing/deliveries.py), and for any other address that a person enters.

The name is resolved once, every address that it has must be public, and the connection goes to one of those
very addresses, so a name that changes its meaning in between leads nowhere else. Over TLS the certificate is
checked for the name. No redirect is followed, no proxy or netrc of the environment is used, and the whole
exchange (handshake, headers and body) has one deadline, since a read timeout starts again with each byte.

    PublicRequestError
        AddressRefused    nothing was sent: the address is not one that may be asked
        NotReached        nothing was sent: name, connection or TLS failed
        AnswerMissing     the request was sent, or part of it; no whole answer came
"""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, urlsplit

import certifi
from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

DEADLINE = 15.0  # seconds, for the whole exchange
CONNECT_TIMEOUT = 5.0  # seconds, for each address that is tried
MOST_BYTES = 64 * 1024  # of an answer
LONGEST_URL = 2000  # characters
_PRINTABLE = re.compile(r"[!-~]+")
# IANA gives IPv6 addresses to the public from this block only.
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")
# What `is_global` accepts in some release of Python, although it leads elsewhere: relays and translations of
# IPv4 (which would have a private address inside), and blocks for documentation and special uses.
_NEVER_PUBLIC = [
    ipaddress.ip_network(block)
    for block in (
        "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
]  # fmt: skip


class RequestFault(TextChoices):
    """Why a request came to nothing. The sentence is for admins."""

    NOT_A_URL = "not_a_url", _("This isn't a web address that can be asked.")
    NOT_HTTPS = "not_https", _("The address must begin with https://.")
    WITH_LOGIN = "with_login", _("The address must not contain a user name or password.")
    PRIVATE = "private", _("The address leads to this machine or into a private network.")
    NO_SUCH_NAME = "no_such_name", _("The name of the server can't be found.")
    NO_CONNECTION = "no_connection", _("The server can't be reached.")
    NO_TLS = "no_tls", _("The server's certificate isn't valid for this address.")
    TOO_SLOW = "too_slow", _("The server took too long.")
    BROKEN_OFF = "broken_off", _("The connection ended before the whole answer came.")


class PublicRequestError(Exception):
    """`fault` says why. The message contains no address."""

    def __init__(self, fault: RequestFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class AddressRefused(PublicRequestError):
    """Nothing was sent, since the address is not one that may be asked."""


class NotReached(PublicRequestError):
    """Nothing was sent, since there was no connection."""


class AnswerMissing(PublicRequestError):
    """Something was sent, and no whole answer came."""


@dataclass(frozen=True)
class PublicAnswer:
    """What a server answered; names of headers in lower case. `is_cut`: the body was longer than allowed."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool


def ask_public_server(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    deadline: float = DEADLINE,
    most_bytes: int = MOST_BYTES,
) -> PublicAnswer:
    """Send one request, such as ("GET", "https://example.org/a.ics"), and return the answer, of any status.

    `deadline`: seconds for everything but looking up the name, after which nothing is sent either.
    `most_bytes`: of the body; what is beyond isn't read. Raises PublicRequestError.
    """
    ends_at = time.monotonic() + deadline
    parts = split_public_url(url)
    is_tls = parts.scheme == "https"
    host, port = _name_host(parts), parts.port or (443 if is_tls else 80)
    sent = {"Connection": "close"} | dict(headers or {})
    addresses = resolve_public(host, port)
    connection = http.client.HTTPConnection(host, port)
    with _connect(addresses, port, ends_at) as sock, _shut_at(sock, ends_at) as is_over, closing(connection):
        try:
            connection.sock = _tls().wrap_socket(sock, server_hostname=host) if is_tls else sock
        except (OSError, ValueError) as error:
            raise _explain_handshake(error, is_over) from error
        if is_over.is_set():
            raise NotReached(RequestFault.TOO_SLOW)
        try:
            connection.request(method, _name_target(parts), body=body, headers=sent)
            with connection.getresponse() as response:
                read = response.read(most_bytes + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AnswerMissing(_name_loss(error, is_over)) from error
        if is_over.is_set():  # a body without a length seems to end where the connection was shut
            raise AnswerMissing(RequestFault.TOO_SLOW)
        if response.length and len(read) <= most_bytes:  # less than the length that was announced
            raise AnswerMissing(RequestFault.BROKEN_OFF)
    named = {name.lower(): value for name, value in response.getheaders()}
    return PublicAnswer(response.status, named, read[:most_bytes], len(read) > most_bytes)


def split_public_url(url: str) -> SplitResult:
    """The parts of an address that may be asked as far as its text says. Raises AddressRefused."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError as error:
        raise AddressRefused(RequestFault.NOT_A_URL) from error
    if not _PRINTABLE.fullmatch(url) or len(url) > LONGEST_URL or not parts.hostname or not has_port:
        raise AddressRefused(RequestFault.NOT_A_URL)
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(RequestFault.WITH_LOGIN)
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.LOOPBACK_MAY_BE_ASKED):
        raise AddressRefused(RequestFault.NOT_HTTPS)
    return parts


def check_public_url(url: str) -> None:
    """Whether the address may be asked now, its name looked up. Raises AddressRefused or NotReached."""
    parts = split_public_url(url)
    resolve_public(_name_host(parts), parts.port or 443)


def resolve_public(host: str, port: int) -> list[str]:
    """The addresses of a name, all of them public; one that isn't refuses the name as a whole.

    Raises AddressRefused or NotReached.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise NotReached(RequestFault.NO_SUCH_NAME) from error
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_rest, sockaddr in found))
    if not addresses or not all(map(_may_be_asked, addresses)):
        raise AddressRefused(RequestFault.PRIVATE)
    return addresses


def is_public_address(text: str) -> bool:
    """Whether an IP address is one of the public internet; an IPv4 address within IPv6 is judged as IPv4."""
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:  # with a zone, such as fe80::1%eth0
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, ipaddress.IPv6Address) and address not in _PUBLIC_IPV6:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in block for block in _NEVER_PUBLIC if block.version == address.version)
    )


def _may_be_asked(text: str) -> bool:
    if is_public_address(text):
        return True
    return settings.LOOPBACK_MAY_BE_ASKED and text in ("127.0.0.1", "::1")


def _name_host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")


def _name_target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@contextmanager
def _connect(addresses: list[str], port: int, ends_at: float) -> Iterator[socket.socket]:
    """A connection to the first of the addresses that answers. Raises NotReached."""
    fault = RequestFault.NO_CONNECTION
    for address in addresses:
        left = min(CONNECT_TIMEOUT, ends_at - time.monotonic())
        if left <= 0:
            raise NotReached(RequestFault.TOO_SLOW)
        try:
            sock = socket.create_connection((address, port), timeout=left)
        except OSError as error:
            fault = RequestFault.TOO_SLOW if isinstance(error, TimeoutError) else RequestFault.NO_CONNECTION
            continue
        with sock:
            sock.settimeout(max(ends_at - time.monotonic(), 0.001))
            yield sock
        return
    raise NotReached(fault)


@contextmanager
def _shut_at(sock: socket.socket, ends_at: float) -> Iterator[threading.Event]:
    """Shut the socket when the deadline passes, and then set the event. TLS takes the socket over, so a
    duplicate is shut: both are one connection.
    """
    is_over, duplicate = threading.Event(), sock.dup()

    def shut() -> None:
        is_over.set()
        with suppress(OSError):  # the other side has closed it already
            duplicate.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(ends_at - time.monotonic(), 0), shut)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()
        timer.join()
        duplicate.close()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


def _explain_handshake(error: Exception, is_over: threading.Event) -> NotReached:
    if is_over.is_set() or isinstance(error, TimeoutError):
        return NotReached(RequestFault.TOO_SLOW)
    return NotReached(RequestFault.NO_TLS if isinstance(error, ssl.SSLError) else RequestFault.NO_CONNECTION)


def _name_loss(error: Exception, is_over: threading.Event) -> RequestFault:
    slow = is_over.is_set() or isinstance(error, TimeoutError)
    return RequestFault.TOO_SLOW if slow else RequestFault.BROKEN_OFF
