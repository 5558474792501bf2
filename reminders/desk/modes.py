"""Choosing the mode: sandbox, trial or live (rules/modes.py)."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from contacts.audit.trail import record_deed
from reminders.deciding.sending_mode import mode_of
from reminders.desk.wake_dispatch import wake_dispatch
from reminders.lifecycle.reminders import recheck_now
from reminders.models import Reminder, SendingSwitch
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import Reason
from reminders.traffic.switch import lock_switch


def choose_mode(mode: SendingMode, *, by: User) -> None:
    """Change the mode for all workers at once. Going live sends nothing due before (product rule 29).

    What sandbox mode held is decided again. Choosing the mode that applies already changes nothing else.
    """
    _save_mode(mode, by)
    # not under the switch's lock: it must be the last row locked
    recheck_now(Reminder.objects.filter(reason=Reason.SANDBOX_MODE))
    wake_dispatch()


@transaction.atomic
def _save_mode(mode: SendingMode, by: User) -> None:
    switch = lock_switch()
    begins = mode_of(switch) != mode
    goes_live = {"live_since": Now()} if begins and mode == SendingMode.LIVE else {}
    SendingSwitch.objects.filter(pk=1).update(mode=mode, mode_at=Now(), mode_by=by, **goes_live)
    record_deed("mode_chosen", by=by, about=switch, changes={"mode": (switch.mode, mode.value)})
