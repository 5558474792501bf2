"""What people at the front desk do while the storm lasts, through the same functions as their pages."""

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
from reminders.desk.worklist import AlreadyResolved, resolve_unknown_outcome
from reminders.models import FollowUp, Reminder, SendingSwitch
from reminders.rules.reasons import Reason
from reminders.rules.states import ReminderState
from reminders.traffic.switch import PROBED, read_switch, resume_sending
from tests.waiting import wait_until

Deed = Callable[[], None]
SHARE = 0.05  # of the appointments for each kind of deed
NOT_NOW = (AppointmentClosed, OrderRefused, AlreadyResolved, FollowUp.DoesNotExist)


class Staff:
    """A person of the staff, patient with a database that is away."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.user = User.objects.create_user("frontdesk")

    def plan_deeds(self) -> list[Deed]:
        """Deeds for a part of the appointments, in any order."""
        rows = Appointment.objects.order_by("pk").values_list("pk", "contact__phone_id")
        kinds = ["opt out", "cancel", "move", "order", "settle"]
        chosen = self.rng.sample(list(rows), k=round(len(rows) * SHARE * len(kinds)))
        deeds = [
            self._plan(kind, pk, number) for kind, (pk, number) in zip(cycle(kinds), chosen, strict=False)
        ]
        self.rng.shuffle(deeds)
        return deeds

    def _plan(self, kind: str, appointment_id: int, number_id: int) -> Deed:
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

    def do(self, deed: Deed) -> None:
        """Do it, again and again while the database is away; what can't be done now is left."""
        wait_until(lambda: self._try(deed), "the database to be back", within_seconds=60)

    def _try(self, deed: Deed) -> bool:
        try:
            deed()
        except NOT_NOW:
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
        """ "Call now", pressed twice."""
        reminder = Reminder.objects.filter(appointment=appointment_id).latest("revision")
        order_call(reminder.pk, by=self.user)
        order_call(reminder.pk, by=self.user)

    def call_again(self) -> None:
        """The oldest call of unknown outcome on the worklist: call again."""
        unresolved = FollowUp.objects.exclude(state=FollowUp.State.RESOLVED)
        entry = unresolved.filter(kind=FollowUp.Kind.UNKNOWN_OUTCOME).earliest("created_at")
        resolve_unknown_outcome(entry.pk, by=self.user, call_again=True)

    def see_to_the_banner(self) -> SendingSwitch:
        """Turn sending on again where that takes a person; the switch as it was found.

        What Callboard asks about by itself is left to it; only the time until it asks is over at once. And
        what was held needn't wait half a minute for its look.
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
