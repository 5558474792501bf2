"""The Celery application; beat's ticks stand in config/settings.py."""

import os
from typing import Any

from celery import Celery, signals
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("callboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_init.connect
@signals.beat_init.connect
def refuse_unsafe_start(**_: Any) -> None:
    """A worker or beat under wrong settings ends at once, saying why."""
    from config import checks

    try:
        checks.refuse_unsafe_start()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error  # Celery only logs what else a receiver raises, and goes on
