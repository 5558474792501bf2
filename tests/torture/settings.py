"""The project's settings with shorter beat intervals, and optionally a naive dispatcher.

`TORTURE_STRATEGY` is `ours` or the name of a task in naive.py. With a naive task there is no reconciliation;
only the claims of lost workers are released.
"""

import os
from datetime import timedelta

from config.queues import DISPATCH_QUEUE
from config.settings import *  # noqa: F403

STRATEGY = os.environ.get("TORTURE_STRATEGY", "ours")
EVERY = {
    "plan": 2.0,
    "dispatch": 0.4,
    "reconcile": 1.0,
    "probe": 0.5,
    "apply": 1.0,
}  # seconds; the other intervals don't change
WORTH_SECONDS = 3  # a task that is older than this expires

CELERY_BEAT_SCHEDULE = {
    name: entry
    | (
        {"schedule": timedelta(seconds=EVERY[name]), "options": {"expires": WORTH_SECONDS}}
        if name in EVERY
        else {}
    )
    for name, entry in CELERY_BEAT_SCHEDULE.items()  # noqa: F405
}
if STRATEGY != "ours":
    CELERY_IMPORTS = ["tests.torture.naive"]
    CELERY_BEAT_SCHEDULE["dispatch"]["task"] = f"tests.torture.naive.{STRATEGY}"
    CELERY_BEAT_SCHEDULE["reconcile"]["task"] = "tests.torture.naive.release_claims"
    CELERY_TASK_ROUTES = {
        **CELERY_TASK_ROUTES,  # noqa: F405
        f"tests.torture.naive.{STRATEGY}": {"queue": DISPATCH_QUEUE},
        "reminders.tasks.dispatch_due": {"queue": "nowhere"},  # no worker runs the tasks that pages send
    }
