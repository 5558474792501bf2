"""Messages to the broker hold no patient data: a task says what to do, never for whom."""

import inspect
from typing import Any

import pytest
from celery import current_app, signals
from django.conf import settings
from django.db import transaction

from reminders.desk.orders import order_call
from tests.people import make_due_reminder, make_user

OURS = ("config.", "contacts.", "reminders.", "webhooks.")


def find_tasks() -> dict[str, Any]:
    current_app.loader.import_default_modules()
    return {name: task for name, task in current_app.tasks.items() if name.startswith(OURS)}


# Whoever gets no e-mail, since the message was lost, asks for it again.
WITH_ARGUMENTS = {"config.tasks.send_password_link": {"user_id"}}


def test_no_task_but_one_takes_an_argument() -> None:
    tasks = find_tasks()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= tasks.keys()
    for name, task in tasks.items():
        taken = set(inspect.signature(task.run).parameters)
        assert taken == WITH_ARGUMENTS.get(name, set()), name


def test_no_tick_has_an_argument() -> None:
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        assert not {"args", "kwargs"} & entry.keys(), name


@pytest.mark.django_db(transaction=True)
def test_the_task_sent_for_call_now_does_not_say_who_is_called() -> None:
    sent: list[tuple[Any, ...]] = []

    def record(sender: str, body: Any, **_: Any) -> None:
        sent.append((sender, *body[:2]))

    signals.before_task_publish.connect(record)
    try:
        with transaction.atomic():
            order_call(make_due_reminder().pk, by=make_user())
            assert sent == [], "before the commit a worker would not see the order"
    finally:
        signals.before_task_publish.disconnect(record)
    assert set(map(repr, sent)) == {repr(("reminders.tasks.dispatch_due", (), {}))}
