"""What a round of crash_points.py imports, loaded once in the fork server; no connection is opened here."""

import django
import django.test
import pytest  # the program that all this is run by, and that each child would load anew
import valkey  # asked for by `limits` when it is first used
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
reverse("healthz")  # the first address asked for makes the table of all
