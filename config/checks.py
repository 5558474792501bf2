"""System checks: a wrong setting stops the start, with an id and what to do, instead of failing at night.

`manage.py check` lists them all. The web process, the workers and beat call `refuse_unsafe_start()`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from contacts.numbers import E164_PATTERN
from reminders.rules.sandbox_hosts import is_sandbox_address
from reminders.traffic.rate import parse_rate

PRINTABLE = re.compile(r"[!-~]+")  # what a header can carry, without blanks
MINIMUM_KEY_LENGTH = 50  # characters, as Django asks of SECRET_KEY
LONGEST_TOKEN_DAYS = 365
LAPTOP_MARK = "only-for-"  # how the keys begin that stand in on a laptop and in tests
SANDBOX_KEY = "sandbox-key"


def register() -> None:
    """Make Django run the checks; called once, when the project's app is ready."""
    checks.register(check_settings)


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Judge the settings; what only production needs is left out while DEBUG is on."""
    rules = ALWAYS if settings.DEBUG else ALWAYS + IN_PRODUCTION
    return [fault for rule in rules for fault in rule()]


def refuse_unsafe_start() -> None:
    """Raise ImproperlyConfigured, naming every fault, unless the settings pass their checks."""
    faults = check_settings(None)
    if faults:
        raise ImproperlyConfigured("\n" + "\n".join(str(fault) for fault in faults))


def _error(number: int, message: str, hint: str) -> checks.CheckMessage:
    return checks.Error(message, hint=hint, id=f"callboard.E{number:03}")


def _check_secret_key() -> Iterator[checks.CheckMessage]:
    if _is_weak(settings.SECRET_KEY):
        yield _error(1, "SECRET_KEY is missing, short, or the one of a laptop.", _hint_for_key("SECRET_KEY"))


def _check_webhook_keys() -> Iterator[checks.CheckMessage]:
    keys = settings.WEBHOOK_KEYS
    if not keys or any(_is_weak(key) for key in keys):
        yield _error(
            2, "WEBHOOK_KEYS is missing, or one of its keys is short.", _hint_for_key("WEBHOOK_KEYS")
        )


def _check_public_base_url() -> Iterator[checks.CheckMessage]:
    if not _is_https(settings.PUBLIC_BASE_URL) or is_sandbox_address(settings.PUBLIC_BASE_URL):
        yield _error(
            3,
            "PUBLIC_BASE_URL is no https address that Robotalker can reach.",
            "Set it to where your practice's Callboard is on the internet, e.g. https://callboard.example.org.",
        )


def _check_robotalker_base_url() -> Iterator[checks.CheckMessage]:
    if not _is_https(settings.ROBOTALKER_BASE_URL):
        hint = "Set it to the https address of Robotalker's API: over http anybody on the way reads the key."
        yield _error(4, "ROBOTALKER_BASE_URL is no https address.", hint)
    if is_sandbox_address(settings.ROBOTALKER_BASE_URL):
        hint = "Set it to Robotalker's own address, or set DEBUG=true to try things out in the sandbox."
        yield _error(5, "ROBOTALKER_BASE_URL is the sandbox, or this machine: nobody would be called.", hint)


def _check_api_key() -> Iterator[checks.CheckMessage]:
    key = settings.ROBOTALKER_API_KEY
    if key == SANDBOX_KEY or not PRINTABLE.fullmatch(key):
        hint = "Copy it from your Robotalker account: dashboard, Settings, API."
        yield _error(6, "ROBOTALKER_API_KEY is missing, the sandbox's, or has a blank in it.", hint)


def _check_from_number() -> Iterator[checks.CheckMessage]:
    if not re.fullmatch(E164_PATTERN, settings.ROBOTALKER_FROM_NUMBER):
        hint = "Write the number that patients see as Robotalker knows it: +, country, number: +12125550100."
        yield _error(7, "ROBOTALKER_FROM_NUMBER is no E.164 number.", hint)


def _check_lease() -> Iterator[checks.CheckMessage]:
    if settings.DISPATCH_LEASE <= settings.ROBOTALKER_TOTAL_DEADLINE:
        yield _error(
            8,
            "DISPATCH_LEASE is not longer than ROBOTALKER_TOTAL_DEADLINE: a call still being submitted "
            "could be claimed a second time.",
            "Make DISPATCH_LEASE (seconds) at least twice ROBOTALKER_TOTAL_DEADLINE.",
        )


def _check_on_500() -> Iterator[checks.CheckMessage]:
    if settings.ROBOTALKER_ON_500 not in ("retry", "unknown"):
        hint = "Set it to retry (as Robotalker's guide says) or unknown (a person decides)."
        yield _error(9, "ROBOTALKER_ON_500 is neither retry nor unknown.", hint)


def _check_allowed_hosts() -> Iterator[checks.CheckMessage]:
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        hint = "List the host names under which staff and Robotalker reach Callboard, with commas."
        yield _error(10, "ALLOWED_HOSTS is empty, or lets in every host name.", hint)


def _check_token_days() -> Iterator[checks.CheckMessage]:
    if not 1 <= settings.WEBHOOK_TOKEN_DAYS <= LONGEST_TOKEN_DAYS:
        hint = f"Set it to 1 to {LONGEST_TOKEN_DAYS} days; late events of a call come within hours."
        yield _error(11, "WEBHOOK_TOKEN_DAYS would close the door on calls that go out, or never.", hint)


def _check_rate() -> Iterator[checks.CheckMessage]:
    try:
        parse_rate(settings.ROBOTALKER_RATE)
    except ValueError:
        hint = "Write the requests your Robotalker plan allows: 20/second (20/s), or 600/minute (600/m)."
        yield _error(12, "ROBOTALKER_RATE is no rate.", hint)


def _check_breaker() -> Iterator[checks.CheckMessage]:
    if settings.ROBOTALKER_BREAKER < 1:
        hint = "Set it to how many failures in a row pause sending: 5, or 1 at the least."
        yield _error(13, "ROBOTALKER_BREAKER is less than 1.", hint)


def _check_caps() -> Iterator[checks.CheckMessage]:
    for name in ("CAP_PER_DAY", "CAP_PER_WEEK"):
        if getattr(settings, name) < 0:
            hint = "Set it to how many calls and texts may reach one number, or to 0 for no limit."
            yield _error(14, f"{name} is less than 0: nobody would ever be called.", hint)


def _check_ask_budget() -> Iterator[checks.CheckMessage]:
    if settings.ROBOTALKER_ASK_BUDGET < 0:
        hint = "Set it to how many questions a round of 20 seconds may ask: 20, or 0 to ask none."
        yield _error(15, "ROBOTALKER_ASK_BUDGET is less than 0.", hint)


Rule = Callable[[], Iterator[checks.CheckMessage]]
ALWAYS: list[Rule] = [
    _check_lease,
    _check_on_500,
    _check_rate,
    _check_breaker,
    _check_token_days,
    _check_caps,
    _check_ask_budget,
]
IN_PRODUCTION: list[Rule] = [
    _check_secret_key,
    _check_webhook_keys,
    _check_public_base_url,
    _check_robotalker_base_url,
    _check_api_key,
    _check_from_number,
    _check_allowed_hosts,
]


def _is_weak(key: str) -> bool:
    return len(key) < MINIMUM_KEY_LENGTH or key.startswith(LAPTOP_MARK) or len(set(key)) < 5


def _hint_for_key(name: str) -> str:
    command = 'python -c "import secrets; print(secrets.token_urlsafe(50))"'
    return f"Set {name} to at least {MINIMUM_KEY_LENGTH} random characters: {command}"


def _is_https(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.hostname)
