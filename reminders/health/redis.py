"""Asking Redis something directly, not through Celery: over a new connection each time, without retries."""

from django.conf import settings
from redis import Redis


def connect_briefly(within: float) -> Redis:
    """A client that waits `within` seconds for a connection, and for each answer, then raises RedisError."""
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=within, socket_connect_timeout=within, retry=None
    )
