"""The tasks of the inbox and of the outgoing webhooks: started by beat, and one by the endpoint."""

import time

from celery import shared_task

from config.worker_places import PlacedTask
from reminders.health import heartbeats
from reminders.traffic.shutdown import is_stopping
from webhooks.applying import ROUND_SECONDS, apply_stored
from webhooks.event_hints import drop_hint, hint_applying
from webhooks.outgoing.deliveries import deliver_due
from webhooks.outgoing.retention import delete_old_events
from webhooks.retention.sweep import sweep_if_due
from webhooks.verification import verify_events as verify

# Between two groups of events that come one after the other. A group of ten costs little more than a group
# of one, and nobody at the desk notices a fifth of a second.
GATHER_SECONDS = 0.2


@shared_task
def apply_new_events() -> None:
    """Apply what has just been stored, at once, and then in groups what comes while it does.

    The endpoint asks for it (webhooks/event_hints.py).
    """
    ends_at = time.monotonic() + ROUND_SECONDS
    while applied := apply_stored():
        if is_stopping() or time.monotonic() > ends_at:  # the next task goes on
            heartbeats.record_heartbeat(heartbeats.EVENTS, f"{applied} applied")  # no tick gets its turn
            drop_hint()
            hint_applying()
            return
        time.sleep(GATHER_SECONDS)
    drop_hint()
    apply_stored()  # what was stored between the last look and that


@shared_task
def apply_stored_events() -> None:
    """Apply the events of which no worker was told, and those whose next attempt is due."""
    applied = apply_stored()
    heartbeats.record_heartbeat(heartbeats.EVENTS, f"{applied} applied", was_idle=not applied)


@shared_task(base=PlacedTask)
def verify_events() -> None:
    """Ask Robotalker about events that must be verified; a task of its own, since it may take long."""
    heartbeats.record_heartbeat(heartbeats.VERIFYING, f"{verify()} verified")


@shared_task(base=PlacedTask)
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
