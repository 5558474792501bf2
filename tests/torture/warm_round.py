"""What a round of crash_points.py imports, loaded once in the fork server; no connection is opened here."""

import django
import django.test
import pytest  # the program that all this is run by, and that each child would load anew
import valkey  # asked for by `limits` when it is first used
from django.conf import settings
from django.urls import get_resolver, reverse
from django.utils.module_loading import import_string

django.setup()

ROUTES = get_resolver().url_patterns
AN_ADDRESS = reverse("healthz")  # the first one asked for makes the table of all
DOORKEEPERS = [import_string(name) for name in settings.MIDDLEWARE]
IN_A_ROUND = [
    import_string(name) for name in ("reminders.dispatch.dispatch_due", "reminders.planning.plan_all")
]
LOADED = (django.test, pytest, valkey)
