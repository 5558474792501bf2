"""Dispatch once: dispatch_due() would claim a reminder again in the same round after a very short backoff."""

from reminders.dispatch.claims import claim_due
from reminders.dispatch.post_threads import open_post_threads
from reminders.dispatch.rounds import submit_claim


def dispatch_one_claim(threads: int = 2) -> int:
    """Claim what is due and submit it; the number of calls submitted."""
    with open_post_threads(threads) as some:
        return submit_claim(claim_due(100), some)
