"""Detecting, by a callback for an unknown call, that the database was restored from a backup."""

import logging

from reminders.models import DatabaseIdentity
from reminders.traffic.callback_urls import Callback
from reminders.traffic.switch import Cause, pause_sending

log = logging.getLogger(__name__)


def suspect_restore(callback: Callback) -> bool:
    """Whether this database issued the token of a call that it doesn't have; if so, sending may be paused.

    Such a database was restored to an earlier state, and what it considers due may have been called already:
    all sending is paused until a person has checked. The token of another database (the one before a new
    setup, or a copy) means nothing. A token older than the last time a person resumed sending after a restore
    doesn't pause it again: that its call is missing is known.
    """
    # read from the database: this process may have cached the name from before the restore
    identity = DatabaseIdentity.objects.filter(pk=1, name=callback.identity).first()
    if identity is None:
        return False
    if callback.issued_at >= int(identity.since.timestamp()):  # tokens are dated in whole seconds
        pause_sending(cause=Cause.RESTORED)
        log.error("event for a call that this database doesn't have: it was restored, and sending is paused")
    return True
