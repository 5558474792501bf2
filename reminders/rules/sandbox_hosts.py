"""Which addresses are a sandbox's: nobody else listens there, so nothing leaves this machine."""

import socket
import unicodedata
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

# "sandbox" is the container of docker-compose.yml.
SANDBOX_HOSTS = frozenset({"localhost", "sandbox", "host.docker.internal"})
# What /etc/hosts of usual systems calls this machine besides.
SANDBOX_HOSTS |= {"localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"}
IDEOGRAPHIC_DOTS = str.maketrans("。．｡", "...")  # which a name may have for its dots (RFC 3490)


@lru_cache(maxsize=8)
def is_sandbox_address(url: str) -> bool:
    """Whether the address is this machine, by name or number, or the sandbox's container.

    It may be written in every way that a resolver takes: 127.1, 2130706433, 0x7f.1, [::ffff:127.0.0.1].
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    host = unicodedata.normalize("NFKC", host.translate(IDEOGRAPHIC_DOTS)).lower().rstrip(".")
    if host in SANDBOX_HOSTS or host.endswith(".localhost"):
        return True
    address = _read_address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def _read_address(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a host is, as a resolver reads it; None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))  # parts left out, octal, hexadecimal, one number
        except (OSError, ValueError):
            return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
