"""What goes over the broker holds nobody's data: tasks say that something is to be done, never about whom."""

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


def test_no_task_takes_an_argument() -> None:
    tasks = find_tasks()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= tasks.keys()
    for name, task in tasks.items():
        assert not inspect.signature(task.run).parameters, name


def test_no_tick_carries_one() -> None:
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        assert not {"args", "kwargs"} & entry.keys(), name


@pytest.mark.django_db(transaction=True)
def test_the_hint_that_somebody_is_to_be_called_now_does_not_say_who() -> None:
    sent: list[tuple[Any, ...]] = []

    def hear(sender: str, body: Any, **_: Any) -> None:
        sent.append((sender, *body[:2]))

    signals.before_task_publish.connect(hear)
    try:
        with transaction.atomic():
            order_call(make_due_reminder().pk, by=make_user())
            assert sent == [], "a worker that looked now would not see it"
    finally:
        signals.before_task_publish.disconnect(hear)
    assert set(map(repr, sent)) == {repr(("reminders.tasks.dispatch_due", (), {}))}
