"""Actions of the front desk during the fault phase, through the same functions that the pages use."""

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from contacts.appointments import AppointmentClosed
from contacts.models import Appointment, ConsentEntry
from contacts.optouts import record_optout
from reminders.desk.bookings import cancel_and_withdraw, move_and_replan
from reminders.desk.orders import OrderRefused, order_call
from reminders.desk.worklist import AlreadyResolved
from reminders.desk.worklist_endings import resolve_unknown_outcome
from reminders.models import FollowUp, Reminder, SendingSwitch
from reminders.rules.reasons import Reason
from reminders.rules.states import ReminderState
from reminders.traffic.switch import PROBED, read_switch, resume_sending
from tests.waiting import wait_until

Action = Callable[[], None]
SHARE = 0.05  # of the appointments, for each kind of action
REFUSALS = (AppointmentClosed, OrderRefused, AlreadyResolved, FollowUp.DoesNotExist)


class Staff:
    """A member of staff, who retries while the database is down."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.user = User.objects.create_user("frontdesk")

    def plan_actions(self) -> list[Action]:
        """Return actions on some of the appointments, in random order."""
        rows = Appointment.objects.order_by("pk").values_list("pk", "contact__phone_id")
        kinds = ["opt out", "cancel", "move", "order", "resolve"]
        chosen = self.rng.sample(list(rows), k=round(len(rows) * SHARE * len(kinds)))
        actions = [
            self._plan(kind, pk, number) for kind, (pk, number) in zip(cycle(kinds), chosen, strict=False)
        ]
        self.rng.shuffle(actions)
        return actions

    def _plan(self, kind: str, appointment_id: int, number_id: int) -> Action:
        match kind:
            case "opt out":
                return lambda: self.opt_out(number_id)
            case "cancel":
                return lambda: self.cancel(appointment_id)
            case "move":
                return lambda: self.move(appointment_id)
            case "order":
                return lambda: self.order_twice(appointment_id)
            case _:
                return self.call_again

    def do(self, action: Action) -> None:
        """Do it, retrying while the database is down; an action that is refused is skipped."""
        wait_until(lambda: self._try(action), "the database to be available", within_seconds=60)

    def _try(self, action: Action) -> bool:
        try:
            action()
        except REFUSALS:
            return True
        except (OperationalError, InterfaceError):
            connection.close()
            return False
        return True

    def opt_out(self, number_id: int) -> None:
        at = timezone.now()
        record_optout(number_id, scope="all", source=ConsentEntry.Source.STAFF, at=at, by=self.user)

    def cancel(self, appointment_id: int) -> None:
        cancel_and_withdraw(appointment_id, by=self.user)

    def move(self, appointment_id: int) -> None:
        appointment = Appointment.objects.get(pk=appointment_id)
        later = timedelta(seconds=self.rng.randint(1, 10))
        move_and_replan(
            appointment_id,
            starts_at=appointment.starts_at + later,
            ends_at=appointment.ends_at + later,
            by=self.user,
        )

    def order_twice(self, appointment_id: int) -> None:
        """Order a call now, twice."""
        reminder = Reminder.objects.filter(appointment=appointment_id).latest("revision")
        order_call(reminder.pk, by=self.user)
        order_call(reminder.pk, by=self.user)

    def call_again(self) -> None:
        """Resolve the oldest follow-up about a call of unknown outcome by calling again."""
        unresolved = FollowUp.objects.exclude(state=FollowUp.State.RESOLVED)
        follow_up = unresolved.filter(kind=FollowUp.Kind.UNKNOWN_OUTCOME).earliest("created_at")
        resolve_unknown_outcome(follow_up.pk, by=self.user, call_again=True)

    def resume_if_paused(self) -> SendingSwitch:
        """Resume sending if only a person can; return the switch as it was before.

        If Callboard itself probes whether it can resume, the next probe is made due now. After a pause, held
        reminders are made due now instead of half a minute later.
        """
        switch = read_switch()
        if switch.paused_at is None:
            held = Reminder.objects.filter(state=ReminderState.PLANNED, reason=Reason.SENDING_PAUSED)
            held.update(next_look_at=Now())
        elif switch.cause in PROBED:
            SendingSwitch.objects.filter(pk=1, probe_at__gt=Now()).update(probe_at=Now())
        else:
            resume_sending(by=self.user)
        return switch
