"""Beat's ticks for the inbox."""

from celery import shared_task

from reminders.health import heartbeats
from webhooks.inbox import apply_stored
from webhooks.verification import verify_events as verify


@shared_task
def apply_stored_events() -> None:
    """Apply what the requests left over."""
    heartbeats.record_heartbeat(heartbeats.EVENTS, f"{apply_stored()} applied")


@shared_task
def verify_events() -> None:
    """Ask Robotalker about events that wait for its word; a task of its own, as that may take long."""
    heartbeats.record_heartbeat(heartbeats.VERIFYING, f"{verify()} verified")
