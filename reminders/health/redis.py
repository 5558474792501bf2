"""Asking Redis something ourselves, beside Celery: each time over a connection of its own, and once."""

from django.conf import settings
from redis import Redis


def connect_briefly(within: float) -> Redis:
    """A client that waits `within` seconds for a connection, and as long for each answer; then RedisError."""
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=within, socket_connect_timeout=within, retry=None
    )
