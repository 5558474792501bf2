"""The client that talks to Robotalker, built from the settings."""

from django.conf import settings

from reminders.robotalker.client import RobotalkerClient, RobotalkerSettings


def make_client() -> RobotalkerClient:
    """A client with a session of its own, for one thread."""
    return RobotalkerClient(
        RobotalkerSettings(
            base_url=settings.ROBOTALKER_BASE_URL,
            api_key=settings.ROBOTALKER_API_KEY,
            connect_timeout=settings.ROBOTALKER_CONNECT_TIMEOUT,
            read_timeout=settings.ROBOTALKER_READ_TIMEOUT,
            total_deadline=settings.ROBOTALKER_TOTAL_DEADLINE,
        )
    )
