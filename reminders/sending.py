"""The switch that holds all sending."""

from django.contrib.auth.models import User
from django.utils import timezone

from reminders.models import SendingSwitch

Cause = SendingSwitch.Cause


def read_switch() -> SendingSwitch:
    """The switch; on (not paused) when nobody ever touched it."""
    return SendingSwitch.objects.filter(pk=1).first() or SendingSwitch()


def pause_sending(*, by: User | None = None, cause: str = Cause.PERSON) -> None:
    """Hold everything, here and in all workers, from the next last look on. A first cause stays."""
    SendingSwitch.objects.get_or_create(pk=1)
    SendingSwitch.objects.filter(pk=1, paused_at=None).update(paused_at=timezone.now(), cause=cause, by=by)


def resume_sending(*, by: User) -> None:
    """Send again. What is past its `not_after` by now is missed, never sent late."""
    SendingSwitch.objects.filter(pk=1).update(paused_at=None, cause="", by=by)
