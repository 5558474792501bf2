"""Times that lie further ahead than they can: they were written before the clock was set back.

Without this, what is kept by such a time waits until the clock has come so far again: a closed gate, a claim,
another try, an answer that counts as the latest (product rule 28). Each is brought back to now, or to the
longest wait that there is. What has a `next_look_at` far ahead is found by early_looks.py.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Least, Now

from contacts.database.clock import read_database_clock
from contacts.models import Appointment
from reminders.health.heartbeats import AHEAD_ALLOWED
from reminders.lifecycle.calls import reminders_of
from reminders.lifecycle.locking import lock_call
from reminders.lifecycle.reminders import plan_again
from reminders.models import CallRecord, Reminder, SendingSwitch
from reminders.rules.backoff import RETRY_AFTER_CAP
from reminders.rules.states import ReminderState
from reminders.sweeps.optout_push import BACKOFF_BASE, BACKOFF_CAP
from reminders.traffic.switch import PROBE_WAIT_CAP

MOST_AT_ONCE = 500  # calls each round; the next one goes on
LONGEST_CALL = timedelta(days=1)  # from its submission to its end

# A number that has failed n times waits as optout_push.py says, one that was reserved waits for the least.
_FREE_LISTED_NUMBERS = """
    UPDATE reminders_listednumber SET next_attempt_at = now()
    WHERE next_attempt_at > now() + interval '1 second'
        * least(%s, %s * power(2, least(greatest(failures - 1, 0), 16)))
"""


def correct_future_times() -> int:
    """Bring such times back; how many calls had one. Two statements find that there is nothing to do."""
    _open_the_gate()
    _shorten_leases()
    _correct_answers()
    with connection.cursor() as cursor:
        cursor.execute(_FREE_LISTED_NUMBERS, [BACKOFF_CAP.total_seconds(), BACKOFF_BASE.total_seconds()])
    ahead = Now() + AHEAD_ALLOWED
    calls = CallRecord.objects.filter(
        Q(submitting_at__gt=ahead) | Q(ended_at__gt=ahead) | Q(asked_at__gt=ahead),
        submitting_at__gt=Now() - LONGEST_CALL,
    ).order_by("submitting_at")
    return sum(map(_correct_call, list(calls.values_list("pk", flat=True)[:MOST_AT_ONCE])))


def _open_the_gate() -> None:
    """No gate closes for longer than Robotalker may ask for, and no probe waits for longer than it can."""
    switch = SendingSwitch.objects.filter(pk=1)
    switch.filter(gate_until__gt=Now() + RETRY_AFTER_CAP + AHEAD_ALLOWED).update(gate_until=Now())
    longest = max(PROBE_WAIT_CAP, RETRY_AFTER_CAP) + timedelta(seconds=settings.ROBOTALKER_TOTAL_DEADLINE)
    switch.filter(probe_at__gt=Now() + longest + AHEAD_ALLOWED).update(probe_at=Now())


def _shorten_leases() -> None:
    """Not ended at once: the dispatcher that holds the claim may be at work, for one lease at most."""
    lease = timedelta(seconds=settings.DISPATCH_LEASE)
    claimed = Reminder.objects.filter(state=ReminderState.CLAIMED, lease_until__gt=Now() + lease)
    claimed.update(lease_until=Least("lease_until", Now() + lease))


@transaction.atomic
def _correct_answers() -> None:
    """An answer from the future would count as later than what the patient says after it."""
    booked = Appointment.objects.filter(
        status=Appointment.Status.BOOKED,
        starts_at__gt=Now() - LONGEST_CALL,  # uses the index of booked appointments
        answered_at__gt=Now() + AHEAD_ALLOWED,
    )
    held = booked.order_by("pk").select_for_update(no_key=True, skip_locked=True)
    Appointment.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(answered_at=Now())


@transaction.atomic
def _correct_call(call_id: int) -> bool:
    """Its times, since a call from the future keeps its line, its cap and its desk's pace until then."""
    call = lock_call(call_id)
    now = read_database_clock()
    ahead = max(call.ended_at or call.submitting_at, call.submitting_at) - now
    for reminder in reminders_of(call):
        _bring_next_try_back(reminder, ahead, now)
    names = ("submitting_at", "submitted_at", "ended_at", "asked_at")
    for name in names:
        if (moment := getattr(call, name)) and moment > now:
            setattr(call, name, now)
    call.save(update_fields=names)
    return True


def _bring_next_try_back(reminder: Reminder, ahead: timedelta, now: datetime) -> None:
    """The wait between two tries was counted from the call; now it is counted from now."""
    try_after = reminder.try_after
    if reminder.state != ReminderState.PLANNED or try_after is None:
        return
    if try_after <= now or ahead <= AHEAD_ALLOWED:
        return
    again = max(try_after - ahead, now)
    plan_again(reminder, next_look_at=again, reason=reminder.reason, try_after=again)
    reminder.save()
