"""Helpers for the tests of the pages: calls with a result, and a logged-in client."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reminders.models import CallRecord, Reminder, ScriptText

FRAGMENT = {"HX-Request": "true"}


def sit_at_desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make_call(reminder: Reminder, state: str, **fields: Any) -> CallRecord:
    """A call in `state`, submitted seven minutes ago; the reminder's state is left to the caller."""
    number = reminder.appointment.contact.phone
    assert number is not None
    text = ScriptText.objects.first()
    assert text is not None
    defaults = {
        "channel": reminder.step.channel,
        "try_number": reminder.calls.count() + 1,
        "from_number": "+12025550199",
        "text": "Hello Sarah, this is Harbor Clinic.",
        "submitting_at": timezone.now() - timedelta(minutes=7),
    }
    return CallRecord.objects.create(
        reminder=reminder, number=number, script_text=text, state=state, **{**defaults, **fields}
    )


def settle(reminder: Reminder, state: str, reason: str = "", **fields: Any) -> None:
    """Set the reminder's state directly; how it gets there is tested elsewhere."""
    Reminder.objects.filter(pk=reminder.pk).update(state=state, reason=reason, **fields)
