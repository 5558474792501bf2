"""The client that talks to Robotalker, built from the settings, with the guard of the mode."""

from django.conf import settings

from reminders.robotalker.client import NoteExchange, RobotalkerClient, RobotalkerSettings
from reminders.traffic.request_guard import RequestGuard, read_request_guard


def make_client() -> RobotalkerClient:
    """A client with a session of its own, for one thread, that refuses what the mode forbids now."""
    return make_guarded_client(read_request_guard())


def make_guarded_client(
    guard: RequestGuard | None, *, note_exchange: NoteExchange | None = None
) -> RobotalkerClient:
    """The same with a guard that was read before, so that it makes no query."""
    return RobotalkerClient(
        RobotalkerSettings(
            base_url=settings.ROBOTALKER_BASE_URL,
            api_key=settings.ROBOTALKER_API_KEY,
            connect_timeout=settings.ROBOTALKER_CONNECT_TIMEOUT,
            read_timeout=settings.ROBOTALKER_READ_TIMEOUT,
            total_deadline=settings.ROBOTALKER_TOTAL_DEADLINE,
        ),
        check_request=guard.check if guard else None,
        note_exchange=note_exchange,
    )
