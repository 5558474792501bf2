"""Applying events while a flow runs, in place of the worker that is told of each."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.db import Error, connection

from webhooks.applying import apply_stored
from webhooks.models import WebhookEvent

LOOKS_EVERY = 0.02  # seconds


def is_all_applied() -> bool:
    """Whether no event waits to be applied for the first time."""
    return not WebhookEvent.objects.filter(state=WebhookEvent.State.STORED).exists()


@contextmanager
def applying_events() -> Iterator[None]:
    """A thread applies whatever is stored, until the block ends."""
    ending = Event()
    thread = Thread(target=_apply_until, args=[ending])
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _apply_until(ending: Event) -> None:
    while not ending.wait(LOOKS_EVERY):
        try:
            apply_stored()
        except Error:  # as after a worker's failed round, the next one tries again
            connection.close()
    connection.close()
