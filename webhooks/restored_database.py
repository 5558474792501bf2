"""Noticing at the door that the database is older than what was sent."""

import logging

from reminders.models import DatabaseIdentity
from reminders.traffic.callback_urls import Callback
from reminders.traffic.switch import Cause, pause_sending

log = logging.getLogger(__name__)


def suspect_restore(callback: Callback) -> bool:
    """Whether this very database issued a good token for a try that isn't there.

    Then it has been put back to an earlier state, and what it believes is due may have been called already:
    all sending is held until a person has looked. Another database's token (of before it was set up anew, or
    of a copy) means nothing; one of before a person last sent again after a restore is known to be forgotten.
    """
    # read afresh: a process may still know the name that it had before it was restored
    identity = DatabaseIdentity.objects.filter(pk=1, name=callback.identity).first()
    if identity is None:
        return False
    if callback.issued_at >= int(identity.since.timestamp()):  # it is in whole seconds
        pause_sending(cause=Cause.RESTORED)
        log.error("a call came back that this database doesn't know: it was restored, and sending is paused")
    return True
