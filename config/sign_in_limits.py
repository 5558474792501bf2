"""How often a password may be tried, counted in Redis for all web processes together.

| what is counted | limit | and then |
| --- | --- | --- |
| tries of one name from one address | 5 in 15 minutes | this name waits, at this address only |
| wrong passwords from one address | 30 in 15 minutes | names that never logged in from there wait |
| wrong passwords for one name | 100 in an hour | addresses where this name never logged in wait |
| tries of names at addresses where they never logged in, all together | 300 in 5 minutes | all such wait |

The last is there because to hash a password takes long: whoever has a thousand addresses must not keep the
web process busy with it. The codes of an authenticator app are counted in the same way, and so
are passkeys: those that come without a name all together, as one name of their address.

What is recorded of tries is limited too, since a stranger could fill the audit trail otherwise: that a name
has to wait, once in 15 minutes for each address and LOCKS_TOLD_OF_A_NAME; of names that nobody has, all
together UNKNOWN_NAMES_TOLD.

A name and an address "know each other" for 30 days after a login. They are held by the first limit only, so
that a stranger can't lock out a whole desk. Nothing is said about whether a name exists.

While Redis is away, each web process counts by itself. Names and addresses are stored as keyed hashes.
"""

import logging
import re
import time
import unicodedata
from functools import cache
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

TRIES_OF_A_PAIR = RateLimitItemPerMinute(5, 15, namespace="pair")
FAILURES_OF_AN_ADDRESS = RateLimitItemPerMinute(30, 15, namespace="address")
FAILURES_OF_A_NAME = RateLimitItemPerHour(100, namespace="name")
TRIES_OF_STRANGERS = RateLimitItemPerMinute(300, 5, namespace="strangers")
LOCK_TOLD = RateLimitItemPerMinute(1, 15, namespace="told")  # "used up": this lock has been recorded
LOCKS_TOLD_OF_A_NAME = RateLimitItemPerHour(20, namespace="told-of-name")
UNKNOWN_NAMES_TOLD = RateLimitItemPerHour(120, namespace="told-of-nobody")
CODE_USED = RateLimitItemPerMinute(1, 2, namespace="code")  # longer than a code is valid
PASSKEYS_ASKED_FOR = RateLimitItemPerMinute(60, 1, namespace="passkeys")  # by an address; a session each
LINKS_OF_AN_ADDRESS = RateLimitItemPerHour(10, namespace="links-of-address")
LINKS_OF_A_NAME = RateLimitItemPerHour(3, namespace="links-of-name")
KNOWN = RateLimitItemPerDay(1, 30, namespace="known")  # "used up": this name has logged in from this address
# as some proxies write an address: 203.0.113.9:50123, [2001:db8::1]:50123
_WITH_PORT = re.compile(r"([\d.]+):\d+|\[([^\]]+)\](?::\d+)?")
REDIS_TIMEOUT = 0.5  # seconds, for connecting, and for each answer


class Counters:
    """The counts in one storage. Its methods raise RedisError or OSError while that is away."""

    def __init__(self, locks: MemoryStorage | RedisStorage, known: MemoryStorage | RedisStorage) -> None:
        self._locks = FixedWindowRateLimiter(locks)
        self._known = FixedWindowRateLimiter(known)

    def begin_try(self, name: str, address: str) -> float:
        """Seconds until this name may be tried from this address; 0 if now, and then the try is counted."""
        if not self._locks.hit(TRIES_OF_A_PAIR, name, address):
            return self._wait_for(TRIES_OF_A_PAIR, name, address)
        if not self._known.test(KNOWN, name, address):
            return 0.0
        if not self._locks.test(FAILURES_OF_AN_ADDRESS, address):
            return self._wait_for(FAILURES_OF_AN_ADDRESS, address)
        if not self._locks.test(FAILURES_OF_A_NAME, name):
            return self._wait_for(FAILURES_OF_A_NAME, name)
        if not self._locks.hit(TRIES_OF_STRANGERS):
            return self._wait_for(TRIES_OF_STRANGERS)
        return 0.0

    def take(self, limit: RateLimitItem, *whose: str) -> bool:
        return self._locks.hit(limit, *whose)

    def note_failure(self, name: str, address: str) -> None:
        self._locks.hit(FAILURES_OF_AN_ADDRESS, address)
        self._locks.hit(FAILURES_OF_A_NAME, name)

    def note_success(self, name: str, address: str) -> None:
        self._locks.clear(TRIES_OF_A_PAIR, name, address)
        self._known.clear(KNOWN, name, address)
        self._known.hit(KNOWN, name, address)

    def clear_locks(self) -> None:
        self._locks.storage.reset()

    def _wait_for(self, limit: RateLimitItem, *whose: str) -> float:
        ends_at, _left = self._locks.get_window_stats(limit, *whose)
        return min(max(ends_at - time.time(), 1.0), float(limit.get_expiry()))


IN_MEMORY = Counters(MemoryStorage(), MemoryStorage())


def begin_try(name: str, address: str) -> float:
    """Seconds (0: none) to wait before this name's password is looked at. Counts the try.

    `name` as typed, `address` from find_client_address().
    """
    pair = _hash_name(name), _hash(address)
    try:
        return _in_redis().begin_try(*pair)
    except (RedisError, OSError) as error:
        log.warning("logins are counted by each web process alone: %s", type(error).__name__)
        return IN_MEMORY.begin_try(*pair)


def name_for_codes(user_id: int | None) -> str:
    """As whom tries of codes and passkeys are counted: as this user, or (None) as somebody unknown.

    With a NUL, which no typed name has: else whoever types such a name would use up the tries of the codes.
    """
    return f"\0codes of {user_id or 'anybody'}"


def note_failure(name: str, address: str) -> None:
    """Count a wrong password."""
    pair = _hash_name(name), _hash(address)
    try:
        _in_redis().note_failure(*pair)
    except (RedisError, OSError):
        IN_MEMORY.note_failure(*pair)


def note_success(name: str, address: str) -> None:
    """Forget this name's tries from this address, and that they know each other now."""
    pair = _hash_name(name), _hash(address)
    IN_MEMORY.note_success(*pair)
    try:
        _in_redis().note_success(*pair)
    except (RedisError, OSError):
        return


def take_once(limit: RateLimitItem, *whose: str) -> bool:
    """Count one more of `whose`, which are hashed; False if the limit is used up."""
    hashed = [_hash_name(one) for one in whose]
    try:
        return _in_redis().take(limit, *hashed)
    except (RedisError, OSError):
        return IN_MEMORY.take(limit, *hashed)


def is_lock_told(name: str, address: str) -> bool:
    """Whether it is enough that others were told that this name has to wait; counts what is told now."""
    return not (take_once(LOCK_TOLD, name, address) and take_once(LOCKS_TOLD_OF_A_NAME, name))


def clear_locks() -> None:
    """Let everybody try again at once. Raises RedisError or OSError while Redis is away."""
    IN_MEMORY.clear_locks()
    _in_redis().clear_locks()


def find_client_address(request: HttpRequest) -> str:
    """The address that the request comes from; of IPv6 the first half, since one line has all the rest.

    With PROXY_COUNT proxies in front, each adds the address that it was called from to X-Forwarded-For, so
    only the last PROXY_COUNT of the list can be trusted: a client may write what it likes before them.
    """
    return pick_client_address(
        str(request.META.get("REMOTE_ADDR", "")), request.headers.get("X-Forwarded-For", "")
    )


def pick_client_address(address: str, forwarded_for: str) -> str:
    """The same, given where the connection comes from and the header X-Forwarded-For."""
    forwarded = forwarded_for.split(",")
    if 0 < settings.PROXY_COUNT <= len(forwarded):
        address = forwarded[-settings.PROXY_COUNT].strip() or address
    if found := _WITH_PORT.fullmatch(address):  # each connection has another port
        address = found[1] or found[2]
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network(f"{parsed}/64", strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)


def _hash_name(name: str) -> str:
    """The same for every way to write the name, so that "Rosa " gets no tries of its own."""
    return _hash(unicodedata.normalize("NFKC", name).casefold().strip())


def _hash(text: str) -> str:
    return salted_hmac("callboard.sign_in", text, algorithm="sha256").hexdigest()


def _in_redis() -> Counters:
    return _make_counters(settings.REDIS_URL)


@cache
def _make_counters(redis_url: str) -> Counters:
    def connect(prefix: str) -> RedisStorage:
        return RedisStorage(
            redis_url,
            key_prefix=f"callboard:{prefix}",
            socket_timeout=REDIS_TIMEOUT,
            socket_connect_timeout=REDIS_TIMEOUT,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
        )

    return Counters(connect("login-locks"), connect("login-known"))
