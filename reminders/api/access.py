"""Who may ask, and how often: tokens, their scopes, and a rate for each token."""

import logging
import math
import time
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from config.sign_in_limits import find_client_address
from contacts.api_tokens import find_api_token
from contacts.database.clock import read_database_clock
from contacts.models import ApiToken
from reminders.api.problems import ApiProblem, ProblemCode

log = logging.getLogger(__name__)

BEARER = "Bearer"
REDIS_TIMEOUT = 0.5  # seconds, for connecting, and for each answer


class BearerTokens(BaseAuthentication):
    """`Authorization: Bearer callboard_…`. The request acts as the token's user."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken]:
        kind, _blank, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != BEARER.lower():
            raise self._refuse(request, _("Send the token as “Authorization: Bearer …”."))
        token = find_api_token(secret.strip(), read_database_clock())
        if token is None:
            raise self._refuse(request, _("This token isn't known, has expired or was revoked."))
        return token.user, token

    def _refuse(self, request: Request, detail: str) -> APIException:
        """Who sends many wrong tokens is asked to wait. Valid ones of the same address go on: a token can't
        be guessed, and one program of a practice that is set up wrongly must not stop the others.
        """
        address = find_client_address(request)
        if seconds := count_request(settings.API_WRONG_TOKENS, f"wrong:{address}"):
            return Throttled(wait=seconds)
        return AuthenticationFailed(detail)

    def authenticate_header(self, request: Request) -> str:
        return BEARER


class BearerTokensInSchema(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description names it."""

    target_class = BearerTokens
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class HasScope(BasePermission):
    """The token has the scope that the view names for this method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        scopes: dict[str, str] = getattr(view, "scopes", {})
        scope = scopes.get("GET" if request.method == "HEAD" else str(request.method))
        if scope and isinstance(request.auth, ApiToken) and scope not in request.auth.scopes:
            raise ApiProblem(
                ProblemCode.FORBIDDEN, _("The token lacks the scope %(scope)s.") % {"scope": scope}
            )
        return True


class TokenRate(BaseThrottle):
    """At most API_RATE requests of one token.

    Not REST framework's own throttles: they read and then write a list in the cache, so that requests at the
    same time pass beyond the limit, and they fail when the cache does.
    """

    def __init__(self) -> None:
        self._seconds_left = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, ApiToken):
            return True
        self._seconds_left = count_request(settings.API_RATE, str(request.auth.pk))
        return not self._seconds_left

    def wait(self) -> float:
        return max(math.ceil(self._seconds_left), 1)


_IN_MEMORY = FixedWindowRateLimiter(MemoryStorage())


def count_request(rate: str, whose: str) -> float:
    """Count a request; 0 if it may go on, else the seconds until the next may. `rate`: such as "600/minute".

    The count is in Redis; while that is away, in each web process.
    """
    try:
        return _count(_make_limiter(settings.REDIS_URL), parse(rate), whose)
    except (RedisError, OSError) as error:
        log.warning("API requests are counted by each web process alone: %s", type(error).__name__)
        return _count(_IN_MEMORY, parse(rate), whose)


def _count(limiter: FixedWindowRateLimiter, rate: RateLimitItem, whose: str) -> float:
    if limiter.hit(rate, whose):
        return 0.0
    return max(limiter.get_window_stats(rate, whose).reset_time - time.time(), 1.0)


@cache
def _make_limiter(redis_url: str) -> FixedWindowRateLimiter:
    storage = RedisStorage(
        redis_url,
        key_prefix="callboard:api",
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
    )
    return FixedWindowRateLimiter(storage)
