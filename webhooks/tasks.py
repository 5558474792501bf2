"""Beat's tick for the inbox."""

from celery import shared_task

from reminders import heartbeats
from webhooks.inbox import apply_stored


@shared_task
def apply_stored_events() -> None:
    """Apply what the requests left over."""
    heartbeats.beat(heartbeats.EVENTS, f"{apply_stored()} applied")
