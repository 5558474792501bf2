"""Which addresses are a sandbox's: nobody else listens there, so nothing leaves this machine."""

from ipaddress import ip_address
from urllib.parse import urlsplit

# "sandbox" is the container of docker-compose.yml.
SANDBOX_HOSTS = frozenset({"localhost", "sandbox", "host.docker.internal"})


def is_sandbox_address(url: str) -> bool:
    """Whether the address is this machine, by name or number, or the sandbox's container."""
    host = urlsplit(url).hostname or ""
    if host in SANDBOX_HOSTS or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
