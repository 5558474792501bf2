"""The current time, and timestamps in the API's format."""

from datetime import UTC, datetime


def current_time() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def format_timestamp(moment: datetime) -> str:
    """In the guide's format: ``2025-04-15T10:30:45Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_precise(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds: ``2025-04-15T10:30:45.123456Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
