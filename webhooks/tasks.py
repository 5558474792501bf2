"""The periodic tasks of the inbox and of the outgoing webhooks, started by beat."""

from celery import shared_task

from reminders.health import heartbeats
from webhooks.inbox import apply_stored
from webhooks.outgoing.deliveries import deliver_due
from webhooks.outgoing.retention import delete_old_events
from webhooks.retention.sweep import sweep_if_due
from webhooks.verification import verify_events as verify


@shared_task
def apply_stored_events() -> None:
    """Apply the events that their requests stored but did not apply."""
    applied = apply_stored()
    heartbeats.record_heartbeat(heartbeats.EVENTS, f"{applied} applied", was_idle=not applied)


@shared_task
def verify_events() -> None:
    """Ask Robotalker about events that must be verified; a task of its own, since it may take long."""
    heartbeats.record_heartbeat(heartbeats.VERIFYING, f"{verify()} verified")


@shared_task
def deliver_events() -> None:
    """Send other systems the events that are due; a task of its own, since it may take long."""
    deliver_due()


@shared_task
def forget_events() -> None:
    """Delete the outgoing events that are older than OUTGOING_EVENT_DAYS."""
    delete_old_events()


@shared_task
def delete_old_data() -> None:
    """Go on with tonight's deleting of what is kept no longer, for less than a minute."""
    sweep_if_due()
