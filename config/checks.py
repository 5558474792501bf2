"""System checks: with an invalid setting no process starts; each check has an id and a hint.

`manage.py check` lists all problems. The web process, the workers and beat call `refuse_unsafe_start()`.
"""

import re
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from limits import parse

from config import zone_data
from contacts.numbers import E164_PATTERN
from reminders.evidence.keys import NoEvidenceKey, list_public_keys
from reminders.rules.sandbox_hosts import is_sandbox_address
from reminders.traffic.rate import parse_rate

PRINTABLE = re.compile(r"[!-~]+")  # allowed in a header; no spaces
SHORTEST_TOKEN = 20  # characters
MINIMUM_KEY_LENGTH = 50  # characters, as Django asks of SECRET_KEY
LONGEST_TOKEN_DAYS = 365
LEAST_EVENT_DAYS = 7
FIVE_YEARS = 1826  # days: what the law asks of the consent ledger
LEAST_DAYS_KEPT = {
    "KEEP_VISIT_DAYS": 90,
    "KEEP_CONSENT_DAYS": FIVE_YEARS,
    "KEEP_AUDIT_DAYS": 90,
    "KEEP_IMPORT_DAYS": 30,
    "KEEP_TEST_DAYS": 7,
}
LAPTOP_MARK = "only-for-"  # the prefix of the keys for laptops and tests
SANDBOX_KEY = "sandbox-key"


def register() -> None:
    """Register the checks with Django; called once, when the project's app is ready."""
    checks.register(check_settings)
    checks.register(warn_of_no_evidence_key)


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Check the settings; the checks for production are skipped while DEBUG is on."""
    rules = ALWAYS if settings.DEBUG else ALWAYS + IN_PRODUCTION
    return [error for rule in rules for error in rule()]


def warn_of_no_evidence_key(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """In production evidence can't be signed without a key; reminders go out all the same."""
    if settings.DEBUG or settings.EVIDENCE_KEY:
        return []
    hint = "Make one with `manage.py evidence_keys --new`, and keep it like SECRET_KEY."
    return [
        checks.Warning(
            "EVIDENCE_KEY is not set: the evidence of calls can't be signed.", hint=hint, id="callboard.W001"
        )
    ]


def refuse_unsafe_start() -> None:
    """Raises ImproperlyConfigured with all errors unless the settings pass their checks."""
    errors = check_settings(None)
    if errors:
        raise ImproperlyConfigured("\n" + "\n".join(str(error) for error in errors))


def _error(number: int, message: str, hint: str) -> checks.CheckMessage:
    return checks.Error(message, hint=hint, id=f"callboard.E{number:03}")


def _check_secret_key() -> Iterator[checks.CheckMessage]:
    if _is_weak(settings.SECRET_KEY):
        yield _error(
            1, "SECRET_KEY is missing, too short, or a key for laptops.", _hint_for_key("SECRET_KEY")
        )


def _check_further_keys() -> Iterator[checks.CheckMessage]:
    """What an old key signed still counts; and short keys are guessed: a telephone number has ten digits."""
    old, erased = settings.SECRET_KEY_FALLBACKS, settings.ERASED_NUMBERS_KEYS
    named = {settings.SECRET_KEY, *old}  # which the others are by default, and have errors of their own
    for number, name, keys in (
        (42, "SECRET_KEY_FALLBACKS", old),
        (43, "ERASED_NUMBERS_KEYS", [key for key in erased if key not in named]),
    ):
        if any(_is_weak(key) for key in keys):
            yield _error(number, f"A key of {name} is too short, or one for laptops.", _hint_for_key(name))
    if 0 < len(settings.MONITORING_TOKEN) < SHORTEST_TOKEN:
        hint = 'python -c "import secrets; print(secrets.token_urlsafe(30))"'
        message = f"MONITORING_TOKEN is shorter than {SHORTEST_TOKEN} characters, so that it can be guessed."
        yield _error(44, message, f"Set it to random characters: {hint}")


def _check_webhook_keys() -> Iterator[checks.CheckMessage]:
    keys = settings.WEBHOOK_KEYS
    if not keys or any(_is_weak(key) for key in keys):
        yield _error(
            2, "WEBHOOK_KEYS is missing, or one of its keys is too short.", _hint_for_key("WEBHOOK_KEYS")
        )


def _check_public_base_url() -> Iterator[checks.CheckMessage]:
    if not _is_https(settings.PUBLIC_BASE_URL) or is_sandbox_address(settings.PUBLIC_BASE_URL):
        yield _error(
            3,
            "PUBLIC_BASE_URL is not an https URL that Robotalker can reach.",
            "Set it to the public URL of your practice's Callboard, such as https://callboard.example.org.",
        )


def _check_robotalker_base_url() -> Iterator[checks.CheckMessage]:
    if not _is_https(settings.ROBOTALKER_BASE_URL):
        hint = "Set it to the https URL of Robotalker's API: over http others could read the API key."
        yield _error(4, "ROBOTALKER_BASE_URL is not an https URL.", hint)
    if is_sandbox_address(settings.ROBOTALKER_BASE_URL):
        hint = "Set it to Robotalker's own URL, or set DEBUG=true to try Callboard with the sandbox."
        yield _error(
            5, "ROBOTALKER_BASE_URL is the sandbox or this machine: no patient would be called.", hint
        )


def _check_api_key() -> Iterator[checks.CheckMessage]:
    key = settings.ROBOTALKER_API_KEY
    if key == SANDBOX_KEY or not PRINTABLE.fullmatch(key):
        hint = "Copy it from your Robotalker account: dashboard, Settings, API."
        yield _error(6, "ROBOTALKER_API_KEY is missing, is the sandbox's, or contains a space.", hint)


def _check_from_number() -> Iterator[checks.CheckMessage]:
    if not re.fullmatch(E164_PATTERN, settings.ROBOTALKER_FROM_NUMBER):
        hint = "Set it to the number that patients see, in E.164, such as +12125550100."
        yield _error(7, "ROBOTALKER_FROM_NUMBER is not an E.164 number.", hint)


def _check_lease() -> Iterator[checks.CheckMessage]:
    if settings.DISPATCH_LEASE <= settings.ROBOTALKER_TOTAL_DEADLINE:
        yield _error(
            8,
            "DISPATCH_LEASE is not longer than ROBOTALKER_TOTAL_DEADLINE: a call that is still being "
            "submitted could be claimed a second time.",
            "Set DISPATCH_LEASE (seconds) to at least twice ROBOTALKER_TOTAL_DEADLINE.",
        )


def _check_on_500() -> Iterator[checks.CheckMessage]:
    if settings.ROBOTALKER_ON_500 not in ("retry", "unknown"):
        hint = "Set it to retry (as in Robotalker's guide) or unknown (staff decide)."
        yield _error(9, "ROBOTALKER_ON_500 is neither retry nor unknown.", hint)


def _check_allowed_hosts() -> Iterator[checks.CheckMessage]:
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        hint = "List the host names that staff and Robotalker use for Callboard, separated by commas."
        yield _error(10, "ALLOWED_HOSTS is empty or allows every host name.", hint)


def _check_token_days() -> Iterator[checks.CheckMessage]:
    if not 1 <= settings.WEBHOOK_TOKEN_DAYS <= LONGEST_TOKEN_DAYS:
        hint = f"Set it to 1 to {LONGEST_TOKEN_DAYS} days; even late events arrive within hours."
        yield _error(11, "WEBHOOK_TOKEN_DAYS is less than 1 or too long.", hint)


def _check_rate() -> Iterator[checks.CheckMessage]:
    try:
        parse_rate(settings.ROBOTALKER_RATE)
    except ValueError:
        hint = "Set it to what your Robotalker plan allows, such as 20/second (20/s) or 600/minute (600/m)."
        yield _error(12, "ROBOTALKER_RATE is not a rate.", hint)


def _check_api_rate() -> Iterator[checks.CheckMessage]:
    try:
        parse(settings.API_RATE)
    except ValueError:
        yield _error(20, "API_RATE is not a rate.", "Set it to requests of one token, such as 600/minute.")
    try:
        parse(settings.API_WRONG_TOKENS)
    except ValueError:
        hint = "Set it to requests of one address, such as 60/minute."
        yield _error(21, "API_WRONG_TOKENS is not a rate.", hint)


def _check_event_days() -> Iterator[checks.CheckMessage]:
    if settings.OUTGOING_EVENT_DAYS < LEAST_EVENT_DAYS:
        hint = f"Set it to at least {LEAST_EVENT_DAYS} days: an event is sent again for three days."
        yield _error(22, f"OUTGOING_EVENT_DAYS is less than {LEAST_EVENT_DAYS}.", hint)


def _check_days_kept() -> Iterator[checks.CheckMessage]:
    # a request that comes again must find the event that it repeats, as long as its address is valid
    valid_for = settings.WEBHOOK_TOKEN_DAYS
    least = dict(LEAST_DAYS_KEPT)
    if valid_for <= LONGEST_TOKEN_DAYS:  # else that is the fault that is named
        least["KEEP_EVENT_DAYS"] = valid_for + 1
    for name, days in least.items():
        kept = getattr(settings, name)
        if kept != 0 and kept < days:
            hint = f"Set it to at least {days} days, or to 0 to keep that kind of data for ever."
            yield _error(30, f"{name} is {kept}, less than {days}.", hint)


def _check_breaker() -> Iterator[checks.CheckMessage]:
    if settings.ROBOTALKER_BREAKER < 1:
        hint = "Set it to the number of failures in a row that pause sending: 1 or more, such as 5."
        yield _error(13, "ROBOTALKER_BREAKER is less than 1.", hint)


def _check_caps() -> Iterator[checks.CheckMessage]:
    for name in ("CAP_PER_DAY", "CAP_PER_WEEK"):
        if getattr(settings, name) < 0:
            hint = "Set it to the number of calls and texts that may reach one number, or to 0 for no limit."
            yield _error(14, f"{name} is less than 0: no patient would ever be called.", hint)


def _check_optout_scope() -> Iterator[checks.CheckMessage]:
    if settings.OPT_OUT_SCOPE not in ("all", "channel"):
        hint = "Set it to all (a “no” stops calls and texts) or channel (only what it came by)."
        yield _error(18, "OPT_OUT_SCOPE is neither all nor channel.", hint)


def _check_ask_budget() -> Iterator[checks.CheckMessage]:
    if settings.ROBOTALKER_ASK_BUDGET < 0:
        hint = "Set it to the number of status requests per 20 seconds, such as 20, or to 0 for none."
        yield _error(15, "ROBOTALKER_ASK_BUDGET is less than 0.", hint)


def _check_zone_data() -> Iterator[checks.CheckMessage]:
    version = zone_data.read_version()
    if zoneinfo.TZPATH:
        hint = "Find what set zoneinfo's search path after config/zone_data.py had emptied it, and remove it."
        yield _error(16, "The machine's time zone data would be used, which may be old.", hint)
    if version < zone_data.OLDEST:
        have = f"is of {version}" if version else "is missing"
        hint = "Install the packages of uv.lock: uv sync --locked. They include tzdata."
        yield _error(17, f"The time zone data (package tzdata) {have}; {zone_data.OLDEST} is needed.", hint)


def _check_evidence_keys() -> Iterator[checks.CheckMessage]:
    if not (settings.EVIDENCE_KEY or settings.EVIDENCE_OLD_KEYS):
        return
    try:
        list_public_keys()
    except NoEvidenceKey as error:
        hint = (
            "Take the output of `manage.py evidence_keys --new` as EVIDENCE_KEY, public halves as old keys."
        )
        yield _error(19, str(error), hint)


def _check_sign_in() -> Iterator[checks.CheckMessage]:
    if settings.SECOND_FACTOR_FOR not in ("nobody", "managers", "everybody"):
        hint = "Set it to managers (and admins), everybody or nobody."
        yield _error(40, "SECOND_FACTOR_FOR is neither nobody nor managers nor everybody.", hint)
    if settings.IDLE_MINUTES < 0 or settings.SESSION_HOURS < 1:
        hint = "Set IDLE_MINUTES to minutes, 0 for no lock, and SESSION_HOURS to 1 or more."
        yield _error(41, "IDLE_MINUTES is less than 0, or SESSION_HOURS less than 1.", hint)


Rule = Callable[[], Iterator[checks.CheckMessage]]
ALWAYS: list[Rule] = [
    _check_lease,
    _check_on_500,
    _check_rate,
    _check_api_rate,
    _check_event_days,
    _check_days_kept,
    _check_breaker,
    _check_token_days,
    _check_caps,
    _check_ask_budget,
    _check_zone_data,
    _check_optout_scope,
    _check_evidence_keys,
    _check_sign_in,
]
IN_PRODUCTION: list[Rule] = [
    _check_secret_key,
    _check_further_keys,
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
