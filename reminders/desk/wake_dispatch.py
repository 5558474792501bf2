"""Telling the dispatchers to look now instead of at the next tick. A hint that is lost costs seconds."""

from contacts.worker_hints import hint_worker

WORTH_SECONDS = 10  # the next tick says the same


def wake_dispatch() -> None:
    """After the commit, ask for a dispatch, once however often this is called in the transaction.

    Never fails; a broker that is away costs a second at most.
    """
    hint_worker("reminders.tasks.dispatch_due", worth_seconds=WORTH_SECONDS)
