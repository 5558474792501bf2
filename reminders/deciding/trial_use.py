"""How many calls and texts a trial still allows: so many in any 24 hours, over all numbers."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Exists, QuerySet, Subquery
from django.db.models.functions import Now

from reminders.models import CallRecord, SendingSwitch
from reminders.rules.modes import TRIAL_CALLS_A_DAY, SendingMode
from reminders.rules.states import CallState

TRIAL_LOCK = 7_364_003  # the first of the two numbers of our advisory lock
ONE_DAY = timedelta(days=1)
NEVER_LEFT_US = (CallState.NOT_SENT, CallState.REJECTED)


def count_left_on_trial(now: datetime) -> int:
    """How many more may go out now; 0 or less when none may.

    Locks the count until the transaction ends, so that two workers don't both take the last one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 1)", [TRIAL_LOCK])
    return TRIAL_CALLS_A_DAY - count_sent_on_trial(now)


def count_sent_on_trial(now: datetime) -> int:
    """How many calls and texts of a trial may have gone out in the 24 hours before `now`."""
    return _find_sent().filter(submitting_at__gt=now - ONE_DAY).count()


def find_sent_on_trial() -> "QuerySet[CallRecord]":
    """Those of the 24 hours before the database's own now; none in another mode, without a look at calls."""
    return _find_recent().filter(~is_no_trial())


def is_no_trial() -> Exists:
    """Whether a mode was chosen that isn't trial, as a part of a query."""
    return Exists(SendingSwitch.objects.filter(pk=1, mode__in=[SendingMode.SANDBOX, SendingMode.LIVE]))


def count_of_trial() -> Subquery:
    """The same as a part of a query, before the database's own now."""
    recent = _find_recent().order_by().values("mode")
    return Subquery(recent.annotate(sent=Count("pk")).values("sent"))


def _find_recent() -> "QuerySet[CallRecord]":
    return _find_sent().filter(submitting_at__gt=Now() - ONE_DAY)


def _find_sent() -> "QuerySet[CallRecord]":
    return CallRecord.objects.filter(mode=SendingMode.TRIAL).exclude(state__in=NEVER_LEFT_US)
