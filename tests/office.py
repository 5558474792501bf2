"""Helpers for the tests of the admin: users, calls, events, URLs and admin actions."""

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from contacts.models.people import Channel
from reminders.models import CallBatch, CallRecord, Reminder
from reminders.rules.states import CallState
from webhooks.models import WebhookEvent


def make_colleague(username: str, **fields: bool) -> User:
    """Create a user without a password, because hashing one takes long."""
    return User.objects.create(username=username, **fields)


def address_of(model: type[Model], page: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


def act(office: Client, model: type[Model], action: str, *rows: Model) -> str:
    wish = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return office.post(address_of(model), wish, follow=True).content.decode()


def make_call(reminder: Reminder, **fields: Any) -> CallRecord:
    values = {
        "reminder": reminder,
        "number_id": reminder.appointment.contact.phone_id or 0,
        "batch": CallBatch.objects.create(robotalker_id=f"cmp_{reminder.pk}"),
        "try_number": 1,
        "from_number": "+18005550199",
        "script_text": reminder.step.script.texts.earliest("pk"),
        "submitting_at": timezone.now(),
        "channel": Channel.VOICE,
        "state": CallState.ANSWERED,
        "text": "Hello",
    }
    return CallRecord.objects.create(**values | fields)


def make_event(call: CallRecord, body: bytes = b'{"event": "call.completed"}', **fields: Any) -> WebhookEvent:
    return WebhookEvent.objects.create(
        call=call, purpose="status", body=body, digest=uuid.uuid4().hex, received_at=timezone.now(), **fields
    )
