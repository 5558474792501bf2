"""Load what a round of crash_points.py imports once, in the fork server. Opens no connection."""

import django
import django.test
import pytest  # runs these tests, and would otherwise be loaded again by each child
import valkey  # `limits` imports it when it is first used
from django.conf import settings
from django.urls import get_resolver, reverse
from django.utils.module_loading import import_string

django.setup()

USED = [
    *settings.MIDDLEWARE,
    "reminders.dispatch.rounds.dispatch_due",
    "reminders.planning.planner.plan_all",
]
LOADED = (django.test, pytest, valkey, get_resolver().url_patterns, [import_string(name) for name in USED])
reverse("healthz")  # the first reverse() builds the table of all URLs
